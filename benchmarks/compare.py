"""The table: what each operation costs, and beside it the limit, a twin or another checkout."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.limit import SCRIPTS, Bare, Limit, bare
from benchmarks.load import ask
from benchmarks.measure import MANY, Bench, Cost
from benchmarks.operations import NEWEST, START, STOP, Operation
from benchmarks.services import Service, Stores, granian_of, installed, serving, started
from benchmarks.tables import (
    COLUMNS,
    SPEED,
    cpu_of,
    print_costs,
    print_table,
    print_title,
    shown,
    speed_of,
)
from tests.support.servers import ROOT, free_port

ROUNDS = 5
LIMIT = ("SQL", "bytes", "ratio")


def against(
    stores: Stores,
    database: str,
    entries: int,
    chosen: Sequence[Operation],
    trees: dict[str, Path],
) -> None:
    """Measure each operation of some checkouts in turns, each on a database of its own."""
    with ExitStack() as lent:
        installations = [
            installed(
                name,
                tree,
                stores.settings(database if tree == ROOT else f"{database}_{name}"),
                entries,
            )
            for name, tree in trees.items()
        ]
        services = [lent.enter_context(serving(installation)) for installation in installations]
        benches = [Bench(service, stores) for service in services]
        chosen = [each for each in chosen if all(bench.offers(each) for bench in benches)]
        for bench in benches:
            bench.warm(chosen)
        for _ in range(2 * len(benches)):  # of two we want to know which is faster
            _round(benches, chosen, MANY, 1.0)
        _round(benches, chosen, 1, 0.6)
    for bench in benches:
        print_costs(bench, stores, shown(chosen))
    if benches[1:]:
        _print_ratios(benches[0], benches[1], chosen)


def full(stores: Stores, database: str, entries: int, chosen: Sequence[Operation]) -> None:
    """Measure each operation in turns with its limit, and the page of 50 with its twin."""
    installation = installed("here", ROOT, stores.settings(database), entries)
    limit = Limit(stores, database, installation.cast.entries)
    with ExitStack() as lent:
        service = lent.enter_context(serving(installation))
        bench = Bench(service, stores)
        chosen = [each for each in chosen if bench.offers(each)]
        bench.warm(chosen)
        twin = Bench(lent.enter_context(_twin(service, installation.environment)), stores)
        server = lent.enter_context(bare(service.process, _answers(bench, chosen)))
        for _ in range(ROUNDS):
            for operation in chosen:
                bench.slice(operation, MANY, 2.0)
                if operation.key in SCRIPTS:
                    limit.slice(operation.key, MANY, 2)
                    server.slice(operation.key, MANY, 0.7)
            twin.slice(NEWEST, MANY, 3.0)
            bench.timers(MANY, 3)
            limit.slice(START.key, MANY, 2)
            server.slice(START.key, MANY, 0.5)
            server.slice(STOP.key, MANY, 0.5)
        for _ in range(2):
            _round([bench], chosen, 1, 1.5)
    print_title(service, stores)
    rows = [
        [*cpu_of(bench, each), *speed_of(bench, each), *_limit(bench, limit, server, each)]
        for each in shown(chosen)
    ]
    print_table([*COLUMNS, *SPEED, *LIMIT], rows)
    _print_twin(twin.cost(NEWEST), bench.cost(NEWEST))


def _round(
    benches: Sequence[Bench], chosen: Sequence[Operation], connections: int, seconds: float
) -> None:
    for operation in chosen:
        for bench in benches:
            bench.slice(operation, connections, seconds)
    for bench in benches:
        bench.timers(connections, 2)


def _answers(bench: Bench, chosen: Sequence[Operation]) -> dict[str, bytes]:
    """Return an answer of each operation; the timer of the first user is started and stopped."""
    return {
        operation.key: ask(bench.service.port, bench.made(operation, 0))[1]
        for operation in shown(chosen)
    }


@contextmanager
def _twin(service: Service, environment: dict[str, str]) -> Iterator[Service]:
    port = free_port()
    command = granian_of(service.process, "benchmarks.plain.wsgi:application", port)
    with started(command, ROOT, environment, port, "/api/v1/time-entries") as process:
        yield replace(service, name="twin", port=port, process=process)


def _limit(bench: Bench, limit: Limit, server: Bare, operation: Operation) -> list[str]:
    if not limit.cost(operation.key).slices:
        return ["", "", ""]
    sql, sent = limit.cost(operation.key).total, server.cost(operation.key).total
    ratio = bench.cost(operation).total / (sql + sent)
    return [f"{sql:.2f}", f"{sent:.2f}", f"{ratio:.1f}"]


def _print_twin(twin: Cost, service: Cost) -> None:
    application, database, _ = twin.milliseconds()
    print(
        f"\n{NEWEST.title}, as a textbook of DRF has it (benchmarks/plain): {application:.2f} + "
        f"{database:.2f} = {twin.total:.2f} ms, {twin.total / service.total:.0f} times this "
        f"service's; {twin.answers.rate:.0f} requests/s"
    )


def _print_ratios(here: Bench, other: Bench, chosen: Sequence[Operation]) -> None:
    print(
        "\nCPU of here / CPU of against: "
        + ", ".join(
            f"{operation.key} {here.cost(operation).total / other.cost(operation).total:.2f}"
            for operation in shown(chosen)
        )
    )
