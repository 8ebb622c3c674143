"""The documented offline client, killed and cut off at random: each hour is there exactly once."""

import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from tests.faults.harness import Service, Verdict, run, serving, stored_in
from tests.faults.proxy import CuttingProxy, broken_line
from tests.support.servers import ROOT

CLIENT = ROOT / "docs" / "examples" / "offline_timer.py"
HOURS = 5
KILLS = 5
GIVES_UP_AFTER = 120  # seconds for the last sync, over a line that still breaks


class Phone:
    """A machine with the client on it and a store of its own."""

    def __init__(self, folder: Path, service: Service, proxy: CuttingProxy, number: int) -> None:
        self.store = folder / f"phone-{number}.sqlite3"
        self.environment = {
            **os.environ,
            "TIMETRACKER_URL": proxy.url,
            "TIMETRACKER_TOKEN": service.token,
            "TIMETRACKER_STORE": str(self.store),
        }
        self.project = service.project

    def begin(self, *command: str) -> subprocess.Popen[bytes]:
        """Start the client."""
        return subprocess.Popen(
            [sys.executable, CLIENT, *command],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def track_all(self, number: int) -> None:
        """Start and stop the timer for each hour."""
        for hour in range(HOURS):
            assert self.begin("start", str(self.project), f"{number}-{hour}").wait(60) == 0
            assert self.begin("stop").wait(60) == 0

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Look into the store."""
        with sqlite3.connect(self.store, timeout=30) as database:
            return database.execute(statement).fetchall()


def use(phone: Phone, number: int) -> int:
    """Track hours while a sync is killed again and again; return how often it was."""
    chance = random.Random(number)  # noqa: S311 - the same each time
    tracking = threading.Thread(target=phone.track_all, args=(number,))
    tracking.start()
    killed = 0
    while killed < KILLS or tracking.is_alive():
        syncing = phone.begin("sync")
        time.sleep(chance.uniform(0.05, 1.0))
        if syncing.poll() is None:
            syncing.kill()
            killed += 1
        syncing.wait()
    tracking.join()
    return killed


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Use a phone, let it come to rest, and compare the hours and its copy with what is stored."""
    with stored_in(kind) as database, serving(database) as service:
        port = service.ports[0]
        for number in range(count):
            with broken_line(port, number) as proxy:
                phone = Phone(service.tree, service, proxy, number)
                killed = use(phone, number)
                ended = phone.begin("sync").wait(GIVES_UP_AFTER)
            stored = Counter(service.notes(f"{number}-"))
            copied = Counter(
                json.loads(str(data))["notes"]
                for (data,) in phone.rows("SELECT data FROM copy WHERE type = 'time_entry'")
            )
            asked = service.log(port).read_text().count("POST /api/v1/time-entries")
            verdict.line(
                f"{database.title} round {number + 1}",
                {
                    "hours": HOURS,
                    "kills": killed,
                    "cuts": proxy.cuts,
                    "times sent": asked,
                },
                came_to_rest=ended == 0,
                each_hour_exactly_once=stored == {f"{number}-{hour}": 1 for hour in range(HOURS)},
                nothing_waits=phone.rows("SELECT * FROM queue") == [],
                the_copy_has_them=stored.items() <= copied.items(),
                it_was_killed_and_cut=killed >= KILLS and proxy.cuts > 0,
            )


if __name__ == "__main__":
    sys.exit(run("offline", rounds))
