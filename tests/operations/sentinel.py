"""The master of a Redis dies and its sentinel names another: the limit is shared again."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import redis

from tests.faults.harness import Answer, Load, Service, Verdict, run, serving, statuses, stored_in
from tests.support.servers import NoServer, Redis, free_port, redis_of_our_own, wait_for_port

NAME = "counters"
CALLERS = 2
SHARED_WITHIN = 20.0  # seconds: 1 until the sentinel misses it, then its own failover
PATH = "/api/v1/users/me"


@contextmanager
def sentinel_of(master: Redis) -> Iterator[int]:
    """Run a sentinel that watches a master; return its port."""
    program, port = shutil.which("redis-sentinel"), free_port()
    if program is None:
        raise NoServer("no redis-sentinel")
    with tempfile.TemporaryDirectory(prefix="timetracker-") as name:
        file = Path(name) / "sentinel.conf"
        file.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {name}\n"
            f"sentinel monitor {NAME} 127.0.0.1 {master.port} 1\n"
            f"sentinel down-after-milliseconds {NAME} 1000\n"
            f"sentinel failover-timeout {NAME} 5000\n"
        )
        process = subprocess.Popen([program, str(file)], stdout=subprocess.DEVNULL)
        try:
            wait_for_port(port)
            yield port
        finally:
            process.kill()
            process.wait(10)


def follow(replica: Redis, master: Redis) -> None:
    """Make a Redis a replica of another, and return when it has all of it."""
    with redis.Redis.from_url(replica.url) as client:
        client.config_set("repl-diskless-load", "swapdb")  # no file, which others would load
        client.replicaof("127.0.0.1", master.port)
        while client.info("replication")["master_link_status"] != "up":
            time.sleep(0.05)


def names_replica(port: int) -> bool:
    """Return whether the sentinel knows the replica, which it asks the master for."""
    with redis.Redis(port=port, socket_timeout=5) as sentinel:
        return bool(sentinel.sentinel_slaves(NAME))


def shared_after(service: Service) -> float:
    """Ask both nodes in turn until each counts what the other did; return the seconds."""
    callers, began = service.callers(), time.monotonic()
    while time.monotonic() < began + 3 * SHARED_WITHIN:
        asked = [caller.send("GET", PATH) for caller in callers * 2]
        left = [int(answer.headers["x-ratelimit-remaining"]) for answer in asked]
        health = [caller.send("GET", "/api/v1/health").status for caller in callers]
        if left == list(range(left[0], left[0] - 4, -1)) and health == [200, 200]:
            return time.monotonic() - began
        time.sleep(0.2)
    return time.monotonic() - began


def master_dies(verdict: Verdict, service: Service, master: Redis) -> None:
    """Kill the master under load."""
    callers = service.callers()

    def ask(number: int, _: int) -> Answer:
        time.sleep(0.02)
        return callers[number].send("GET", "/api/v1/projects")

    before = shared_after(service)
    with Load(CALLERS, ask) as load:
        master.kill()
        time.sleep(1)
        loaded = list(load.answers)
        time.sleep(4)
    after = shared_after(service)
    verdict.line(
        "master killed",
        {
            "answers": statuses(load.answers),
            "worst": max(answer.received - answer.sent for answer in load.answers),
            "shared before": before,
            "shared again after": 5 + after,
        },
        nothing_failed={answer.status for answer in loaded + load.answers} == {200},
        shared_again_in_time=5 + after <= SHARED_WITHIN,
    )


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Start a master, a replica, a sentinel and two nodes."""
    for _ in range(count):
        with ExitStack() as lent:
            master, replica = (lent.enter_context(redis_of_our_own()) for _ in range(2))
            follow(replica, master)
            port = lent.enter_context(sentinel_of(master))
            with suppress(redis.RedisError):
                while not names_replica(port):
                    time.sleep(0.2)
            database = lent.enter_context(stored_in(kind))
            url = f"redis+sentinel://127.0.0.1:{port}/{NAME}/0"
            limit = {"RATE_LIMIT_PER_MINUTE": "99999", "RATE_LIMIT_PER_HOUR": "99999"}
            service = lent.enter_context(serving(database, 2, REDIS_URL=url, **limit))
            master_dies(verdict, service, master)
            service.send(signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(run("sentinel", rounds, databases=("postgresql",), folder="operations"))
