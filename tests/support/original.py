"""A database of the original TimeTracker, 5.x, as its models make it: for imports of it.

`python -m tests.support.original TARGET --users N --entries N` fills an empty SQLite file, or an
empty PostgreSQL database given by its URL.
"""

import hashlib
import re
import sqlite3
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg

# Of 137 tables those that are imported, and one that is not; columns as SQLAlchemy makes them.
SCHEMA = {
    "settings": "id INTEGER PRIMARY KEY, timezone VARCHAR(50) NOT NULL, currency VARCHAR(3)",
    "users": """
        id INTEGER PRIMARY KEY, username VARCHAR(80) NOT NULL, email VARCHAR(200),
        full_name VARCHAR(200), role VARCHAR(20) NOT NULL, created_at TIMESTAMP NOT NULL,
        last_login TIMESTAMP, is_active BOOLEAN NOT NULL, password_hash VARCHAR(255),
        timezone VARCHAR(50), client_portal_enabled BOOLEAN NOT NULL, client_id INTEGER,
        two_factor_enabled BOOLEAN NOT NULL, password_change_required BOOLEAN NOT NULL
    """,
    "roles": "id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL",
    "user_roles": "user_id INTEGER NOT NULL, role_id INTEGER NOT NULL",
    "user_clients": "id INTEGER PRIMARY KEY, user_id INTEGER, client_id INTEGER",
    "clients": """
        id INTEGER PRIMARY KEY, name VARCHAR(200) NOT NULL, description TEXT,
        contact_person VARCHAR(200), email VARCHAR(200), phone VARCHAR(50), address TEXT,
        default_hourly_rate NUMERIC(9, 2), status VARCHAR(20) NOT NULL,
        created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL
    """,
    "projects": """
        id INTEGER PRIMARY KEY, name VARCHAR(200) NOT NULL, client_id INTEGER NOT NULL,
        description TEXT, billable BOOLEAN NOT NULL, hourly_rate NUMERIC(9, 2),
        billing_ref VARCHAR(100), code VARCHAR(20), status VARCHAR(20) NOT NULL,
        estimated_hours FLOAT, budget_amount NUMERIC(10, 2), created_at TIMESTAMP NOT NULL,
        updated_at TIMESTAMP NOT NULL
    """,
    "rate_overrides": """
        id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, user_id INTEGER,
        hourly_rate NUMERIC(9, 2) NOT NULL, effective_from DATE, effective_to DATE
    """,
    "kanban_columns": """
        id INTEGER PRIMARY KEY, project_id INTEGER, key VARCHAR(50) NOT NULL,
        is_complete_state BOOLEAN NOT NULL
    """,
    "tasks": """
        id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, name VARCHAR(200) NOT NULL,
        description TEXT, status VARCHAR(20) NOT NULL, priority VARCHAR(20) NOT NULL,
        estimated_hours FLOAT, due_date DATE, assigned_to INTEGER,
        created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL, completed_at TIMESTAMP
    """,
    "time_entries": """
        id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, project_id INTEGER, client_id INTEGER,
        task_id INTEGER, start_time TIMESTAMP NOT NULL, end_time TIMESTAMP,
        duration_seconds INTEGER, break_seconds INTEGER, paused_at TIMESTAMP, notes TEXT,
        tags VARCHAR(500), source VARCHAR(20) NOT NULL, billable BOOLEAN NOT NULL,
        paid BOOLEAN NOT NULL, invoice_number VARCHAR(100), created_at TIMESTAMP NOT NULL,
        updated_at TIMESTAMP NOT NULL
    """,
    "api_tokens": """
        id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, description TEXT,
        token_hash VARCHAR(128) NOT NULL, token_prefix VARCHAR(10) NOT NULL,
        user_id INTEGER NOT NULL, scopes TEXT, created_at TIMESTAMP NOT NULL,
        expires_at TIMESTAMP, last_used_at TIMESTAMP, is_active BOOLEAN NOT NULL,
        ip_whitelist TEXT
    """,
    "user_favorite_projects": """
        id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, project_id INTEGER NOT NULL,
        created_at TIMESTAMP NOT NULL
    """,
    "invoices": "id INTEGER PRIMARY KEY, invoice_number VARCHAR(50) NOT NULL",
}
# What an installation of version 5 may lack.
NEEDED_BY_NOBODY = (
    *("roles", "user_roles", "user_clients", "rate_overrides", "kanban_columns"),
    *("user_favorite_projects", "invoices"),
)
Table = Iterable[dict[str, Any]]
Tables = dict[str, Table]

ROME = "Europe/Rome"
MADE = datetime(2024, 1, 2, 9)  # noqa: DTZ001 - the original's times have no zone
FIRST_DAY = date(2022, 1, 3)
# Of `pass-word-1`, by Werkzeug 3.1.
SCRYPT = (
    "scrypt:32768:8:1$AqC8VOfx8riE2GJI$e0e93a2eb7b68273c27d182ec4ef16916e0f42ec949a05dadb1a3ef80f"
    "ec789600d8e38616da9e611161deaf1e23554396a29559f166b743ca2a92e02f5e8da9"
)
PBKDF2 = (
    "pbkdf2:sha256:1000$VcVCRJLHHZsNSROi$"
    "9b3789dfab7d661e98ae97b56fa552636082b9612ceee23a0bcf300c75a082f4"
)
SECRET = "tt_Zk3-_9aBcDeFgHiJkLmNoPqRsTuVwXy-"

DEFAULTS: dict[str, dict[str, Any]] = {
    "settings": {"id": 1, "timezone": ROME, "currency": "USD"},
    "users": {
        "role": "user",
        "created_at": MADE,
        "is_active": True,
        "client_portal_enabled": False,
        "two_factor_enabled": False,
        "password_change_required": False,
        "password_hash": PBKDF2,
    },
    "clients": {"status": "active", "created_at": MADE, "updated_at": MADE},
    "projects": {
        "client_id": 1,
        "billable": True,
        "status": "active",
        "created_at": MADE,
        "updated_at": MADE,
    },
    "tasks": {
        "project_id": 1,
        "status": "todo",
        "priority": "medium",
        "created_at": MADE,
        "updated_at": MADE,
    },
    "time_entries": {
        "user_id": 1,
        "project_id": 1,
        "break_seconds": 0,
        "source": "manual",
        "billable": True,
        "paid": False,
        "created_at": MADE,
        "updated_at": MADE,
    },
    "api_tokens": {
        "user_id": 1,
        "name": "Script",
        "scopes": "read:projects",
        "is_active": True,
        "created_at": MADE,
    },
    "user_favorite_projects": {"created_at": MADE},
}


def token_row(secret: str, **fields: Any) -> dict[str, Any]:
    """Return a row of `api_tokens`."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return {"token_hash": digest, "token_prefix": secret[:8], **fields}


def entry_row(start: str, end: str | None, seconds: int | None, **fields: Any) -> dict[str, Any]:
    """Return a row of `time_entries`; times are local: `2024-01-15 09:00`."""
    times = {"start_time": datetime.fromisoformat(start)}
    times |= {"end_time": datetime.fromisoformat(end)} if end else {}
    return {**times, "duration_seconds": seconds, **fields}


def make_sqlite(path: Path, tables: Tables, *, without: Sequence[str] = ()) -> None:
    """Make a SQLite file of the original; `without` names tables, or columns as `table.column`."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in SCHEMA:
            names = _columns(table, without)
            if not names:
                continue
            connection.execute(_create(table, without).replace("TIMESTAMP", "DATETIME"))
            values = ", ".join("?" * len(names))
            rows = (tuple(map(_of_sqlite, row)) for row in _rows(table, tables, names))
            connection.executemany(f"INSERT INTO {table} VALUES ({values})", rows)  # noqa: S608


def make_postgresql(url: str, tables: Tables, *, without: Sequence[str] = ()) -> None:
    """Make the tables of the original in an empty PostgreSQL database."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table in SCHEMA:
            names = _columns(table, without)
            if not names:
                continue
            cursor.execute(_create(table, without).encode())
            with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                for row in _rows(table, tables, names):
                    copy.write_row(row)


def _create(table: str, without: Sequence[str]) -> str:
    kept = [line for line in _split(SCHEMA[table]) if line.split()[0] in _columns(table, without)]
    return f"CREATE TABLE {table} ({', '.join(kept)})"


def _columns(table: str, without: Sequence[str]) -> list[str]:
    if table in without:
        return []
    names = [each.split()[0] for each in _split(SCHEMA[table])]
    return [name for name in names if f"{table}.{name}" not in without]


def _split(columns: str) -> list[str]:
    """Return the columns, one each: not where a comma is in parentheses."""
    return [each.strip() for each in re.split(r",(?! 2\))", columns)]


def _rows(table: str, tables: Tables, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    given: Table = tables.get(table, [{}] if table == "settings" else [])
    for number, row in enumerate(given, 1):
        full = {"id": number, **DEFAULTS.get(table, {}), **row}
        yield tuple(full.get(name) for name in names)


def _of_sqlite(value: object) -> object:
    """Return a value as SQLAlchemy stores it there."""
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds")
    return value.isoformat() if isinstance(value, date) else value


def believable(users: int, entries: int) -> Tables:
    """Return an installation of some years; one entry in forty is not as it should be."""
    clients, projects = max(1, users // 10), max(2, users // 4)
    return {
        "users": [
            {
                "username": f"user{number}",
                "full_name": f"Given{number} Family{number}",
                "email": f"user{number}@example.com",
                "password_hash": PBKDF2,
                "role": "admin" if number == 1 else "user",
                "timezone": [None, "America/New_York", "Mars/Olympus"][number % 3],
            }
            for number in range(1, users + 1)
        ],
        "clients": [
            {
                "name": f"CLIENT {number - 1}" if number % 5 == 0 else f"Client {number}",
                "default_hourly_rate": 60 + number % 40,
                "address": "Long Street " * (300 if number % 7 == 0 else 1),
            }
            for number in range(1, clients + 1)
        ],
        "projects": [
            {
                "name": f"Project {number // 2}" if number % 9 == 0 else f"Project {number}",
                "client_id": number % clients + 1,
                "hourly_rate": None if number % 3 else 75 + number % 20,
                "status": ["active", "active", "inactive", "archived"][number % 4],
            }
            for number in range(1, projects + 1)
        ],
        "rate_overrides": [
            {
                "project_id": 1,
                "user_id": 1,
                "hourly_rate": 120,
                "effective_from": date(2023, 1, 1),
            }
        ],
        "tasks": [
            {
                "project_id": number % projects + 1,
                "name": f"Task {number}",
                "status": ["todo", "done", "blocked", "review"][number % 4],
                "priority": ["low", "medium", "high", "urgent", "1", "none"][number % 6],
            }
            for number in range(1, projects * 4 + 1)
        ],
        "time_entries": _believable_entries(users, projects, entries),
        "api_tokens": [
            token_row(f"tt_{number:032}", user_id=number, name="App login - app")
            for number in range(1, users + 1)
        ],
    }


def _believable_entries(users: int, projects: int, entries: int) -> Table:
    random = Random("original")  # noqa: S311 - nothing here is a secret
    a_day = users * 4
    for number in range(entries):
        day, place = divmod(number, a_day)
        user, turn = divmod(place, 4)
        start = datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(  # as MADE
            days=day, hours=8 + 2 * turn, minutes=random.randrange(20)
        )
        minutes, taken = random.randint(15, 100), random.choice((0, 0, 0, 5))
        project = random.randrange(projects) + 1
        row: dict[str, Any] = {
            "user_id": user + 1,
            "project_id": project,
            "start_time": start,
            "end_time": start + timedelta(minutes=minutes),
            "break_seconds": taken * 60,
            "duration_seconds": (minutes - taken) * 60,
            "tags": "design, review",
            "notes": f"Wrote part {number} of it",
            "created_at": start,
            "updated_at": start,
            "task_id": (random.randrange(4) * projects + project - 1) or None,
        }
        yield row | _nasty(number, row)


def _nasty(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """Return what is wrong with one entry in forty, each in its own way."""
    kinds: list[dict[str, Any]] = [
        {"end_time": row["start_time"], "duration_seconds": 0},
        {"end_time": row["start_time"] - timedelta(hours=1), "duration_seconds": -3600},
        {"break_seconds": 10**6, "duration_seconds": 0},
        {"duration_seconds": row["duration_seconds"] + 7 * 60},
        {"duration_seconds": max(60, row["duration_seconds"] - 7 * 60)},
        {"project_id": None, "client_id": 1, "task_id": None},
        {"project_id": 10**6},
        {"task_id": 10**6},
        {"notes": "x" * 10_001},
        {"tags": "y" * 60},
        {"end_time": None, "duration_seconds": None},
        {"end_time": row["start_time"] + timedelta(days=500), "duration_seconds": 500 * 86_400},
        {"paid": True, "invoice_number": f"INV-{number % 7}"},
    ]
    return kinds[number // 40 % len(kinds)] if number % 40 == 0 else {}


def main(arguments: Sequence[str]) -> None:
    """Make a database, as it is asked for."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--entries", type=int, default=300_000)
    given = parser.parse_args(arguments)
    tables = believable(given.users, given.entries)
    if given.target.startswith("postgres"):
        make_postgresql(given.target, tables)
    else:
        make_sqlite(Path(given.target), tables)


if __name__ == "__main__":
    main(sys.argv[1:])
