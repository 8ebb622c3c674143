"""Measure what the service costs; benchmarks/README.md says how, and what came of it."""

import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks.compare import against, full
from benchmarks.growth import growth
from benchmarks.memory import memory
from benchmarks.operations import EXTRAS, OPERATIONS
from benchmarks.services import stores
from benchmarks.sqlite import sqlite
from benchmarks.tables import commit, machine
from benchmarks.webhooks import webhooks
from tests.support.servers import ROOT

ENTRIES = {"full": 1_000_000, "growth": 10_000_000, "memory": 100_000, "sqlite": 100_000}
QUICK = 100_000


def options() -> Namespace:
    """Return what the command line asks for."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    modes = parser.add_mutually_exclusive_group()
    for name, meaning in (
        ("quick", "the essential in a minute"),
        ("growth", "from 10 000 to 1 000 000 to 10 000 000 entries"),
        ("memory", "of one worker, over 100 000 mixed requests"),
        ("sqlite", "SQLite beside PostgreSQL"),
        ("webhooks", "how soon and how fast events are sent"),
    ):
        modes.add_argument(
            f"--{name}",
            dest="mode",
            action="store_const",
            const=name,
            default="full",
            help=meaning,
        )
    modes.add_argument("--against", type=Path, help="another checkout, quickly and in turns")
    parser.add_argument("--entries", type=int, help="how many, of --growth the most")
    parser.add_argument("--only", help="keys of operations (operations.py), by commas")
    parser.add_argument(
        "--server", default="", help="URL of a PostgreSQL server that nobody else uses meanwhile"
    )
    parser.add_argument("--database", default="timetracker_bench", help="kept on that server")
    return parser.parse_args()


def main(asked: Namespace) -> None:
    """Start everything, measure, print."""
    begun = time.monotonic()
    mode = "quick" if asked.against else asked.mode
    chosen = [*OPERATIONS, *EXTRAS] if asked.only or mode == "full" else [*OPERATIONS]
    if asked.only:
        chosen = [each for each in chosen if each.key in asked.only.split(",")]
    entries = asked.entries or ENTRIES.get(mode, QUICK)
    print(f"{commit(ROOT)} on {machine()}", flush=True)
    with stores(asked.server) as servers:
        match mode:
            case "quick":
                other = {"against": asked.against.resolve()} if asked.against else {}
                against(servers, asked.database, entries, chosen, {"here": ROOT, **other})
            case "full":
                full(servers, asked.database, entries, chosen)
            case "growth":
                growth(servers, asked.database, entries, chosen)
            case "memory":
                memory(servers, asked.database, entries)
            case "sqlite":
                sqlite(servers, asked.database, entries)
            case "webhooks":
                webhooks(servers, asked.database, entries)
    print(f"\n{time.monotonic() - begun:.0f} seconds in all")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that our servers are stopped
    main(options())
