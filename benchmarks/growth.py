"""Whether the service stays fast: the same operations at ten thousand, a million, ten million."""

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise

from benchmarks.measure import Bench
from benchmarks.operations import Operation
from benchmarks.services import Stores, installed, serving
from benchmarks.tables import commit, print_table, shown, title_of
from tests.support.servers import ROOT

STEPS = (10_000, 1_000_000, 10_000_000)  # entries, over the same three years
ROUNDS = 3
CONNECTIONS = 2  # eight years of ten million entries at once would take longer than is allowed


def growth(stores: Stores, database: str, largest: int, chosen: Sequence[Operation]) -> None:
    """Measure each operation in turns on databases of each size."""
    steps = [step for step in STEPS if step <= largest]
    with ExitStack() as lent:
        installations = [
            installed(f"{step}", ROOT, stores.settings(f"{database}_{step}"), step)
            for step in steps
        ]
        services = [lent.enter_context(serving(each)) for each in installations]
        benches = [Bench(service, stores) for service in services]
        for bench in benches:
            bench.warm(list(chosen), CONNECTIONS)
        for _ in range(ROUNDS):
            for operation in chosen:
                for bench in benches:
                    bench.slice(operation, CONNECTIONS, 1.5)
            for bench in benches:
                bench.timers(CONNECTIONS, 2)
    print(
        f"\n{commit(ROOT)}, PostgreSQL {stores.version}; CPU milliseconds of a request at "
        f"c = {CONNECTIONS}, application + database\n"
    )
    headings = ["operation", *(f"{step:,}" for step in steps), *(["step"] * (len(steps) - 1))]
    print_table(headings, [_row(benches, operation) for operation in shown(chosen)])


def _row(benches: Sequence[Bench], operation: Operation) -> list[str]:
    totals = [bench.cost(operation, CONNECTIONS).total for bench in benches]
    parts = [bench.cost(operation, CONNECTIONS).milliseconds() for bench in benches]
    ratios = [after / before for before, after in pairwise(totals)]
    return [
        title_of(operation, benches),
        *(f"{application:.2f} + {database:.2f}" for application, database, _ in parts),
        *(f"{ratio:.2f}" for ratio in ratios),
    ]
