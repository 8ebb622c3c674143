"""Demo data: people, clients, projects and tasks, and the time spent on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils.text import slugify

from clients.models import Client
from database.loading import analyze
from demo import entries as demo_entries
from demo.closing import bill_and_close
from demo.entries import Job, generator
from demo.money import CURRENCIES, ROUNDINGS, price
from demo.names import TASK_NAMES, TIME_ZONES, client_name, full_name, project_name
from journal.numbering import expire_cursors
from projects.models import Project
from tasks.models import Task
from timeentries.models import TimeEntry
from users.models import User

# The documentation's examples call for client 5, and for task 5 of project 1.
FEWEST_CLIENTS = 5
FEWEST_TASKS = 5
SET_UP = timedelta(days=14)  # before the first entry
TASK_STATUSES = (
    Task.Status.DONE,
    Task.Status.IN_PROGRESS,
    Task.Status.TODO,
    Task.Status.REVIEW,
    Task.Status.CANCELLED,
)
WORKED_ON = (Task.Status.DONE, Task.Status.IN_PROGRESS, Task.Status.REVIEW)
# Of every twelve; the others are active.
PROJECT_STATUSES = {
    3: Project.Status.ON_HOLD,
    7: Project.Status.ARCHIVED,
    10: Project.Status.ARCHIVED,
}


@dataclass(frozen=True)
class Demo:
    """How much of it, and the day that counts as today."""

    entries: int
    users: int
    projects: int
    until: date

    @cached_property
    def begins(self) -> date:
        """The day of the first entry."""
        return demo_entries.first_day(self.entries - 1, self.users, self.until)[0]

    @property
    def set_up_at(self) -> datetime:
        """When people, clients, projects and tasks were entered."""
        return datetime.combine(self.begins - SET_UP, time(9), UTC)


@transaction.atomic
def fill(demo: Demo) -> None:
    """Fill an empty database; the same sizes and the same day give the same rows."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # A million entries take longer than any request may; so may their checks at commit.
            cursor.execute("SET LOCAL statement_timeout = 0")
    users, clients = _users(demo), _clients(demo)
    projects = _projects(demo, clients)
    tasks = _tasks(demo, users, projects)
    jobs = _jobs(demo, projects, tasks)
    demo_entries.insert(demo_entries.work(demo.entries, users, jobs, demo.until))
    price(users, clients, projects, demo.until)
    bill_and_close(users, clients, demo.until)
    expire_cursors()  # none of this is in the journal
    analyze()


def taken_names(users: int) -> list[str]:
    """Return the usernames that demo data needs and that are taken."""
    names = [_username(index) for index in range(users)]
    taken = User.objects.values_list("username", flat=True)
    return sorted(set(names).intersection(taken))


def is_empty() -> bool:
    """Return whether nobody has entered anything yet."""
    return not any(model.objects.exists() for model in (Client, Project, Task, TimeEntry))


def _username(index: int) -> str:
    return full_name(index).lower().replace(" ", ".")


def _users(demo: Demo) -> list[User]:
    """Create users without usable passwords."""
    users: list[User] = User.objects.bulk_create(
        [_user(demo, index) for index in range(demo.users)]
    )
    return users


def _user(demo: Demo, index: int) -> User:
    first_name, last_name = full_name(index).split(" ", 1)
    username = _username(index)
    return User(
        username=username,
        email=f"{username}@example.org",
        first_name=first_name,
        last_name=last_name,
        password=make_password(None),
        time_zone=TIME_ZONES[index % len(TIME_ZONES)],
        date_joined=demo.set_up_at,
    )


def _clients(demo: Demo) -> list[Client]:
    count = max(FEWEST_CLIENTS, demo.projects // 2)
    clients = Client.objects.bulk_create(_client(index) for index in range(count))
    Client.objects.update(created_at=demo.set_up_at, updated_at=demo.set_up_at)
    return clients


def _client(index: int) -> Client:
    random = generator("client", index)
    name = client_name(index)
    return Client(
        name=name,
        email=f"office@{slugify(name)}.example",
        company=f"{name} {random.choice(('Ltd', 'GmbH', 'Inc.', 'Cooperative'))}",
        phone=f"+44 20 7946 0{index % 1000:03}",  # Ofcom keeps these for films and plays
        address=f"{random.randint(1, 90)} {random.choice(('Mill Lane', 'Quay Street'))}",
        default_hourly_rate=Decimal(random.randrange(60, 130, 5)),
        currency=CURRENCIES[index % len(CURRENCIES)],
        rounding=ROUNDINGS[index % len(ROUNDINGS)],
        status=Client.Status.INACTIVE if index % 6 == 5 else Client.Status.ACTIVE,
    )


def _projects(demo: Demo, clients: Sequence[Client]) -> list[Project]:
    projects = Project.objects.bulk_create(
        _project(index, clients) for index in range(demo.projects)
    )
    Project.objects.update(created_at=demo.set_up_at, updated_at=demo.set_up_at)
    return projects


def _project(index: int, clients: Sequence[Client]) -> Project:
    random = generator("project", index)
    own = index % 6 == 5  # done for oneself: no client, no bill
    rate = Decimal(random.randrange(70, 150, 5))
    return Project(
        name=project_name(index),
        description=f"{project_name(index)}, from the first talk to the handover.",
        client=None if own else clients[index % len(clients)],
        hourly_rate=None if own or index % 4 == 2 else rate,
        estimated_hours=Decimal(random.randrange(80, 600, 20)),
        billable=not own,
        status=PROJECT_STATUSES.get(index % 12, Project.Status.ACTIVE),
    )


def _tasks(demo: Demo, users: Sequence[User], projects: Sequence[Project]) -> list[Task]:
    tasks = Task.objects.bulk_create(
        _task(demo, users, project, index, number)
        for index, project in enumerate(projects)
        for number in range(FEWEST_TASKS + index % 4)
    )
    at = Value(demo.set_up_at)
    Task.objects.update(created_at=at, updated_at=Coalesce(F("completed_at"), at))
    return tasks


def _task(demo: Demo, users: Sequence[User], project: Project, index: int, number: int) -> Task:
    random = generator("task", index, number)
    status = TASK_STATUSES[number % len(TASK_STATUSES)]
    if project.status == Project.Status.ARCHIVED:
        status = Task.Status.DONE
    done = max(demo.begins, demo.until - timedelta(days=random.randint(1, 40)))
    unassigned = status == Task.Status.TODO and random.random() < 0.5
    due = demo.until + timedelta(days=random.randint(-5, 45))
    return Task(
        name=TASK_NAMES[(index * 5 + number) % len(TASK_NAMES)],
        project=project,
        status=status,
        priority=random.choice(Task.Priority.values),
        assignee=None if unassigned else random.choice(users),
        due_date=None if number % 4 == 3 else due,
        estimated_hours=Decimal(random.randrange(2, 40)),
        completed_at=datetime.combine(done, time(16), UTC) if status == Task.Status.DONE else None,
    )


def _jobs(demo: Demo, projects: Sequence[Project], tasks: Sequence[Task]) -> list[list[Job]]:
    """Return the jobs of each project: the project itself and its assigned tasks."""
    jobs = {project.pk: [_project_job(demo, project)] for project in projects}
    for task in tasks:
        if task.status in WORKED_ON:
            jobs[task.project.pk].append(_task_job(task, jobs[task.project.pk][0]))
    return list(jobs.values())


def _project_job(demo: Demo, project: Project) -> Job:
    random = generator("closing", project.name)
    closed = demo.until - timedelta(days=random.randint(5, 40))
    active = project.status == Project.Status.ACTIVE
    return Job(project.pk, None, project.billable, None if active else closed)


def _task_job(task: Task, project: Job) -> Job:
    days = [project.last_day, task.completed_at and task.completed_at.date()]
    return Job(
        project.project_id, task.pk, project.billable, min(filter(None, days), default=None)
    )
