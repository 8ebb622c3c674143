"""`if_updated_at` in the body of a change: the original's clients send it for If-Match."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from rest_framework.test import APIClient

from journal.models import Change
from projects.models import Project
from registry import declared
from tests.support.answers import instant, refusal
from tests.support.examples import RESOURCES, change_of, create, path_of
from tests.support.factories import api_as, make_administrator, make_entry, make_project, make_user
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User

pytestmark = pytest.mark.django_db

OLD = "2024-01-15T09:00:00Z"
CHANGED = "The resource has changed since you fetched it. Fetch it again and retry."
WRITERS = 8

resource = pytest.mark.parametrize("viewset", RESOURCES.values(), ids=RESOURCES.keys())


@pytest.fixture
def api(owner: User) -> APIClient:
    return api_as(owner, "write:projects", "write:time_entries")


@pytest.mark.parametrize("method", ["patch", "put"])
@resource
def test_a_change_of_another_state_is_409_and_not_done(viewset: Any, method: str) -> None:
    caller = make_administrator()
    api, key = api_as(caller, "*"), declared.key_of(viewset.queryset.model)
    created = create(api, viewset, caller)
    one = f"{path_of(viewset)}/{created['id']}"
    stale: Any = getattr(api, method)(one, {**change_of(viewset), "if_updated_at": OLD})
    assert stale.status_code == 409
    assert stale.json() == refusal(stale, "conflict", CHANGED)
    assert api.get(one).json() == {key: created}
    fresh = {**change_of(viewset), "if_updated_at": created["updated_at"]}
    assert getattr(api, method)(one, fresh).status_code == 200
    assert api.get(one).json()[key]["version"] == 2
    assert getattr(api, method)(one, fresh).status_code == 409


def test_it_is_the_exact_instant_in_any_zone(api: APIClient, owner: User) -> None:
    owner.time_zone = "Asia/Kathmandu"
    owner.save()
    project = make_project()
    project.updated_at = datetime(2024, 1, 15, 9, 0, 0, 123456, UTC)
    Project.objects.update(updated_at=project.updated_at)
    path = f"/api/v1/projects/{project.pk}"
    shown = str(instant(project.updated_at))
    local = project.updated_at.astimezone(owner.zone).replace(tzinfo=None).isoformat()
    for same in (shown, shown.replace("Z", "+00:00"), local):
        assert api.patch(path, {"if_updated_at": same}).status_code == 200, same
    for other in (shown[:-4] + "Z", local[:-1]):
        assert api.patch(path, {"if_updated_at": other}).status_code == 409, other


@pytest.mark.parametrize("value", [None, "", "yesterday", 5, "2024-13-01T00:00:00Z"])
def test_what_is_no_instant_is_400(api: APIClient, project: Project, value: Any) -> None:
    response: Any = api.patch(f"/api/v1/projects/{project.pk}", {"if_updated_at": value})
    assert response.status_code == 400
    assert [*response.json()["errors"]] == ["if_updated_at"]


def test_what_is_wrong_with_other_fields_comes_first(api: APIClient, project: Project) -> None:
    body = {"name": "", "if_updated_at": OLD}
    assert api.patch(f"/api/v1/projects/{project.pk}", body).status_code == 400


def test_missing_and_others_rows_come_before_it(
    api: APIClient, colleague: User, project: Project
) -> None:
    theirs = make_entry(colleague, project)
    for path, status in ((f"time-entries/{theirs.pk}", 403), ("time-entries/999", 404)):
        assert api.patch(f"/api/v1/{path}", {"if_updated_at": OLD}).status_code == status


def test_a_new_row_has_none(api: APIClient) -> None:
    response: Any = api.post("/api/v1/projects", {"name": "Site", "if_updated_at": OLD})
    assert response.status_code == 400
    assert response.json()["errors"] == {
        "if_updated_at": ["Only a change takes this: PATCH or PUT."]
    }
    assert not Project.objects.exists()


def test_by_external_id_too_and_it_creates_nothing(api: APIClient) -> None:
    path, body = "/api/v1/projects/by-external-id/crm-17", {"name": "Site"}
    response: Any = api.put(path, {**body, "if_updated_at": OLD})
    assert response.status_code == 409
    assert response.json() == refusal(response, "conflict", "The resource does not exist.")
    created = api.put(path, body).json()["project"]
    for write in (api.put, api.patch):
        assert write(path, {"name": "Shop", "if_updated_at": OLD}).status_code == 409
    fresh = {"name": "Shop", "if_updated_at": created["updated_at"]}
    assert api.put(path, fresh).json()["project"]["name"] == "Shop"


def test_an_update_of_a_bulk_takes_it(api: APIClient, owner: User, project: Project) -> None:
    first, second = make_entry(owner, project), make_entry(owner, project)
    operations = [
        {"op": "update", "id": row.pk, "data": {"notes": "New", "if_updated_at": expected}}
        for row, expected in ((first, instant(first.updated_at)), (second, OLD))
    ]
    body = {"mode": "partial", "operations": operations}
    results = api.post("/api/v1/time-entries/bulk", body).json()["results"]
    assert [result["status"] for result in results] == [200, 409]
    assert (results[1]["error"]["error_code"], results[1]["error"]["message"]) == (
        "conflict",
        CHANGED,
    )
    assert sorted(TimeEntry.objects.values_list("notes", flat=True)) == ["", "New"]


@pytest.mark.django_db(transaction=True)
def test_of_racing_changes_of_one_state_exactly_one_is_done() -> None:
    user, project = make_user(), make_project()
    path = f"/api/v1/projects/{project.pk}"
    apis = [api_as(user, "write:projects") for _ in range(WRITERS)]
    for state in range(3):
        before = instant(project.updated_at)
        writes: list[Callable[[], Any]] = [
            partial(api.patch, path, {"name": f"Site {state} {number}", "if_updated_at": before})
            for number, api in enumerate(apis)
        ]
        responses = at_once(writes)
        assert sorted(response.status_code for response in responses) == [
            *(200, *[409] * (WRITERS - 1))
        ]
        project.refresh_from_db()
        [won] = [each.json()["project"] for each in responses if each.status_code == 200]
        assert (project.version, project.name) == (state + 2, won["name"])
    assert Change.objects.filter(object_id=project.pk).count() == 4
