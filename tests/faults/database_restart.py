"""PostgreSQL stopped and started under load: 503 with Retry-After, and back by itself."""

import sys
import time
from dataclasses import dataclass

from tests.faults.harness import (
    Answer,
    Load,
    Service,
    Verdict,
    run,
    serving,
    statuses,
    stored_in,
)
from tests.support.servers import Postgresql

WRITERS = 16
MODES = ("fast", "immediate")
SECONDS_AWAY = (1, 5, 30)  # by round; the longer, the more a reconnecting pool would back off
BACK_WITHIN = 2.0  # seconds


@dataclass(frozen=True)
class Outage:
    """What was answered around an outage, and when the server went and answered again."""

    answers: list[Answer]
    gone: float
    back: float

    @property
    def failures(self) -> list[Answer]:
        """The answers that were not a success."""
        return [answer for answer in self.answers if answer.status != 201]

    def recovered_after(self) -> float:
        """Return the seconds from the server's return to the last failure."""
        return max((answer.received for answer in self.failures), default=self.back) - self.back


def restart_under_load(
    service: Service, server: Postgresql, mode: str, away: float, name: str
) -> Outage:
    """Take the database away for some seconds while 16 callers write."""
    callers = [service.callers()[number % 2] for number in range(WRITERS)]

    def write(writer: int, request: int) -> Answer:
        return callers[writer].entry(service.project, f"{name}-{writer}-{request}")

    with Load(WRITERS, write) as load:
        time.sleep(1)
        server.stop(mode)
        gone = time.monotonic()
        time.sleep(away)
        server.start()
        back = time.monotonic()
        time.sleep(BACK_WITHIN + 1.5)
    return Outage(load.answers, gone, back)


def judge(verdict: Verdict, service: Service, title: str, name: str, outage: Outage) -> None:
    """Print the figures of an outage."""
    written = set(service.notes(name))
    acknowledged = {answer.note for answer in outage.answers if answer.status == 201}
    verdict.line(
        title,
        {
            "answers": statuses(outage.answers),
            "lost": len(acknowledged - written),
            "last failure after the return": outage.recovered_after(),
            "longest wait": max(a.received - a.sent for a in outage.answers),
        },
        nothing_lost=acknowledged <= written,
        only_503_with_retry_after=all(is_503(answer) for answer in outage.failures),
        failed_while_away=bool(outage.failures),
        back_in_time=outage.recovered_after() <= BACK_WITHIN,
        works_afterwards=max(a.received for a in outage.answers if a.status == 201) > outage.back,
    )


def is_503(answer: Answer) -> bool:
    """Return whether it says in our own shape that the service is briefly away."""
    return (
        answer.status == 503
        and answer.headers.get("retry-after") in ("1", "5")  # 5: it broke during the commit
        and answer.body.get("error_code") == "unavailable"
    )


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Stop in order and by a crash, each round for longer."""
    with stored_in(kind) as database, serving(database, 2) as service:
        for number in range(count):
            away = SECONDS_AWAY[number % len(SECONDS_AWAY)]
            for mode in MODES:
                name = f"{number}-{mode}"
                assert database.postgresql
                outage = restart_under_load(service, database.postgresql, mode, away, name)
                judge(verdict, service, f"{mode} stop, {away} s away", name, outage)


if __name__ == "__main__":
    sys.exit(run("database_restart", rounds, databases=("postgresql",)))
