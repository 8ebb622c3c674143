"""Slices of load on one service, with what they cost."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from benchmarks.load import Answers, ask, connected, drive
from benchmarks.meters import cpu_seconds
from benchmarks.operations import EXTRAS, START, STOP, Operation
from benchmarks.services import Service, Stores

PREPARED = 2000  # requests made before the clock runs, and then repeated
PREPARED_DEAR = 40  # of those that an answer goes into, or 500 entries
MANY = 8  # connections


@dataclass
class Cost:
    """Answers, and of each slice the requests and the CPU seconds that they took.

    The seconds are of the application, the database and Redis.
    """

    answers: Answers = field(default_factory=Answers)
    slices: list[tuple[int, tuple[float, ...]]] = field(default_factory=list)

    def milliseconds(self) -> tuple[float, float, float]:
        """Return the CPU of a request: application, database, Redis; each the median slice's.

        The median, because what else the machine does in one slice makes that one dearer.
        """
        application, database, redis = (
            statistics.median(1000 * used[place] / requests for requests, used in self.slices)
            if self.slices
            else 0.0
            for place in range(3)
        )
        return application, database, redis

    @property
    def total(self) -> float:
        """CPU milliseconds of a request, application and database."""
        return sum(self.milliseconds()[:2])

    @property
    def least(self) -> float:
        """Return the same of the cheapest slice: neighbours only make a slice dearer."""
        return min(
            (1000 * sum(used[:2]) / requests for requests, used in self.slices), default=0.0
        )


class Meter:
    """Reads what a service's processes and the stores below it have used."""

    def __init__(self, stores: Stores | None, process: int = 0) -> None:
        postmaster, redis = (stores.postmaster, stores.redis) if stores else (0, 0)
        self._processes = (process, postmaster, redis)

    def seconds(self) -> tuple[float, ...]:
        """Return the CPU seconds so far: application, database, Redis."""
        return tuple(cpu_seconds(process) if process else 0.0 for process in self._processes)

    @contextmanager
    def measuring(self, cost: Cost) -> Iterator[Callable[[int], None]]:
        """Add what happens in the block to a cost, as one slice of as many requests as said."""
        counted, before = [0], self.seconds()
        yield lambda requests: counted.__setitem__(0, requests)
        if counted[0]:
            spent = zip(self.seconds(), before, strict=True)
            cost.slices.append((counted[0], tuple(after - then for after, then in spent)))


class Bench:
    """Measures one service; every call is one slice, added to the costs so far."""

    def __init__(self, service: Service, stores: Stores) -> None:
        self.service, self.costs = service, dict[tuple[str, int], Cost]()
        self._meter = Meter(stores if service.on_postgresql else None, service.process)
        self._random = Random(service.name)

    def cost(self, operation: Operation, connections: int = MANY) -> Cost:
        """Return what an operation has cost so far at so many connections."""
        return self.costs.setdefault((operation.key, connections), Cost())

    def failures(self, operation: Operation) -> int:
        """Return how many answers were not what the operation answers."""
        return sum(
            count
            for (key, _), cost in self.costs.items()
            for status, count in cost.answers.statuses.items()
            if key == operation.key and status != operation.status
        )

    def slice(self, operation: Operation, connections: int, seconds: float) -> None:
        """Ask for an operation for so long."""
        prepared = PREPARED_DEAR if operation.then or operation in EXTRAS else PREPARED
        requests = [
            [self.made(operation, number) for _ in range(prepared // connections)]
            for number in range(connections)
        ]
        places = [0] * connections

        def next_request(number: int) -> bytes:
            places[number] += 1
            return requests[number][places[number] % len(requests[number])]

        cost = self.cost(operation, connections)
        with (
            connected(self.service.port, connections) as opened,
            self._meter.measuring(cost) as count,
        ):
            answers = drive(opened, next_request, seconds)
            count(len(answers.seconds))
        cost.answers.add(answers)

    def timers(self, connections: int, rounds: int) -> None:
        """Let every user who has no timer start one, then stop it; so many times, one slice."""
        parts = {START: Cost(), STOP: Cost()}
        with connected(self.service.port, connections) as opened:
            for operation in [START, STOP] * rounds:
                requests = iter([self.made(operation, user) for user in self.service.timer_users])
                with self._meter.measuring(parts[operation]) as count:
                    answers = drive(opened, _next_of(requests), float("inf"))
                    count(len(answers.seconds))
                parts[operation].answers.add(answers)
        for operation, part in parts.items():
            cost, requested = self.cost(operation, connections), len(part.answers.seconds)
            sums = (sum(used[place] for _, used in part.slices) for place in range(3))
            cost.slices.append((requested, tuple(sums)))
            cost.answers.add(part.answers)

    def warm(self, operations: list[Operation], connections: int = MANY) -> None:
        """Ask for everything some times, uncounted: imports, connections, plans, caches."""
        for operation in operations:
            self.slice(operation, connections, 0.4)
        self.timers(connections, 1)
        self.costs.clear()

    def made(self, operation: Operation, number: int) -> bytes:
        """Return one of an operation's requests, for a connection or a user."""
        request = operation.build(self.service.cast, self._random, number)
        if operation.then:
            return operation.then(request, ask(self.service.port, request)[1])
        return request

    def offers(self, operation: Operation) -> bool:
        """Return whether the service answers an operation as it should; older ones may not."""
        return ask(self.service.port, self.made(operation, 0))[0] == operation.status


def _next_of(requests: Iterator[bytes]) -> Callable[[int], bytes | None]:
    return lambda _: next(requests, None)
