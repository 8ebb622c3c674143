"""The primary dies under load and its standby is promoted: nothing acknowledged is lost.

The nodes know both by one DATABASE_URL, are not started again, and say what they can do meanwhile.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

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
from tests.support.servers import DATABASE, Postgresql

WRITERS = 8
NODES = 2
BEFORE, AWAY, AFTER = 3.0, 4.0, 8.0  # seconds of load
WRITES_AGAIN_WITHIN = 5.0  # seconds of the promotion
ANSWERED_WITHIN = 15.0
WAYS = {"killed": signal.SIGKILL, "hung": signal.SIGSTOP}


@dataclass
class Watch:
    """What the probes of a node said, with the seconds since the primary went."""

    live: list[int]
    ready: list[int]


@contextmanager
def standby_of(
    primary: Postgresql, *settings: str, synchronous: bool = True
) -> Iterator[Postgresql]:
    """Run a standby of a server beside it, with settings of its own."""
    folder = primary.folder / "standby"
    folder.mkdir()
    if primary.user:
        shutil.chown(folder, primary.user)
    standby = replace(primary, folder=folder)
    options = ("--write-recovery-conf", "--username=postgres", "--checkpoint=fast")
    command = [
        str(primary.programs / "pg_basebackup"),
        f"--host={primary.folder}",
        f"--pgdata={folder / 'data'}",
        *options,
    ]
    subprocess.run(command, check=True, cwd=folder, user=primary.user)
    with (folder / "data" / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{setting}\n" for setting in settings)
    standby.start()
    if synchronous:
        primary.configure("synchronous_standby_names = '*'")
    try:
        yield standby
    finally:
        with suppress(subprocess.CalledProcessError):
            standby.stop()


def both(primary: Postgresql, standby: Postgresql) -> str:
    """Return the address of whichever of the two accepts writes."""
    hosts = f"host={primary.folder},{standby.folder}&port=5432,5432"
    return f"postgres://postgres@/{DATABASE}?{hosts}&target_session_attrs=read-write"


def take_away(primary: Postgresql, number: signal.Signals) -> None:
    """Send a signal to the server and all its processes, if it still runs."""
    with suppress(ProcessLookupError, FileNotFoundError):
        main = int((primary.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for pid in [main, *map(int, children)]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@contextmanager
def watched(service: Service) -> Iterator[Watch]:
    """Ask the probes of the first node all the time."""
    watch, stop = Watch([], []), threading.Event()

    def look() -> None:
        while not stop.wait(0.25):
            caller = service.callers(keeps=False)[0]
            watch.live.append(caller.send("GET", "/api/v1/live").status)
            watch.ready.append(caller.send("GET", "/api/v1/ready").status)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join(60)


def failover(
    verdict: Verdict, service: Service, primary: Postgresql, standby: Postgresql, way: str
) -> None:
    """Take the primary away under load, promote the standby, and count what was acknowledged."""
    callers = [service.callers()[number % NODES] for number in range(WRITERS)]
    keys = [f"{way}-{number}-" for number in range(WRITERS)]

    def write(number: int, request: int) -> Answer:
        answer = callers[number].entry(service.project, f"{keys[number]}{request}")
        if answer.status != 201:
            time.sleep(0.2)
        return answer

    with Load(WRITERS, write) as load, watched(service) as watch:
        time.sleep(BEFORE)
        gone = time.monotonic()
        take_away(primary, WAYS[way])
        time.sleep(AWAY)
        promoted = time.monotonic()
        standby.promote()
        time.sleep(AFTER)
    judge(verdict, service, way, load.answers, watch, gone, promoted, standby)


def judge(
    verdict: Verdict,
    service: Service,
    way: str,
    answers: list[Answer],
    watch: Watch,
    gone: float,
    promoted: float,
    standby: Postgresql,
) -> None:
    """Print the timeline and what was kept."""
    written = [answer for answer in answers if answer.status == 201]
    stored = notes_in(standby, f"{way}-")
    lost = {answer.note for answer in written} - set(stored)
    last = max((a.received for a in written if a.received < promoted), default=gone)
    again = min((a.received for a in written if a.received > promoted), default=promoted + 99)
    refused = [answer for answer in answers if answer.status not in (0, 201)]
    verdict.line(
        f"primary {way}, {WRITERS} writers",
        {
            "answers": statuses(answers),
            "acknowledged": len(written),
            "lost": len(lost),
            "last write after": last - gone,
            "promoted after": promoted - gone,
            "writing again after the promotion": again - promoted,
            "slowest": max(answer.received - answer.sent for answer in answers),
            "live": sorted(set(watch.live)),
            "ready": [watch.ready.count(200), watch.ready.count(503)],
        },
        none_lost=not lost,
        none_twice=len(stored) == len(set(stored)),
        writing_again_in_time=again - promoted <= WRITES_AGAIN_WITHIN,
        refused_with_503={answer.status for answer in refused} == {503},
        with_retry_after=all("retry-after" in answer.headers for answer in refused),
        none_cut_off=all(answer.status for answer in answers),
        answered_in_time=all(a.received - a.sent <= ANSWERED_WITHIN for a in answers),
        always_live=set(watch.live) == {200},
        not_ready_meanwhile=503 in watch.ready and watch.ready[-1] == 200,
        no_node_ended=all(process.poll() is None for process in service.processes),
    )


def notes_in(server: Postgresql, beginning: str) -> list[str]:
    """Return the notes of entries in a server, looked up past the service."""
    with psycopg.connect(server.url) as connection:
        rows = connection.execute(
            "SELECT notes FROM timeentries_timeentry WHERE notes LIKE %s", [f"{beginning}%"]
        )
        return [note for (note,) in rows]


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Fail over from a primary that is killed, and from one that hangs."""
    for _ in range(count):
        for way in WAYS:
            with ExitStack() as lent:
                database = lent.enter_context(stored_in(kind))
                primary = database.postgresql
                assert primary
                standby = lent.enter_context(standby_of(primary))
                address = Database("PostgreSQL", {"DATABASE_URL": both(primary, standby)}, primary)
                service = lent.enter_context(serving(address, NODES))
                failover(verdict, service, primary, standby, way)
                take_away(primary, signal.SIGCONT)


if __name__ == "__main__":
    sys.exit(run("failover", rounds, databases=("postgresql",), folder="operations"))
