"""A service of real processes on databases of its own, callers that load it, and a verdict.

Everything is thrown away at the end: the service runs from a copy of the tree (so that SQLite
and whoever edits the code stay out of it), its servers listen on the loopback address only.
"""

import gzip
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from tests.support.servers import (
    DATABASE,
    ROOT,
    SETTINGS,
    NoServer,
    Postgresql,
    free_port,
    postgresql_of_our_own,
)

T = TypeVar("T")

SKIPPED = 77  # the exit code of a script that lacks a server program, as automake's tests have it
STARTS_WITHIN = 60  # seconds
PATIENCE = 60  # seconds a caller waits for an answer
UNLIMITED = dict.fromkeys(
    ("RATE_LIMIT_PER_MINUTE", "RATE_LIMIT_PER_HOUR", "REQUESTS_AT_ONCE"), "999999999"
)
ENTRY = {"start_time": "2024-01-15T09:00:00Z", "end_time": "2024-01-15T10:00:00Z"}


@dataclass(frozen=True)
class Answer:
    """What came back, with the monotonic seconds; status 0 is a connection that failed."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]
    sent: float
    received: float
    error: str = ""
    reused: bool = False  # whether it went over a connection that had been used before
    note: str = ""  # what the caller wants to find it by


class Caller:
    """One client with a connection that it keeps, to one server."""

    def __init__(self, port: int, token: str = "", *, keeps: bool = True) -> None:
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._keeps = keeps
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def send(self, method: str, path: str, note: str = "", **body: Any) -> Answer:
        """Return the answer; a failure of the connection is an answer of status 0."""
        reused, sent = self._connection.sock is not None, time.monotonic()
        try:
            status, headers, content = self._exchange(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            failure = type(error).__name__
            return Answer(0, {}, {}, sent, time.monotonic(), failure, reused, note)
        received = time.monotonic()
        is_json = headers.get("content-type", "").startswith("application/json")
        document = json.loads(content) if is_json else {}
        error_text = "" if is_json else "not JSON"
        return Answer(status, document, headers, sent, received, error_text, reused, note)

    def entry(self, project: int, note: str, **body: Any) -> Answer:
        """Post a time entry of an hour."""
        entry = {"project_id": project, **ENTRY, "notes": note, **body}
        return self.send("POST", "/api/v1/time-entries", note, **entry)

    def _exchange(
        self, method: str, path: str, body: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        content = json.dumps(body) if body else None
        headers = {**self.headers, **({"Content-Type": "application/json"} if body else {})}
        self._connection.request(method, path, content, headers)
        response = self._connection.getresponse()
        content_back = response.read()
        if response.headers.get("Content-Encoding") == "gzip":
            content_back = gzip.decompress(content_back)
        if not self._keeps:
            self._connection.close()
        headers_back = {name.lower(): value for name, value in response.headers.items()}
        return response.status, headers_back, content_back


@dataclass(frozen=True)
class Database:
    """What a service stores in: its settings, and a look at its rows past the service."""

    title: str
    settings: dict[str, str]
    postgresql: Postgresql | None = None

    def rows(self, tree: Path, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement and commit it; return its rows, if it has any."""
        of_server = self.settings.get("DATABASE_DIRECT_URL")  # past a pooler
        if url := of_server or self.settings.get("DATABASE_URL"):
            with psycopg.connect(url) as connection:
                cursor = connection.execute(statement.encode())
                return cursor.fetchall() if cursor.description else []
        with sqlite3.connect(tree / "data" / "timetracker.sqlite3", timeout=20) as connected:
            rows = connected.execute(statement).fetchall()
        connected.close()
        return rows


@dataclass
class Service:
    """Servers of one service, each on a port of its own, started as `manage.py serve` does."""

    tree: Path
    database: Database
    environment: dict[str, str]
    ports: list[int]
    workers: int = 1  # processes of each server
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    user: int = 0
    project: int = 0
    administrators: list[str] = field(default_factory=list)
    tokens: dict[int, str] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)  # a token of each other user

    @property
    def token(self) -> str:
        """A token of the user."""
        return next(iter(self.tokens.values()))

    def callers(self, token: str = "", **options: bool) -> list[Caller]:
        """Return a caller for each server."""
        return [Caller(port, token or self.token, **options) for port in self.ports]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in the database."""
        return self.database.rows(self.tree, statement)

    def notes(self, beginning: str) -> list[str]:
        """Return the notes of the stored time entries, of those that begin so."""
        statement = f"SELECT notes FROM timeentries_timeentry WHERE notes LIKE '{beginning}%'"
        return [note for (note,) in self.rows(statement)]

    def intact(self) -> bool:
        """Return whether SQLite finds nothing wrong with its file; PostgreSQL has no such look."""
        return bool(self.database.postgresql) or self.rows("PRAGMA integrity_check") == [("ok",)]

    def start(self) -> float:
        """Start the servers; return the seconds until all of them were healthy."""
        started = time.monotonic()
        self.processes = [self._serve(port) for port in self.ports]
        for port in self.ports:
            while Caller(port, keeps=False).send("GET", "/api/v1/health").status != 200:
                if time.monotonic() > started + STARTS_WITHIN:
                    raise RuntimeError(f"not started: {self.log(port).read_text()[-2000:]}")
                time.sleep(0.05)
        return time.monotonic() - started

    def send(self, number: signal.Signals, *, only: int | None = None) -> None:
        """Send a signal to each server: SIGKILL to all its processes, others to the main one."""
        for port, process in zip(self.ports, self.processes, strict=False):
            if process.poll() is not None or only not in (None, port):
                continue
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)

    def wait(self, timeout: float = 60) -> list[int]:
        """Return the exit codes, when all servers have ended."""
        return [process.wait(timeout) for process in self.processes]

    def log(self, port: int) -> Path:
        """Return the file of a server's log."""
        return self.tree / f"server-{port}.log"

    def cast(self, tokens: int, people: int = 0) -> None:
        """Make the users, tokens and the project."""
        command = [sys.executable, "-m", "tests.faults.cast", str(tokens), str(people)]
        made = json.loads(subprocess.check_output(command, cwd=self.tree, env=self.environment))
        self.user, self.project = made["user"], made["project"]
        self.administrators = made["administrators"]
        self.tokens = {int(key): secret for key, secret in made["tokens"].items()}
        self.people = made["people"]

    def add(self, **settings: str) -> int:
        """Start one more server with other settings; return its port when it answers."""
        port = free_port()
        self.ports.append(port)
        self.processes.append(self._serve(port, **settings))
        started = time.monotonic()
        while Caller(port, keeps=False).send("GET", "/api/v1/live").status != 200:
            if time.monotonic() > started + STARTS_WITHIN:
                raise RuntimeError(f"not started: {self.log(port).read_text()[-2000:]}")
            time.sleep(0.05)
        return port

    def _serve(self, port: int, **settings: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "serve", "--port", str(port), "--no-webhooks"]
        command += ["--workers", str(self.workers)]
        with self.log(port).open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.tree,
                env=self.environment | settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


@contextmanager
def serving(
    database: Database,
    servers: int = 1,
    tokens: int = 1,
    workers: int = 1,
    people: int = 0,
    /,
    **settings: str,
) -> Iterator[Service]:
    """Run a service from a copy of the tree; its rate limit is out of the way unless set."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    secret = {name: secrets.token_urlsafe(64) for name in ("SECRET_KEY", "TOKEN_PEPPER")}
    environment = {**kept, **secret, **UNLIMITED, **database.settings, **settings}
    with tempfile.TemporaryDirectory(prefix="timetracker-") as name:
        tree = Path(name) / "service"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "data", "__pycache__"))
        ports = [free_port() for _ in range(servers)]
        service = Service(tree, database, environment, ports, workers)
        service.cast(tokens, people)
        try:
            service.start()
            yield service
        finally:
            service.send(signal.SIGKILL)
            service.wait()


@contextmanager
def stored_in(kind: str) -> Iterator[Database]:
    """Lend an empty database: `sqlite`, or `postgresql` on a server of our own."""
    if kind == "sqlite":
        yield Database("SQLite", {})
        return
    with postgresql_of_our_own(durable=True) as server:
        with psycopg.connect(server.url, dbname="postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{DATABASE}"'.encode())
        yield Database("PostgreSQL", {"DATABASE_URL": server.url}, server)


class Load:
    """Callers that work in threads of their own, until the block ends or each has done its part.

    `work(caller number, request number)` makes one request.
    """

    AT_MOST = 20_000  # requests of one caller

    def __init__(self, callers: int, work: Callable[[int, int], Answer]) -> None:
        self.answers: list[Answer] = []
        self._work = work
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(callers)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)

    def wait_for(self, successes: int, seconds: float) -> None:
        """Return once so many requests were answered 200 or 201, or after so many seconds."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            if sum(answer.status in (200, 201) for answer in self.answers) >= successes:
                return
            time.sleep(0.02)

    def _run(self, caller: int) -> None:
        for number in range(self.AT_MOST):
            if self._stop.is_set():
                return
            answer = self._work(caller, number)
            self.answers.append(answer)
            if answer.status == 0:
                self._stop.wait(0.02)  # who was refused need not hammer


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Return what the calls return, made at the same moment from a thread each."""
    barrier = threading.Barrier(len(calls), timeout=30)

    def run(call: Callable[[], T]) -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(run, call) for call in calls]]


def connects(port: int) -> bool:
    """Return whether something listens on a port of the loopback address, or soon does."""
    give_up = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < give_up:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        time.sleep(0.02)
    return False


def statuses(answers: Sequence[Answer]) -> str:
    """Return how many answers there were of each status: `1 x 201, 63 x 409`."""
    counts = Counter(answer.status for answer in answers)
    return ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))


def window_left(key: str, now: float) -> float:
    """Return the seconds until the minute of a key of the rate limit ends (django-ratelimit)."""
    return 60 - (now - 1 - zlib.crc32(key.encode())) % 60


@dataclass
class Verdict:
    """Prints one line of figures a round and remembers whether every promise was kept."""

    script: str
    broken: int = 0

    def line(self, title: str, figures: dict[str, object], **promises: bool) -> None:
        """Print the figures, and the promises that were not kept."""
        text = " · ".join(f"{name} {_figure(value)}" for name, value in figures.items())
        broken = [name for name, kept in promises.items() if not kept]
        self.broken += len(broken)
        blame = f"  BROKEN: {', '.join(broken)}" if broken else ""
        print(f"{self.script}, {title}: {text}{blame}", flush=True)


def _figure(value: object) -> object:
    return f"{value:.2f} s" if isinstance(value, float) else value


def run(
    script: str,
    rounds: Callable[[Verdict, str, int], None],
    databases: Sequence[str] = ("sqlite", "postgresql"),
    default_rounds: int = 1,
    folder: str = "faults",
) -> int:
    """Run a script's rounds on each database that is asked for; return the exit code."""
    parser = ArgumentParser(prog=f"python -m tests.{folder}.{script}")
    parser.add_argument("--rounds", type=int, default=default_rounds)
    parser.add_argument("--database", choices=databases, help="both if absent")
    options = parser.parse_args()
    # So that whoever stops us stops our servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    verdict = Verdict(script)
    try:
        for kind in [options.database] if options.database else databases:
            rounds(verdict, kind, options.rounds)
    except NoServer as missing:
        print(f"{script}: skipped, {missing}")
        return SKIPPED
    return int(verdict.broken > 0)
