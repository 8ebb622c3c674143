"""A rule about rows is heeded by whichever way a row comes in."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from projects.models import Project
from resources.refusals import Refusal
from tasks.models import Task
from tests.support.admin import admin_as, as_shown, url
from tests.support.factories import (
    NINE,
    api_as,
    close_books,
    make_entry,
    make_project,
    make_task,
)
from timeentries.models import TimeEntry
from users.models import User

HOUR = {"start_time": NINE.isoformat(), "end_time": (NINE + timedelta(hours=1)).isoformat()}
PATHS = {Task: "/api/v1/tasks", TimeEntry: "/api/v1/time-entries"}
REFUSED = (Refusal, ValidationError, IntegrityError)


class Office:
    """An administrator, a project with a task and an entry, and an archived project."""

    def __init__(self, user: User) -> None:
        self.user, self.api, self.browser = user, api_as(user, "*"), admin_as(user)
        self.project, self.archived = make_project("Open"), make_project("Old", status="archived")
        self.task = make_task(self.project)
        self.entry = make_entry(user, self.project, task=self.task)
        self.kept = make_entry(user, self.archived)


Body = dict[str, Any]
Way = Callable[[Office, type[Any], Any, Body], bool]


def post(office: Office, model: type[Any], row: Any, body: Body) -> bool:
    return office.api.post(PATHS[model], body).status_code == 201


def bulk(office: Office, model: type[Any], row: Any, body: Body) -> bool:
    operation = (
        {"op": "update", "id": row.pk, "data": body} if row else {"op": "create", "data": body}
    )
    answer = office.api.post(f"{PATHS[model]}/bulk", {"operations": [operation]}).json()
    assert answer["results"][0]["status"] in (200, 201, 400, 409)
    return bool(answer["committed"])


def put(office: Office, model: type[Any], row: Any, body: Body) -> bool:
    return office.api.put(f"{PATHS[model]}/{row.pk}", body).status_code == 200


def patch(office: Office, model: type[Any], row: Any, body: Body) -> bool:
    return office.api.patch(f"{PATHS[model]}/{row.pk}", body).status_code == 200


def upsert(office: Office, model: type[Any], row: Any, body: Body) -> bool:
    if row:
        type(row).objects.filter(pk=row.pk).update(external_id="x", external_user=office.user)
    return office.api.put(f"{PATHS[model]}/by-external-id/x", body).status_code in (200, 201)


def orm(office: Office, model: type[Any], row: Any, body: Body) -> bool:
    values = {name: parsed(name, value) for name, value in body.items()}
    given = {"user": office.user} if model is TimeEntry and not row else {}
    instance = row or model(**given)
    for name, value in values.items():
        setattr(instance, name, value)
    try:
        with transaction.atomic():
            instance.save()
    except REFUSED:
        return False
    return True


def admin_form(office: Office, model: type[Any], row: Any, body: Body) -> bool:
    page = url(model, "change", row.pk) if row else url(model, "add")
    opened = office.browser.get(page)
    data = as_shown(opened)
    if model is TimeEntry:
        data |= {"user": office.user.pk}
    for name, value in body.items():
        found = parsed(name, value)
        if isinstance(found, datetime):
            data |= {f"{name}_0": f"{found.date()}", f"{name}_1": f"{found.time()}"}
        else:
            data[name.removesuffix("_id")] = "" if value is None else value
            if value is None:
                data |= {f"{name}_0": "", f"{name}_1": ""}
    answer = office.browser.post(page, data)
    assert answer.status_code in (200, 302)
    return answer.status_code == 302


def parsed(name: str, value: Any) -> Any:
    if name.endswith("_time") and value:
        return datetime.fromisoformat(value).astimezone(UTC)
    return date.fromisoformat(value) if name == "due_date" else value


CREATING = [post, bulk, upsert, orm, admin_form]
CHANGING = [put, patch, bulk, upsert, orm, admin_form]


@pytest.fixture
def office(administrator: User) -> Office:
    return Office(administrator)


@pytest.mark.parametrize("way", CREATING)
@pytest.mark.parametrize("model", [Task, TimeEntry])
def test_an_archived_project_takes_nothing_new(office: Office, way: Way, model: Any) -> None:
    body: Body = {"name": "New", "status": "todo", "priority": 2} if model is Task else HOUR
    before = model.objects.count()
    assert not way(office, model, None, body | {"project_id": office.archived.pk})
    assert model.objects.count() == before
    assert way(office, model, None, body | {"project_id": office.project.pk})


@pytest.mark.parametrize("way", CHANGING)
def test_nothing_moves_to_an_archived_project(office: Office, way: Way) -> None:
    free = make_entry(office.user, office.project)
    assert not way(office, TimeEntry, free, {"project_id": office.archived.pk})
    assert TimeEntry.objects.get(pk=free.pk).project == office.project


@pytest.mark.parametrize("way", CHANGING)
def test_nothing_starts_again_in_an_archived_project(office: Office, way: Way) -> None:
    assert not way(office, TimeEntry, office.kept, {"end_time": None})
    assert TimeEntry.objects.get(pk=office.kept.pk).end_time is not None


@pytest.mark.parametrize("way", CHANGING)
def test_a_task_with_entries_stays_in_its_project(office: Office, way: Way) -> None:
    other = make_project("Other")
    assert not way(office, Task, office.task, {"project_id": other.pk})
    assert Task.objects.get(pk=office.task.pk).project == office.project


@pytest.mark.parametrize("way", CREATING)
@pytest.mark.parametrize("billable", [True, False])
def test_a_new_entry_is_billable_as_its_project_is(
    office: Office, way: Way, *, billable: bool
) -> None:
    Project.objects.filter(pk=office.project.pk).update(billable=billable)
    assert way(office, TimeEntry, None, HOUR | {"project_id": office.project.pk})
    assert TimeEntry.objects.latest("pk").billable is billable


@pytest.mark.parametrize("way", CHANGING)
@pytest.mark.parametrize(
    "times",
    [
        pytest.param({"start_time": "0024-01-15T09:00:00+00:00"}, id="24"),
        pytest.param({"end_time": "2201-01-01T00:00:00+00:00"}, id="2201"),
    ],
)
def test_an_entry_lies_in_the_years_that_we_know(office: Office, way: Way, times: Body) -> None:
    before = TimeEntry.objects.get(pk=office.entry.pk)
    assert not way(office, TimeEntry, office.entry, times)
    after = TimeEntry.objects.get(pk=office.entry.pk)
    assert (after.start_time, after.end_time) == (before.start_time, before.end_time)


@pytest.mark.parametrize("way", CHANGING)
@pytest.mark.parametrize("day", ["1969-12-31", "2201-01-01"])
def test_a_task_is_due_in_the_years_that_we_know(office: Office, way: Way, day: str) -> None:
    assert not way(office, Task, office.task, {"due_date": day})
    assert Task.objects.get(pk=office.task.pk).due_date is None


@pytest.mark.parametrize("way", CHANGING)
def test_an_entry_ends_after_it_starts(office: Office, way: Way) -> None:
    assert not way(office, TimeEntry, office.entry, {"end_time": NINE.isoformat()})


@pytest.mark.parametrize("way", [bulk, put, patch])
@pytest.mark.parametrize("given", ["", " ", "a/", ".", "a/../b"])
def test_an_external_id_can_be_named_by_a_path(office: Office, way: Way, given: str) -> None:
    assert not way(office, TimeEntry, office.entry, {"external_id": given})


@pytest.mark.parametrize("way", CREATING)
def test_nothing_is_added_to_a_closed_period(office: Office, way: Way) -> None:
    close_books(f"{NINE.date()}")
    before, body = TimeEntry.objects.count(), HOUR | {"project_id": office.project.pk}
    assert not way(office, TimeEntry, None, body)
    assert TimeEntry.objects.count() == before
    close_books(None)
    assert way(office, TimeEntry, None, body)


@pytest.mark.parametrize("way", CHANGING)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"notes": "Late"}, id="notes"),
        pytest.param({"tags": "late"}, id="tags"),
        pytest.param({"end_time": "2024-01-15T12:00:00+00:00"}, id="end"),
        pytest.param(
            {"start_time": "2024-01-16T09:00:00Z", "end_time": "2024-01-16T10:00:00Z"}, id="moved"
        ),
    ],
)
def test_nothing_is_changed_in_a_closed_period(office: Office, way: Way, body: Body) -> None:
    close_books(f"{NINE.date()}")
    before = TimeEntry.objects.values("notes", "tags", "start_time", "end_time").get(
        pk=office.entry.pk
    )
    assert not way(office, TimeEntry, office.entry, body)
    assert TimeEntry.objects.filter(pk=office.entry.pk, **before).exists()
    close_books(None)
    assert way(office, TimeEntry, TimeEntry.objects.get(pk=office.entry.pk), body)


@pytest.mark.parametrize("way", CHANGING)
def test_nothing_is_moved_into_a_closed_period(office: Office, way: Way) -> None:
    free = make_entry(office.user, office.project, NINE + timedelta(days=1))
    close_books(f"{NINE.date()}")
    assert not way(office, TimeEntry, free, {"start_time": NINE.isoformat()})
    assert TimeEntry.objects.get(pk=free.pk).start_time == NINE + timedelta(days=1)


@pytest.mark.parametrize("model", [Task, TimeEntry])
def test_the_admin_gives_no_external_id(office: Office, model: Any) -> None:
    row = office.task if model is Task else office.entry
    for page in (url(model, "add"), url(model, "change", row.pk)):
        assert "external_id" not in as_shown(office.browser.get(page))
