"""Entity tags: what they stand for, and what If-Match and If-None-Match make of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from clients.models import Client
from journal.models import Change
from projects.models import Project
from tasks.models import Task
from tests.support.errors import error_of
from tests.support.factories import (
    api_as,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User

OTHER = '"000000000000000000000000"'
# What Apache's modules and others make of a tag when they compress.
THROUGH_A_PROXY = ('"{inner}-gzip"', 'W/"{inner}-gzip"', '"{inner}-br"', '"{inner};gzip"')
WRITERS = 8

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(administrator: User) -> APIClient:
    """An administrator, who may do everything."""
    return api_as(administrator, "*")


@pytest.fixture
def entry(owner: User) -> TimeEntry:
    """An entry that shows something of four other rows."""
    site = make_project("Site", client=make_client("Acme"))
    return make_entry(owner, site, task=make_task(site, "Draft"))


def path_of(row: Any) -> str:
    """The path of a row."""
    return f"/api/v1/{row._meta.verbose_name_plural.replace(' ', '-')}/{row.pk}"


def tag_of(api: APIClient, path: str) -> str:
    """The tag that GET answers with."""
    tag: str = api.get(path)["ETag"]
    assert len(tag) == 26
    assert tag[0] == tag[-1] == '"'
    return tag


def test_every_row_has_a_tag_of_its_own(api: APIClient, entry: TimeEntry) -> None:
    rows = (entry, entry.task, entry.project, entry.project.client, make_project("Book"))
    assert len({tag_of(api, path_of(row)) for row in rows}) == len(rows)


@pytest.mark.parametrize("method", ["put", "patch"])
def test_the_tag_of_a_write_is_the_one_of_the_next_get(
    api: APIClient, entry: TimeEntry, method: str
) -> None:
    for row in (entry, entry.task, entry.project, entry.project.client):
        before = tag_of(api, path_of(row))
        written = getattr(api, method)(path_of(row), {"external_id": "x"})["ETag"]
        assert written == tag_of(api, path_of(row)) != before


def test_the_tag_of_what_is_created_is_the_one_of_the_next_get(api: APIClient) -> None:
    project = api.post("/api/v1/projects", {"name": "Site", "hourly_rate": "75"})
    assert project["ETag"] == tag_of(api, project["Location"])
    begin = {"project_id": project.json()["project"]["id"]}
    started = api.post("/api/v1/timer/start", begin)
    assert started["ETag"] == tag_of(api, started["Location"])
    stopped = api.post("/api/v1/timer/stop")
    assert stopped["ETag"] == tag_of(api, started["Location"]) != started["ETag"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda: Client.objects.update(name="Birch"), id="client_name"),
        pytest.param(lambda: Project.objects.update(name="Book"), id="project_name"),
        pytest.param(lambda: Project.objects.update(client=None), id="client_id"),
        pytest.param(lambda: Task.objects.update(name="Print"), id="task_name"),
        pytest.param(
            lambda: User.objects.filter(username="olga").update(username="o"), id="user_name"
        ),
        pytest.param(lambda: TimeEntry.objects.update(version=F("version") + 1), id="version"),
    ],
)
def test_a_tag_changes_with_what_is_shown_of_other_rows(
    api: APIClient, entry: TimeEntry, change: Callable[[], object]
) -> None:
    before = tag_of(api, path_of(entry))
    change()
    assert tag_of(api, path_of(entry)) != before


def test_a_tag_is_of_one_release(api: APIClient, entry: TimeEntry, settings: Any) -> None:
    before = tag_of(api, path_of(entry))
    settings.APP_VERSION = "99.0.0"
    assert tag_of(api, path_of(entry)) != before


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize(
    "header",
    ["{}", "W/{}", f"{OTHER}, {{}}", f" ,{OTHER} ,, W/{{}},", "*", " * ", *THROUGH_A_PROXY],
)
def test_who_has_the_current_state_gets_304_without_a_body(
    api: APIClient, entry: TimeEntry, method: str, header: str
) -> None:
    tag = tag_of(api, path_of(entry))
    sent = {"If-None-Match": header.format(tag, inner=tag[1:-1])}
    response = getattr(api, method)(path_of(entry), headers=sent)
    assert (response.status_code, response.content) == (304, b"")
    assert response["ETag"] == tag
    assert response["Cache-Control"] == "private, no-cache"
    assert "Authorization" in response["Vary"]
    assert "Content-Type" not in response
    assert "Content-Length" not in response


def test_who_has_another_state_gets_the_current_one(api: APIClient, entry: TimeEntry) -> None:
    response = api.get(path_of(entry), headers={"If-None-Match": f"{OTHER}, W/{OTHER}"})
    assert response.status_code == 200
    assert response.json()["time_entry"]["id"] == entry.pk


@pytest.mark.parametrize(
    "header", ["", "abc", '"a', '"a" "b"', '"a""b"', '"a b"', '"a", *', "w/'a'", "None"]
)
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
def test_what_is_no_list_of_tags_is_400(
    api: APIClient, entry: TimeEntry, name: str, header: str
) -> None:
    for call in (api.get, partial(api.patch, data={"notes": "New"})):
        response = call(path_of(entry), headers={name: header})
        assert response.status_code == 400
        assert (
            error_of(response)["message"]
            == f'{name} must be a list of entity tags such as "0a1b2c", or *.'
        )
    assert TimeEntry.objects.get().version == 1


def test_the_status_of_the_timer_has_a_tag_until_it_changes(owner: User, project: Project) -> None:
    api = api_as(owner, "write:time_entries")
    status = "/api/v1/timer/status"

    def poll(tag: str) -> int:
        code: int = api.get(status, headers={"If-None-Match": tag}).status_code
        return code

    idle = tag_of(api, status)
    assert poll(idle) == 304
    api.post("/api/v1/timer/start", {"project_id": project.pk})
    assert poll(idle) == 200
    running = tag_of(api, status)
    assert poll(running) == 304  # though its duration grows
    api.patch(f"/api/v1/time-entries/{TimeEntry.objects.get().pk}", {"notes": "Call"})
    assert poll(running) == 200
    api.post("/api/v1/timer/stop")
    assert poll(idle) == 304


@pytest.mark.parametrize("header", ["{}", "*", f"{OTHER}, {{}}", "W/{}", *THROUGH_A_PROXY])
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_change_of_what_is_current_is_done(
    api: APIClient, entry: TimeEntry, method: str, header: str
) -> None:
    tag = tag_of(api, path_of(entry))
    sent = {"If-Match": header.format(tag, inner=tag[1:-1])}
    response = getattr(api, method)(path_of(entry), {}, headers=sent)
    assert response.status_code == 200


@pytest.mark.parametrize("header", [OTHER, f"W/{OTHER}", '"{inner}-old"', '"x{inner}"', '"-gzip"'])
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_change_of_what_is_not_current_is_412_and_not_done(
    api: APIClient, entry: TimeEntry, method: str, header: str
) -> None:
    TimeEntry.objects.update(version=7)
    tag = tag_of(api, path_of(entry))
    sent = {"If-Match": header.format(inner=tag[1:-1])}
    response = getattr(api, method)(path_of(entry), {"notes": "New"}, headers=sent)
    assert response.status_code == 412
    assert response["ETag"] == tag
    assert error_of(response) == {
        "error": "Precondition failed",
        "message": "The resource has changed since you fetched it. Fetch it again and retry.",
        "error_code": "precondition_failed",
        "version": 7,
        "etag": tag,
    }
    assert TimeEntry.objects.get().notes == entry.notes


def test_archiving_asks_too(api: APIClient, project: Project) -> None:
    refused = api.delete(path_of(project), headers={"If-Match": OTHER})
    assert refused.status_code == 412
    tag = tag_of(api, path_of(project))
    assert api.delete(path_of(project), headers={"If-Match": tag}).status_code == 200
    assert Project.objects.get().status == Project.Status.ARCHIVED


def test_a_write_that_wants_nothing_to_be_there_is_412(api: APIClient, project: Project) -> None:
    response = api.patch(path_of(project), {"name": "New"}, headers={"If-None-Match": "*"})
    assert response.status_code == 412
    assert Project.objects.get().name == project.name


def test_missing_and_others_rows_come_before_preconditions(
    owner: User, colleague: User, project: Project
) -> None:
    api = api_as(owner, "write:time_entries")
    theirs = make_entry(colleague, project)
    sent = {"If-Match": OTHER}
    assert api.patch("/api/v1/time-entries/999", {}, headers=sent).status_code == 404
    assert api.patch(path_of(theirs), {}, headers=sent).status_code == 403


def test_what_is_wrong_with_the_body_comes_after_preconditions(
    api: APIClient, project: Project
) -> None:
    sent = {"If-Match": OTHER}
    assert api.patch(path_of(project), {"name": ""}, headers=sent).status_code == 412


def test_a_broken_rule_is_worded_as_ever(api: APIClient) -> None:
    """The lock's transaction is around the write's own."""
    client = make_client("Acme")
    make_client("Birch")
    sent = {"If-Match": tag_of(api, path_of(client))}
    response = api.patch(path_of(client), {"name": "birch"}, headers=sent)
    assert response.status_code == 409
    assert error_of(response)["message"] == "A client with this name already exists."


def test_a_stop_asks_for_the_state_of_the_timer(owner: User, project: Project) -> None:
    api = api_as(owner, "write:time_entries")
    status, stop = "/api/v1/timer/status", "/api/v1/timer/stop"
    idle = tag_of(api, status)
    timer = make_entry(owner, project, lasting=None)
    seen = tag_of(api, status)
    api.patch(path_of(timer), {"notes": "Call"})

    for header in ({"If-Match": seen}, {"If-Match": idle}, {"If-None-Match": "*"}):
        refused = api.post(stop, headers=header)
        assert refused.status_code == 412, header
        assert error_of(refused)["version"] == 2
        assert refused["ETag"] == tag_of(api, status)
    assert TimeEntry.objects.get().end_time is None

    stopped = api.post(stop, headers={"If-Match": tag_of(api, path_of(timer))})
    assert stopped.status_code == 200
    assert api.post(stop, headers={"If-Match": stopped["ETag"]}).status_code == 412
    assert api.post(stop, headers={"If-Match": idle}).status_code == 400


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("tag", [OTHER, "*"])
@pytest.mark.parametrize(
    "path", ["time-entries/bulk", "tasks/bulk", "clients", "projects", "timer/start"]
)
def test_a_write_that_has_no_state_to_judge_refuses_preconditions(
    api: APIClient, project: Project, path: str, tag: str, name: str
) -> None:
    task = {"op": "create", "data": {"project_id": project.pk, "name": "Draft"}}
    bodies: dict[str, Any] = {
        "tasks/bulk": {"operations": [task]},
        "time-entries/bulk": {"operations": [{**task, "data": {"project_id": project.pk}}]},
        "timer/start": {"project_id": project.pk},
    }
    body = bodies.get(path, {"name": "Birch"})
    response = api.post(f"/api/v1/{path}", body, headers={name: tag})
    assert response.status_code == 400
    assert error_of(response)["message"] == (
        "If-Match and If-None-Match apply to one row. Send them to its own path, or set "
        "if_match on each bulk operation."
    )
    assert not Change.objects.exclude(object_id=project.pk).exists()


@contextmanager
def lost() -> Iterator[None]:
    """What is done in it is undone, as by a backup that was made before it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_a_version_that_a_restore_took_away_is_not_the_next_of_that_number(
    api: APIClient, entry: TimeEntry
) -> None:
    path = path_of(entry)
    with lost():
        seen = api.patch(path, {"notes": "Lost"})
    assert seen.json()["time_entry"]["version"] == 2
    assert api.patch(path, {"notes": "After it"}).json()["time_entry"]["version"] == 2

    assert api.get(path, headers={"If-None-Match": seen["ETag"]}).status_code == 200
    assert api.patch(path, {"notes": "x"}, headers={"If-Match": seen["ETag"]}).status_code == 412
    write = {"op": "update", "id": entry.pk, "data": {"notes": "x"}, "if_match": seen["ETag"]}
    answer = api.post("/api/v1/time-entries/bulk", {"operations": [write]}).json()
    assert [result["status"] for result in answer["results"]] == [412]
    assert TimeEntry.objects.get().notes == "After it"


@pytest.mark.parametrize("command", [("after_restore",), ("prune_changes", "--expire-cursors")])
@pytest.mark.parametrize("name", ["clients", "projects", "tasks", "time-entries", "users"])
def test_a_list_that_a_restore_took_away_is_not_the_next_of_that_number(
    api: APIClient, entry: TimeEntry, name: str, command: tuple[str, ...]
) -> None:
    path = f"/api/v1/{name}"
    with lost():
        User.objects.get(username="olga").save()
        seen = tag_of(api, path)
    call_command(*command)
    for _ in range(3):
        User.objects.get(username="olga").save()
        assert api.get(path, headers={"If-None-Match": seen}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_racing_changes_of_one_version_exactly_one_is_done() -> None:
    administrator, project = make_user(is_superuser=True), make_project()
    path = path_of(project)
    apis = [api_as(administrator, "*") for _ in range(WRITERS)]
    for version in range(1, 4):
        sent = {"If-Match": tag_of(apis[0], path)}
        writes: list[Callable[[], Any]] = [
            partial(api.patch, path, {"name": f"Site {version} {number}"}, headers=sent)
            for number, api in enumerate(apis)
        ]
        responses = at_once(writes)
        statuses = sorted(response.status_code for response in responses)
        assert statuses == [200, *[412] * (WRITERS - 1)]
        project.refresh_from_db()
        won = next(each for each in responses if each.status_code == 200).json()["project"]
        assert (project.version, project.name) == (version + 1, won["name"])


@pytest.mark.django_db(transaction=True)
def test_a_change_is_answered_with_what_another_wrote_meanwhile() -> None:
    """It waits for a colleague: what it had read before would be neither the row nor its tag."""
    api, project = api_as(make_user(is_superuser=True), "*"), make_project("Site")
    path, is_written = path_of(project), Event()

    def colleague() -> None:
        with transaction.atomic():
            project.description = "by the colleague"
            project.save(update_fields=["description"])
            is_written.set()
            time.sleep(0.3)

    def change() -> Any:
        is_written.wait(10)
        return api.patch(path, {"description": "", "billable": False})

    _, answer = at_once([colleague, change])

    current = api.get(path)
    assert answer.json()["project"] == current.json()["project"]
    assert answer["ETag"] == current["ETag"]
    assert answer.json()["project"]["version"] == 3
    assert Change.objects.latest("pk").fields == ["description", "billable"]


LISTS = ("clients", "projects", "tasks", "time-entries", "users")


@pytest.mark.parametrize("name", LISTS)
def test_who_has_the_current_list_gets_304(api: APIClient, entry: TimeEntry, name: str) -> None:
    path = f"/api/v1/{name}?per_page=2"
    tag = tag_of(api, path)
    response = api.get(path, headers={"If-None-Match": tag})
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", tag)
    assert tag_of(api, f"/api/v1/{name}?per_page=3") != tag
    assert tag_of(api, f"/api/v1/{name}?per_page=2&page=2") != tag


@pytest.mark.parametrize("name", LISTS)
def test_the_tag_of_a_list_needs_none_of_its_rows(
    api: APIClient, entry: TimeEntry, name: str
) -> None:
    path = f"/api/v1/{name}"
    tag = tag_of(api, path)
    with CaptureQueriesContext(connection) as queries:
        assert api.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert len(queries) == 2, [query["sql"] for query in queries]  # token, tally


def rename(model: Any) -> None:
    row = model.objects.get()
    row.name = "Another"
    row.save()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("clients", lambda: make_client("Birch"), id="clients"),
        pytest.param("projects", lambda: rename(Client), id="projects"),
        pytest.param("tasks", lambda: rename(Project), id="tasks"),
        pytest.param("time-entries", lambda: rename(Task), id="entries by task"),
        pytest.param("time-entries", lambda: rename(Client), id="entries by client"),
        pytest.param("time-entries", lambda: User.objects.get(username="olga").save(), id="owner"),
        pytest.param("time-entries", lambda: TimeEntry.objects.all().delete(), id="deletion"),
        pytest.param("users", lambda: make_user("eve"), id="users"),
    ],
)
def test_the_tag_of_a_list_changes_with_all_that_it_shows(
    api: APIClient, entry: TimeEntry, name: str, change: Callable[[], object]
) -> None:
    path = f"/api/v1/{name}"
    before = tag_of(api, path)
    change()
    assert tag_of(api, path) != before


def test_anothers_entries_leave_ones_list_as_it_is(
    owner: User, colleague: User, project: Project
) -> None:
    api, path = api_as(owner, "read:time_entries"), "/api/v1/time-entries"
    before = tag_of(api, path)
    make_entry(colleague, project)
    assert tag_of(api, path) == before


@pytest.mark.parametrize("change", [{"is_superuser": True}, {"time_zone": "Asia/Tokyo"}], ids=str)
def test_the_tag_of_a_list_is_of_who_asks(owner: User, change: dict[str, Any]) -> None:
    api, path = api_as(owner, "read:time_entries"), "/api/v1/time-entries?start_date=2024-01-15"
    before = tag_of(api, path)
    User.objects.filter(pk=owner.pk).update(**change)
    assert tag_of(api, path) != before


def test_a_bad_query_is_400_whatever_the_tag(api: APIClient) -> None:
    sent = {"If-None-Match": tag_of(api, "/api/v1/projects")}
    assert api.get("/api/v1/projects?client_id=x", headers=sent).status_code == 400
