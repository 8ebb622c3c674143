"""Favorite projects, which every user has for themselves."""

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from projects.models import FavoriteProject, Project
from tests.support.answers import instant, invalid, page_of, refusal
from tests.support.factories import api_as, make_project, make_user
from tests.support.racing import at_once
from users.models import User

PATH = "/api/v1/users/me/favorites/projects"
WRITERS = 8

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(owner: User) -> APIClient:
    return api_as(owner, "write:projects")


def mark(user: User, project: Project) -> FavoriteProject:
    return FavoriteProject.objects.create(user=user, project=project)


def shown(favorite: FavoriteProject) -> dict[str, Any]:
    return {
        "id": favorite.pk,
        "user_id": favorite.user_id,
        "project_id": favorite.project_id,
        "created_at": instant(favorite.created_at),
    }


def test_a_project_becomes_a_favorite_once(api: APIClient, owner: User, project: Project) -> None:
    first: Any = api.post(PATH, {"project_id": project.pk})
    favorite = FavoriteProject.objects.get()
    assert (favorite.user, favorite.project) == (owner, project)
    body = {"message": "Project is a favorite", "favorite": shown(favorite)}
    assert (first.status_code, first.json()) == (201, body)
    assert first["Location"] == f"{PATH}/{project.pk}"
    again: Any = api.post(PATH, {"project_id": str(project.pk)})
    assert (again.status_code, again.json()) == (200, body)
    assert FavoriteProject.objects.count() == 1


def test_favorites_are_ones_own(
    api: APIClient, owner: User, administrator: User, project: Project
) -> None:
    theirs = mark(administrator, project)
    mine = [mark(owner, make_project(name)) for name in ("Zoo", "Arch")]
    assert api.get(PATH).json() == page_of("favorites", [shown(each) for each in mine])
    of_administrator = api_as(administrator, "*").get(PATH).json()
    assert of_administrator == page_of("favorites", [shown(theirs)])
    refused = api.delete(f"{PATH}/{project.pk}")
    assert refused.status_code == 404
    assert refused.json() == refusal(
        refused, "not_found", f"Project {project.pk} is not one of your favorites."
    )
    assert FavoriteProject.objects.count() == 3


def test_a_favorite_is_one_no_longer(api: APIClient, owner: User, project: Project) -> None:
    mark(owner, project)
    removed: Any = api.delete(f"{PATH}/{project.pk}")
    assert removed.status_code == 200
    assert removed.json() == {"message": "Project is no longer a favorite"}
    assert not FavoriteProject.objects.exists()
    assert api.delete(f"{PATH}/{project.pk}").status_code == 404
    assert Project.objects.filter(pk=project.pk).exists()


def test_an_archived_project_stays_a_favorite(
    api: APIClient, owner: User, project: Project
) -> None:
    mark(owner, project)
    assert api.delete(f"/api/v1/projects/{project.pk}").status_code == 200
    [favorite] = api.get(PATH).json()["favorites"]
    assert favorite["project_id"] == project.pk
    assert api.post(PATH, {"project_id": project.pk}).status_code == 200


def test_what_is_deleted_takes_its_marks_along(owner: User, project: Project) -> None:
    other = make_project("Other")
    mark(owner, project)
    mark(make_user("erik"), other)
    project.delete()
    User.objects.get(username="erik").delete()
    assert not FavoriteProject.objects.exists()
    assert Project.objects.get() == other


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        pytest.param({}, {"project_id": "This field is required."}, id="none"),
        pytest.param(
            {"project_id": 999}, {"project_id": "There is no project with the id 999."}, id="gone"
        ),
        pytest.param(
            {"project_id": "site"}, {"project_id": "Must be an id: a whole number."}, id="a name"
        ),
        pytest.param(
            {"project": 1}, {"project": "Unknown field. Did you mean 'project_id'?"}, id="a slip"
        ),
    ],
)
def test_what_is_no_project_is_400(
    api: APIClient, body: dict[str, Any], errors: dict[str, str]
) -> None:
    response = api.post(PATH, body)
    assert response.status_code == 400
    assert response.json() == invalid(response, **errors)


def test_pages_are_as_everywhere(api: APIClient, owner: User) -> None:
    ids = [mark(owner, make_project(f"Site {number}")).pk for number in range(3)]
    first = api.get(PATH, {"per_page": 2}).json()
    cursor = first["pagination"]["next_cursor"]
    second = api.get(PATH, {"per_page": 2, "cursor": cursor}).json()
    assert [row["id"] for row in first["favorites"] + second["favorites"]] == ids
    assert api.get(PATH, {"search": "x"}).status_code == 400
    assert api.post(f"{PATH}?page=1", {}).status_code == 400


def test_a_list_asks_as_often_for_many_as_for_one(api: APIClient, owner: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as context:
            assert api.get(PATH).status_code == 200
        return len(context)

    mark(owner, make_project("First"))
    api.get(PATH)
    one = queries()
    for number in range(20):
        mark(owner, make_project(f"Site {number}"))
    assert queries() == one


def test_the_database_keeps_a_second_mark_out(owner: User, project: Project) -> None:
    mark(owner, project)
    with pytest.raises(IntegrityError), transaction.atomic():
        mark(owner, project)


@pytest.mark.django_db(transaction=True)
def test_racing_marks_leave_one() -> None:
    user, project = make_user(), make_project()
    apis = [api_as(user, "write:projects") for _ in range(WRITERS)]
    calls = [partial(api.post, PATH, {"project_id": project.pk}) for api in apis]
    responses = at_once(calls)
    assert sorted(each.status_code for each in responses) == [*[200] * (WRITERS - 1), 201]
    assert FavoriteProject.objects.count() == 1
