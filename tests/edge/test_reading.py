"""What is read on a replica, and what happens if that fails on the way."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, router

from database import replicas
from database.replicas import Router
from edge import reading
from projects.models import Project
from tests.support.admin import admin_as, rows_of, url
from tests.support.databases import replica_of_tests
from tests.support.factories import api_as, make_entry
from timeentries.models import TimeEntry
from users.models import User


class PerfectReplica:
    """A replica that is always up to date: another connection to the same database."""

    def __init__(self) -> None:
        self.statements: Counter[str] = Counter()
        self.fails_after: int | None = None
        self.left_out: list[Exception] = []

    def has(self, position: str | None) -> bool:
        """Be up to date."""
        return True

    def leave_out(self, error: Exception) -> None:
        """Remember why."""
        self.left_out.append(error)

    def execute(self, alias: str, execute: Callable[..., Any], *args: Any) -> Any:
        """Count a statement, or fail on it."""
        self.statements[alias] += 1
        if alias == "replica" and self.fails_after is not None:
            self.fails_after -= 1
            if self.fails_after < 0:
                raise OperationalError("the connection to the server was lost")
        return execute(*args)

    @contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """Count the statements of the block by database."""
        with (
            connection.execute_wrapper(lambda *a: self.execute("default", *a)),
            connections["replica"].execute_wrapper(lambda *a: self.execute("replica", *a)),
        ):
            self.statements.clear()
            yield self.statements


@pytest.fixture
def replica(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[PerfectReplica]:
    """A replica in use."""
    found = PerfectReplica()
    monkeypatch.setattr(router, "routers", [Router()])
    monkeypatch.setattr(reading, "replica", found)
    monkeypatch.setattr(reading, "position_now", lambda: "00000001 0/1")
    monkeypatch.setattr("changes.views.position_now", lambda: "00000001 0/1")
    with replica_of_tests(monkeypatch):
        yield found


@pytest.fixture
def entry(replica: PerfectReplica, owner: User, project: Project) -> TimeEntry:
    """An hour of the owner."""
    api_as(owner, "read:users").get("/api/v1/users/me")  # a process does something the first time
    return make_entry(owner, project, notes="on the replica")


READ_THERE = [
    "time-entries",
    "time-entries/{pk}",
    "projects",
    "reports/summary?start_date=2024-01-01&end_date=2024-02-01",
    "reports/summary?start_date=2024-01-01&end_date=2024-02-01&group_by=project,user",
    "reports/weekly?week=2024-01-15",
    "reports/entries?start_date=2024-01-01&end_date=2024-02-01",
    "reports/entries?start_date=2024-01-01&end_date=2024-02-01&format=csv",
    "reports/entries?start_date=2024-01-01&end_date=2024-02-01&format=xlsx",
    "billing",
    "users",
    "webhooks",
    "users/me/favorites/projects",
]


@pytest.mark.parametrize("path", READ_THERE)
def test_all_but_the_token_is_read_on_the_replica(
    replica: PerfectReplica, entry: TimeEntry, administrator: User, path: str
) -> None:
    api = api_as(administrator, "admin:all")
    path = f"/api/v1/{path.format(pk=entry.pk)}"
    with replica.counting() as statements:
        response = api.get(path)
        b"".join(response) if response.streaming else response.content
    assert response.status_code == 200
    assert statements["default"] == 1
    assert statements["replica"] > 0
    assert not replica.left_out
    response.close()


@pytest.mark.parametrize("path", READ_THERE)
def test_a_read_that_fails_on_the_replica_is_answered_by_the_primary(
    replica: PerfectReplica, entry: TimeEntry, administrator: User, path: str
) -> None:
    api = api_as(administrator, "admin:all")
    path = f"/api/v1/{path.format(pk=entry.pk)}"
    replica.fails_after = 1 if path.endswith(("v1/time-entries", "format=csv")) else 0
    with replica.counting() as statements:
        response = api.get(path)
        content = b"".join(response) if response.streaming else response.content
    assert response.status_code == 200
    assert statements["default"] > 1
    assert [str(error) for error in replica.left_out] == ["the connection to the server was lost"]
    if path.endswith("format=csv"):
        assert content.count(b"on the replica") == 1
        assert b'\r\n"Total"' in content
    response.close()


def test_a_file_is_the_same_from_either(
    replica: PerfectReplica, entry: TimeEntry, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = api_as(owner, "read:reports")
    path = f"/api/v1/{READ_THERE[7]}"
    there = b"".join(api.get(path))
    monkeypatch.setattr(PerfectReplica, "has", lambda *_: False)
    assert there == b"".join(api.get(path))


@pytest.mark.parametrize("path", ["timer/status", "users/me"])
def test_what_stays_on_the_primary(
    replica: PerfectReplica, entry: TimeEntry, owner: User, path: str
) -> None:
    api = api_as(owner, "read:time_entries", "read:users")
    with replica.counting() as statements:
        assert api.get(f"/api/v1/{path}").status_code == 200
    assert statements["default"] > 0
    assert statements["replica"] == 0


def test_a_write_reads_on_the_primary(
    replica: PerfectReplica, entry: TimeEntry, owner: User
) -> None:
    api = api_as(owner, "write:time_entries")
    with replica.counting() as statements:
        assert api.patch(f"/api/v1/time-entries/{entry.pk}", {"notes": "b"}).status_code == 200
    assert statements["replica"] == 0


def test_refusals_are_those_of_the_primary(
    replica: PerfectReplica, entry: TimeEntry, colleague: User
) -> None:
    api = api_as(colleague, "read:time_entries")
    assert api.get("/api/v1/time-entries/0").status_code == 404
    assert api.get(f"/api/v1/time-entries/{entry.pk}").status_code == 403
    assert api.get("/api/v1/time-entries?colour=red").status_code == 400
    tag = api.get("/api/v1/time-entries")["ETag"]
    assert api.get("/api/v1/time-entries", HTTP_IF_NONE_MATCH=tag).status_code == 304
    assert not replica.left_out


def test_the_feed_is_numbered_on_the_primary_and_read_on_the_replica(
    replica: PerfectReplica, entry: TimeEntry, owner: User
) -> None:
    api = api_as(owner, "read:*", "read:time_entries")
    cursor = api.get("/api/v1/changes?cursor=now").json()["next_cursor"]
    entry.notes = "again"
    entry.save()
    with replica.counting() as statements:
        page = api.get(f"/api/v1/changes?cursor={cursor}").json()
    assert [(change["id"], change["data"]["notes"]) for change in page["changes"]] == [
        (entry.pk, "again")
    ]
    assert statements["replica"] > 0
    with replica.counting() as statements:
        assert api.get(f"/api/v1/changes?cursor={page['next_cursor']}").json()["changes"] == []
    assert statements["replica"] == 0


def test_pages_of_the_admin_are_read_on_the_replica(
    replica: PerfectReplica, entry: TimeEntry, administrator: User
) -> None:
    staff = admin_as(administrator)
    for page in (
        url(TimeEntry, "changelist"),
        url(TimeEntry, "change", entry.pk),
        "/admin/",
    ):
        with replica.counting() as statements:
            response = staff.get(page)
        assert response.status_code == 200
        assert statements["replica"] > 1
        assert statements["default"] <= 2  # the session and its user
    replica.fails_after = 1
    with replica.counting():
        response = staff.get(url(TimeEntry, "changelist"))
    assert rows_of(response)
    assert len(replica.left_out) == 1


def test_the_probes_name_a_replica_and_do_not_fail_for_it(
    replica: PerfectReplica, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas.Replica, "watch", lambda _: None)
    assert client.get("/api/v1/health").json() == {"status": "healthy", "replica": "unavailable"}
    ready = client.get("/api/v1/ready")
    assert (ready.status_code, ready.json()["checks"]["replica"]) == (200, "unavailable")
