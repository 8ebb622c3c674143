"""PgBouncer between several nodes and PostgreSQL: 500 client connections on 20 of the server.

Before 1.21 PgBouncer cannot keep prepared statements apart; then none are prepared. PGBOUNCER
names another program than Debian's.
"""

import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import psycopg

from tests.faults.harness import (
    Answer,
    Database,
    Load,
    Service,
    Verdict,
    run,
    serving,
    statuses,
    stored_in,
)
from tests.support.servers import pgbouncer, pgbouncer_program

NODES = 3
CLIENTS, SERVER_CONNECTIONS = 500, 20
WRITERS = 24
SECONDS = 10.0
PREPARED = "prepared statements"
# A server whose defaults are not ours: what a session would have to set shows.
ODD = ("timezone = 'Asia/Tokyo'", "datestyle = 'SQL, DMY'")


def keeps_statements() -> bool:
    """Return whether this PgBouncer keeps the prepared statements of its clients apart.

    1.21 does; DEALLOCATE ALL, by which we prepare again, is understood from 1.22 on.
    """
    said = subprocess.check_output([pgbouncer_program(), "--version"], text=True)
    major, minor = map(int, re.findall(r"PgBouncer (\d+)\.(\d+)", said)[0])
    return (major, minor) >= (1, 22)


class Others:
    """Clients of the pooler beside our nodes, each with a transaction now and then."""

    def __init__(self, url: str, count: int) -> None:
        self.failures: Counter[str] = Counter()
        self.transactions = 0
        self._stop = threading.Event()
        self._connections = [psycopg.connect(url, prepare_threshold=None) for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(4)
        ]

    def __enter__(self) -> "Others":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        for connection in self._connections:
            connection.close()

    def _run(self, part: int) -> None:
        while not self._stop.is_set():
            for connection in self._connections[part::4]:
                try:
                    with connection.transaction():
                        connection.execute("SELECT count(*) FROM projects_project")
                    self.transactions += 1
                except psycopg.Error as error:
                    self.failures[type(error).__name__] += 1
                if self._stop.wait(0.01):
                    return


def start(verdict: Verdict, service: Service, pooled: str) -> None:
    """Start all nodes at once on an empty database; one migrates and the others wait for it."""
    service.send(signal.SIGTERM)
    service.wait()
    assert service.database.postgresql
    service.database.postgresql.configure(*ODD)
    service.rows("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    seconds = service.start()
    service.cast(1)
    console(pooled, "RECONNECT")
    applied = service.rows("SELECT count(*) FROM django_migrations")[0][0]
    twice = service.rows("SELECT 1 FROM django_migrations GROUP BY app, name HAVING count(*) > 1")
    limits = limits_of(service)
    verdict.line(
        f"{NODES} nodes started together",
        {"all healthy after": seconds, "migrations": applied, "limits": limits},
        each_migration_once=applied > 0 and not twice,
        limits_of_the_role={"statement_timeout=15000", "lock_timeout=5000"} <= set(limits),
    )


def limits_of(service: Service) -> list[str]:
    """Return the settings of the role, as `serve` made them."""
    rows = service.rows("SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole <> 0")
    return sorted(setting for (setting,) in rows)


def loaded(verdict: Verdict, service: Service, pooled: str, title: str) -> None:
    """Write and read through all nodes, beside as many other clients as make 500."""
    callers = [service.callers()[number % NODES] for number in range(WRITERS)]

    def work(number: int, request: int) -> Answer:
        if request % 3:
            return callers[number].send("GET", "/api/v1/time-entries?per_page=20")
        return callers[number].entry(service.project, f"{title}-{number}-{request}")

    most_servers = most_clients = 0
    with Others(pooled, CLIENTS) as beside, Load(WRITERS, work) as load:
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            clients, servers = pools(pooled)
            most_clients, most_servers = max(most_clients, clients), max(most_servers, servers)
            time.sleep(0.5)
    acknowledged = [answer.note for answer in load.answers if answer.status == 201]
    stored = service.notes(f"{title}-")
    slowest = max(answer.received - answer.sent for answer in load.answers)
    parsed, bound = parses(pooled)
    prepared = title == PREPARED
    verdict.line(
        title,
        {
            "answers": statuses(load.answers),
            "slowest": slowest,
            "transactions of others": beside.transactions,
            "their failures": dict(beside.failures),
            "clients": most_clients,
            "server connections": most_servers,
            "statements parsed and bound": (parsed, bound),
        },
        nothing_failed={answer.status for answer in load.answers} == {200, 201},
        each_write_once=sorted(acknowledged) == sorted(stored),
        others_unharmed=not beside.failures and beside.transactions > 0,
        many_clients=most_clients >= CLIENTS,
        prepared=not prepared or 0 < 2 * parsed < bound,
        few_server_connections=0 < most_servers <= SERVER_CONNECTIONS,
    )


def pools(pooled: str) -> tuple[int, int]:
    """Return how many clients and server connections PgBouncer has for our database."""
    name = pooled.rpartition("/")[2]
    ours = [row for row in console(pooled, "SHOW POOLS") if row["database"] == name]
    clients = sum(row["cl_active"] + row["cl_waiting"] for row in ours)
    servers = sum(row["sv_active"] + row["sv_idle"] + row["sv_used"] for row in ours)
    return clients, servers


def parses(pooled: str) -> tuple[int, int]:
    """Return how often PgBouncer let the server parse a statement, and how often bind one."""
    ours = [row for row in console(pooled, "SHOW STATS") if row["database"] in pooled]
    names = ("total_server_parse_count", "total_bind_count")  # of 1.23 and later
    parsed, bound = (sum(int(row.get(name, 0)) for row in ours) for name in names)
    return parsed, bound


def console(pooled: str, command: str) -> list[dict[str, Any]]:
    """Return what PgBouncer's console answers."""
    url = f"{pooled.rpartition('/')[0]}/pgbouncer"
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as admin:
        cursor = admin.execute(command.encode())
        titles = [column.name for column in cursor.description or ()]
        return [dict(zip(titles, row, strict=True)) for row in cursor] if titles else []


def limited(verdict: Verdict, pooled: str) -> None:
    """Wait for longer than a request may, on a connection of the pooler that is new."""
    began = time.monotonic()
    with psycopg.connect(pooled, prepare_threshold=None, autocommit=True) as connection:
        (row,) = connection.execute("SHOW lock_timeout").fetchall()
    verdict.line(
        "limits through the pooler",
        {"lock_timeout": row[0], "asked in": time.monotonic() - began},
        as_the_role_has_it=row[0] == "5s",
    )


def altered(verdict: Verdict, service: Service) -> None:
    """Change the type of a column under prepared statements, and ask again."""
    before = [caller.send("GET", "/api/v1/projects").status for caller in service.callers() * 3]
    service.rows("ALTER TABLE projects_project ALTER COLUMN name TYPE varchar(499)")
    after = [caller.send("GET", "/api/v1/projects").status for caller in service.callers() * 8]
    verdict.line(
        "a column altered", {"before": before, "after": after}, answered={*before, *after} == {200}
    )


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Start nodes behind a pooler and load them, with and without prepared statements."""
    for _ in range(count):
        for prepared in [False, True] if keeps_statements() else [False]:
            with ExitStack() as lent:
                database = lent.enter_context(stored_in(kind))
                options = ("max_client_conn = 1000", "max_prepared_statements = 200")
                pooled = lent.enter_context(
                    pgbouncer(
                        database.settings["DATABASE_URL"],
                        SERVER_CONNECTIONS,
                        *options[: 1 + prepared],
                    )
                )
                service = lent.enter_context(
                    serving(
                        behind(database, pooled, prepared=prepared),
                        NODES,
                        DATABASE_POOLED="on",
                    )
                )
                title = PREPARED if prepared else "no prepared statements"
                start(verdict, service, pooled)
                loaded(verdict, service, pooled, title)
                limited(verdict, pooled)
                altered(verdict, service)


def behind(database: Database, pooled: str, *, prepared: bool) -> Database:
    """Return the database as the nodes reach it: through the pooler, and for migrations not."""
    direct = database.settings["DATABASE_URL"]
    url = f"{pooled}?prepare_threshold=1" if prepared else pooled
    return replace(database, settings={"DATABASE_URL": url, "DATABASE_DIRECT_URL": direct})


if __name__ == "__main__":
    sys.exit(run("pooling", rounds, databases=("postgresql",), folder="operations"))
