"""The embedded default: no settings, one process, SQLite, counters in the process."""

from contextlib import ExitStack

from benchmarks.measure import MANY, Bench
from benchmarks.operations import NEWEST, POST
from benchmarks.services import Stores, copy_of_tree, installed, serving
from benchmarks.tables import print_costs
from tests.support.servers import ROOT

WRITERS, SECONDS = 32, 10.0


def sqlite(stores: Stores, database: str, entries: int) -> None:
    """Measure the page of 50 beside PostgreSQL's, and as many writers as may come at once."""
    with ExitStack() as lent:
        tree = lent.enter_context(copy_of_tree())
        embedded = installed("SQLite", tree, {}, entries)
        server = installed("PostgreSQL", ROOT, stores.settings(database), entries)
        benches = [Bench(lent.enter_context(serving(each)), stores) for each in (embedded, server)]
        for bench in benches:
            bench.warm([NEWEST])
        for _ in range(5):
            for bench in benches:
                bench.slice(NEWEST, MANY, 1.5)
        benches[0].slice(POST, WRITERS, SECONDS)
        benches[1].slice(POST, WRITERS, SECONDS)
    for bench in benches:
        print_costs(bench, stores, [NEWEST])
        writes = bench.cost(POST, WRITERS).answers
        print(
            f"\n{bench.service.name}, {WRITERS} writers at once: {writes.rate:.0f} entries/s, "
            f"{bench.failures(POST)} of {len(writes.seconds)} failed; p50 "
            f"{1000 * writes.percentile(0.5):.0f} ms, p99 {1000 * writes.percentile(0.99):.0f} ms"
        )
