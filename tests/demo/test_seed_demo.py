"""Demo data: the same every time, within the rules, and out of the documentation's way."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, models
from django.db.models import F
from django.utils import timezone
from rest_framework.test import APIClient

from billing.bills import release
from billing.models import Bill
from books.models import Books
from clients.models import Client
from demo import rows as demo
from demo.management.commands import seed_demo
from demo.rows import Demo
from projects.models import Project
from tasks.models import Task
from tests.support.factories import (
    api_as,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from timeentries.models import TimeEntry
from users.models import User

UNTIL = date(2024, 1, 16)  # a Tuesday
MIDNIGHT = datetime(2024, 1, 16, tzinfo=UTC)
# Every name, text and tag of an example in the REST API and scope documentation.
NAMES_OF_THE_EXAMPLES = (
    *("website redesign", "complete website overhaul", "new project", "project description"),
    *("acme", "new client", "client@example.com", "+1-555-0123", "implement login feature"),
    *("add user authentication", "new task", "worked on feature x", "development", "frontend"),
)
# Python makes the rows up; that a database keeps them is asked of both by the other tests.
of_python = pytest.mark.same_on_both
NATURAL: dict[type[models.Model], tuple[str, ...]] = {
    User: ("username", "email", "first_name", "last_name", "time_zone", "date_joined"),
    Client: ("name", "email", "company", "phone", "address", "default_hourly_rate", "status"),
    Project: ("name", "client__name", "hourly_rate", "billable", "status", "created_at"),
    Task: (
        *("project__name", "name", "status", "priority", "assignee__username", "due_date"),
        *("completed_at", "created_at", "updated_at"),
    ),
    TimeEntry: (
        *("user__username", "project__name", "task__name", "start_time", "end_time", "notes"),
        *("tags", "billable", "created_at", "updated_at"),
    ),
}


def seed(**options: Any) -> str:
    """Run the command with few entries and return what it says."""
    out = StringIO()
    arguments = {"entries": 300, "users": 6, "projects": 12, "until": UNTIL} | options
    call_command("seed_demo", stdout=out, **arguments)
    return out.getvalue()


def content() -> dict[str, list[tuple[Any, ...]]]:
    """Everything that was seeded, with names instead of ids."""
    return {
        model.__name__: list(model._default_manager.order_by("pk").values_list(*fields))
        for model, fields in NATURAL.items()
    }


def texts() -> Iterator[str]:
    """Every text that was seeded."""
    for rows in content().values():
        yield from (value.lower() for row in rows for value in row if isinstance(value, str))


def empty() -> None:
    """Delete everything that was seeded."""
    books = Books.locked()
    books.closed_through = None
    books.save()
    for billed in Bill.objects.all():
        release(billed, MIDNIGHT)
    for model in reversed(NATURAL):
        model._default_manager.all().delete()


@pytest.mark.django_db
def test_the_same_numbers_and_the_same_day_give_the_same_data() -> None:
    seed()
    first = content()
    empty()
    seed()
    assert content() == first


@pytest.mark.django_db
def test_another_day_gives_other_entries() -> None:
    seed()
    first = content()
    empty()
    seed(until=UNTIL + timedelta(days=1))
    assert content()["TimeEntry"] != first["TimeEntry"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "users", "clients", "projects", "entries"),
    [
        pytest.param({}, 6, 6, 12, 300, id="as-asked"),
        pytest.param({"entries": 1}, 6, 6, 12, 1, id="the-timer-alone"),
        pytest.param({"users": 1, "projects": 1}, 1, 5, 1, 300, id="one-of-each"),
        pytest.param({"users": 401, "projects": 49}, 401, 24, 49, 300, id="more-than-names"),
        pytest.param({"entries": 2}, 6, 6, 12, 2, id="one-finished"),
    ],
)
def test_makes_as_many_as_asked_for(
    options: dict[str, int], users: int, clients: int, projects: int, entries: int
) -> None:
    seed(**options)
    made = [model._default_manager.count() for model in (User, Client, Project, TimeEntry)]
    assert made == [users, clients, projects, entries]
    assert TimeEntry.objects.running().count() == 1


@pytest.mark.django_db
def test_without_options_makes_a_small_team_until_today() -> None:
    out = StringIO()
    call_command("seed_demo", stdout=out)
    today = timezone.now().astimezone(UTC).date()
    entries = TimeEntry.objects.select_related("user")
    first = min(entry.start_time.astimezone(entry.user.zone).date() for entry in entries)
    assert out.getvalue() == (
        f"Made 8 people, 12 projects and 2,000 time entries from {first} "
        f"to the day before {today}.\n"
    )
    made = [model._default_manager.count() for model in (User, Project, TimeEntry)]
    assert made == [8, 12, 2000]
    assert today - timedelta(days=4) < TimeEntry.objects.latest("end_time").start_time.date()


@pytest.mark.django_db
def test_more_entries_get_more_people_and_projects_by_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seed_demo, "ENTRIES_PER_USER", 25)
    monkeypatch.setattr(seed_demo, "ENTRIES_PER_PROJECT", 20)
    seed(users=None, projects=None)
    assert (User.objects.count(), Project.objects.count()) == (12, 15)


@of_python
@pytest.mark.django_db
def test_uses_no_name_of_the_documentation() -> None:
    seed(users=400, projects=100)
    seeded = list(texts())
    assert [name for name in NAMES_OF_THE_EXAMPLES if any(name in text for text in seeded)] == []


@of_python
@pytest.mark.django_db
def test_nobody_works_on_two_things_at_once() -> None:
    seed(entries=1000)
    for user in User.objects.all():
        entries = list(user.time_entries.finished().order_by("start_time"))
        starts = [entry.start_time for entry in entries]
        ends = [entry.end_time for entry in entries if entry.end_time]
        assert len(ends) == len(starts) > 0
        assert [pair for pair in zip(ends, starts[1:], strict=False) if pair[0] > pair[1]] == []
        timer = user.time_entries.running().first()
        assert timer is None or timer.start_time >= ends[-1]


@of_python
@pytest.mark.django_db
def test_work_is_done_on_working_days_in_office_hours_of_the_users_zone() -> None:
    seed(entries=1000)
    for entry in TimeEntry.objects.finished().select_related("user"):
        start = entry.start_time.astimezone(entry.user.zone)
        end = entry.end_time.astimezone(entry.user.zone)  # type: ignore[union-attr]
        assert start.date() == end.date()
        assert start.weekday() < 5
        assert time(8) <= start.time() < end.time() <= time(18, 30)


@of_python
@pytest.mark.django_db
def test_nothing_lies_in_the_future() -> None:
    """Seeded in the first minute of the day, data must not hold what is yet to be."""
    seed(entries=1000)
    moments = ("start_time", "end_time", "created_at", "updated_at")
    latest = TimeEntry.objects.aggregate(*(models.Max(name) for name in moments))
    assert max(latest.values()) < MIDNIGHT
    assert Task.objects.filter(completed_at__gte=MIDNIGHT).count() == 0
    assert Project.objects.filter(created_at__gte=MIDNIGHT - timedelta(days=14)).count() == 0


@of_python
@pytest.mark.django_db
def test_an_entry_looks_as_if_its_timer_had_been_stopped() -> None:
    seed()
    assert TimeEntry.objects.exclude(created_at=F("start_time")).count() == 0
    unbilled = TimeEntry.objects.finished().filter(bill=None)
    assert unbilled.exclude(updated_at=F("end_time")).count() == 0
    entry = TimeEntry.objects.finished()[0]
    assert entry.duration_seconds == (entry.end_time - entry.start_time).total_seconds()  # type: ignore[operator]


@pytest.mark.django_db
def test_last_month_is_billed_to_two_clients_and_what_is_older_is_closed() -> None:
    seed(entries=1000)
    assert Books.current().closed_through == date(2023, 11, 30)
    billed = {entry.bill_id for entry in TimeEntry.objects.exclude(bill=None)}
    clients = Client.objects.order_by("pk")[:2]
    assert billed == {f"2023-12/client-{client.pk}" for client in clients}
    for client in clients:
        december = TimeEntry.objects.filter(project__client=client, start_time__date__year=2023)
        december = december.filter(start_time__month=12, billable=True)
        assert december.exclude(bill__reference=f"2023-12/client-{client.pk}").count() == 0


@of_python
@pytest.mark.django_db
def test_the_timer_has_just_been_started_where_it_is_morning() -> None:
    seed()
    timer = TimeEntry.objects.running().get()
    assert timer.user.time_zone == "Asia/Tokyo"
    assert timer.start_time == MIDNIGHT - timedelta(minutes=8)
    assert timer.updated_at == timer.start_time


@of_python
@pytest.mark.django_db
def test_tasks_are_of_their_entrys_project_and_worked_on_until_they_are_done() -> None:
    seed(entries=3000)
    with_task = TimeEntry.objects.filter(task__isnull=False)
    assert with_task.count() > 1500
    assert with_task.exclude(task__project=F("project")).count() == 0
    late = with_task.filter(start_time__date__gt=F("task__completed_at__date"))
    assert late.count() == 0
    assert with_task.filter(task__status__in=("todo", "cancelled")).count() == 0


@of_python
@pytest.mark.django_db
def test_projects_that_rest_have_entries_but_none_of_late() -> None:
    seed(entries=3000)
    resting = Project.objects.exclude(status="active")
    assert sorted(resting.values_list("status", flat=True)) == ["archived", "archived", "on_hold"]
    assert all(project.time_entries.exists() for project in resting)
    late = TimeEntry.objects.filter(project__in=resting, start_time__date__gt="2024-01-11")
    assert late.count() == 0


@of_python
@pytest.mark.django_db
def test_data_is_of_many_kinds() -> None:
    seed(entries=3000)

    def kinds(model: type[models.Model], field: str) -> set[Any]:
        return set(model._default_manager.values_list(field, flat=True))

    assert kinds(Client, "status") == {"active", "inactive"}
    assert kinds(Task, "status") == {"todo", "in_progress", "review", "done", "cancelled"}
    assert kinds(Task, "priority") == {1, 2, 3, 4}
    assert {True, False} == kinds(TimeEntry, "billable")
    assert {None} < kinds(Task, "due_date")
    assert {None} < kinds(Task, "assignee")
    assert {None} < kinds(Project, "hourly_rate")
    assert {None} < kinds(Project, "client")
    assert {""} < kinds(TimeEntry, "tags")
    assert {""} < kinds(TimeEntry, "notes")
    assert kinds(TimeEntry, "break_seconds") == {0, 300, 600, 900}
    assert TimeEntry.objects.filter(billable=True, project__billable=False).count() == 0


@pytest.mark.django_db
def test_rows_pass_the_validation_of_the_admin() -> None:
    seed(entries=20, users=3, projects=6)
    for model in NATURAL:
        for row in model._default_manager.all():
            row.full_clean()


@pytest.mark.django_db
def test_the_people_can_log_in_only_once_they_have_a_password() -> None:
    seed()
    assert [user.has_usable_password() for user in User.objects.all()] == [False] * 6
    assert User.objects.filter(is_superuser=True).count() == 0


DOCUMENTED_CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "projects",
        {
            "name": "New Project",
            "description": "Project description",
            "client_id": 5,
            "hourly_rate": 75.00,
            "estimated_hours": 100,
            "status": "active",
        },
    ),
    (
        "time-entries",
        {
            "project_id": 1,
            "task_id": 5,
            "start_time": "2024-01-15T09:00:00Z",
            "end_time": "2024-01-15T17:00:00Z",
            "notes": "Worked on feature X",
            "tags": "development,frontend",
            "billable": True,
        },
    ),
    ("timer/start", {"project_id": 1, "task_id": 5}),
    (
        "tasks",
        {
            "name": "Implement login feature",
            "description": "Add user authentication",
            "project_id": 1,
            "status": "todo",
            "priority": 1,
        },
    ),
    ("tasks", {"name": "New Task", "project_id": 1, "status": "todo"}),
    ("clients", {"name": "Acme Corp", "company": "Acme Corporation"}),
    ("clients", {"name": "New Client", "email": "client@example.com"}),
)


def counted_from_one(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with the ids that its own have in a database whose ids went on counting."""
    models_of = {"client_id": Client, "project_id": Project, "task_id": Task}
    firsts = {name: model.objects.earliest("pk").pk for name, model in models_of.items()}  # type: ignore[attr-defined]
    return {
        name: value + firsts[name] - 1 if name in firsts else value for name, value in body.items()
    }


@pytest.mark.django_db
@pytest.mark.parametrize("projects", [1, 12])
def test_documented_calls_work_as_they_are_written(projects: int) -> None:
    seed(projects=projects)
    api: APIClient = api_as(make_administrator(), "admin:all")
    for path, body in DOCUMENTED_CALLS:
        response = api.post(f"/api/v1/{path}", counted_from_one(body))
        assert response.status_code == 201, (path, response.json())
    first = Project.objects.earliest("pk").pk
    for path, key in (
        (f"tasks?project_id={first}&status=todo", "tasks"),
        (f"time-entries?project_id={first}&start_date=2023-12-01", "time_entries"),
        ("projects?status=active&per_page=20", "projects"),
    ):
        assert api.get(f"/api/v1/{path}").json()[key]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(make_client, id="client"),
        pytest.param(make_project, id="project"),
        pytest.param(lambda: make_task(make_project()), id="task"),
        pytest.param(lambda: make_entry(make_user(), make_project()), id="time-entry"),
    ],
)
def test_refuses_a_database_that_is_in_use(make: Callable[[], object]) -> None:
    make()
    before = content()
    with pytest.raises(CommandError) as refused:
        seed()
    assert str(refused.value) == (
        "The database already contains clients, projects, tasks or time entries; demo "
        "data needs an empty one. Use another database (DATABASE_URL), or delete all its "
        "data, including users and tokens, with: manage.py flush"
    )
    assert content() == before


@pytest.mark.django_db
def test_refuses_to_take_somebodys_name() -> None:
    make_user("jonas.weber")
    with pytest.raises(
        CommandError, match=r"Users with these names already exist: jonas\.weber\."
    ):
        seed()
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_leaves_nothing_behind_when_it_fails() -> None:
    make_client("kestrel logistics")
    with pytest.raises(IntegrityError):
        demo.fill(Demo(entries=10, users=3, projects=3, until=UNTIL))
    assert User.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["--entries", "0"], "must be a whole number from 1 to", id="none"),
        pytest.param(["--users", "-1"], "must be a whole number from 1 to", id="negative"),
        pytest.param(["--projects", "many"], "not 'many'", id="not-a-number"),
        pytest.param(["--until", "16.1.2024"], "Must be a date such as 2024-01-15", id="date"),
        pytest.param(
            ["--entries", "50001", "--users", "5"], "Use --users 6 or more", id="too-few-people"
        ),
    ],
)
def test_says_what_it_accepts(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("seed_demo", *arguments)
    assert User.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans without statistics")
def test_postgresql_knows_how_much_there_is() -> None:
    seed()
    with connection.cursor() as cursor:
        table = TimeEntry._meta.db_table
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE relname = %s", [table])
        assert cursor.fetchone() == (300,)
