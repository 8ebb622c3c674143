"""kill -9 of the whole server under 16 writers: what was acknowledged is in the database."""

import signal
import sys

from tests.faults.harness import (
    Answer,
    Caller,
    Load,
    Service,
    Verdict,
    run,
    serving,
    stored_in,
)

WRITERS = 16
ACKNOWLEDGED = 150  # before the kill


def kill_under_load(service: Service, number: int) -> list[Answer]:
    """Kill every process of the server in the middle of the writing; return what was answered."""
    callers = [Caller(service.ports[0], service.token) for _ in range(WRITERS)]

    def write(writer: int, request: int) -> Answer:
        return callers[writer].entry(service.project, f"{number}-{writer}-{request}")

    with Load(WRITERS, write) as load:
        load.wait_for(ACKNOWLEDGED, seconds=10)
        service.send(signal.SIGKILL)
        service.wait()
    return load.answers


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Kill, look at the rows, start again."""
    with stored_in(kind) as database, serving(database) as service:
        for number in range(count):
            answers = kill_under_load(service, number)
            written = set(service.notes(f"{number}-"))
            acknowledged = {answer.note for answer in answers if answer.status == 201}
            verdict.line(
                f"{database.title} round {number + 1}",
                {
                    "acknowledged": len(acknowledged),
                    "lost": len(acknowledged - written),
                    "written but unacknowledged": len(written - acknowledged),
                    "healthy again after": service.start(),
                },
                nothing_lost=acknowledged <= written,
                killed_while_writing=bool(acknowledged),
                nothing_but_201={answer.status for answer in answers} <= {0, 201},
                database_intact=service.intact(),
            )


if __name__ == "__main__":
    sys.exit(run("kill9", rounds))
