"""The benchmarks' rows: people, projects, tasks, a million entries over three years, tokens.

Runs in the tree and the settings of the service that is measured, which may be another checkout:
so it imports the service and nothing of the benchmarks. Prints what a caller needs as JSON.
"""

import json
import os
import sys
from argparse import ArgumentParser
from datetime import date
from typing import Any

import django

USERS, PROJECTS, CLIENTS, TASKS_PER_PROJECT = 100, 200, 80, 5
TIMERS = 20  # the last users run one; the others start and stop theirs
ADMINISTRATORS = 8  # a token for each of so many connections
DAYS = 3 * 365
FIRST_DAY = date(1970, 1, 1)  # of all rates
LAST_DAY = "2025-12-31"  # always the same, so that two runs ask for the same rows
BATCH = 500_000
NAME = "benchmark"  # of users and tokens, to find them again

# Entry `i` of `n`: evenly over the days, between seven and seven, in order of time. What else an
# entry has comes from two numbers that are always the same for an `i` (multiplicative hashes).
ENTRIES = """
SELECT {user} + a % {users} AS user_id,
       {project} + b % {projects} AS project_id,
       CASE WHEN a % 3 = 0 THEN NULL
            ELSE {task} + b % {projects} * {tasks} + a / 7 % {tasks} END AS task_id,
       start_time,
       start_time + (5 + b % 175) * interval '1 minute' AS end_time,
       ({notes}::text[])[1 + a % {works}] AS notes,
       ({tags}::text[])[1 + a % {works}] AS tags,
       b % 10 > 0 AS billable,
       start_time AS created_at,
       start_time + (5 + b % 175) * interval '1 minute' AS updated_at
       {prices}
FROM (
    SELECT (i * 2654435761 % 4294967296 / 8192)::bigint AS a,
           (i * 2246822519 % 4294967296 / 8192)::bigint AS b,
           timestamptz '{last_day} 07:00Z' + interval '1 day' * (s / 43200 - {days})
               + interval '1 second' * (s % 43200) AS start_time
    FROM generate_series({first}::bigint, {last}::bigint) AS i,
         LATERAL (SELECT i * {days} * 43200 / {entries} AS s) AS position
) AS numbers
"""
# In a service that prices them: time to the next quarter of an hour, by the project's rate.
PRICES = """
       , CASE WHEN b % 10 > 0 THEN 70 + b % {projects} % 60 END AS hourly_rate,
       'USD' AS currency,
       (5 + b % 175 + 14) / 15 * 900 AS rounded_seconds,
       CASE WHEN b % 10 > 0
            THEN (5 + b % 175 + 14) / 15 * (70 + b % {projects} % 60) * 2500 END AS amount
"""


def fill(entries: int) -> None:
    """Fill an empty PostgreSQL database; the same number gives the same rows."""
    from django.contrib.auth.hashers import make_password

    from demo.names import WORK, full_name
    from users.models import User

    users = User.objects.bulk_create(
        User(
            username=f"{NAME} {number}",
            first_name=full_name(number).split()[0],
            email=f"{NAME}{number}@example.org",
            password=make_password(None),
        )
        for number in range(USERS)
    )
    project, task = _add_work()
    _add_rates(users)
    add_entries(
        entries,
        user=users[0].pk,
        project=project,
        task=task,
        notes=[notes for notes, _ in WORK],
        tags=[tags for _, tags in WORK],
    )


def _add_work() -> tuple[int, int]:
    """Insert clients, projects and tasks; return the first ids of the last two."""
    from clients.models import Client
    from demo.names import TASK_NAMES, client_name, project_name
    from projects.models import Project
    from tasks.models import Task

    clients = Client.objects.bulk_create(
        Client(name=client_name(number), default_hourly_rate=80) for number in range(CLIENTS)
    )
    projects = Project.objects.bulk_create(
        Project(
            name=project_name(number),
            description=f"{project_name(number)}, from the first talk to the handover.",
            client=clients[number % CLIENTS],
            hourly_rate=70 + number % 60,
        )
        for number in range(PROJECTS)
    )
    tasks = Task.objects.bulk_create(
        Task(name=TASK_NAMES[(5 * place + number) % len(TASK_NAMES)], project=project)
        for place, project in enumerate(projects)
        for number in range(TASKS_PER_PROJECT)
    )
    return projects[0].pk, tasks[0].pk


def _add_rates(users: list[Any]) -> None:
    """Insert the rates of users, and those that clients and projects show.

    Those of projects win: they are the ones of PRICES. Older services have none.
    """
    from django.apps import apps

    from clients.models import Client
    from projects.models import Project

    if not apps.is_installed("rates"):
        return
    from rates.models import Rate

    Rate.insert([Rate(user=user, hourly_rate=60) for user in users])
    Rate.insert([client.new_rate(FIRST_DAY) for client in Client.objects.all()])
    Rate.insert([project.new_rate(FIRST_DAY) for project in Project.objects.all()])


def add_entries(entries: int, *, notes: list[str], tags: list[str], **first_ids: int) -> None:
    """Insert entries by SQL, in batches: a thousand ORM rows take as long as 50 000 of these."""
    from django.db import connection
    from psycopg import sql

    from timeentries.models import TimeEntry

    texts = {"notes": sql.Literal(notes).as_string(), "tags": sql.Literal(tags).as_string()}
    numbers = {"users": USERS, "projects": PROJECTS, "tasks": TASKS_PER_PROJECT, "days": DAYS}
    priced = any(field.name == "amount" for field in TimeEntry._meta.fields)
    prices = PRICES.format(**numbers) if priced else ""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        switch_references(cursor, "DISABLE")
        for first in range(1, entries + 1, BATCH):
            rows = ENTRIES.format(
                **first_ids,
                **numbers,
                **texts,
                prices=prices,
                works=len(notes),
                last_day=LAST_DAY,
                entries=entries,
                first=first,
                last=min(first + BATCH - 1, entries),
            )
            cursor.execute(f"SELECT * FROM ({rows}) AS shape LIMIT 0")
            given = [column.name for column in cursor.description]
            names, values = other_columns(TimeEntry, given)
            columns, literals = ", ".join([*given, *names]), "".join(f", {v}" for v in values)
            cursor.execute(
                f"INSERT INTO timeentries_timeentry ({columns}) "
                f"SELECT made.*{literals} FROM ({rows}) AS made"
            )
        switch_references(cursor, "ENABLE")
        cursor.execute("VACUUM (ANALYZE)")


def switch_references(cursor: Any, word: str) -> None:
    """Enable or disable the entries' foreign keys: to check what is right takes half the time."""
    cursor.execute(
        "SELECT tgname FROM pg_trigger"
        " WHERE tgrelid = 'timeentries_timeentry'::regclass AND tgisinternal"
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f'ALTER TABLE timeentries_timeentry {word} TRIGGER "{name}"')


def other_columns(model: Any, given: list[str]) -> tuple[list[str], list[str]]:
    """Return columns that need a value and have none of the database's own, and the values."""
    from django.db import connection, models
    from psycopg import sql

    fields = [
        field
        for field in model._meta.local_concrete_fields
        if field.column not in given
        and not (field.primary_key or field.null or field.has_db_default())
        and not isinstance(field, models.GeneratedField)
    ]
    values = [field.get_db_prep_save(field.get_default(), connection) for field in fields]
    return [field.column for field in fields], [sql.Literal(value).as_string() for value in values]


def set_timers(users: list[Any], project: Any) -> None:
    """Let the last users run a timer and nobody else, whatever was left behind."""
    from django.utils import timezone

    from timeentries.models import TimeEntry

    for timer in TimeEntry.objects.running():
        timer.delete()
    for user in users[-TIMERS:]:
        TimeEntry.objects.create(user=user, project=project, start_time=timezone.now())


def issue_tokens() -> dict[str, Any]:
    """Return fresh tokens by whom they are for, and the ids that requests name."""
    from apitokens.models import ApiToken
    from projects.models import Project
    from timeentries.models import TimeEntry
    from users.models import User

    ApiToken.objects.filter(name__startswith=NAME).delete()
    administrator = User.objects.filter(is_superuser=True).first()
    administrator = administrator or User.objects.create_superuser(f"{NAME} administrator")
    scopes = ["write:time_entries", "read:reports", "read:users", "read:projects"]
    people = list(User.objects.filter(is_superuser=False).order_by("pk"))
    projects = list(Project.objects.filter(status=Project.Status.ACTIVE).order_by("pk"))
    set_timers(people, projects[0])
    return {
        "administrators": [
            ApiToken.issue(user=administrator, name=f"{NAME} {number}", scopes=["admin:all"])[1]
            for number in range(ADMINISTRATORS)
        ],
        "users": [ApiToken.issue(user=user, name=NAME, scopes=scopes)[1] for user in people],
        "timers": TIMERS,
        "projects": [project.pk for project in projects],
        "first_entry": TimeEntry.objects.order_by("pk").values_list("pk", flat=True)[0],
        "entries": TimeEntry.objects.count(),
    }


def main() -> None:
    """Migrate, fill the database if it is empty, and print the tokens."""
    from django.core.management import call_command
    from django.db import connection

    from timeentries.models import TimeEntry

    parser = ArgumentParser()
    parser.add_argument("--entries", type=int, required=True)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    if not TimeEntry.objects.exists():
        if connection.vendor == "postgresql":
            fill(options.entries)
        else:
            numbers = {"entries": options.entries, "users": USERS, "projects": PROJECTS}
            call_command("seed_demo", **numbers, stdout=sys.stderr)
    json.dump(issue_tokens(), sys.stdout)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "timetracker.settings")
    django.setup()
    main()
