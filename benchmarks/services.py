"""What is measured, started as users start it: PostgreSQL, Redis and the service's processes."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.load import ask
from benchmarks.meters import parent
from benchmarks.operations import Cast
from tests.support.servers import (
    ROOT,
    SETTINGS,
    NoServer,
    free_port,
    postgresql_of_our_own,
    redis_of_our_own,
)

STARTS_WITHIN = 60  # seconds
SERVER_ERROR = 500
UNLIMITED = {"RATE_LIMIT_PER_MINUTE": "999999999", "RATE_LIMIT_PER_HOUR": "999999999"}


@dataclass(frozen=True)
class Stores:
    """The servers below the service, and their processes."""

    url: str  # of the PostgreSQL server; the name of the database in it is a placeholder
    postmaster: int
    version: str
    redis_url: str
    redis: int

    def url_of(self, database: str) -> str:
        """Return the URL of one of its databases."""
        before, _, query = self.url.partition("?")
        return f"{before.rpartition('/')[0]}/{database}" + (f"?{query}" if query else "")

    def settings(self, database: str) -> dict[str, str]:
        """Return the settings of a service on a database, which is made if there is none."""
        with suppress(psycopg.errors.DuplicateDatabase):
            self._execute(f'CREATE DATABASE "{database}"')
        return {"DATABASE_URL": self.url_of(database), "REDIS_URL": self.redis_url}

    def copy(self, database: str, name: str) -> None:
        """Copy a database to which nobody is connected."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}"')
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{database}"')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def stores(server: str = "") -> Iterator[Stores]:
    """Lend the PostgreSQL server at a URL, or one of our own, and a Redis of our own if possible.

    Our own server waits for the disk, has its default settings but for 1 GB of shared buffers,
    and does nothing but what is measured: so the CPU of the database is that of the server.
    """
    with ExitStack() as lent:
        if not server:
            server = _own_server(lent)
        with psycopg.connect(server, dbname="postgres") as connection:
            postmaster = parent(connection.info.backend_pid)
            version = connection.info.parameter_status("server_version") or ""
        redis_url, redis = "", 0
        with suppress(NoServer):
            counters = lent.enter_context(redis_of_our_own())
            redis_url, redis = counters.url, counters.process.pid if counters.process else 0
        yield Stores(server, postmaster, version.split()[0], redis_url, redis)


def _own_server(lent: ExitStack) -> str:
    server = lent.enter_context(postgresql_of_our_own(durable=True))
    server.stop("fast")
    with (server.folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("\nshared_buffers = 1GB\nmax_wal_size = 4GB\n")
    server.start()
    return server.url


@dataclass(frozen=True)
class Installation:
    """One checkout of the service with its settings and a database filled with entries."""

    name: str
    tree: Path
    environment: dict[str, str]
    cast: Cast


@dataclass(frozen=True)
class Service:
    """An installation that runs."""

    name: str
    tree: Path
    cast: Cast
    workers: int
    port: int
    process: int
    on_postgresql: bool

    @property
    def timer_users(self) -> range:
        """The users who have no timer, by their places in the cast."""
        return range(len(self.cast.users) - self.cast.timers)


def installed(name: str, tree: Path, settings: dict[str, str], entries: int) -> Installation:
    """Prepare the database of a tree; one that has entries keeps them."""
    kept = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    secret = {key: secrets.token_urlsafe(64) for key in ("SECRET_KEY", "TOKEN_PEPPER")}
    environment = {**kept, **secret, **UNLIMITED, **settings, "PYTHONPATH": str(tree)}
    script = next(
        path for each in (tree, ROOT) if (path := each / "benchmarks" / "data.py").exists()
    )  # its own, which knows its models
    # -P: beside the script are modules with the names of apps, such as webhooks.
    command = [python(tree), "-P", str(script), "--entries", str(entries)]
    cast = json.loads(subprocess.check_output(command, cwd=tree, env=environment))
    return Installation(name, tree, environment, Cast(**cast))


def python(tree: Path) -> str:
    """Return the interpreter of a checkout; ours where it has none of its own."""
    own = tree / ".venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable


@contextmanager
def serving(installation: Installation, workers: int = 0) -> Iterator[Service]:
    """Run `manage.py serve`, with its own number of workers unless one is given."""
    environment, port = installation.environment, free_port()
    workers = workers or (2 if environment.get("REDIS_URL") else 1)
    tree = installation.tree
    command = [python(tree), "manage.py", "serve", "--port", str(port), "--workers", str(workers)]
    if (tree / "webhooks").exists():  # older checkouts have none
        command.append("--no-webhooks")
    with started(command, tree, environment, port, "/api/v1/health") as process:
        yield Service(
            name=installation.name,
            tree=tree,
            cast=installation.cast,
            workers=workers,
            port=port,
            process=process,
            on_postgresql="DATABASE_URL" in environment,
        )


@contextmanager
def started(
    command: list[str], tree: Path, environment: Mapping[str, str], port: int, path: str
) -> Iterator[int]:
    """Run a server, its output in a file; lend its process once it answers at a path."""
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(command, cwd=tree, env=environment, stdout=log, stderr=log)
        try:
            _wait(port, path, Path(log.name))
            yield process.pid
        finally:
            process.terminate()
            process.wait(60)


def _wait(port: int, path: str, log: Path) -> None:
    give_up = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < give_up:
        with suppress(OSError):
            status, _ = ask(port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            if status < SERVER_ERROR:
                return
        time.sleep(0.05)
    raise RuntimeError(f"not started: {log.read_text()[-2000:]}")


def granian_of(process: int, application: str, port: int) -> list[str]:
    """Return the command of a granian that runs, for another application on another port."""
    words = Path(f"/proc/{process}/cmdline").read_text().split("\0")[:-1]
    words[words.index("granian") + 1] = application
    words[words.index("--port") + 1] = str(port)
    words[words.index("--working-dir") + 1] = str(ROOT)
    return words


@contextmanager
def copy_of_tree() -> Iterator[Path]:
    """Lend a copy of the checkout, for a service that keeps its SQLite database in its folder."""
    with tempfile.TemporaryDirectory(prefix="timetracker-") as name:
        tree = Path(name) / "service"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "data", "__pycache__"))
        yield tree
