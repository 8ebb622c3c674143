"""Clients, projects and tasks of the original."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from clients.models import Client
from moving.original.clock import OriginalClock, utc_time
from moving.original.people import People, valid_email
from moving.original.report import ImportReport
from moving.original.source import Row, Source, listed
from moving.original.texts import Noted, free_name
from projects.models import Project
from tasks.models import Task
from values.folding import folded
from values.wall_clock import EARLIEST, LATEST

T = TypeVar("T")

UNNAMED = "(without a name)"
WITHOUT_PROJECT = "(without a project)"
NO_PLACE = "There is no place for this here."
LONGEST_NAME, LONGEST_ADDRESS, LONGEST_PROSE = 200, 2000, 10_000
CLIENT_COLUMNS = (
    *("id", "name", "email", "phone", "address", "default_hourly_rate", "status"),
    *("created_at", "updated_at", "description", "contact_person"),
)
PROJECT_COLUMNS = (
    *("id", "name", "client_id", "description", "billable", "hourly_rate", "estimated_hours"),
    *("status", "created_at", "updated_at", "code", "budget_amount", "billing_ref"),
)
TASK_COLUMNS = (
    *("id", "name", "project_id", "description", "status", "priority", "assigned_to"),
    *("due_date", "estimated_hours", "created_at", "updated_at", "completed_at"),
)
PROJECT_STATUSES = {
    **{each: each for each in Project.Status.values},
    "inactive": Project.Status.ON_HOLD.value,
}
PRIORITIES = {
    **{choice.name.lower(): choice.value for choice in Task.Priority},
    **{str(choice.value): choice.value for choice in Task.Priority},
}


@dataclass
class AllWork:
    """What time is spent on, by ids."""

    clients: dict[int, Client] = field(default_factory=dict)
    projects: dict[int, Project] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    # For entries without a project, by the id of their client.
    without_project: dict[int | None, int] = field(default_factory=dict)


def read_work(
    source: Source, people: People, report: ImportReport, clock: OriginalClock, *, now: datetime
) -> AllWork:
    """Return the clients, projects and tasks."""
    work = AllWork()
    _read_clients(source, work, report, now)
    _read_projects(source, work, report, now)
    _add_projects_for_entries_without(source, work, report, now)
    _read_tasks(source, work, people, report, clock, now)
    return work


def _read_clients(source: Source, work: AllWork, report: ImportReport, now: datetime) -> None:
    taken = set[str]()
    for row in source.rows("clients", CLIENT_COLUMNS):
        work.clients[row[0]] = client = _client(row, report, now)
        name = free_name(client.name, taken, folded)
        if name != client.name:
            reason = "Names of clients are unique here, without regard to case."
            report.renamed("clients", client.pk, reason, client.name, name)
            client.name = name
        taken.add(folded(name))


def _client(row: Row, report: ImportReport, now: datetime) -> Client:
    key, name, email, phone, address, rate, status, created, updated, *others = row

    def cell(column: str) -> Noted:
        return Noted(report, "clients", key, column)

    for column, value in zip(CLIENT_COLUMNS[-2:], others, strict=True):
        if value:
            report.left_out("clients", key, NO_PLACE, column, value)
    return Client(
        id=key,
        name=cell("name").text(name, LONGEST_NAME) or UNNAMED,
        email=valid_email(email, cell("email")),
        phone=cell("phone").text(phone, 50),
        address=cell("address").text(address, LONGEST_ADDRESS),
        default_hourly_rate=cell("default_hourly_rate").number(rate or None),
        status=_known(
            status, {each: each for each in Client.Status.values}, "inactive", cell("status")
        ),
        created_at=utc_time(created) or now,
        updated_at=utc_time(updated) or utc_time(created) or now,
    )


def _read_projects(source: Source, work: AllWork, report: ImportReport, now: datetime) -> None:
    taken = defaultdict[int, set[str]](set)
    for row in source.rows("projects", PROJECT_COLUMNS):
        work.projects[row[0]] = project = _project(row, work, report, now)
        if project.status == Project.Status.ARCHIVED or project.client_id is None:
            continue
        client = project.client_id
        name = free_name(project.name, taken[client], str)
        if name != project.name:
            reason = "Its client has another project of this name that is not archived."
            report.renamed("projects", project.pk, reason, project.name, name)
            project.name = name
        taken[client].add(name)


def _project(row: Row, work: AllWork, report: ImportReport, now: datetime) -> Project:
    key, name, client_id, description, billable, rate, hours, status, *dates_and_others = row
    created, updated, *others = dates_and_others

    def cell(column: str) -> Noted:
        return Noted(report, "projects", key, column)

    for column, value in zip(PROJECT_COLUMNS[-3:], others, strict=True):
        if value:
            report.left_out("projects", key, NO_PLACE, column, value)
    if client_id is not None and client_id not in work.clients:
        cell("client_id").changed("Its client does not exist.", client_id, None)
        client_id = None
    return Project(
        id=key,
        name=cell("name").text(name, LONGEST_NAME) or UNNAMED,
        client_id=client_id,
        description=cell("description").text(description, LONGEST_PROSE),
        billable=bool(billable),
        hourly_rate=cell("hourly_rate").number(rate or None),
        estimated_hours=cell("estimated_hours").number(hours),
        status=_known(status, PROJECT_STATUSES, "on_hold", cell("status")),
        created_at=utc_time(created) or now,
        updated_at=utc_time(updated) or utc_time(created) or now,
    )


def _add_projects_for_entries_without(
    source: Source, work: AllWork, report: ImportReport, now: datetime
) -> None:
    """Make a project for each client whose entries have none, and one for those of no client."""
    known = listed(work.projects)
    clients = source.ask(
        "SELECT DISTINCT client_id FROM time_entries"
        f" WHERE project_id IS NULL OR project_id NOT IN ({known})"
    )
    needed = {client if client in work.clients else None for (client,) in clients}
    for key, client in enumerate(sorted(needed, key=lambda each: each or 0), _free_id(source)):
        work.without_project[client] = key
        taken = {each.name for each in work.projects.values() if each.client_id == client}
        work.projects[key] = Project(
            id=key,
            name=free_name(WITHOUT_PROJECT, taken, str),
            client_id=client,
            created_at=now,
            updated_at=now,
        )
        reason = "Made for time entries without a project."
        report.changed("projects", key, reason, "name", None, work.projects[key].name)


def _free_id(source: Source) -> int:
    """Return the first id that no project has, nor any entry names."""
    highest = [
        source.one(f"SELECT MAX({column}) FROM {table}") or 0
        for table, column in (("projects", "id"), ("time_entries", "project_id"))
    ]
    return max(highest) + 1


def _read_tasks(
    source: Source,
    work: AllWork,
    people: People,
    report: ImportReport,
    clock: OriginalClock,
    now: datetime,
) -> None:
    complete = {*_complete_states(source)}
    for row in source.rows("tasks", TASK_COLUMNS):
        if row[2] not in work.projects:
            report.left_out("tasks", row[0], "Its project does not exist.", "name", row[1])
            continue
        work.tasks[row[0]] = _task(row, people, complete, report, clock, now)


def _complete_states(source: Source) -> Iterator[str]:
    """Yield the columns of boards in which tasks are done."""
    for key, is_complete in source.rows("kanban_columns", ("key", "is_complete_state")):
        if is_complete:
            yield key


def _task(
    row: Row,
    people: People,
    complete: set[str],
    report: ImportReport,
    clock: OriginalClock,
    now: datetime,
) -> Task:
    key, name, project_id, description, status, priority, assignee, due, hours, *times = row

    def cell(column: str) -> Noted:
        return Noted(report, "tasks", key, column)

    created, updated, completed = map(clock.read, times)
    if assignee is not None and assignee not in people.users:
        cell("assigned_to").changed("This user does not exist.", assignee, None)
        assignee = None
    other = "done" if status in complete else "in_progress"
    state = _known(status, {each: each for each in Task.Status.values}, other, cell("status"))
    is_done = state == Task.Status.DONE
    return Task(
        id=key,
        name=cell("name").text(name, LONGEST_NAME) or UNNAMED,
        project_id=project_id,
        description=cell("description").text(description, LONGEST_PROSE),
        status=state,
        priority=_known(priority, PRIORITIES, Task.Priority.MEDIUM, cell("priority")),
        assignee_id=assignee,
        due_date=_day(due, cell("due_date")),
        estimated_hours=cell("estimated_hours").number(hours),
        completed_at=(completed or updated or created or now) if is_done else None,
        created_at=created or now,
        updated_at=updated or created or now,
    )


def _known(stored: object, known: Mapping[str, T], otherwise: T, cell: Noted) -> T:
    """Return what a word means here."""
    word = str(stored or "").strip().lower()
    if word not in known:
        cell.changed("This word is not known here.", stored, otherwise)
    return known.get(word, otherwise)


def _day(stored: object, cell: Noted) -> date | None:
    """Return a date of the years that we know."""
    if stored is None:
        return None
    try:
        day = stored if isinstance(stored, date) else date.fromisoformat(str(stored)[:10])
    except ValueError:
        day = LATEST.date()
    if not EARLIEST.date() <= day < LATEST.date():
        cell.changed("This is not a date of the years 1970 to 2200.", stored, None)
        return None
    return day
