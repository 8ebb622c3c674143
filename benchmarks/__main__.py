"""Measure what the service costs; benchmarks/README.md says how, and what came of it."""

import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks import compare
from benchmarks.operations import OPERATIONS
from benchmarks.services import stores
from benchmarks.tables import machine
from tests.servers import ROOT

QUICK, FULL = 100_000, 1_000_000  # entries


def options() -> Namespace:
    """Return what the command line asks for."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the essential in a minute")
    parser.add_argument(
        "--against", type=Path, help="another checkout, measured in turns with this one"
    )
    parser.add_argument("--entries", type=int, help=f"{QUICK} if quick or against, else {FULL}")
    parser.add_argument("--only", help="keys of operations (operations.py), by commas")
    parser.add_argument(
        "--server", default="", help="URL of a PostgreSQL server that nobody else uses meanwhile"
    )
    parser.add_argument("--database", default="timetracker_bench", help="kept on that server")
    return parser.parse_args()


def main(asked: Namespace) -> None:
    """Start everything, measure, print."""
    begun = time.monotonic()
    entries = asked.entries or (QUICK if asked.quick or asked.against else FULL)
    keys = asked.only.split(",") if asked.only else [each.key for each in OPERATIONS]
    chosen = [each for each in OPERATIONS if each.key in keys]
    print(machine(), flush=True)
    with stores(asked.server) as servers:
        where = (servers, asked.database, entries, chosen)
        if asked.against:
            compare.against(*where, {"here": ROOT, "against": asked.against.resolve()})
        elif asked.quick:
            compare.against(*where, {"here": ROOT})
        else:
            compare.full(*where)
    print(f"\n{time.monotonic() - begun:.0f} seconds in all")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that our servers are stopped
    main(options())
