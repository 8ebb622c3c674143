"""What is measured, started as users start it: PostgreSQL, Redis and the service's processes."""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.load import ask
from benchmarks.meters import cpu_seconds, parent
from benchmarks.operations import Cast, request
from tests.servers import (
    ROOT,
    SETTINGS,
    NoServer,
    free_port,
    postgresql_of_our_own,
    redis_of_our_own,
)

STARTS_WITHIN = 60  # seconds
UNLIMITED = {"RATE_LIMIT_PER_MINUTE": "999999999", "RATE_LIMIT_PER_HOUR": "999999999"}
WORKERS = 2


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

    def create(self, database: str) -> None:
        """Make a database unless there is one of that name."""
        with (
            suppress(psycopg.errors.DuplicateDatabase),
            psycopg.connect(self.url, dbname="postgres", autocommit=True) as connection,
        ):
            connection.execute(f'CREATE DATABASE "{database}"'.encode())


@contextmanager
def stores(server: str = "") -> Iterator[Stores]:
    """Lend the PostgreSQL server at a URL, or one of our own, and a Redis of our own if possible.

    Our own server waits for the disk, has its default settings but for 512 MB of shared buffers,
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
        configuration.write("\nshared_buffers = 512MB\nmax_wal_size = 4GB\n")
    server.start()
    return server.url


@dataclass
class Service:
    """One checkout of the service on one database."""

    name: str
    tree: Path
    environment: dict[str, str]
    workers: int
    port: int
    cast: Cast
    process: subprocess.Popen[bytes]

    def cpu_seconds(self) -> float:
        """Return what its processes have used so far."""
        return cpu_seconds(self.process.pid)


@contextmanager
def serving(
    name: str,
    tree: Path,
    settings: dict[str, str],
    entries: int,
    workers: int = WORKERS,
) -> Iterator[Service]:
    """Run the service of a tree with `manage.py serve`, on a database filled with entries."""
    kept = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    secret = {key: secrets.token_urlsafe(64) for key in ("SECRET_KEY", "TOKEN_PEPPER")}
    environment = {**kept, **secret, **UNLIMITED, **settings, "PYTHONPATH": str(tree)}
    cast = _fill(tree, environment, entries)
    with tempfile.TemporaryDirectory(prefix="timetracker-") as folder:
        log = Path(folder) / "log"
        port = free_port()
        command = [python(tree), "manage.py", "serve", "--port", str(port)]
        command += ["--workers", str(workers)]
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, cwd=tree, env=environment, stdout=output, stderr=output
            )
        try:
            _wait_until_healthy(port, log)
            yield Service(name, tree, environment, workers, port, cast, process)
        finally:
            process.terminate()
            process.wait(60)


def python(tree: Path) -> str:
    """Return the interpreter of a checkout; ours where it has none of its own."""
    own = tree / ".venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def _fill(tree: Path, environment: dict[str, str], entries: int) -> Cast:
    script = ROOT / "benchmarks" / "data.py"
    command = [python(tree), str(script), "--entries", str(entries)]
    return Cast(**json.loads(subprocess.check_output(command, cwd=tree, env=environment)))


def _wait_until_healthy(port: int, log: Path) -> None:
    give_up = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < give_up:
        with suppress(OSError):
            if ask(port, request("GET", "/health", ""))[0] == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"not started: {log.read_text()[-2000:]}")
