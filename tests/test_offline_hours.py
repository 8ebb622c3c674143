"""The documented offline client against the service: each hour arrives, and arrives once."""

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client
from django.utils import timezone

from idempotency.models import IdempotencyKey
from projects.models import Project
from tests.support.factories import issue_token
from tests.test_offline_timer import loaded
from timeentries.models import TimeEntry
from users.models import User

Told = tuple[Any, str]
SENT_OFF = (None, "")


class Line(httpx.BaseTransport):
    """The way to the service; what happens on it to the next answers to a POST can be said."""

    def __init__(self) -> None:
        self.happens: list[BaseException] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Let the service do it; the answer may be lost, or the client be killed."""
        answer = Client().generic(
            request.method,
            request.url.raw_path.decode(),
            request.content,
            request.headers.get("Content-Type", ""),
            headers=dict(request.headers),
        )
        if request.method == "POST" and self.happens:
            raise self.happens.pop(0)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


class Laptop:
    """A machine with the client on it."""

    def __init__(self, store: Path, line: Line, run: Callable[..., Told]) -> None:
        self.store = store
        self.line = line
        self.run = run

    def track(self, project: Project, notes: str = "Site visit") -> None:
        """Start and stop an hour."""
        assert self.run("start", str(project.pk), notes) == SENT_OFF
        assert self.run("stop") == SENT_OFF

    def waiting(self) -> int:
        """How many hours are queued."""
        with closing(sqlite3.connect(self.store)) as database:
            [(count,)] = database.execute("SELECT count(*) FROM queue").fetchall()
        return int(count)


def a_day_passes(*_: object) -> None:
    """Let the service forget the keys that it has."""
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))


def token(user: User) -> str:
    """A token for the client."""
    return issue_token(user, "write:time_entries")[1]


@pytest.fixture
def laptop(
    owner: User,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Laptop:
    """A laptop of the owner, which sleeps for a day whenever the client waits."""
    client, line, store = loaded(), Line(), tmp_path / "timer.sqlite3"
    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **options: real(transport=line, **options))
    monkeypatch.setattr(client.time, "sleep", a_day_passes)
    monkeypatch.setenv("TIMETRACKER_URL", "http://testserver")
    monkeypatch.setenv("TIMETRACKER_STORE", str(store))
    monkeypatch.setenv("TIMETRACKER_TOKEN", token(owner))

    def run(*arguments: str) -> Told:
        """What a command ended with, and what it printed."""
        monkeypatch.setattr(sys, "argv", ["offline_timer", *arguments])
        try:
            ended = client.main()
        except SystemExit as end:
            ended = end.code
        return ended, capsys.readouterr().out

    return Laptop(store, line, run)


def test_an_hour_arrives_under_an_id_of_its_own(laptop: Laptop, project: Project) -> None:
    laptop.track(project)

    assert laptop.run("sync") == SENT_OFF

    entry = TimeEntry.objects.get()
    assert (entry.notes, entry.external_id) == ("Site visit", IdempotencyKey.objects.get().key)
    assert laptop.waiting() == 0


def test_an_answer_that_is_lost_for_a_day_is_no_second_hour(
    laptop: Laptop, project: Project
) -> None:
    laptop.track(project)
    laptop.line.happens = [httpx.ReadTimeout("lost"), httpx.ReadTimeout("lost again")]

    assert laptop.run("sync") == SENT_OFF

    assert TimeEntry.objects.count() == 1
    assert laptop.waiting() == 0


@pytest.mark.parametrize(
    ("notes", "edit"),
    [
        pytest.param("Site visit", {}, id="as it was"),
        pytest.param("Site visit", {"notes": "Edited"}, id="notes edited"),
        pytest.param("Call at 09:00+00:00", {}, id="notes like an offset"),
        pytest.param("Site visit", {"tags": "a", "billable": False}, id="others edited"),
    ],
)
def test_an_hour_that_was_booked_before_the_client_was_killed_is_no_second_one(
    laptop: Laptop, project: Project, notes: str, edit: dict[str, Any]
) -> None:
    laptop.track(project, notes)
    laptop.line.happens = [SystemExit("killed")]
    assert laptop.run("sync") == ("killed", "")
    TimeEntry.objects.update(**edit)
    a_day_passes()

    assert laptop.run("sync") == SENT_OFF

    assert TimeEntry.objects.count() == 1
    assert laptop.waiting() == 0


def test_an_hour_booked_before_its_project_was_archived_is_not_refused(
    laptop: Laptop, project: Project
) -> None:
    laptop.track(project)
    laptop.line.happens = [SystemExit("killed")]
    laptop.run("sync")
    Project.objects.update(status="archived")
    a_day_passes()

    assert laptop.run("sync") == SENT_OFF

    assert TimeEntry.objects.count() == 1


def test_a_refused_hour_is_shown_by_each_sync_until_it_is_taken(
    laptop: Laptop, project: Project
) -> None:
    laptop.track(project, "Too late")
    laptop.track(Project.objects.create(name="Other"), "Behind it")
    Project.objects.filter(pk=project.pk).update(status="archived")

    for _ in range(2):
        ended, told = laptop.run("sync")
        assert ended == "1 waiting for the next sync."
        assert told.startswith("Rejected: ")
        assert "archived" in told
        assert '"notes": "Too late"' in told
    assert [entry.notes for entry in TimeEntry.objects.all()] == ["Behind it"]

    Project.objects.update(status="active")
    assert laptop.run("sync") == SENT_OFF
    assert TimeEntry.objects.filter(notes="Too late").count() == 1


def test_a_store_is_of_one_user_also_before_its_first_answer(
    laptop: Laptop, project: Project, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop.track(project)
    laptop.line.happens = [SystemExit("killed")]
    laptop.run("sync")
    mine = laptop.run

    with monkeypatch.context() as other:
        other.setenv("TIMETRACKER_TOKEN", token(colleague))
        ended, _ = laptop.run("sync")

    assert ended == "This store belongs to another user. Set TIMETRACKER_STORE. Nothing is lost."
    assert not TimeEntry.objects.filter(user=colleague).exists()
    assert mine("sync") == SENT_OFF
    assert TimeEntry.objects.count() == 1


def test_more_to_see_makes_a_new_copy_and_loses_nothing(
    laptop: Laptop, project: Project, owner: User
) -> None:
    laptop.run("sync")
    laptop.track(project)
    User.objects.update(is_superuser=True)

    assert laptop.run("sync") == SENT_OFF

    assert TimeEntry.objects.count() == 1
