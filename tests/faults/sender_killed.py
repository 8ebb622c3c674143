"""kill -9 of the sender under load, the receiver and PostgreSQL restarted meanwhile.

Every acknowledged entry arrives at each webhook at least once; repeats have the same ids.
"""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.faults.harness import Answer, Caller, Load, Service, Verdict, run, serving, stored_in
from tests.support.servers import free_port
from tests.webhooks.receivers import Receiver, receiving

WRITERS, PAUSE = 2, 0.05  # seconds between the entries of a writer
WEBHOOKS = 5
SECONDS_ALIVE = (0.7, 3.0)  # of a sender: it takes about half a second to start
RESTARTED_EVERY = 5  # kills: the receiver and PostgreSQL
DRAINED_WITHIN = 120  # seconds after the last kill; a dead sender's lease ends after 20


@dataclass
class Inbox:
    """What has arrived at one port, whichever receiver had it."""

    port: int
    bodies: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)

    @contextmanager
    def open(self) -> Iterator[Receiver]:
        """Receive until the block ends."""
        with receiving(port=self.port) as receiver:
            yield receiver
        self.bodies += [_parsed(request) for request in receiver.requests]


def _parsed(request: bytes) -> tuple[str, str, dict[str, object]]:
    head, _, body = request.partition(b"\r\n\r\n")
    path = head.split(b" ", 2)[1].decode()
    lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    headers = {name.decode().lower(): value.decode() for name, value in lines.items()}
    return path, headers["webhook-id"], json.loads(body)


def sender(service: Service) -> subprocess.Popen[bytes]:
    """Start a sender beside the servers."""
    with (service.tree / "sender.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "manage.py", "send_webhooks"],
            cwd=service.tree,
            env=service.environment,
            stdout=log,
            stderr=log,
        )


def drained(service: Service) -> bool:
    """Return whether all that was committed has become a delivery, and all were sent."""
    waits = "SELECT count(*) FROM webhooks_delivery WHERE state <> 'delivered'"
    behind = (
        "SELECT count(*) FROM webhooks_queue, changes_feed"
        " WHERE position < last_seq OR EXISTS (SELECT 1 FROM changes_change WHERE seq IS NULL)"
    )
    return service.rows(waits) == service.rows(behind) == [(0,)]


def kill_under_load(service: Service, inbox: Inbox, kills: int) -> list[Answer]:
    """Kill one sender after another while entries are written; return what was answered."""
    callers = [Caller(service.ports[0], service.token) for _ in range(WRITERS)]

    def write(writer: int, request: int) -> Answer:
        time.sleep(PAUSE)
        return callers[writer].entry(service.project, f"{writer}-{request}")

    with Load(WRITERS, write) as load:
        restart_after = range(RESTARTED_EVERY - 1, kills, RESTARTED_EVERY)
        with ExitStack() as receivers:
            receivers.enter_context(inbox.open())
            for number in range(kills):
                process = sender(service)
                time.sleep(random.uniform(*SECONDS_ALIVE))  # noqa: S311
                process.send_signal(signal.SIGKILL)
                process.wait()
                if number in restart_after:
                    receivers.close()
                    receivers.enter_context(inbox.open())
                    if server := service.database.postgresql:
                        server.stop("immediate")
                        server.start()
    return load.answers


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Kill so many senders, let one go on until all is sent, and compare."""
    inbox = Inbox(free_port())
    local = "127.0.0.0/8"
    with (
        stored_in(kind) as database,
        serving(database, WEBHOOK_ALLOWED_NETWORKS=local) as service,
    ):
        for number in range(WEBHOOKS):
            url = f"http://127.0.0.1:{inbox.port}/{number}"
            made = service.callers()[0].send(
                "POST", "/api/v1/webhooks", url=url, events=["time_entry.created"]
            )
            assert made.status == 201, made
        answers = kill_under_load(service, inbox, count)
        last, began = sender(service), time.monotonic()
        with inbox.open():
            while not drained(service) and time.monotonic() < began + DRAINED_WITHIN:
                time.sleep(0.5)
        took = time.monotonic() - began
        last.terminate()
        last.wait()
        _judge(verdict, database.title, inbox, answers, kills=count, drained_after=took)


def _judge(
    verdict: Verdict,
    title: str,
    inbox: Inbox,
    answers: list[Answer],
    *,
    kills: int,
    drained_after: float,
) -> None:
    acknowledged = {answer.body["time_entry"]["id"] for answer in answers if answer.status == 201}
    arrived: dict[str, set[object]] = defaultdict(set)
    ids: dict[tuple[str, object], set[str]] = defaultdict(set)
    seen: Counter[tuple[str, object]] = Counter()
    for path, message_id, body in inbox.bodies:
        key = (path, body["seq"])
        arrived[path].add(body["data"]["time_entry"]["id"])  # type: ignore[index] # as documented
        ids[key].add(message_id)
        seen[key] += 1
    lost = sum(len(acknowledged - arrived[f"/{number}"]) for number in range(WEBHOOKS))
    verdict.line(
        f"{title}, {kills} kills",
        {
            "acknowledged": len(acknowledged),
            "deliveries expected": len(acknowledged) * WEBHOOKS,
            "arrived": len(seen),
            "lost": lost,
            "repeats": seen.total() - len(seen),
            "drained after": drained_after,
        },
        nothing_lost=not lost,
        something_written=bool(acknowledged),
        same_id_each_time=all(len(each) == 1 for each in ids.values()),
        drained=drained_after < DRAINED_WITHIN,
    )


if __name__ == "__main__":
    sys.exit(run("sender_killed", rounds, default_rounds=50))
