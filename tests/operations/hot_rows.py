"""32 writers into one project, one user or one client, against 32 into as many of each.

The ways alternate, so that other load on the machine affects all of them alike; there are more
rounds while one of them looks too slow.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from tests.faults.harness import (
    Answer,
    Caller,
    Load,
    Service,
    Verdict,
    run,
    serving,
    statuses,
    stored_in,
)

WRITERS = 32
NODES = 4  # of four threads each that work, and of more that wait
SECONDS = 1.5  # of a turn
TURNS, MOST_TURNS = 3, 15  # of each way in a round
LEAST = 0.9  # of the throughput into many
LOOKS_EVERY = 0.1  # seconds
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


@dataclass
class Way:
    """Into what the writers write, a token and a project for each in turn; and what they did."""

    title: str
    tokens: Sequence[str]
    projects: Sequence[int]
    speeds: list[float] = field(default_factory=list)  # writes a second, of each turn
    waiting: list[int] = field(default_factory=list)  # connections that waited for a lock
    answers: list[Answer] = field(default_factory=list)

    @property
    def speed(self) -> float:
        """The writes a second of the turn in the middle."""
        return statistics.median(self.speeds)

    def take_turn(self, service: Service) -> None:
        """Let each writer post entries and change each of them once."""
        nodes = cycle(service.ports)
        callers = [Caller(next(nodes), token) for token in self.tokens]
        posted: dict[int, int] = {}

        def write(number: int, request: int) -> Answer:
            if entry := posted.pop(number, 0):
                path = f"/api/v1/time-entries/{entry}"
                return callers[number].send("PATCH", path, notes=f"again {request}")
            project = self.projects[number % len(self.projects)]
            answer = callers[number].entry(project, f"{self.title} {number} {request}")
            posted[number] = answer.body.get("time_entry", {}).get("id", 0)
            return answer

        with Load(WRITERS, write) as load:
            began = time.monotonic()
            while (passed := time.monotonic() - began) < SECONDS:
                self.waiting.append(service.rows(WAITING)[0][0])
                time.sleep(LOOKS_EVERY)
            self.speeds.append(len(load.answers) / passed)
        self.answers += load.answers


def ways(service: Service) -> tuple[Way, list[Way]]:
    """Return the way into many rows, and those into one."""
    admin = Caller(service.ports[0], service.administrators[0])

    def made(kind: str, name: str, **columns: Any) -> int:
        answer = admin.send("POST", f"/api/v1/{kind}s", name=name, **columns)
        return int(answer.body[kind]["id"])

    numbers = range(WRITERS)
    clients = [made("client", f"Client {number}") for number in numbers]
    projects = [made("project", "Site", client_id=client) for client in clients]
    of_one = [made("project", f"Part {number}", client_id=clients[0]) for number in numbers]
    people, own = service.people, [*service.tokens.values()]
    return Way("many", people, projects), [
        Way("one project", people, projects[:1]),
        Way("one user", own, projects),
        Way("one client", people, of_one),
        Way("one user and project", own, projects[:1]),
    ]


def round_of(verdict: Verdict, service: Service) -> None:
    """Let all take turns, and compare each way with that into many."""
    many, hot = ways(service)
    many.take_turn(service)
    many.speeds.clear()
    for turn in range(MOST_TURNS):
        for way in (many, *hot):
            way.take_turn(service)
        if turn + 1 >= TURNS and min(way.speed for way in hot) >= LEAST * many.speed:
            break
    for way in (many, *hot):
        verdict.line(
            f"{WRITERS} writers into {way.title}",
            {
                "writes a second": round(way.speed),
                "of those into many": f"{way.speed / many.speed:.2f}",
                "turns": len(way.speeds),
                "waited for a lock": f"{statistics.mean(way.waiting):.2f}",
                "answers": statuses(way.answers),
            },
            fast_enough=way.speed >= LEAST * many.speed,
            nothing_failed={answer.status for answer in way.answers} == {200, 201},
        )


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Write into hot rows, as often as asked."""
    for _ in range(count):
        with stored_in(kind) as database, serving(database, NODES, WRITERS, 1, WRITERS) as service:
            round_of(verdict, service)


if __name__ == "__main__":
    sys.exit(run("hot_rows", rounds, databases=("postgresql",), folder="operations"))
