"""How much memory a worker needs, and whether it goes on needing more."""

from random import Random

from benchmarks.load import connected, drive
from benchmarks.measure import MANY, Bench
from benchmarks.meters import family, resident_bytes
from benchmarks.operations import OPERATIONS, START, STOP
from benchmarks.services import SERVER_ERROR, Stores, installed, serving
from benchmarks.tables import commit
from tests.support.servers import ROOT

REQUESTS, READINGS = 100_000, 20
MEGABYTE = 1_000_000


def memory(stores: Stores, database: str, entries: int, requests: int = REQUESTS) -> None:
    """Send mixed requests to one worker; print its resident memory as they go."""
    installation = installed("memory", ROOT, stores.settings(database), entries)
    print(f"\n{commit(ROOT)}: resident memory of the one worker, megabytes", flush=True)
    sizes: list[float] = []
    with serving(installation, workers=1) as service, connected(service.port, MANY) as opened:
        bench = Bench(service, stores)
        for reading in range(1, READINGS + 1):
            mixed = Mixed(bench, requests // READINGS)
            answers = drive(opened, mixed.next_request, float("inf"))
            failed = sum(n for status, n in answers.statuses.items() if status >= SERVER_ERROR)
            sizes.append(_largest_worker(service.process) / MEGABYTE)
            print(
                f"after {reading * requests // READINGS:,} requests, {failed} failed: "
                f"{sizes[-1]:.1f}",
                flush=True,
            )
    half = sizes[READINGS // 2 - 1 :]
    print(f"over the last half from {half[0]:.1f} to {half[-1]:.1f}, at most {max(half):.1f}")


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
