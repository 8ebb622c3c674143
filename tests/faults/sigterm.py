"""SIGTERM under load: the requests under way are answered, then the server ends.

A kept connection may be closed in the moment in which the caller sends its next request. That
one was not accepted, is not carried out and may be repeated (RFC 9112 §9.5); it is counted apart.
"""

import signal
import sys
import time

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
REFUSED = "ConnectionRefusedError"  # by a server that is gone: the caller may ask another


def stop_under_load(service: Service, name: str, *, keeps: bool) -> tuple[list[Answer], float]:
    """Ask the server to end while 16 callers write; return the answers and how long it took."""
    callers = [Caller(service.ports[0], service.token, keeps=keeps) for _ in range(WRITERS)]

    def write(writer: int, request: int) -> Answer:
        return callers[writer].entry(service.project, f"{name}{writer}-{request}")

    with Load(WRITERS, write) as load:
        load.wait_for(50, seconds=10)
        asked = time.monotonic()
        service.send(signal.SIGTERM)
        service.wait()
        ended = time.monotonic() - asked
    return load.answers, ended


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Stop the server under connections that are kept and under new ones, and start it again."""
    with stored_in(kind) as database, serving(database) as service:
        for number in range(count):
            for keeps in (True, False):
                title = f"{database.title}, {'kept' if keeps else 'new'} connections"
                judge(verdict, service, title, f"{number}-{keeps}-", keeps=keeps)
                service.start()


def judge(verdict: Verdict, service: Service, title: str, name: str, *, keeps: bool) -> None:
    """Stop the server once and print what became of the requests under way."""
    answers, ended = stop_under_load(service, name, keeps=keeps)
    failed = [answer for answer in answers if answer.error not in ("", REFUSED)]
    cut = [answer for answer in failed if not answer.reused]
    written = set(service.notes(name))
    acknowledged = {answer.note for answer in answers if answer.status == 201}
    verdict.line(
        title,
        {
            "answered 201": len(acknowledged),
            "cut off": len(cut),
            "sent over a connection just closed": len(failed) - len(cut),
            "carried out but not answered": len(written - acknowledged),
            "ended after": ended,
        },
        nothing_cut_off=not cut,
        carried_out_is_answered=acknowledged == written,
        nothing_but_201={answer.status for answer in answers} <= {0, 201},
        ended_in_order=service.wait() == [0],
    )


if __name__ == "__main__":
    sys.exit(run("sigterm", rounds))
