"""An upgrade from 1.0.0 under load, by the commands of docs/operations.md: no request fails.

Two nodes behind nginx write and read while the database is migrated, and are then restarted one
after the other. `ENTRIES=3000000` fills the database before.
"""

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.harness import (
    UNLIMITED,
    Answer,
    Caller,
    Database,
    Load,
    Verdict,
    connects,
    run,
    statuses,
    stored_in,
)
from tests.support.servers import ROOT, NoServer, free_port, wait_for_port
from tests.support.trees import copy_of_this, environ_package, environment_of, has_commit, unpack

RELEASE = "b487151"  # 1.0.0: the last commit before "Unreleased" in CHANGELOG.md
ENTRIES = int(os.environ.get("ENTRIES", "5000"))
NODES = 2
WRITERS, READERS = 8, 2
PAUSE = 0.1  # seconds between the requests of a caller
BEFORE, AFTER = 3.0, 3.0  # seconds of load
WAITS_AT_MOST = 1.0  # seconds, beyond what the slowest write before the upgrade took
DONE = (200, 201)
READ = ("/api/v1/time-entries?per_page=20", "/api/v1/projects", "/api/v1/users/me")
# What the older servers do not write, and finish_upgrade fills in.
FILL = """
    INSERT INTO timeentries_timeentry (
        user_id, project_id, start_time, end_time, notes, tags, billable, created_at, updated_at
    )
    SELECT {user}, {project}, start, start + interval '50 minutes', 'Stored ' || number, 'old',
        true, now(), now()
    FROM generate_series(1, {entries}) AS number,
        LATERAL (SELECT timestamptz '2014-01-01' + number * interval '1 minute' AS start) AS at;
"""
STORED = "SELECT notes FROM timeentries_timeentry WHERE notes LIKE 'upgrade-%'"
INCOMPLETE = """
    SELECT count(*) FROM timeentries_timeentry
    WHERE folded_notes IS DISTINCT FROM lower(notes) OR folded_tags IS DISTINCT FROM lower(tags)
        OR rounded_seconds IS NULL
"""


@dataclass(frozen=True)
class Trial:
    """The two releases, what they run on, and what the callers need."""

    old: Path
    new: Path
    folder: Path
    database: Database
    environment: dict[str, str]
    ports: list[int]
    proxy: int
    token: str
    project: int

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in the database."""
        return self.database.rows(self.new, statement)


@dataclass
class Event:
    """A line that a command printed, and the monotonic seconds in which it came about."""

    text: str
    began: float
    ended: float


def commands() -> str:
    """Return the commands of the section of docs/operations.md."""
    text = (ROOT / "docs/operations.md").read_text()
    _, _, section = text.partition("**Without a stop**")
    found = re.search(r"```bash\n(.*?)```", section, re.DOTALL)
    assert found, "docs/operations.md has no commands for an upgrade without a stop"
    return found[1]


@contextmanager
def trial(database: Database) -> Iterator[Trial]:
    """Run two nodes of the old release on a filled database, behind nginx."""
    if not has_commit(RELEASE):
        raise NoServer(f"{RELEASE} is not in this clone")
    with ExitStack() as lent:
        name = lent.enter_context(tempfile.TemporaryDirectory(prefix="timetracker-"))
        folder = Path(name)
        old, new = unpack(RELEASE, folder / "old"), copy_of_this(folder / "new")
        keys = {name: secrets.token_urlsafe(64) for name in ("SECRET_KEY", "TOKEN_PEPPER")}
        given = environment_of({**database.settings, **UNLIMITED, **keys})
        in_old = given | {"PYTHONPATH": f"{old}:{environ_package(folder / 'packages')}"}
        output = subprocess.check_output(
            [sys.executable, "-m", "tests.faults.cast", "1"], cwd=old, env=in_old
        )
        cast = json.loads(output)
        fill(database, cast)
        ports = [free_port() for _ in range(NODES)]
        proxy = lent.enter_context(nginx(ports, folder))
        tried = Trial(
            old,
            new,
            folder,
            database,
            given,
            ports,
            proxy,
            next(iter(cast["tokens"].values())),
            cast["project"],
        )
        lent.callback(kill_nodes, tried)
        for port in ports:
            start(tried, port, old, in_old)
        yield tried


def fill(database: Database, cast: dict[str, Any]) -> None:
    """Store entries of a user as the old release has them."""
    database.rows(Path(), FILL.format(entries=ENTRIES, **cast))
    with psycopg.connect(database.settings["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def start(tried: Trial, port: int, tree: Path, environment: dict[str, str]) -> None:
    """Start a node, and return when it answers; what restarts it knows its process by a file."""
    with (tried.folder / f"{port}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(port), "--workers", "1"],
            cwd=tree,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (tried.folder / f"{port}.pid").write_text(str(process.pid))
    threading.Thread(target=process.wait, daemon=True).start()  # or it would not seem to end
    assert connects(port), (tried.folder / f"{port}.log").read_text()[-2000:]


def kill_nodes(tried: Trial) -> None:
    """End the nodes, whichever release they are of."""
    for port in tried.ports:
        with suppress(ProcessLookupError, FileNotFoundError):
            os.killpg(int((tried.folder / f"{port}.pid").read_text()), signal.SIGKILL)


@contextmanager
def nginx(ports: Sequence[int], folder: Path) -> Iterator[int]:
    """Run nginx with our file before the nodes, as compose.yaml does; return its port."""
    port, text = free_port(), (ROOT / "nginx.conf").read_text()
    text = text.replace("${TLS_TERMINATOR}", "127.0.0.9")
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    for number, of_node in enumerate(ports, 1):
        text = text.replace(f"application{number}:8000", f"127.0.0.1:{of_node}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in kinds)
    user = "user root; " if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;\n"
        f"events {{}}\nhttp {{ {paths}\n{text} }}\n"
    )
    process = subprocess.Popen(nginx_command(folder), stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def nginx_command(folder: Path) -> list[str]:
    """Return the command that starts our nginx, or with `-s reload` at its end reloads it."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise NoServer("no nginx")
    return [program, "-p", f"{folder}", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]


def programs_of_the_operator(tried: Trial) -> Path:
    """Make what the commands call: Python, nginx, and how a node is restarted."""
    programs, port_file = tried.folder / "programs", f"{tried.folder}/$port"
    programs.mkdir()
    restart = f"""
        port="${{1##*:}}"
        kill -TERM "$(cat "{port_file}.pid")"
        while kill -0 "$(cat "{port_file}.pid")" 2> /dev/null; do sleep 0.05; done
        cd "{tried.new}"
        setsid python manage.py serve --port "$port" --workers 1 >> "{port_file}.log" 2>&1 &
        echo $! > "{port_file}.pid"
    """
    for name, script in (
        ("python", f'exec {sys.executable} "$@"'),
        ("nginx", f'exec {shlex.join(nginx_command(tried.folder))} "$@"'),
        ("restart", restart),
    ):
        (programs / name).write_text(f"#!/bin/bash\n{script}\n")
        (programs / name).chmod(0o755)
    return programs


def upgrade(tried: Trial) -> list[Event]:
    """Carry out the commands of the document; return what they printed, and when."""
    environment = tried.environment | {
        "PATH": f"{programs_of_the_operator(tried)}:{os.environ['PATH']}",
        "NGINX_CONF": str(tried.folder / "nginx.conf"),
        "NODES": " ".join(f"127.0.0.1:{port}" for port in tried.ports),
        "PYTHONUNBUFFERED": "1",
    }
    events, last = [], time.monotonic()
    with subprocess.Popen(
        ["/bin/bash", "-euxo", "pipefail", "-c", commands()],
        cwd=tried.new,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            now = time.monotonic()
            events.append(Event(line.strip(), last, now))
            last = now
    assert process.returncode == 0, "\n".join(event.text for event in events)
    return events


def callers(tried: Trial) -> Callable[[int, int], Answer]:
    """Return what each caller does: most write, each entry of before at most once."""
    # A connection for each request: nginx closes idle ones as it reloads, and a client that keeps
    # its own has to look whether they are still good.
    each = [Caller(tried.proxy, tried.token, keeps=False) for _ in range(WRITERS + READERS)]
    [(before,)] = tried.rows("SELECT min(id) FROM timeentries_timeentry")

    def work(number: int, request: int) -> Answer:
        time.sleep(PAUSE)
        return replace(ask(number, request), body={}, headers={})  # there will be many

    def ask(number: int, request: int) -> Answer:
        if number >= WRITERS:
            return each[number].send("GET", READ[request % len(READ)])
        note = f"upgrade-{number}-{request}"
        if request % 3 or request * WRITERS + number >= ENTRIES:
            return each[number].entry(tried.project, note)
        # Spread over the table, so that some are being written by a batch of the migration.
        place = (request * WRITERS + number) * 7919 % ENTRIES
        path = f"/api/v1/time-entries/{before + place}"
        return each[number].send("PATCH", path, note, notes=note)

    return work


def judge(verdict: Verdict, tried: Trial, answers: list[Answer], events: list[Event]) -> None:
    """Print the timeline, and what was kept."""
    began = events[0].began
    writes, reads = ([a for a in answers if bool(a.note) is wanted] for wanted in (True, False))
    before = [a for a in writes if a.received < began]
    for event in events:
        if event.text.startswith(("Applying", "+ python", "+ restart")):
            lasted = event.ended - event.began
            wait = longest([a for a in writes if event.began < a.received < event.ended])
            timing = f"{event.began - began:7.2f} s, {lasted:6.2f} s, slowest write {wait:.2f} s"
            print(f"  {timing}  {event.text}", flush=True)
    written = sorted(answer.note for answer in answers if answer.note and answer.status in DONE)
    stored = [note for (note,) in tried.rows(STORED)]
    [(incomplete,)] = tried.rows(INCOMPLETE)
    check = [sys.executable, "manage.py", "rebuild_tallies", "--check"]
    tallied = subprocess.run(check, cwd=tried.new, env=tried.environment, check=False)
    verdict.line(
        f"{RELEASE} to now, {ENTRIES} entries, {WRITERS} writers",
        {
            "answers": statuses(answers),
            "upgraded in": events[-1].ended - began,
            "acknowledged writes": len(written),
            "stored": len(stored),
            "slowest write": longest(writes),
            "before the upgrade": longest(before),
            "slowest read": longest(reads),
        },
        nothing_failed={answer.status for answer in answers} == {*DONE},
        each_write_once=written == sorted(stored),
        no_long_wait=longest(writes) <= WAITS_AT_MOST + longest(before),
        complete=incomplete == 0,
        tallies_right=tallied.returncode == 0,
    )


def longest(answers: Sequence[Answer]) -> float:
    """Return the seconds that the slowest answer took."""
    return max((answer.received - answer.sent for answer in answers), default=0.0)


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Upgrade under load, as often as asked."""
    for _ in range(count):
        with stored_in(kind) as database, trial(database) as tried:
            with Load(WRITERS + READERS, callers(tried)) as load:
                time.sleep(BEFORE)
                events = upgrade(tried)
                time.sleep(AFTER)
            judge(verdict, tried, load.answers, events)


if __name__ == "__main__":
    sys.exit(run("upgrade", rounds, databases=("postgresql",), folder="operations"))
