"""A synchronous standby that is away: each write is 503 in time, and back once it is back."""

import sys
import time
from dataclasses import dataclass

import psycopg

from tests.faults.harness import Answer, Load, Service, Verdict, run, serving, statuses, stored_in
from tests.support.servers import Postgresql

WRITERS = 6  # more than the threads of a server
ANSWERED_WITHIN = 7.0  # seconds, 5 of them for the commit
# Each of the writers beside it may be before a reader in the queue for a thread.
QUEUED_WITHIN = 15.0
SECONDS_AWAY = 8.0
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@dataclass(frozen=True)
class Away:
    """What was answered while the standby was away."""

    alone: Answer
    again: Answer
    health: Answer
    load: list[Answer]
    stuck: int  # processes of PostgreSQL that wait for the standby when no request does


def order(server: Postgresql, statement: str) -> None:
    """Change the settings of a running server, past its own wait for the standby."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = local")
        connection.execute(statement.encode())
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(0.5)


def write(service: Service, note: str) -> Answer:
    """Post an hour over a new connection, with a key of its own."""
    caller = service.callers(keeps=False)[0]
    caller.headers["Idempotency-Key"] = note
    return caller.entry(service.project, note)


def while_away(service: Service, name: str) -> Away:
    """Write alone, the same again, and many at once with a look at the health beside them."""
    alone, again = write(service, name), write(service, name)
    with Load(WRITERS, lambda writer, n: write(service, f"{name}-{writer}-{n}")) as load:
        time.sleep(SECONDS_AWAY / 2)
        health = service.callers(keeps=False)[0].send("GET", "/api/v1/health")
        time.sleep(SECONDS_AWAY / 2)
    time.sleep(1)
    ((stuck,),) = service.rows(WAITING)
    return Away(alone, again, health, load.answers, stuck)


def is_unknown(answer: Answer) -> bool:
    """Return whether it says that the outcome is unknown, and how to find out."""
    return (
        answer.status == 503
        and answer.body.get("error_code") == "unavailable"
        and "same Idempotency-Key" in answer.body.get("message", "")
        and answer.headers.get("retry-after") == "5"
    )


def seconds(answer: Answer) -> float:
    """Return how long an answer took."""
    return answer.received - answer.sent


def judge(verdict: Verdict, service: Service, name: str, away: Away) -> None:
    """Print the figures of the time without a standby, and of the writes after it."""
    back = [write(service, name)] + [write(service, f"{name}-back-{n}") for n in range(8)]
    slowest = max(seconds(answer) for answer in away.load)
    verdict.line(
        "standby away",
        {
            "alone": seconds(away.alone),
            "again": seconds(away.again),
            "health beside writers": seconds(away.health),
            "writers": statuses(away.load),
            "slowest": slowest,
            "stuck": away.stuck,
            "back": statuses(back),
            "slowest when back": max(seconds(answer) for answer in back),
        },
        in_time=max(seconds(away.alone), seconds(away.again)) <= ANSWERED_WITHIN,
        writers_in_time=max(slowest, seconds(away.health)) <= QUEUED_WITHIN,
        outcome_unknown=all(is_unknown(a) for a in (away.alone, away.again, *away.load)),
        healthy=away.health.status == 200,
        none_stuck=away.stuck == 0,
        works_when_back=all(answer.status == 201 for answer in back),
        key_is_replayed=back[0].headers.get("idempotency-replayed") == "true",
        done_once=service.notes(name).count(name) == 1,
    )


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Take the standby away from a service that runs, and let PostgreSQL do without one."""
    with stored_in(kind) as database, serving(database) as service:
        assert database.postgresql
        for number in range(count):
            name = f"standby-{number}"
            order(database.postgresql, "ALTER SYSTEM SET synchronous_standby_names = 'missing'")
            away = while_away(service, name)
            order(database.postgresql, "ALTER SYSTEM RESET synchronous_standby_names")
            judge(verdict, service, name, away)


if __name__ == "__main__":
    sys.exit(run("standby_away", rounds, databases=("postgresql",)))
