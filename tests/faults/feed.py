"""Those who follow the feed of a real service under 16 writers: every copy is what is stored."""

import sys
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

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
from tests.support.following import KINDS, Follower, listed, with_names
from tests.support.writing import ANSWERS, Office, Writer

WRITERS = 16
WRITES = 1500  # that were done, in a round
OWN_TYPES = "project,time_entry"  # what the ordinary user's token opens


@dataclass(frozen=True)
class Got:
    """An answer as Django's test client gives it."""

    answer: Answer

    @property
    def status_code(self) -> int:
        """The status."""
        return self.answer.status

    @property
    def content(self) -> str:
        """What to show of a wrong one."""
        return f"{self.answer.error} {self.answer.body}"

    def json(self) -> dict[str, Any]:
        """The body."""
        return self.answer.body


@dataclass(frozen=True)
class Api:
    """A caller that gets as Django's test client does."""

    caller: Caller

    def get(self, path: str, query: dict[str, Any]) -> Got:
        """The answer to a GET."""
        return Got(self.caller.send("GET", f"{path}?{urlencode(query)}"))


def writers(service: Service, number: int) -> list[tuple[Caller, Writer]]:
    """Half of them administrators, all over the servers."""
    users = [pk for (pk,) in service.rows("SELECT id FROM users_user")]
    office, made = Office(users), []
    office.ids["projects"].append(service.project)
    for index in range(WRITERS):
        is_administrator = index % 2 == 0
        token = service.administrators[index // 2 % 2] if is_administrator else service.token
        caller = service.callers(token)[index % len(service.ports)]
        seed, send = 1000 * number + index, sender(caller)
        writer = Writer(office, send, seed, administrator=is_administrator)
        made.append((caller, writer))
    return made


def sender(caller: Caller) -> Any:
    """What sends a writer's requests over a caller's connection."""

    def send(method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        answer = caller.send(method, path, **body)
        return answer.status, answer.body

    return send


def follow(follower: Follower, done: threading.Event, failures: list[str]) -> None:
    """Follow until the writers have written, and then to the end."""
    try:
        while not done.is_set():
            follower.step()
        follower.told()
    except AssertionError as error:
        failures.append(str(error))


def follow_under_load(
    service: Service, number: int
) -> tuple[list[Answer], list[Follower], list[str]]:
    """Write at random and follow meanwhile; return the answers, the copies, what failed."""
    tokens = [(service.administrators[0], ""), (service.token, OWN_TYPES)]
    followers = [
        Follower(Api(caller), types, 50, cursor=None)
        for token, types in tokens
        for caller in service.callers(token)
    ]
    done, failures, made = threading.Event(), list[str](), writers(service, number)
    threads = [
        threading.Thread(target=follow, args=(follower, done, failures)) for follower in followers
    ]
    for thread in threads:
        thread.start()

    def work(writer: int, _: int) -> Answer:
        status = made[writer][1].write()
        return Answer(status, {}, {}, 0, 0)

    with Load(WRITERS, work) as load:
        load.wait_for(WRITES, seconds=120)
    done.set()
    for thread in threads:
        thread.join(120)
    return load.answers, followers, failures


def is_true(follower: Follower) -> bool:
    """Whether a copy is what the lists show."""
    types = follower.query.get("types")
    shown = listed(follower.api, types.split(",") if types else list(KINDS))
    return with_names(follower.copy) == with_names(shown)


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Write and follow, and compare."""
    servers = 2 if kind == "postgresql" else 1  # one process has an SQLite file
    with stored_in(kind) as database, serving(database, servers) as service:
        for number in range(count):
            answers, followers, failures = follow_under_load(service, number)
            counts = "SELECT count(*), count(DISTINCT seq), max(seq) FROM changes_change"
            [numbers] = service.rows(counts)
            verdict.line(
                f"{database.title} round {number + 1}, {servers} server(s)",
                {
                    "answers": statuses(answers),
                    "changes": numbers[0],
                    "copies": len(followers),
                    "rows in the largest": max(len(follower.copy) for follower in followers),
                    "failures": "; ".join(failures) or "none",
                },
                every_copy_is_true=all(map(is_true, followers)),
                nobody_failed=not failures,
                no_gaps=len(set(numbers)) == 1,
                nothing_unexpected={answer.status for answer in answers} <= ANSWERS | {0},
            )


if __name__ == "__main__":
    sys.exit(run("feed", rounds))
