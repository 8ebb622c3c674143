"""How much memory a worker needs, and whether it goes on needing more."""

from random import Random

from benchmarks.load import connected, drive
from benchmarks.measure import MANY, Bench
from benchmarks.meters import family, resident_bytes
from benchmarks.operations import OPERATIONS, START, STOP
from benchmarks.services import Stores, installed, serving
from benchmarks.tables import commit, print_table
from tests.servers import ROOT

REQUESTS, READINGS = 100_000, 20
MEGABYTE = 1_000_000


def memory(stores: Stores, database: str, entries: int, requests: int = REQUESTS) -> None:
    """Send mixed requests to one worker; print its resident memory as they go."""
    installation = installed("memory", ROOT, stores.settings(database), entries)
    readings: list[tuple[int, int]] = []
    with serving(installation, workers=1) as service:
        bench, sent = Bench(service, stores), 0
        with connected(service.port, MANY) as opened:
            while sent < requests:
                mixed = Mixed(bench, requests // READINGS)
                answers = drive(opened, mixed.next_request, float("inf"))
                sent += len(answers.seconds)
                errors = sum(
                    answers.statuses[status] for status in answers.statuses if status >= 500
                )
                readings.append((sent, _largest_worker(service.process)))
                if errors:
                    raise RuntimeError(f"{errors} answers of {answers.statuses}")
    _print(readings)


class Mixed:
    """Requests of every kind, each connection with a user of its own who starts and stops."""

    def __init__(self, bench: Bench, requests: int) -> None:
        self._bench, self._left, self._random = bench, requests, Random(requests)
        self._running: set[int] = set()

    def next_request(self, connection: int) -> bytes | None:
        """Return the next request of a connection; none when all are sent."""
        self._left -= 1
        if self._left < 0:
            return None
        place = self._random.randrange(len(OPERATIONS) + 1)
        if place < len(OPERATIONS):
            return self._bench.made(OPERATIONS[place], connection)
        self._running ^= {connection}
        return self._bench.made(START if connection in self._running else STOP, connection)


def _largest_worker(process: int) -> int:
    return max(resident_bytes(member) for member in family(process)[1:])


def _print(readings: list[tuple[int, int]]) -> None:
    half = [size for sent, size in readings if sent >= readings[-1][0] / 2]
    print(f"\n{commit(ROOT)}: resident memory of the one worker\n")
    rows = [[f"{sent:,}", f"{size / MEGABYTE:.1f}"] for sent, size in readings]
    print_table(["requests so far", "MB"], rows)
    print(
        f"\nover the last half from {half[0] / MEGABYTE:.1f} to {half[-1] / MEGABYTE:.1f} MB, "
        f"at most {max(half) / MEGABYTE:.1f}"
    )
