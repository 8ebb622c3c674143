"""Two nodes read on a standby: nobody misses a write, and a standby that is away fails nothing.

The standby pauses its replay, cancels statements that conflict with it, is killed and hangs. Then
the same requests are sent to a node without it and to one with it.
"""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg.errors import SerializationFailure

from tests.faults.harness import (
    Answer,
    Caller,
    Load,
    Service,
    Verdict,
    at_once,
    run,
    serving,
    statuses,
    stored_in,
)
from tests.operations.failover import standby_of, take_away
from tests.operations.monitoring import get
from tests.support.servers import Postgresql, free_port

NODES = 2
THREADS, TRIES = 6, 100  # of each thread: one write and six reads
PAUSED, RESUMED = 0.15, 0.15  # seconds
LOCKED_EVERY, CONFLICT_WITHIN = 0.1, 60.0
BEFORE, AWAY, AFTER = 2.0, 5.0, 6.0
ANSWERED_WITHIN = 10.0
IN_USE_WITHIN = 10.0
ENTRIES, AT_ONCE = 10_000, 500
CALLERS, REQUESTS = 4, 400  # of each caller
WAYS = {"killed": signal.SIGKILL, "hung": signal.SIGSTOP}
# Each conflict cancels a statement at once, as it does after 30 s by default.
IMPATIENT = "max_standby_streaming_delay = 0"
OURS = "WHERE datname = current_database()"
CONFLICTS = f"SELECT confl_lock + confl_snapshot FROM pg_stat_database_conflicts {OURS}"
TRANSACTIONS = f"SELECT xact_commit FROM pg_stat_database {OURS}"
LOCK = "LOCK TABLE timeentries_timeentry IN ACCESS EXCLUSIVE MODE"
SAMPLE = re.compile(r'^timetracker_reads_total\{server="(\w+)",why="(\w*)"\} (\S+)$', re.M)


def ask(server: Postgresql, statement: str) -> Any:
    """Return the value that a server has for a statement; a standby may cancel any."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        while True:
            with suppress(SerializationFailure):
                row = connection.execute(statement.encode()).fetchone()
                return row and row[0]


@contextmanager
def repeated(work: Callable[[], None]) -> Iterator[None]:
    """Do something again and again beside the block."""
    stop = threading.Event()

    def go() -> None:
        while not stop.is_set():
            work()

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)


@dataclass
class Witness:
    """A caller that reads on the other node what it has just written, and a colleague."""

    callers: list[Caller]
    colleagues: list[Caller]
    project: int
    cursor: str = ""
    seq: int = 0
    tag: str = ""
    stale: list[str] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    checks: int = 0

    def begin(self) -> None:
        """Follow the feed from now on."""
        answer = self.callers[0].send("GET", "/api/v1/changes?cursor=now&types=time_entry")
        self.cursor = answer.body["next_cursor"]

    def go_through(self, number: int) -> None:
        """Write an entry on one node and look at it in each way on the other."""
        writes, reads = self.callers[number % NODES], self.callers[(number + 1) % NODES]
        colleague = self.colleagues[number % NODES]
        written = writes.entry(self.project, f"witness {number}")
        if written.status != 201:
            self.failed.append(written.status)
            return
        pk = written.body["time_entry"]["id"]
        path = f"/api/v1/time-entries/{pk}"
        self.check("one", reads.send("GET", path).status == 200)
        self.check("colleague", colleague.send("GET", path).status == 200)
        self._look_at_list(reads, number + 1)
        self._follow(reads, pk)
        changed = writes.send("PATCH", path, notes=f"changed {number}")
        shown = reads.send("GET", path).body.get("time_entry", {})
        self.check("version", shown.get("version") == changed.body["time_entry"]["version"])

    def check(self, what: str, right: bool) -> None:  # noqa: FBT001 - what is checked
        """Count a look, and what was stale."""
        self.checks += 1
        if not right:
            self.stale.append(what)

    def _look_at_list(self, caller: Caller, count: int) -> None:
        caller.headers["If-None-Match"] = self.tag or '"none"'
        page = caller.send("GET", f"/api/v1/time-entries?project_id={self.project}&per_page=5")
        del caller.headers["If-None-Match"]
        self.tag = page.headers.get("etag", "")
        self.check("list", page.status == 200 and page.body["pagination"]["total"] == count)

    def _follow(self, caller: Caller, pk: int) -> None:
        found, more = [], True
        while more:
            page = caller.send("GET", f"/api/v1/changes?cursor={self.cursor}&per_page=1000").body
            self.cursor, more = page["next_cursor"], page["has_more"]
            found += page["changes"]
        seqs = [change["seq"] for change in found]
        self.check("feed", any(c["id"] == pk and c["data"] for c in found))
        self.check("sequence", seqs == sorted(seqs) and (not seqs or seqs[0] > self.seq))
        self.seq = max([self.seq, *seqs])


def witnesses(service: Service) -> list[Witness]:
    """Return one for each thread, with a project of its own."""
    made = []
    for number in range(THREADS):
        colleagues = service.callers(service.administrators[0])
        project = colleagues[0].send("POST", "/api/v1/projects", name=f"Witness {number}")
        made.append(Witness(service.callers(), colleagues, project.body["project"]["id"]))
    return made


def own_writes(verdict: Verdict, service: Service, standby: Postgresql) -> None:
    """Let each witness write and read while the standby's replay is paused again and again."""

    def pause() -> None:
        ask(standby, "SELECT pg_wal_replay_pause()")
        time.sleep(PAUSED)
        ask(standby, "SELECT pg_wal_replay_resume()")
        time.sleep(RESUMED)

    def watch(witness: Witness) -> None:
        witness.begin()
        for number in range(TRIES):
            witness.go_through(number)

    made = witnesses(service)
    before = ask(standby, TRANSACTIONS)
    with repeated(pause):
        at_once([partial(watch, witness) for witness in made])
    time.sleep(1.5)  # statistics come late
    verdict.line(
        f"replay paused, {THREADS} threads",
        {
            "writes": 2 * THREADS * TRIES,
            "looks": sum(witness.checks for witness in made),
            "stale": [what for witness in made for what in witness.stale],
            "failed": [status for witness in made for status in witness.failed],
            "transactions of the standby": ask(standby, TRANSACTIONS) - before,
        },
        nothing_stale=not any(witness.stale for witness in made),
        nothing_failed=not any(witness.failed for witness in made),
        standby_read=ask(standby, TRANSACTIONS) > before,
    )


def mixed(service: Service, name: str) -> Callable[[int, int], Answer]:
    """Return the work of a caller: nine reads of different kinds for each write."""
    nodes = len(service.ports)
    users, administrators = (
        [service.callers(token) for _ in range(CALLERS)]
        for token in ("", service.administrators[0])
    )

    def work(number: int, request: int) -> Answer:
        user, administrator = (each[number][request % nodes] for each in (users, administrators))
        kind = request % 10
        if kind == 0:
            return user.entry(service.project, f"{name}-{number}-{request}")
        if kind in (3, 6):
            return administrator.send("GET", "/api/v1/reports/summary?start_date=2024-01-01")
        if kind in (4, 8):
            return user.send("GET", f"/api/v1/projects/{service.project}")
        return user.send("GET", f"/api/v1/time-entries?per_page=50&page={1 + request % 7}")

    return work


def away(verdict: Verdict, service: Service, standby: Postgresql, way: str) -> None:
    """Take the standby away under load, bring it back, and wait until it is in use."""
    with Load(CALLERS, mixed(service, way)) as load:
        time.sleep(BEFORE)
        take_away(standby, WAYS[way])
        time.sleep(AWAY)
        seen_away = [caller.send("GET", "/api/v1/ready") for caller in service.callers()]
        if way == "killed":
            standby.start()
        else:
            take_away(standby, signal.SIGCONT)
        back = time.monotonic()
        while set(states(service)) != {"ok"} and time.monotonic() < back + 3 * IN_USE_WITHIN:
            time.sleep(0.1)
        in_use = time.monotonic() - back
        before = ask(standby, TRANSACTIONS)
        time.sleep(AFTER)
        after = ask(standby, TRANSACTIONS)
    verdict.line(
        f"standby {way}",
        {
            "answers": statuses(load.answers),
            "slowest": max(answer.received - answer.sent for answer in load.answers),
            "state": [answer.body["checks"]["replica"] for answer in seen_away],
            "in use again after": in_use,
            "transactions of the standby then": after - before,
        },
        nothing_failed={answer.status for answer in load.answers} == {200, 201},
        answered_in_time=all(a.received - a.sent <= ANSWERED_WITHIN for a in load.answers),
        ready_all_the_time=all(answer.status == 200 for answer in seen_away),
        state_shown={a.body["checks"]["replica"] for a in seen_away} == {"unavailable"},
        in_use_again=in_use <= IN_USE_WITHIN and after > before,
    )


def states(service: Service) -> list[str]:
    """Return what each node says about the replica."""
    answers = [caller.send("GET", "/api/v1/health").body for caller in service.callers()]
    return [answer.get("replica", "none") for answer in answers]


def conflicts(
    verdict: Verdict, service: Service, primary: Postgresql, standby: Postgresql
) -> None:
    """Read on the standby while the primary locks the table, as a migration does."""
    paths = (
        "/api/v1/reports/entries?start_date=2024-01-01&end_date=2024-12-31&format=csv",
        "/api/v1/time-entries?search=nowhere",
    )

    def lock() -> None:
        time.sleep(LOCKED_EVERY)  # or the standby would never be up to date
        with psycopg.connect(primary.url) as connection:
            connection.execute(LOCK)

    def read(number: int, request: int) -> Answer:
        return service.callers(service.administrators[0])[request % NODES].send(
            "GET", paths[number % 2]
        )

    before = ask(standby, CONFLICTS)
    with repeated(lock), Load(CALLERS, read) as load:
        give_up = time.monotonic() + CONFLICT_WITHIN
        while ask(standby, CONFLICTS) == before and time.monotonic() < give_up:
            time.sleep(0.5)
        time.sleep(2)
    canceled = ask(standby, CONFLICTS) - before
    verdict.line(
        "conflicts with the replay",
        {"answers": statuses(load.answers), "statements canceled": canceled},
        nothing_failed={answer.status for answer in load.answers} == {200},
        some_canceled=canceled > 0,
    )


def cpu_of(server: Postgresql) -> float:
    """Return the seconds of CPU of a server and all its processes, those that ended included."""
    main = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    ticks = 0
    for pid in [main, *map(int, children)]:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        own, waited_for = fields[11:13], fields[13:15]
        ticks += sum(map(int, own + (waited_for if pid == main else [])))
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class CostOfLoad:
    """What many requests cost."""

    primary: float  # seconds of CPU
    transactions: int  # of the primary
    standby: float
    seconds: float


def spent_on(node: Service, primary: Postgresql, standby: Postgresql, name: str) -> CostOfLoad:
    """Send the requests to a node that is warm, and return what they cost."""
    work = mixed(node, name)

    def send(number: int) -> list[Answer]:
        return [work(number, request) for request in range(REQUESTS)]

    at_once([partial(send, number) for number in range(CALLERS)])
    time.sleep(2)  # statistics come late
    before = cpu_of(primary), ask(primary, TRANSACTIONS), cpu_of(standby)
    began = time.monotonic()
    at_once([partial(send, number) for number in range(CALLERS)])
    seconds = time.monotonic() - began
    time.sleep(2)
    after = cpu_of(primary), ask(primary, TRANSACTIONS), cpu_of(standby)
    cpu, transactions, cpu_there = (b - a for a, b in zip(before, after, strict=True))
    return CostOfLoad(cpu, transactions, cpu_there, seconds)


def savings(verdict: Verdict, service: Service, primary: Postgresql, standby: Postgresql) -> None:
    """Send the same requests to a node without a replica and to one with it."""
    address = f"127.0.0.1:{free_port()}"
    nodes = {
        "without": replace(service, ports=[service.add(DATABASE_REPLICA_URL="")]),
        "with": replace(service, ports=[service.add(METRICS_ADDRESS=address)]),
    }
    spent = {name: spent_on(node, primary, standby, name) for name, node in nodes.items()}
    for name, costs in spent.items():
        verdict.line(
            f"{CALLERS * REQUESTS} requests {name} a replica",
            {
                "primary's CPU": costs.primary,
                "its transactions": costs.transactions,
                "standby's CPU": costs.standby,
                "took": costs.seconds,
            },
        )
    metrics = get(f"http://{address}/metrics")
    reads = {(server, why): int(float(n)) for server, why, n in SAMPLE.findall(metrics)}
    share = reads.get(("replica", ""), 0) / max(1, sum(reads.values()))
    saved = 1 - spent["with"].primary / spent["without"].primary
    verdict.line(
        "what the primary saves",
        {"reads": reads, "moved": f"{share:.0%}", "CPU saved": f"{saved:.0%}"},
        most_moved=share > 1 / 2,
        primary_saves=saved > 0,
    )


def fill(service: Service) -> None:
    """Give the user many entries."""
    caller = service.callers()[0]
    for first in range(0, ENTRIES, AT_ONCE):
        operations = [
            {
                "op": "create",
                "data": {
                    "project_id": service.project,
                    "start_time": f"2024-{1 + n % 12:02}-{1 + n % 28:02}T09:00:00Z",
                    "end_time": f"2024-{1 + n % 12:02}-{1 + n % 28:02}T10:00:00Z",
                    "notes": f"filled {n}",
                },
            }
            for n in range(first, first + AT_ONCE)
        ]
        answer = caller.send("POST", "/api/v1/time-entries/bulk", operations=operations)
        if answer.status != 200:
            raise RuntimeError(f"not filled: {answer.status} {answer.body}")


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Start a primary, a standby and two nodes, and put them through all of it."""
    for _ in range(count):
        with ExitStack() as lent:
            database = lent.enter_context(stored_in(kind))
            primary = database.postgresql
            assert primary
            standby = lent.enter_context(standby_of(primary, IMPATIENT, synchronous=False))
            settings = {"DATABASE_REPLICA_URL": standby.url, "READ_DEADLINE": "10"}
            service = lent.enter_context(serving(database, NODES, 1, 1, **settings))
            fill(service)
            while set(states(service)) != {"ok"}:
                time.sleep(0.1)
            own_writes(verdict, service, standby)
            conflicts(verdict, service, primary, standby)
            for way in WAYS:
                away(verdict, service, standby, way)
            savings(verdict, service, primary, standby)


if __name__ == "__main__":
    sys.exit(run("replicas", rounds, databases=("postgresql",), folder="operations"))
