"""compose.yaml without containers: two application servers, one PostgreSQL, one Redis.

The script stands where the proxy stands: it names the callers in X-Forwarded-For.
"""

import signal
import sys
import time
from contextlib import ExitStack

from tests.faults.harness import (
    Service,
    Verdict,
    run,
    serving,
    statuses,
    stored_in,
    window_left,
)
from tests.support.servers import redis_of_our_own

LIMIT = 20  # a minute, so that it is soon spent
TOKENS = 8
FAILURES = 30  # a minute and address, then 429 instead of 401
WRONG = "tt_" + 32 * "0"
STRANGERS = [f"203.0.113.{number}" for number in range(1, 60)]  # RFC 5737: nobody's
PATH = "/api/v1/users/me"


def token_with_time(service: Service) -> str:
    """Return an unused token, the one whose minute has most left."""
    key = max(service.tokens, key=lambda key: window_left(f"token:{key}", time.time()))
    return service.tokens.pop(key)


def one_limit(verdict: Verdict, service: Service) -> None:
    """Spend a token's minute on both servers in turn."""
    callers = service.callers(token_with_time(service))
    answers = [callers[number % 2].send("GET", PATH) for number in range(LIMIT + 10)]
    left = [int(answer.headers["x-ratelimit-remaining"]) for answer in answers]
    verdict.line(
        "one limit",
        {"answers": statuses(answers)},
        exactly_the_limit=[a.status for a in answers] == [200] * LIMIT + [429] * 10,
        counted_together=left == [*range(LIMIT - 1, -1, -1), *[0] * 10],
    )


def one_timer(verdict: Verdict, service: Service) -> None:
    """Start on the first server; the second one refuses another, shows it and stops it."""
    first, second = service.callers(token_with_time(service))
    started = first.send("POST", "/api/v1/timer/start", project_id=service.project)
    refused = second.send("POST", "/api/v1/timer/start", project_id=service.project)
    shown = second.send("GET", "/api/v1/timer/status")
    stopped = second.send("POST", "/api/v1/timer/stop")
    nothing = first.send("POST", "/api/v1/timer/stop")
    answers = [answer.status for answer in (started, refused, shown, stopped, nothing)]
    seen = [answer.body["timer"]["id"] for answer in (started, refused, shown)]
    verdict.line(
        "one timer",
        {"start, start, status, stop, stop": answers},
        one_timer=answers == [201, 409, 200, 200, 400],
        the_same_one=seen == [stopped.body["time_entry"]["id"]] * 3,
    )


def one_address(verdict: Verdict, service: Service) -> None:
    """Guess at both servers; what the guesser invents to the left of its address is ignored."""
    address, other = sorted(STRANGERS, key=lambda key: window_left(key, time.time()))[-2:]
    callers = service.callers(WRONG)
    answers = []
    for number in range(FAILURES + 10):
        caller = callers[number % 2]
        caller.headers["X-Forwarded-For"] = f"198.51.100.{number}, {address}"
        answers.append(caller.send("GET", PATH))
    valid = service.callers(token_with_time(service))
    for caller in valid:
        caller.headers["X-Forwarded-For"] = address
    callers[0].headers["X-Forwarded-For"] = other
    verdict.line(
        "wrong tokens of one address",
        {"answers": statuses(answers)},
        limited_by_address=[a.status for a in answers] == [401] * FAILURES + [429] * 10,
        valid_token_passes=[caller.send("GET", PATH).status for caller in valid] == [200, 200],
        other_address_is_401=callers[0].send("GET", PATH).status == 401,
    )


def one_server_left(verdict: Verdict, service: Service) -> None:
    """Kill the first server while a timer runs; the second one goes on with timer and limit."""
    first, second = service.callers(token_with_time(service))
    first.send("POST", "/api/v1/timer/start", project_id=service.project)
    service.send(signal.SIGKILL, only=service.ports[0])
    stopped = second.send("POST", "/api/v1/timer/stop")
    verdict.line(
        "one server killed",
        {"the other one's health": second.send("GET", "/api/v1/health").status},
        timer_kept=stopped.status == 200,
        count_kept=stopped.headers["x-ratelimit-remaining"] == str(LIMIT - 2),
    )


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Start all of it and look, as often as asked."""
    for _ in range(count):
        with ExitStack() as lent:
            redis = lent.enter_context(redis_of_our_own())
            database = lent.enter_context(stored_in(kind))
            settings = {
                "REDIS_URL": redis.url,
                "RATE_LIMIT_PER_MINUTE": str(LIMIT),
                "TRUSTED_PROXIES": "127.0.0.0/8",
            }
            service = lent.enter_context(serving(database, 2, TOKENS, **settings))
            for look in (one_limit, one_timer, one_address, one_server_left):
                look(verdict, service)


if __name__ == "__main__":
    sys.exit(run("topology", rounds, databases=("postgresql",)))
