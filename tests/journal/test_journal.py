"""Every write is in the journal, in its transaction: what happened to what, and who did it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client as Browser
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apitokens.models import ApiToken
from journal.actor import Actor, current_actor
from journal.journaled import record
from journal.models import Change
from projects.models import Project
from tests.support.factories import (
    NINE,
    api_as,
    issue_token,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User

WRITES = ("write:projects", "write:clients", "write:tasks", "write:time_entries")


def journal() -> list[tuple[Any, ...]]:
    """What happened since the journal was emptied, oldest first."""
    columns = ("type", "object_id", "action", "fields", "owner_before", "owner_after")
    return list(Change.objects.order_by("id").values_list(*columns))


def emptied() -> None:
    """Forget what the test itself made."""
    Change.objects.all().delete()


def rows_of(user: User) -> dict[str, Any]:
    """A row of each resource, and an empty journal."""
    project = make_project()
    rows = {
        "projects": project,
        "clients": make_client(),
        "tasks": make_task(project),
        "time-entries": make_entry(user, project),
    }
    emptied()
    return rows


@pytest.mark.parametrize(
    ("resource", "body", "kind"),
    [
        pytest.param("projects", {"name": "New"}, "project", id="project"),
        pytest.param("clients", {"name": "New"}, "client", id="client"),
        pytest.param("tasks", {"name": "New"}, "task", id="task"),
        pytest.param(
            "time-entries",
            {"start_time": "2024-01-15T09:00:00Z", "end_time": "2024-01-15T10:00:00Z"},
            "time_entry",
            id="time entry",
        ),
    ],
)
def test_a_created_changed_and_deleted_row_is_noted_thrice(
    owner: User, project: Project, resource: str, body: dict[str, Any], kind: str
) -> None:
    api = api_as(owner, *WRITES)
    if resource in ("tasks", "time-entries"):
        body = {**body, "project_id": project.pk}
    emptied()

    created = api.post(f"/api/v1/{resource}", body).json()[kind]
    path = f"/api/v1/{resource}/{created['id']}"
    changed = "notes" if kind == "time_entry" else "name"
    api.patch(path, {changed: "Other"})
    api.delete(path)

    whose = owner.pk if kind == "time_entry" else None
    last: tuple[Any, ...] = (kind, created["id"], "deleted", [], whose, None)
    if kind == "project":
        last = (kind, created["id"], "archived", ["status"], None, None)
    assert journal() == [
        (kind, created["id"], "created", [], None, whose),
        (kind, created["id"], "updated", [changed], whose, whose),
        last,
    ]


def test_it_says_who_did_it_with_which_token_in_which_request(owner: User) -> None:
    token, secret = issue_token(owner, "write:projects")
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")

    api.post("/api/v1/projects", {"name": "New"}, HTTP_X_REQUEST_ID="seven")

    change = Change.objects.get()
    assert (change.user, change.token, change.request_id) == (owner, token, "seven")
    assert change.changed_at.utcoffset() == timedelta(0)


def test_a_shell_is_nobody(project: Project) -> None:
    change = Change.objects.get()
    assert (change.user_id, change.token_id, change.request_id) == (None, None, "")


def test_nobody_acts_once_a_request_is_answered(owner: User) -> None:
    api_as(owner, "write:projects").post("/api/v1/projects", {"name": "New"})

    assert current_actor() == Actor()


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_client_that_writes_back_what_it_read_changes_nothing(owner: User, method: str) -> None:
    api, rows = api_as(owner, *WRITES), rows_of(owner)
    for resource, row in rows.items():
        path = f"/api/v1/{resource}/{row.pk}"
        before = api.get(path)
        [(name, read)] = before.json().items()
        answer = getattr(api, method)(path, read)
        assert (answer.status_code, answer.json()[name]) == (200, read)
        assert answer["ETag"] == before["ETag"] == api.get(path)["ETag"]

    assert not Change.objects.exists()


def test_a_bulk_that_changes_nothing_writes_nothing(owner: User, project: Project) -> None:
    entry = make_entry(owner, project, notes="Same", tags="a,b")
    emptied()
    data = {"notes": "Same", "tags": ["a", "b", "a"], "start_time": "2024-01-15T10:00:00+01:00"}
    update = {"op": "update", "id": entry.pk, "data": data}
    answer = api_as(owner, *WRITES).post("/api/v1/time-entries/bulk", {"operations": [update]})
    assert [result["status"] for result in answer.json()["results"]] == [200]
    stored = TimeEntry.objects.get()
    assert (stored.version, stored.updated_at) == (1, entry.updated_at)
    assert journal() == []


def test_a_timer_is_started_and_stopped(owner: User, project: Project) -> None:
    api = api_as(owner, *WRITES)
    emptied()
    timer = api.post("/api/v1/timer/start", {"project_id": project.pk}).json()["timer"]
    api.post("/api/v1/timer/stop")
    path = f"/api/v1/time-entries/{timer['id']}"
    api.patch(path, {"end_time": None})
    api.patch(path, {"end_time": "2199-01-01T00:00:00Z"})  # longer than an entry may last
    api.patch(path, {"notes": "Still on it"})
    api.patch(path, {"start_time": "2024-01-15T09:00:00Z", "end_time": "2024-01-15T10:00:00Z"})

    assert [change[2:4] for change in journal()] == [
        ("timer_started", []),
        ("timer_stopped", ["end_time"]),
        ("timer_started", ["end_time"]),
        ("updated", ["notes"]),
        ("timer_stopped", ["start_time", "end_time"]),
    ]


def test_archiving_twice_is_noted_once(owner: User, project: Project) -> None:
    api, path = api_as(owner, *WRITES), f"/api/v1/projects/{project.pk}"
    emptied()
    api.delete(path)
    api.delete(path)
    api.put(path, {"status": "active"})
    api.put(path, {"status": "archived"})
    api.put(path, {"status": "archived"})

    assert [change[2:4] for change in journal()] == [
        ("archived", ["status"]),
        ("updated", ["status"]),
        ("archived", ["status"]),
    ]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("post", "projects", {"name": "New", "hourly_rate": -1}, id="invalid"),
        pytest.param("post", "projects", {"name": "Site"}, id="taken"),
        pytest.param("delete", "clients/{client}", {}, id="in use"),
    ],
)
def test_what_is_refused_is_not_noted(
    owner: User, method: str, path: str, body: dict[str, Any]
) -> None:
    client = make_client()
    make_project("Site", client=client)
    api = api_as(owner, *WRITES)
    emptied()
    data = body and {**body, "client_id": client.pk}

    response = getattr(api, method)(f"/api/v1/{path.format(client=client.pk)}", data)

    assert response.status_code in (400, 409)
    assert journal() == []


def test_what_is_rolled_back_is_not_noted(owner: User, project: Project) -> None:
    emptied()
    with transaction.atomic():
        make_entry(owner, project)
        transaction.set_rollback(True)

    assert journal() == []


def test_a_moved_entry_names_both_owners(
    owner: User, colleague: User, administrator: User, project: Project
) -> None:
    entry = make_entry(owner, project)
    emptied()
    path = f"/api/v1/time-entries/{entry.pk}"
    api_as(administrator, *WRITES).patch(path, {"user_id": colleague.pk})

    assert journal() == [("time_entry", entry.pk, "updated", ["user_id"], owner.pk, colleague.pk)]


def changed(entry: TimeEntry, **values: Any) -> None:
    for name, value in values.items():
        setattr(entry, name, value)
    entry.save(update_fields=[*values])


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda entry: changed(entry, notes="x"), id="update"),
        pytest.param(lambda entry: changed(entry, user=make_user("erik")), id="move"),
        pytest.param(lambda entry: entry.delete(), id="delete"),
    ],
)
def test_the_owner_is_who_it_is_by_now(
    owner: User, colleague: User, project: Project, write: Callable[[TimeEntry], Any]
) -> None:
    entry = make_entry(owner, project)
    TimeEntry.objects.filter(pk=entry.pk).update(user=colleague)
    emptied()

    write(entry)

    assert Change.objects.get().owner_before == colleague.pk


def test_rows_deleted_together_are_noted_one_by_one(
    owner: User, colleague: User, project: Project, django_assert_num_queries: Any
) -> None:
    entries = [make_entry(user, project) for user in (owner, colleague)]
    emptied()

    with django_assert_num_queries(3):  # rows, delete, journal
        TimeEntry.objects.with_details().all().delete()

    assert journal() == [
        ("time_entry", entry.pk, "deleted", [], entry.user_id, None) for entry in entries
    ]


def test_the_admin_notes_its_user(administrator: User, project: Project) -> None:
    browser = Browser()
    browser.force_login(administrator)
    emptied()
    path = reverse("admin:clients_client_add")
    form = {"name": "Fern", "status": "active"}
    assert browser.post(path, form).status_code == 302
    [(_, pk, *_)] = journal()
    actions = reverse("admin:clients_client_changelist")
    selected = {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
    assert browser.post(actions, selected).status_code == 302
    archive = {"action": "archive_selected", "_selected_action": [project.pk]}
    browser.post(reverse("admin:projects_project_changelist"), archive)

    assert journal() == [
        ("client", pk, "created", [], None, None),
        ("client", pk, "deleted", [], None, None),
        ("project", project.pk, "archived", ["status"], None, None),
    ]
    assert {
        (change.user, change.token_id) for change in Change.objects.select_related("user")
    } == {(administrator, None)}


@pytest.mark.django_db(transaction=True)
def test_racing_deletes_are_noted_once(django_user_model: Any) -> None:
    owner = django_user_model.objects.create_user("olga")
    entry = make_entry(owner, make_project())
    emptied()
    copies = [TimeEntry.objects.get() for _ in range(8)]

    at_once([copy.delete for copy in copies])

    assert journal() == [("time_entry", entry.pk, "deleted", [], owner.pk, None)]


@pytest.mark.parametrize(
    ("resource", "body", "queries"),
    [
        # token, insert, journal
        pytest.param("projects", {"name": "New"}, 3, id="project"),
        pytest.param("clients", {"name": "New"}, 3, id="client"),
        # token, project, insert, lock of the project, journal
        pytest.param("tasks", {"name": "New"}, 5, id="task"),
        pytest.param("time-entries", {"start_time": NINE.isoformat()}, 5, id="time entry"),
    ],
)
def test_the_journal_costs_a_write_one_query(
    owner: User,
    project: Project,
    django_assert_num_queries: DjangoAssertNumQueries,
    resource: str,
    body: dict[str, Any],
    queries: int,
) -> None:
    api = api_as(owner, *WRITES)
    api.get("/api/v1/projects")  # notes that the token is used
    if resource in ("tasks", "time-entries"):
        body = {**body, "project_id": project.pk}

    savepoint = 2  # the test's own transaction makes one of ours
    with django_assert_num_queries(queries + savepoint):
        assert api.post(f"/api/v1/{resource}", body).status_code == 201


def test_the_journal_outlives_the_token(owner: User) -> None:
    api_as(owner, "write:projects").post("/api/v1/projects", {"name": "New"})
    ApiToken.objects.all().delete()

    assert Change.objects.get().token_id is not None


def test_a_row_that_was_moved_meanwhile_says_whose_it_is_once_written(
    owner: User, colleague: User, project: Project
) -> None:
    entry = make_entry(owner, project)
    TimeEntry.objects.filter(pk=entry.pk).update(user=colleague)

    entry.notes = "x"
    entry.save(update_fields=["notes"])

    assert entry.user == colleague


def test_a_bulk_request_is_noted_row_by_row(owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    times = {"start_time": "2024-01-15T09:00:00Z", "end_time": "2024-01-15T10:00:00Z"}
    create = {"op": "create", "data": {"project_id": project.pk, **times}}
    update = {"op": "update", "id": entry.pk, "data": {"notes": "Reviewed"}}
    api = api_as(owner, *WRITES)
    emptied()
    path = "/api/v1/time-entries/bulk"

    answer = api.post(path, {"operations": [create, create, update]}).json()
    api.post(path, {"operations": [create, update], "dry_run": True})

    first, second, _ = (result["id"] for result in answer["results"])
    assert journal() == [
        ("time_entry", first, "created", [], None, owner.pk),
        ("time_entry", second, "created", [], None, owner.pk),
        ("time_entry", entry.pk, "updated", ["notes"], owner.pk, owner.pk),
    ]


def test_many_changes_are_noted_in_their_order_by_one_query(
    owner: User, project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    times = {"start_time": NINE, "end_time": NINE + timedelta(hours=1)}
    entries = [TimeEntry(user=owner, project=project, **times) for _ in range(1500)]
    TimeEntry.insert(entries)
    emptied()

    with django_assert_num_queries(1):
        record([entry.change(Change.Action.UPDATED, ["notes"]) for entry in reversed(entries)])

    assert journal() == [
        ("time_entry", entry.pk, "updated", ["notes"], None, None) for entry in reversed(entries)
    ]


@pytest.mark.django_db
def test_no_change_is_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        record([])
