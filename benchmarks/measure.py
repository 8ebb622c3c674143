"""Slices of load on one service, with what they cost."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from benchmarks.load import Answers, connected, drive
from benchmarks.meters import cpu_seconds
from benchmarks.operations import START, STOP, Operation
from benchmarks.services import Service, Stores

PREPARED = 2000  # requests made before the clock runs, and then repeated


@dataclass
class Cost:
    """Answers and the CPU seconds that they took of the application, the database and Redis."""

    answers: Answers = field(default_factory=Answers)
    slices: list[tuple[int, float, float, float]] = field(default_factory=list)

    def milliseconds(self) -> tuple[float, float, float]:
        """Return the CPU of a request: application, database, Redis; each all slices together."""
        requests = sum(count for count, *_ in self.slices) or 1
        application, database, redis = (
            1000 * sum(part[place] for part in self.slices) / requests for place in (1, 2, 3)
        )
        return application, database, redis

    @property
    def total(self) -> float:
        """CPU milliseconds of a request, application and database."""
        return sum(self.milliseconds()[:2])

    def failures(self, operation: Operation) -> int:
        """Return how many answers were not what the operation answers."""
        return sum(self.answers.statuses.values()) - self.answers.statuses[operation.status]


class Bench:
    """Measures one service; every call is one slice, added to the cost so far."""

    def __init__(self, service: Service, stores: Stores) -> None:
        self.costs: dict[tuple[str, int], Cost] = {}
        self._service, self._stores = service, stores
        self._random = Random(service.name)

    def cost(self, operation: Operation, connections: int) -> Cost:
        """Return what an operation has cost so far at so many connections."""
        return self.costs.setdefault((operation.key, connections), Cost())

    def slice(self, operation: Operation, connections: int, seconds: float) -> None:
        """Ask for an operation for so long."""
        requests = [
            [self._made(operation, number) for _ in range(PREPARED // connections)]
            for number in range(connections)
        ]
        places = [0] * connections

        def next_request(number: int) -> bytes:
            places[number] += 1
            return requests[number][places[number] % len(requests[number])]

        with connected(self._service.port, connections) as opened:
            self._measured(
                self.cost(operation, connections), lambda: drive(opened, next_request, seconds)
            )

    def timers(self, connections: int, rounds: int) -> None:
        """Let every user who has no timer start one, then stop it; so many times."""
        for operation in (START, STOP) * rounds:
            users = len(self._service.cast.users) - self._service.cast.timers
            requests = iter([self._made(operation, user) for user in range(users)])
            with connected(self._service.port, connections) as opened:
                self._measured(
                    self.cost(operation, connections),
                    lambda: drive(opened, lambda _: next(requests, None), float("inf")),  # noqa: B023
                )

    def warm(self, operations: tuple[Operation, ...]) -> None:
        """Ask for everything some times, uncounted: imports, connections, plans, caches."""
        before = dict(self.costs)
        for operation in operations:
            self.slice(operation, 8, 0.4)
        self.timers(8, 1)
        self.costs = before

    def _made(self, operation: Operation, number: int) -> bytes:
        return operation.build(self._service.cast, self._random, number)

    def _measured(self, cost: Cost, run: Callable[[], Answers]) -> None:
        before = self._used()
        answers = run()
        used = [after - then for after, then in zip(self._used(), before, strict=True)]
        cost.answers.add(answers)
        cost.slices.append((len(answers.seconds), used[0], used[1], used[2]))

    def _used(self) -> tuple[float, float, float]:
        stores = self._stores
        return (
            self._service.cpu_seconds(),
            cpu_seconds(stores.postmaster) if stores.postmaster else 0.0,
            cpu_seconds(stores.redis) if stores.redis else 0.0,
        )
