"""Tables of Markdown, and what the figures in them depend on."""

import os
import platform
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.measure import MANY, Bench
from benchmarks.operations import START, STOP, Operation
from benchmarks.services import Service, Stores

COLUMNS = ("operation", "app", "db", "redis", "app+db", "least", "at most")
SPEED = ("req/s", "p50 ms", "p99 ms")


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of Markdown whose columns line up."""
    table = [headings, *rows]
    widths = [max(len(line[place]) for line in table) for place in range(len(headings))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    for line in [headings, rule, *rows]:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print(f"| {' | '.join(cells)} |", flush=True)


def machine() -> str:
    """Return what the figures depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line for line in lines if line.startswith("model name")), "").partition(": ")[2]
    load, python = os.getloadavg()[0], platform.python_version()
    return f"{os.cpu_count()} x {cpu}, Python {python}, load {load:.1f} before"


def commit(tree: Path) -> str:
    """Return the commit of a checkout, with a + when files differ from it."""
    command = ["git", "-C", str(tree), "describe", "--always", "--dirty=+"]
    with suppress(OSError, subprocess.CalledProcessError):
        return subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()
    return "no commit"


def shown(chosen: Sequence[Operation]) -> list[Operation]:
    """Return the operations with the timers, which are always measured."""
    return [*chosen, START, STOP]


def print_costs(bench: Bench, stores: Stores, operations: Sequence[Operation]) -> None:
    """Print what operations have cost a service."""
    print_title(bench.service, stores)
    rows = [[*cpu_of(bench, operation), *speed_of(bench, operation)] for operation in operations]
    print_table([*COLUMNS, *SPEED], rows)


def print_title(service: Service, stores: Stores) -> None:
    """Print what a table of a service is about."""
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


def cpu_of(bench: Bench, operation: Operation) -> list[str]:
    """Return the cells of COLUMNS."""
    cost, title = bench.cost(operation), title_of(operation, [bench])
    at_most = "" if operation.at_most is None else f"{operation.at_most:g}"
    return [
        title,
        *(f"{part:.2f}" for part in (*cost.milliseconds(), cost.total, cost.least)),
        at_most,
    ]


def speed_of(bench: Bench, operation: Operation) -> list[str]:
    """Return the cells of SPEED."""
    answers = [bench.cost(operation, connections).answers for connections in (MANY, 1)]
    return [
        " / ".join(f"{each.rate:.0f}" for each in answers),
        *(
            " / ".join(f"{1000 * each.percentile(part):.1f}" for each in answers)
            for part in (0.5, 0.99)
        ),
    ]
