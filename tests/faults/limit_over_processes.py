"""Four server processes on one Redis: one limit, each remaining count once, open at Reset."""

import sys
import time
from contextlib import ExitStack
from functools import partial

from tests.faults.harness import (
    Answer,
    Caller,
    Service,
    Verdict,
    at_once,
    run,
    serving,
    statuses,
    stored_in,
    window_left,
)
from tests.support.servers import redis_of_our_own

SERVERS = 4
LIMIT = 100
REQUESTS = 200
THREADS = 8
# A token whose minute ends soon, but not before all requests are through.
SHORTEST_WINDOW = 12.0  # seconds
TOKENS = 60
JUST_BEFORE = 0.25  # seconds


def token_of_a_short_minute(service: Service) -> str:
    """Return the token whose minute ends the soonest of those that leave time enough."""
    left = {key: window_left(f"token:{key}", time.time()) for key in service.tokens}
    key = min((key for key in left if left[key] > SHORTEST_WINDOW), key=left.__getitem__)
    return service.tokens[key]


def spend(service: Service, token: str) -> list[Answer]:
    """Send the requests from several threads, in turn to each of the servers."""

    def part(thread: int) -> list[Answer]:
        callers = service.callers(token)
        return [
            callers[(thread + number) % SERVERS].send("GET", "/api/v1/users/me")
            for number in range(REQUESTS // THREADS)
        ]

    parts = at_once([partial(part, thread) for thread in range(THREADS)])
    return [answer for answers in parts for answer in answers]


def at(moment: float, caller: Caller) -> int:
    """Ask at a moment of the clock; return the status."""
    time.sleep(max(0.0, moment - time.time()))
    return caller.send("GET", "/api/v1/users/me").status


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Spend a token's minute and wait for the next one, each round with another token."""
    with ExitStack() as lent:
        redis = lent.enter_context(redis_of_our_own())
        database = lent.enter_context(stored_in(kind))
        limits = {"REDIS_URL": redis.url, "RATE_LIMIT_PER_MINUTE": str(LIMIT)}
        service = lent.enter_context(serving(database, SERVERS, TOKENS, **limits))
        for number in range(count):
            token = token_of_a_short_minute(service)
            judge(verdict, number, spend(service, token), service.callers(token))


def judge(verdict: Verdict, number: int, answers: list[Answer], callers: list[Caller]) -> None:
    """Print what passed and when the next minute began."""
    passed = [answer for answer in answers if answer.status == 200]
    remaining = sorted(int(answer.headers["x-ratelimit-remaining"]) for answer in passed)
    resets = {int(answer.headers["x-ratelimit-reset"]) for answer in answers}
    reset = max(resets)
    before = {at(reset - JUST_BEFORE, caller) for caller in callers}
    after = {at(reset, caller) for caller in callers}
    verdict.line(
        f"{SERVERS} processes, round {number + 1}",
        {
            "answers": statuses(answers),
            "distinct Remaining": len(set(remaining)),
            "Reset values": len(resets),
            f"{JUST_BEFORE} s before Reset": before,
            "at Reset": after,
        },
        exactly_the_limit=len(passed) == LIMIT,
        the_others_429={answer.status for answer in answers} == {200, 429},
        each_remaining_once=remaining == list(range(LIMIT)),
        one_reset=len(resets) == 1,
        refused_before=before == {429},
        accepted_at_reset=after == {200},
    )


if __name__ == "__main__":
    sys.exit(run("limit_over_processes", rounds, databases=("sqlite",)))
