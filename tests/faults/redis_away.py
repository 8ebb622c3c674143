"""Redis killed or hung under load and back again: no request fails, the limit is kept."""

import signal
import sys
import time
from contextlib import ExitStack

from tests.faults.harness import (
    Answer,
    Caller,
    Load,
    Service,
    Verdict,
    run,
    serving,
    statuses,
    stored_in,
    window_left,
)
from tests.support.servers import Redis, redis_of_our_own

CALLERS = 4
LIMIT = 100
TOKENS = 80  # the callers take turns with the first half, so that few are refused
SECONDS_AWAY = 6.0  # longer than a process waits before it tries Redis again
SHARED_WITHIN = 6.0  # seconds
PATH = "/api/v1/users/me"


def fresh_token(service: Service) -> str:
    """Return a token that was not used yet, of those the one whose minute has most left."""
    unused = list(service.tokens)[TOKENS // 2 :]
    key = max(unused, key=lambda key: window_left(f"token:{key}", time.time()))
    return service.tokens.pop(key)


def load_of(service: Service) -> Load:
    """Callers who ask in turn with many tokens, half of them each server."""
    secrets = list(service.tokens.values())[: TOKENS // 2]
    parts = [secrets[number::CALLERS] for number in range(CALLERS)]
    callers = [
        [Caller(service.ports[number % 2], secret) for secret in part]
        for number, part in enumerate(parts)
    ]

    def ask(number: int, request: int) -> Answer:
        time.sleep(0.01)
        return callers[number][request % len(callers[number])].send("GET", PATH)

    return Load(CALLERS, ask)


def passed_alone(service: Service) -> list[int]:
    """Return how many of 10 requests too many pass in each process, with a fresh token."""
    callers = service.callers(fresh_token(service))
    asked = [[caller.send("GET", PATH).status for _ in range(LIMIT + 10)] for caller in callers]
    return [sum(status == 200 for status in answers) for answers in asked]


def seconds_until_shared(service: Service) -> float:
    """Ask both servers in turn until each counts what the other did."""
    callers, started = service.callers(fresh_token(service)), time.monotonic()
    shared_since = started
    while time.monotonic() < started + 3 * SHARED_WITHIN:
        asked = time.monotonic()
        counts = [int(c.send("GET", PATH).headers["x-ratelimit-remaining"]) for c in callers * 2]
        if counts == list(range(counts[0], counts[0] - 4, -1)):
            return asked - started
        time.sleep(0.2)
    return time.monotonic() - shared_since


def outage(verdict: Verdict, service: Service, redis: Redis, what: str) -> None:
    """Take Redis away under load, look, and bring it back."""
    with load_of(service) as load:
        time.sleep(1)
        redis.kill() if what == "killed" else redis.send(signal.SIGSTOP)
        gone = time.monotonic()
        passed = passed_alone(service)
        health = [caller.send("GET", "/api/v1/health") for caller in service.callers()]
        time.sleep(max(0.0, gone + SECONDS_AWAY - time.monotonic()))
        redis.start() if what == "killed" else redis.send(signal.SIGCONT)
        shared = seconds_until_shared(service)
        healthy = [caller.send("GET", "/api/v1/health").status for caller in service.callers()]
    failed = [answer for answer in load.answers if answer.status not in (200, 429)]
    verdict.line(
        f"Redis {what}",
        {
            "answers": statuses(load.answers),
            "failed": len(failed),
            "worst": max(answer.received - answer.sent for answer in load.answers),
            f"passed of {LIMIT + 10} in each process": passed,
            "shared again after": shared,
        },
        nothing_failed=not failed,
        limit_kept_by_each_process=passed == [LIMIT, LIMIT],
        health_names_the_cache=all(names_the_cache(answer) for answer in health),
        shared_again_in_time=shared <= SHARED_WITHIN,
        healthy_again=healthy == [200, 200],
    )


def names_the_cache(answer: Answer) -> bool:
    """Return whether /health says that the cache alone is away."""
    checks = {"database": "ok", "cache": "unavailable"}
    return answer.status == 503 and answer.body == {"status": "unhealthy", "checks": checks}


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Kill it and hang it, with two servers of a process each."""
    with ExitStack() as lent:
        redis = lent.enter_context(redis_of_our_own())
        database = lent.enter_context(stored_in(kind))
        limits = {"REDIS_URL": redis.url, "RATE_LIMIT_PER_MINUTE": str(LIMIT)}
        service = lent.enter_context(serving(database, 2, TOKENS, **limits))
        for _ in range(count):
            for what in ("killed", "hung"):
                outage(verdict, service, redis, what)


if __name__ == "__main__":
    sys.exit(run("redis_away", rounds, databases=("sqlite",)))
