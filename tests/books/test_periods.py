"""What starts in a closed period stays as it is, whatever writes."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from books.models import Books, UserBound
from books.periods import edited
from books.registered import guarded
from books.triggers import install
from clients.models import Client
from database.renewal import renew
from journal.models import Change
from projects.models import Project
from resources.locks import free_unseen_ids
from tests.support.errors import error_of
from tests.support.factories import (
    NINE,
    api_as,
    close_books,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from timeentries.models import TimeEntry
from timeentries.serializers import TimeEntrySerializer
from users.models import User

URL = "/api/v1/time-entries"
DAY = timedelta(days=1)
JUST_BEFORE = timedelta(microseconds=1)
THROUGH = "2024-01-15"  # the day of NINE
SENTENCE = (
    "The books are closed through 2024-01-15: time entries that start on or before that day "
    "cannot be added, changed or deleted."
)
REFUSAL = {
    "error": SENTENCE,
    "message": SENTENCE,
    "error_code": "period_closed",
    "closed_through": THROUGH,
}


def values() -> list[Any]:
    return list(TimeEntry.objects.order_by("pk").values())


def execute(sql: str, *params: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)


def entry_at(start: datetime, project: Project) -> dict[str, Any]:
    end = start + timedelta(hours=1)
    times = {"start_time": start.isoformat(), "end_time": end.isoformat()}
    return {**times, "project_id": project.pk}


# Through the API.


def test_nothing_is_added(owner: User, project: Project) -> None:
    close_books(THROUGH)
    api = api_as(owner, "write:time_entries")
    answers = [
        api.post(URL, entry_at(NINE, project)),
        api.put(f"{URL}/by-external-id/x", entry_at(NINE, project)),
    ]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert [error_of(answer) for answer in answers] == [REFUSAL, REFUSAL]
    assert values() == []
    assert not Change.objects.filter(type="time_entry").exists()
    assert api.post(URL, entry_at(NINE + DAY, project)).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"notes": "Late"},
        {"tags": "late"},
        {"billable": False},
        {"end_time": "2024-01-15T11:00:00Z"},
        {"end_time": None},
        {"start_time": "2024-01-14T10:00:00Z"},
        {"start_time": "2024-01-16T10:00:00Z", "end_time": "2024-01-16T11:00:00Z"},
        {"project_id": "other"},
        {"task_id": "task"},
        {"user_id": "other"},
        {"external_id": "x"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["put", "patch"])
def test_nothing_is_changed_or_moved(
    administrator: User, project: Project, method: str, body: dict[str, Any]
) -> None:
    others = {
        "project_id": make_project("Other").pk,
        "user_id": make_user("carl").pk,
        "task_id": make_task(project).pk,
    }
    entry = make_entry(administrator, project)
    close_books(THROUGH)
    before = values()
    sent = {
        name: others[name] if value in ("other", "task") else value for name, value in body.items()
    }
    response = getattr(api_as(administrator, "*"), method)(f"{URL}/{entry.pk}", sent)
    assert (response.status_code, error_of(response)) == (409, REFUSAL)
    assert values() == before


def test_an_external_id_stays_too(owner: User, project: Project) -> None:
    entry = make_entry(owner, project, external_id="x", external_user=owner)
    close_books(THROUGH)
    api = api_as(owner, "write:time_entries")
    for external_id in (None, "y"):
        response = api.patch(f"{URL}/{entry.pk}", {"external_id": external_id})
        assert (response.status_code, error_of(response)) == (409, REFUSAL)
    assert TimeEntry.objects.get().external_id == "x"


@pytest.mark.parametrize("path", ["{pk}", "by-external-id/x"])
def test_nothing_is_deleted(owner: User, project: Project, path: str) -> None:
    entry = make_entry(owner, project, external_id="x", external_user=owner)
    close_books(THROUGH)
    api = api_as(owner, "write:time_entries")
    response = api.delete(f"{URL}/{path.format(pk=entry.pk)}")
    assert (response.status_code, error_of(response)) == (409, REFUSAL)
    assert TimeEntry.objects.get() == entry
    assert not Change.objects.filter(action=Change.Action.DELETED).exists()


def test_nothing_moves_in(owner: User, project: Project) -> None:
    entry = make_entry(owner, project, NINE + DAY)
    close_books(THROUGH)
    api = api_as(owner, "write:time_entries")
    response = api.patch(f"{URL}/{entry.pk}", {"start_time": NINE.isoformat()})
    assert (response.status_code, error_of(response)) == (409, REFUSAL)
    assert api.patch(f"{URL}/{entry.pk}", {"notes": "Open"}).status_code == 200
    assert api.delete(f"{URL}/{entry.pk}").status_code == 200


def test_nothing_moves_to_a_person_for_whom_it_is_closed(
    administrator: User, project: Project
) -> None:
    """12:30 UTC is already the next day in Auckland."""
    west, east = (
        make_user("w", time_zone="Pacific/Honolulu"),
        make_user("e", time_zone="Pacific/Auckland"),
    )
    entry = make_entry(east, project, datetime(2024, 1, 15, 12, 30, tzinfo=UTC))
    close_books(THROUGH)
    api = api_as(administrator, "*")
    assert api.patch(f"{URL}/{entry.pk}", {"notes": "Tuesday"}).status_code == 200
    response = api.patch(f"{URL}/{entry.pk}", {"user_id": west.pk})
    assert (response.status_code, error_of(response)) == (409, REFUSAL)


def test_no_timer_starts_or_stops(owner: User, project: Project) -> None:
    api = api_as(owner, "write:time_entries")
    assert api.post("/api/v1/timer/start", {"project_id": project.pk}).status_code == 201
    tomorrow = f"{datetime.now(UTC).date() + DAY}"
    close_books(tomorrow)
    before = values()
    sentence = SENTENCE.replace(THROUGH, tomorrow)
    refused = REFUSAL | {
        "error": sentence,
        "message": sentence,
        "closed_through": tomorrow,
    }
    response = api.post("/api/v1/timer/stop")
    assert (response.status_code, error_of(response)) == (409, refused)
    assert values() == before
    close_books(None)
    assert api.post("/api/v1/timer/stop").status_code == 200
    close_books(tomorrow)
    response = api.post("/api/v1/timer/start", {"project_id": project.pk})
    assert (response.status_code, error_of(response)) == (409, refused)


def test_what_changes_nothing_is_accepted(owner: User, project: Project) -> None:
    entry = make_entry(owner, project, notes="As it is")
    close_books(THROUGH)
    api = api_as(owner, "write:time_entries")
    shown = api.get(f"{URL}/{entry.pk}").json()["time_entry"]
    for body in ({}, {"notes": "As it is"}, shown):
        response = api.put(f"{URL}/{entry.pk}", body)
        assert (response.status_code, response.json()["time_entry"]) == (200, shown)


def test_bad_values_are_400_before_409(owner: User, project: Project) -> None:
    close_books(THROUGH)
    body = entry_at(NINE, project) | {"end_time": (NINE - DAY).isoformat()}
    response = api_as(owner, "write:time_entries").post(URL, body)
    assert response.status_code == 400
    assert list(error_of(response)["errors"]) == ["end_time"]


def test_the_books_open_again(owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    close_books(THROUGH)
    close_books("2024-01-14")
    api = api_as(owner, "write:time_entries")
    assert api.patch(f"{URL}/{entry.pk}", {"notes": "Late"}).status_code == 200
    assert api.post(URL, entry_at(NINE - DAY, project)).status_code == 409
    close_books(None)
    assert api.post(URL, entry_at(NINE - DAY, project)).status_code == 201


def test_it_costs_no_query(owner: User, project: Project) -> None:
    api = api_as(owner, "write:time_entries")
    counts = []
    for through in (None, THROUGH):
        close_books(through)
        with CaptureQueriesContext(connection) as captured:
            assert api.post(URL, entry_at(NINE + DAY, project)).status_code == 201
        counts.append(len(captured))
    assert counts[0] == counts[1]


# Past the API.


def delete(entry: TimeEntry) -> None:
    entry.delete()


def delete_rows(entry: TimeEntry) -> None:
    TimeEntry.objects.all().delete()


def insert(entry: TimeEntry) -> None:
    TimeEntry.insert([TimeEntry(user=entry.user, project=entry.project, start_time=NINE)])


def bulk_create(entry: TimeEntry) -> None:
    times = {"start_time": NINE, "end_time": NINE + timedelta(hours=2)}
    rows = [TimeEntry(user=entry.user, project=entry.project, **times) for _ in range(3)]
    TimeEntry.objects.bulk_create(rows)


def update_rows(entry: TimeEntry) -> None:
    TimeEntry.objects.update(notes="Late")


def move_rows(entry: TimeEntry) -> None:
    TimeEntry.objects.update(start_time=F("start_time") + DAY, end_time=F("end_time") + DAY)


def save(entry: TimeEntry) -> None:
    entry.notes = "Late"
    entry.save()


def update_by_sql(entry: TimeEntry) -> None:
    execute("UPDATE timeentries_timeentry SET notes = 'Late'")


def number_by_sql(entry: TimeEntry) -> None:
    execute("UPDATE timeentries_timeentry SET id = id + 1000")


def delete_by_sql(entry: TimeEntry) -> None:
    execute("DELETE FROM timeentries_timeentry WHERE id = %s", entry.pk)


def empty_by_sql(entry: TimeEntry) -> None:
    execute("DELETE FROM timeentries_timeentry")


def insert_by_sql(entry: TimeEntry) -> None:
    columns = (
        "user_id, project_id, start_time, notes, tags, billable, created_at, updated_at, version"
    )
    execute(
        f"INSERT INTO timeentries_timeentry ({columns})"  # noqa: S608 - of our own words
        " SELECT user_id, project_id, start_time, notes, tags, billable, created_at, updated_at, 1"
        " FROM timeentries_timeentry"
    )


@pytest.mark.parametrize(
    "write",
    [
        *(delete, delete_rows, insert, bulk_create, update_rows, move_rows, save),
        *(update_by_sql, number_by_sql, delete_by_sql, empty_by_sql, insert_by_sql),
    ],
)
def test_no_other_way_leads_in(
    owner: User, project: Project, write: Callable[[TimeEntry], None]
) -> None:
    entry = make_entry(owner, project)
    close_books(THROUGH)
    before = values()
    with pytest.raises(IntegrityError), transaction.atomic():
        write(entry)
    assert values() == before
    close_books(None)
    write(TimeEntry.objects.get())


def test_one_closed_row_among_many_keeps_all(owner: User, project: Project) -> None:
    for day in range(5):
        make_entry(owner, project, NINE + day * DAY)
    close_books(THROUGH)
    before = values()
    with pytest.raises(IntegrityError), transaction.atomic():
        TimeEntry.objects.update(notes="Late")
    with pytest.raises(IntegrityError), transaction.atomic():
        TimeEntry.objects.all().delete()
    assert values() == before
    TimeEntry.objects.filter(start_time__gt=NINE).delete()
    assert TimeEntry.objects.count() == 1


# What the service writes on its own.


def test_columns_that_nobody_edits_are_refreshed(owner: User, project: Project) -> None:
    make_entry(owner, project, notes="Straße")
    close_books(THROUGH)
    TimeEntry.objects.update(folded_notes="", version=F("version") + 1, updated_at=NINE)
    renew(TimeEntry)
    assert TimeEntry.objects.get().folded_notes == "strasse"


def test_an_unseen_row_gives_its_external_id_away(
    owner: User, colleague: User, project: Project
) -> None:
    make_entry(colleague, project, external_id="x", external_user=owner)
    close_books(THROUGH)
    assert free_unseen_ids(TimeEntry, owner, ["x"])[0] == ["x"]
    response = api_as(owner, "write:time_entries").put(
        f"{URL}/by-external-id/x", entry_at(NINE + DAY, project)
    )
    assert response.status_code == 201


def test_a_user_who_gave_an_external_id_can_be_deleted(
    owner: User, colleague: User, project: Project
) -> None:
    make_entry(owner, project, external_id="x", external_user=colleague)
    close_books(THROUGH)
    colleague.delete()
    assert TimeEntry.objects.get().external_user is None


def test_what_an_entry_shows_of_others_may_change(owner: User, project: Project) -> None:
    task = make_task(project)
    make_entry(owner, project, task=task)
    close_books(THROUGH)
    api = api_as(owner, "write:projects", "write:tasks", "write:clients")
    client = Client.objects.create(name="Fern")
    body = {"name": "Renamed", "client_id": client.pk}
    assert api.patch(f"/api/v1/projects/{project.pk}", body).status_code == 200
    assert api.patch(f"/api/v1/tasks/{task.pk}", {"name": "Renamed"}).status_code == 200
    assert api.delete(f"/api/v1/projects/{project.pk}").status_code == 200


def test_the_columns_that_count() -> None:
    assert guarded().edited == (
        *("id", "external_id", "user_id", "project_id", "task_id", "start_time", "end_time"),
        *("break_seconds", "paused_at", "notes", "tags", "billable"),
    )
    written = {
        field.source for field in TimeEntrySerializer().fields.values() if not field.read_only
    }
    # A day and its minutes are no columns: they become the two instants.
    columns = {field.name for field in TimeEntry._meta.concrete_fields}
    assert written & columns <= {field.name for field in edited(TimeEntry)}
    assert written - columns == {"date", "duration_minutes"}


# Days.

ZONES = {
    "Pacific/Auckland": datetime(2024, 1, 15, 11, tzinfo=UTC),
    "Pacific/Honolulu": datetime(2024, 1, 16, 10, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2024, 1, 15, 18, 15, tzinfo=UTC),
    "": datetime(2024, 1, 16, tzinfo=UTC),
    "No/Where": datetime(2024, 1, 16, 12, tzinfo=UTC),  # the last of all, Etc/GMT+12
}


@pytest.mark.parametrize("is_new", [False, True], ids=["there before", "added later"])
@pytest.mark.parametrize("zone", ZONES)
def test_a_day_ends_at_midnight_of_its_user(project: Project, zone: str, *, is_new: bool) -> None:
    if is_new:
        close_books(THROUGH)
    user = make_user(time_zone=zone)
    close_books(THROUGH)
    end = ZONES[zone]
    with pytest.raises(IntegrityError), transaction.atomic():
        make_entry(user, project, end - JUST_BEFORE)
    make_entry(user, project, end)
    with pytest.raises(IntegrityError), transaction.atomic():
        TimeEntry.objects.update(start_time=end - JUST_BEFORE)


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        # A day of 23 hours, and one of 25.
        ("Europe/Berlin", "2024-03-31", datetime(2024, 3, 31, 22, tzinfo=UTC)),
        ("Europe/Berlin", "2024-10-27", datetime(2024, 10, 27, 23, tzinfo=UTC)),
        # Clocks skip midnight.
        ("America/Asuncion", "2023-09-30", datetime(2023, 10, 1, 4, tzinfo=UTC)),
        # There was no 30 December 2011.
        ("Pacific/Apia", "2011-12-29", datetime(2011, 12, 30, 10, tzinfo=UTC)),
        ("Pacific/Apia", "2011-12-30", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ],
)
def test_days_of_other_lengths(project: Project, zone: str, day: str, end: datetime) -> None:
    user = make_user(time_zone=zone)
    close_books(day)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_entry(user, project, end - JUST_BEFORE)
    make_entry(user, project, end)


def bound_of(user: User) -> datetime:
    return UserBound.objects.get(pk=user.pk).closed_before


def test_who_moves_opens_nothing(project: Project) -> None:
    """From Honolulu to Auckland, whose days end 23 hours earlier."""
    user = make_user(time_zone="Pacific/Honolulu")
    close_books(THROUGH)
    User.objects.filter(pk=user.pk).update(time_zone="Pacific/Auckland")
    assert bound_of(user) == ZONES["Pacific/Honolulu"]
    close_books("2024-01-16")
    assert bound_of(user) == datetime(2024, 1, 16, 11, tzinfo=UTC)
    close_books("2024-01-14")
    assert bound_of(user) == datetime(2024, 1, 14, 11, tzinfo=UTC)


def test_who_moves_west_has_a_longer_day(project: Project) -> None:
    user = make_user(time_zone="Pacific/Auckland")
    close_books(THROUGH)
    user.time_zone = "Pacific/Honolulu"
    user.save()
    assert bound_of(user) == ZONES["Pacific/Honolulu"]
    with pytest.raises(IntegrityError), transaction.atomic():
        make_entry(user, project, ZONES["Pacific/Honolulu"] - JUST_BEFORE)


def test_a_later_day_opens_nothing_for_who_has_moved(project: Project) -> None:
    """The next day ends in Kiritimati before the last one did at 12 hours west of Greenwich."""
    user = make_user(time_zone="Etc/GMT+12")
    close_books(THROUGH)
    User.objects.filter(pk=user.pk).update(time_zone="Pacific/Kiritimati")
    close_books("2024-01-16")
    assert bound_of(user) == datetime(2024, 1, 16, 12, tzinfo=UTC)


def test_another_zone_of_the_server_opens_nothing(settings: Any, owner: User) -> None:
    settings.TIME_ZONE = "Pacific/Honolulu"
    close_books(THROUGH)
    settings.TIME_ZONE = "Pacific/Auckland"
    assert bound_of(owner) == bound_of(make_user("new")) == ZONES["Pacific/Honolulu"]


# Forms and triggers.


def test_forms_judge_as_the_triggers_do(owner: User, project: Project) -> None:
    kept, free = make_entry(owner, project), make_entry(owner, project, NINE + DAY)
    close_books(THROUGH)
    kept, free = TimeEntry.objects.get(pk=kept.pk), TimeEntry.objects.get(pk=free.pk)
    kept.full_clean()  # as it is
    free.notes = kept.notes = "Late"
    free.full_clean()
    with pytest.raises(ValidationError, match=SENTENCE):
        kept.full_clean()
    free.start_time = NINE
    with pytest.raises(ValidationError, match=SENTENCE):
        free.full_clean()
    with pytest.raises(ValidationError, match=SENTENCE):
        TimeEntry(user=owner, project=project, start_time=NINE).full_clean()


def test_triggers_that_a_migration_took_away_are_made_again(owner: User, project: Project) -> None:
    close_books(THROUGH)
    with connection.cursor() as cursor:
        on = " ON timeentries_timeentry" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER books_insert{on}")
    make_entry(owner, project)
    install("default")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_entry(owner, project)
    assert Books.current().closed_through == date(2024, 1, 15)
