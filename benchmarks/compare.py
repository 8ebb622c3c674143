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
from benchmarks.tables import commit, print_table
from tests.servers import ROOT, free_port

ROUNDS = 5
COLUMNS = ("operation", "app", "db", "redis", "app+db", "at most")
SPEED = ("req/s", "p50 ms", "p99 ms")
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
    _title(service, stores)
    rows = [
        [*_cpu(bench, each), *_speed(bench, each), *_limit(bench, limit, server, each)]
        for each in shown(chosen)
    ]
    print_table([*COLUMNS, *SPEED, *LIMIT], rows)
    _print_twin(twin.cost(NEWEST), bench.cost(NEWEST))


def shown(chosen: Sequence[Operation]) -> list[Operation]:
    """Return the operations with the timers, which are always measured."""
    return [*chosen, START, STOP]


def print_costs(bench: Bench, stores: Stores, operations: Sequence[Operation]) -> None:
    """Print what operations have cost a service."""
    _title(bench.service, stores)
    rows = [[*_cpu(bench, operation), *_speed(bench, operation)] for operation in operations]
    print_table([*COLUMNS, *SPEED], rows)


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


def _title(service: Service, stores: Stores) -> None:
    database = f"PostgreSQL {stores.version}" if service.on_postgresql else "SQLite"
    print(
        f"\n{service.name} at {commit(service.tree)}: {database}, {service.cast.entries:,} "
        f"entries, workers: {service.workers}; CPU milliseconds of a request at c = {MANY}; "
        f"req/s, p50 and p99 at c = {MANY} / 1\n"
    )


def title_of(operation: Operation, benches: Sequence[Bench]) -> str:
    """Return an operation's title, and how many answers were not what they should be."""
    failed = sum(bench.failures(operation) for bench in benches)
    return f"{operation.title}, {failed} FAILED" if failed else operation.title


def _cpu(bench: Bench, operation: Operation) -> list[str]:
    cost, title = bench.cost(operation), title_of(operation, [bench])
    at_most = "" if operation.at_most is None else f"{operation.at_most:g}"
    return [title, *(f"{part:.2f}" for part in (*cost.milliseconds(), cost.total)), at_most]


def _speed(bench: Bench, operation: Operation) -> list[str]:
    answers = [bench.cost(operation, connections).answers for connections in (MANY, 1)]
    return [
        " / ".join(f"{each.rate:.0f}" for each in answers),
        *(
            " / ".join(f"{1000 * each.percentile(part):.1f}" for each in answers)
            for part in (0.5, 0.99)
        ),
    ]


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
