"""kill -9 of the server under 16 writers who retry with an Idempotency-Key: each hour once."""

import signal
import sys
import time

from tests.faults.harness import Answer, Caller, Load, Service, Verdict, run, serving, stored_in

WRITERS = 16
KILLS = 2  # in a round
WRITTEN_BETWEEN = 100
PATIENCE = 60  # seconds of one caller with one hour


def write_through_kills(service: Service, number: int) -> list[Answer]:
    """Kill and start the server while hours are written; return each hour's last answer."""
    callers = [Caller(service.ports[0], service.token) for _ in range(WRITERS)]

    def write(writer: int, request: int) -> Answer:
        note = f"{number}-{writer}-{request}"
        caller, give_up = callers[writer], time.monotonic() + PATIENCE
        caller.headers["Idempotency-Key"] = note
        while True:
            answer = caller.entry(service.project, note)
            if answer.status == 201 or time.monotonic() > give_up:
                return answer
            time.sleep(0.02)

    with Load(WRITERS, write) as load:
        for kill in range(KILLS):
            load.wait_for((kill + 1) * WRITTEN_BETWEEN, seconds=20)
            service.send(signal.SIGKILL)
            service.wait()
            service.start()
    return load.answers


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Kill and retry, then look at the rows."""
    with stored_in(kind) as database, serving(database) as service:
        for number in range(count):
            answers = write_through_kills(service, number)
            notes = service.notes(f"{number}-")
            replayed = [answer for answer in answers if "idempotency-replayed" in answer.headers]
            verdict.line(
                f"{database.title} round {number + 1}, {KILLS} kills",
                {
                    "hours sent": len(answers),
                    "rows": len(notes),
                    "committed before a kill and answered after it": len(replayed),
                },
                each_hour_answered={answer.status for answer in answers} == {201},
                each_hour_once=sorted(notes) == sorted(answer.note for answer in answers),
            )


if __name__ == "__main__":
    sys.exit(run("retries", rounds))
