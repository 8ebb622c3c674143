"""Measure the service: `python -m benchmarks --quick` is `make bench-quick`."""

import os
import platform
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from benchmarks.measure import Bench, Cost
from benchmarks.operations import OPERATIONS, START, STOP, Operation
from benchmarks.services import Service, Stores, serving, stores
from tests.servers import ROOT

MANY = 8  # connections at once
HEADINGS = ("operation", "app", "db", "redis", "app+db", "at most", "req/s", "p50", "p99")


def options() -> Namespace:
    """Return what the command line asks for."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the essential in a minute")
    parser.add_argument(
        "--entries", type=int, help="how many; 100 000 with --quick, else 1 000 000"
    )
    parser.add_argument(
        "--server", default="", help="URL of a PostgreSQL server that nobody else uses meanwhile"
    )
    parser.add_argument("--database", default="timetracker_bench", help="kept with --server")
    parser.add_argument(
        "--against", type=Path, help="another checkout, measured in turns with this"
    )
    parser.add_argument("--only", default="", help="keys of operations, separated by commas")
    return parser.parse_args()


def quick(benches: list[Bench], chosen: list[Operation]) -> None:
    """Measure each operation in two slices on eight connections and one on one."""
    for _ in range(2):
        for operation in chosen:
            for bench in benches:
                bench.slice(operation, MANY, 1.0)
        for bench in benches:
            bench.timers(MANY, 2)
    for operation in chosen:
        for bench in benches:
            bench.slice(operation, 1, 0.7)
    for bench in benches:
        bench.timers(1, 1)


def lines(bench: Bench, shown: list[Operation]) -> list[list[str]]:
    """Return the rows of the table."""
    return [row(bench, operation) for operation in shown]


def row(bench: Bench, operation: Operation) -> list[str]:
    """Return an operation's row; CPU is that on eight connections."""
    cost, alone = bench.cost(operation, MANY), bench.cost(operation, 1)
    application, database, redis = cost.milliseconds()
    failed = cost.failures(operation) + alone.failures(operation)
    at_most = "" if operation.at_most is None else f"{operation.at_most:g}"
    return [
        operation.title + (f"  {failed} FAILED" if failed else ""),
        *(f"{value:.2f}" for value in (application, database, redis, cost.total)),
        at_most,
        *(both(cost, alone, kind) for kind in ("rate", "p50", "p99")),
    ]


def both(cost: Cost, alone: Cost, kind: str) -> str:
    """Return a figure on eight connections and on one."""
    figures = [
        answers.rate
        if kind == "rate"
        else 1000 * answers.percentile({"p50": 0.5, "p99": 0.99}[kind])
        for answers in (cost.answers, alone.answers)
    ]
    return " / ".join(f"{figure:.0f}" if kind == "rate" else f"{figure:.1f}" for figure in figures)


def print_table(headings: tuple[str, ...], rows: list[list[str]]) -> None:
    """Print a table of Markdown whose columns line up."""
    table = [list(headings), *rows]
    widths = [max(len(line[place]) for line in table) for place in range(len(headings))]
    table.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    for line in table:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print(f"| {' | '.join(cells)} |")


def machine() -> str:
    """Return what the figures depend on."""
    cpu = next(
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} x {cpu}, Python {platform.python_version()}, load {load:.1f} before"


def commit(tree: Path) -> str:
    """Return the commit of a checkout, with a + when files differ from it."""
    command = ["git", "-C", str(tree), "describe", "--always", "--dirty=+"]
    return subprocess.check_output(command, text=True).strip()


def main(asked: Namespace) -> None:
    """Start everything, measure, print."""
    begun, entries = time.monotonic(), asked.entries or (100_000 if asked.quick else 1_000_000)
    chosen = [each for each in OPERATIONS if each.key in (asked.only or each.key).split(",")]
    print(machine())
    trees = {"here": ROOT, **({"against": asked.against} if asked.against else {})}
    with ExitStack() as lent:
        servers = lent.enter_context(stores(asked.server))
        services = [
            lent.enter_context(_service(name, tree, servers, asked.database, entries))
            for name, tree in trees.items()
        ]
        benches = [Bench(service, servers) for service in services]
        for bench in benches:
            bench.warm(tuple(chosen))
        print(f"ready after {time.monotonic() - begun:.0f} s", flush=True)
        quick(benches, chosen)
    for service, bench in zip(services, benches, strict=True):
        print(
            f"\n{service.tree.name} at {commit(service.tree)}, {service.workers} workers, "
            f"{service.cast.entries:,} entries, PostgreSQL {servers.version}; "
            f"CPU ms of a request at c = {MANY}; req/s, p50, p99 (ms) at c = {MANY} / 1"
        )
        print_table(HEADINGS, lines(bench, [*chosen, START, STOP]))
    print(f"{time.monotonic() - begun:.0f} s")


def _service(
    name: str, tree: Path, servers: Stores, database: str, entries: int
) -> AbstractContextManager[Service]:
    own = database if name == "here" else f"{database}_{name}"
    servers.create(own)
    settings = {"DATABASE_URL": servers.url_of(own), "REDIS_URL": servers.redis_url}
    return serving(name, tree, settings, entries, 2 if servers.redis_url else 1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that our servers are stopped
    main(options())
