"""The commands of docs/operations.md back up under load and restore to a point in time.

What was acknowledged before the point is there, nothing after it is, and nothing that a client
kept from the lost time is taken for the truth: entity tags, cursors, tallies.
"""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.harness import Answer, Load, Service, Verdict, run, serving, statuses, stored_in
from tests.support.servers import DATABASE, ROOT, Postgresql

WRITERS, READERS = 4, 2
BEFORE, BETWEEN, AFTER = 2.0, 2.0, 3.0  # seconds of load: base backup, point, end
LISTS = ["time-entries", "time-entries?per_page=5", "projects", "clients", "users", "tasks"]
STARTED_WITHIN = 120


@dataclass(frozen=True)
class Kept:
    """What a client keeps of an answer: the tag of a list, or a cursor."""

    path: str
    tag: str
    at: float


def block(name: str) -> str:
    """Return the commands that docs/operations.md has under a name."""
    text = (ROOT / "docs" / "operations.md").read_text()
    found = re.search(rf"^```bash {name}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found, name
    return found[1]


def carry_out(name: str, server: Postgresql, **settings: str) -> None:
    """Run commands of the document as whom the server runs as."""
    environment = {
        "PATH": f"{server.programs}:{os.environ['PATH']}",
        "PGDATA": str(server.folder / "data"),
        "BACKUPS": str(server.folder / "backups"),
        "PGHOST": str(server.folder),
        "PGUSER": "postgres",
        "PGDATABASE": DATABASE,
        **settings,
    }
    command = ["bash", "-euo", "pipefail", "-c", block(name)]
    with (server.folder / "commands.log").open("a") as log:
        subprocess.run(
            command,
            check=True,
            env=environment,
            cwd=server.folder,
            user=server.user,
            stdout=log,
            stderr=log,
            timeout=STARTED_WITHIN,
        )


def make_true(service: Service) -> str:
    """Run the one command that follows a restore, as the service."""
    command = block("after").replace("python ", f"{sys.executable} ", 1)
    return manage(service, "bash", "-euc", command)


def manage(service: Service, *command: str) -> str:
    """Return what a command prints in the tree and settings of the service."""
    return subprocess.check_output(
        command, cwd=service.tree, env=service.environment, text=True, timeout=STARTED_WITHIN
    )


def wall(monotonic: float) -> float:
    """Return the time of day of a monotonic moment."""
    return monotonic + time.time() - time.monotonic()


def loaded(
    service: Service, server: Postgresql
) -> tuple[list[Answer], list[Kept], list[Kept], datetime]:
    """Write and read; back up, choose a point, and go on after it."""
    writers = [service.callers()[0] for _ in range(WRITERS)]
    readers = [service.callers(service.administrators[0])[0] for _ in range(READERS)]
    tags: list[Kept] = []
    cursors: list[Kept] = []

    def work(number: int, request: int) -> Answer:
        if number < WRITERS:
            return writers[number].entry(service.project, f"restore-{number}-{request}")
        reader = readers[number - WRITERS]
        changes = reader.send("GET", "/api/v1/changes?cursor=now")
        cursors.append(Kept(changes.body["next_cursor"], "", wall(changes.received)))
        path = f"/api/v1/{LISTS[request % len(LISTS)]}"
        page = reader.send("GET", path)
        tags.append(Kept(path, page.headers["etag"], wall(page.received)))
        return page

    with Load(WRITERS + READERS, work) as load:
        time.sleep(BEFORE)
        carry_out("backup", server)
        time.sleep(BETWEEN)
        point = datetime.now(UTC)
        time.sleep(AFTER)
    return load.answers, tags, cursors, point


def restored(service: Service, server: Postgresql, point: datetime) -> tuple[float, str]:
    """Stop the service, restore and start it; return the seconds and what the command said."""
    began = time.monotonic()
    service.send(signal.SIGTERM)
    service.wait()
    carry_out("restore", server, POINT=point.isoformat(sep=" "))
    said = make_true(service)
    service.start()
    return time.monotonic() - began, said


def rewritten(service: Service, count: int) -> None:
    """Write again as much as was lost, so that the numbers of lost writes are given again."""
    caller = service.callers()[0]
    for number in range(count):
        caller.entry(service.project, f"again-{number}")


def good_again(service: Service, tags: list[Kept]) -> list[str]:
    """Return the lists for which a tag of before the restore is taken for the current one."""
    caller, wrong = service.callers(service.administrators[0])[0], []
    for path, tag in {(kept.path, kept.tag) for kept in tags}:
        caller.headers["If-None-Match"] = tag
        if caller.send("GET", path).status != 200:
            wrong.append(path)
    return wrong


def followed(service: Service, cursors: list[Kept]) -> set[int]:
    """Return the statuses of the cursors of before the restore."""
    caller = service.callers(service.administrators[0])[0]
    paths = {f"/api/v1/changes?cursor={kept.path}" for kept in cursors}
    return {caller.send("GET", path).status for path in paths}


def tallies_of(service: Service) -> str:
    """Return what the command says that counts again."""
    return manage(service, sys.executable, "manage.py", "rebuild_tallies", "--check")


def drill(verdict: Verdict, service: Service, server: Postgresql) -> None:
    """Back up, restore, and compare with the responses that callers got."""
    carry_out("archive", server)
    answers, tags, cursors, point = loaded(service, server)
    written = [answer for answer in answers if answer.status == 201]
    before = {a.note for a in written if wall(a.received) < point.timestamp()}
    after = {a.note for a in written if wall(a.sent) > point.timestamp()}
    seconds, said = restored(service, server, point)
    stored = set(service.notes("restore-"))
    rewritten(service, 20)
    wrong_at_first = good_again(service, tags)
    rewritten(service, len(after) // 4)
    verdict.line(
        "point in time",
        {
            "answers": statuses(answers),
            "before the point": len(before),
            "after it": len(after),
            "lost": len(before - stored),
            "of after it": len(after & stored),
            "tags": len({(kept.path, kept.tag) for kept in tags}),
            "taken for current": wrong_at_first + good_again(service, tags),
            "cursors": (len(cursors), followed(service, cursors)),
            "service stopped for": seconds,
        },
        none_lost=bool(before) and not before - stored,
        nothing_of_later=bool(after) and not after & stored,
        load_was_answered={answer.status for answer in answers} == {200, 201},
        no_tag_is_good=not wrong_at_first and not good_again(service, tags),
        cursors_have_expired=followed(service, cursors) == {410},
        tallies_true=tallies_of(service).strip() == "The tallies are correct.",
        command_said_so="0 tallies were wrong" in said,
    )


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Carry out the document's commands on a server of our own."""
    for _ in range(count):
        with ExitStack() as lent:
            database = lent.enter_context(stored_in(kind))
            server = database.postgresql
            assert server
            server.configure(
                "listen_addresses = ''", f"unix_socket_directories = '{server.folder}'"
            )
            service = lent.enter_context(serving(database))
            try:
                drill(verdict, service, server)
            except subprocess.CalledProcessError:
                print((Path(server.folder) / "commands.log").read_text())
                raise


if __name__ == "__main__":
    sys.exit(run("restore", rounds, databases=("postgresql",), folder="operations"))
