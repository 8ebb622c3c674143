"""The dearest request of each operation that we know: what it costs, and what it does to others.

A round of one fills the database with a few entries and judges counts only: statements, rows,
steps, bytes. With more rounds it is a million, and 24 of the dearest at once are timed beside
another user.
"""

import json
import statistics
import subprocess
import sys
import time
from typing import Any

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
)

FEW, MANY = 2_000, 1_000_000
MOST_STATEMENTS, MOST_STATEMENTS_OF_A_BULK = 40, 120
MOST_ROWS = 5_000
MOST_STEPS_AN_ENTRY, STEPS_OF_A_REQUEST = 700, 3_000_000
MOST_BYTES = 4 * 1024 * 1024
DEAREST = (
    "/api/v1/reports/summary?start_date=1970-01-01&end_date=2200-12-31"
    "&timezone=America/New_York&group_by=user,task,day"
)


def measure(verdict: Verdict, kind: str, rounds: int) -> None:
    """Print what each call costs and judge the counts."""
    entries = FEW if rounds == 1 else MANY
    with (
        stored_in(kind) as database,
        serving(database, 1, 2, REQUESTS_AT_ONCE="10") as service,
    ):
        command = [sys.executable, "-m", "tests.faults.costs_inside", str(entries)]
        lines = subprocess.check_output(
            command, cwd=service.tree, env=service.environment, text=True
        ).splitlines()
        documents = [json.loads(line) for line in lines if line.startswith("{")]
        left_out = next(each["missing"] for each in documents if "missing" in each)
        verdict.line(
            database.title,
            {"operations without a call": left_out or "none"},
            every_operation_is_called=not left_out,
        )
        for cost in (each for each in documents if "call" in each):
            _judge(verdict, cost, entries)
        if entries == MANY:
            _beside(verdict, service)


def _judge(verdict: Verdict, cost: dict[str, Any], entries: int) -> None:
    most = MOST_STATEMENTS_OF_A_BULK if "/bulk" in cost["call"] else MOST_STATEMENTS
    verdict.line(
        cost["call"],
        {
            "status": cost["status"],
            "CPU": f"{cost['cpu'] * 1000:.0f} ms",
            "in all": f"{cost['seconds'] * 1000:.0f} ms",
            "locks": f"{cost['locked'] * 1000:.0f} ms",
            "statements": cost["statements"],
            "rows": cost["rows"],
            "steps": cost["steps"],
            "bytes": cost["bytes"],
        },
        answered=cost["status"] < 500,
        few_statements=cost["statements"] <= most,
        few_rows=cost["rows"] <= MOST_ROWS or "/bulk" in cost["call"] or entries == MANY,
        few_steps=cost["steps"] <= STEPS_OF_A_REQUEST + MOST_STEPS_AN_ENTRY * entries,
        few_bytes=cost["bytes"] <= MOST_BYTES,
    )


def _beside(verdict: Verdict, service: Service) -> None:
    """Time another user's requests alone, and beside 24 of the dearest of one token."""
    other = Caller(service.ports[0], service.token)
    alone = _median(other)
    hogs = [Caller(service.ports[0], service.administrators[0]) for _ in range(24)]

    def hog(caller: int, _: int) -> Answer:
        answer = hogs[caller].send("GET", DEAREST)
        if answer.status == 429:
            time.sleep(1)  # as it is asked to
        return answer

    with Load(24, hog) as load:
        time.sleep(3)
        beside = _median(other)
    verdict.line(
        "another user, alone and beside 24 of the dearest",
        {
            "alone": f"{alone * 1000:.1f} ms",
            "beside": f"{beside * 1000:.1f} ms",
            "times": round(beside / alone, 1),
            "the dearest": statuses(load.answers),
        },
    )


def _median(caller: Caller) -> float:
    answers = [caller.send("GET", "/api/v1/time-entries") for _ in range(60)]
    return statistics.median(answer.received - answer.sent for answer in answers)


if __name__ == "__main__":
    sys.exit(run("costs", measure))
