"""64 callers at once over HTTP to four server processes: one wins, nobody gets a 500."""

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.faults.harness import (
    Answer,
    Caller,
    Load,
    Service,
    Verdict,
    at_once,
    run,
    serving,
    statuses,
    stored_in,
)

SERVERS = 4
CALLERS = 64
ONE_WINNER = Counter({201: 1, 409: CALLERS - 1})
RUNNING = "SELECT count(*) FROM timeentries_timeentry WHERE end_time IS NULL"


def callers_of(service: Service, *tokens: str) -> list[Caller]:
    """Return 64 callers with connections that are open already, shared out over the servers."""
    callers = [
        Caller(service.ports[number % SERVERS], tokens[number // SERVERS % len(tokens)])
        for number in range(CALLERS)
    ]
    for caller in callers:
        caller.send("GET", "/api/v1/info")
    return callers


def all_post(callers: list[Caller], path: str, **body: Any) -> list[Answer]:
    """Return the answers to the same POST of all callers at once."""

    def post_of(caller: Caller) -> Callable[[], Answer]:
        return lambda: caller.send("POST", path, **body)

    return at_once([post_of(caller) for caller in callers])


def timer_starts(verdict: Verdict, title: str, service: Service) -> None:
    """One user's 64 starts of a timer."""
    callers = callers_of(service, service.token)
    answers = all_post(callers, "/api/v1/timer/start", project_id=service.project)
    one_timer(verdict, f"{title}, timer starts", service, answers)


def bookings(verdict: Verdict, title: str, service: Service) -> None:
    """Two administrators' 64 bookings of a running time entry for the same user."""
    entry = {"project_id": service.project, "user_id": service.user}
    callers = callers_of(service, *service.administrators)
    answers = all_post(callers, "/api/v1/time-entries", **entry, start_time="2024-01-15T09:00:00Z")
    one_timer(verdict, f"{title}, bookings of two administrators", service, answers)


def one_timer(verdict: Verdict, title: str, service: Service, answers: list[Answer]) -> None:
    """Print who won, and stop the timer."""
    rows = service.rows(RUNNING)[0][0]
    service.callers()[0].send("POST", "/api/v1/timer/stop")
    verdict.line(
        title,
        {"answers": statuses(answers), "rows": rows},
        one_winner=Counter(answer.status for answer in answers) == ONE_WINNER,
        one_row=rows == 1,
    )


def revoke(verdict: Verdict, title: str, service: Service) -> None:
    """A token revoked while 64 callers use it; 429 is the limit of refused credentials."""
    key, secret = service.tokens.popitem()
    callers = callers_of(service, secret)
    with Load(CALLERS, lambda number, _: callers[number].send("GET", "/api/v1/users/me")) as load:
        load.wait_for(2 * CALLERS, seconds=10)
        service.rows(
            f"UPDATE apitokens_apitoken SET revoked_at = CURRENT_TIMESTAMP WHERE id = {key}"
        )
        committed = time.monotonic()
        time.sleep(1)
    later = [answer for answer in load.answers if answer.sent > committed]
    verdict.line(
        f"{title}, revoke under load",
        {
            "before": statuses([a for a in load.answers if a not in later]),
            "after": statuses(later),
        },
        none_accepted_afterwards=bool(later) and {a.status for a in later} <= {401, 429},
        nothing_else={answer.status for answer in load.answers} <= {200, 401, 429},
    )


def archive(verdict: Verdict, title: str, service: Service) -> None:
    """A project archived while 64 callers add time entries to it."""
    administrator = Caller(service.ports[0], service.administrators[0])
    name = f"To archive {time.monotonic()}"
    made = administrator.send("POST", "/api/v1/projects", name=name)
    project = made.body["project"]["id"]
    callers = callers_of(service, service.token)
    with Load(CALLERS, lambda number, _: callers[number].entry(project, name)) as load:
        load.wait_for(2 * CALLERS, seconds=10)
        archived = administrator.send("DELETE", f"/api/v1/projects/{project}")
        time.sleep(1)
    later = {answer.status for answer in load.answers if answer.sent > archived.received}
    created = sum(answer.status == 201 for answer in load.answers)
    verdict.line(
        f"{title}, archive against create",
        {"answers": statuses(load.answers), "rows": len(service.notes(name))},
        archived=archived.status == 200,
        none_added_afterwards=later == {409},
        every_201_is_a_row=created == len(service.notes(name)),
        nothing_else={answer.status for answer in load.answers} == {201, 409},
    )


def stop(verdict: Verdict, title: str, service: Service) -> None:
    """A timer stopped while 63 callers change its notes: it stays stopped, and one note stays."""
    caller, *editors = callers_of(service, service.token)
    started = caller.send("POST", "/api/v1/timer/start", project_id=service.project)
    path = f"/api/v1/time-entries/{started.body['timer']['id']}"

    def edit_of(number: int, editor: Caller) -> Callable[[], Answer]:
        return lambda: editor.send("PATCH", path, notes=f"edit {number}")

    edits = [edit_of(number, editor) for number, editor in enumerate(editors)]
    answers = at_once([lambda: caller.send("POST", "/api/v1/timer/stop"), *edits])
    entry = caller.send("GET", path).body["time_entry"]
    verdict.line(
        f"{title}, stop against edits",
        {"answers": statuses(answers)},
        all_done={answer.status for answer in answers} == {200},
        stays_stopped=not entry["active"],
        edit_kept=entry["notes"].startswith("edit"),
    )


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Race for everything, as often as asked."""
    with stored_in(kind) as database, serving(database, SERVERS, 1 + count) as service:
        for number in range(count):
            for race in (timer_starts, bookings, stop, revoke, archive):
                race(verdict, f"{database.title} round {number + 1}", service)


if __name__ == "__main__":
    sys.exit(run("races", rounds))
