"""A list's version changes with what the list shows, and only then."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.declared import viewsets
from tallies.versions import list_version
from tests.support.counting import fold
from tests.support.factories import (
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from users.models import User


def version(resource: str, user: User) -> int:
    return list_version(viewsets()[resource].shown_keys, user)


class Office:
    """One of each, with an entry of the owner's."""

    def __init__(self) -> None:
        self.client = make_client()
        self.project = make_project(client=self.client)
        self.task = make_task(self.project)
        self.owner, self.colleague = make_user("olga"), make_user("carl")
        self.administrator = make_administrator()
        self.entry = make_entry(self.owner, self.project, task=self.task)
        make_entry(self.colleague, self.project)

    def versions(self) -> dict[str, int]:
        """Each list's version for its reader; `theirs` is the colleague's own entries."""
        versions = {resource: version(resource, self.owner) for resource in viewsets()}
        versions["all entries"] = version("time_entries", self.administrator)
        return versions | {"theirs": version("time_entries", self.colleague)}


def rename(row: str) -> Callable[[Office], object]:
    def write(office: Office) -> None:
        instance = getattr(office, row)
        instance.name = "Another"
        instance.save(update_fields=["name"])

    return write


def rename_user(office: Office) -> None:
    office.owner.username = "olga2"
    office.owner.save(update_fields=["username"])


def log_in(office: Office) -> None:
    office.owner.last_login = office.entry.created_at
    office.owner.save(update_fields=["last_login"])


def move(office: Office) -> None:
    office.entry.user = office.colleague
    office.entry.save()


def note(office: Office) -> None:
    office.entry.notes = "Longer"
    office.entry.save(update_fields=["notes"])


ENTRIES = {"time_entries", "all entries", "theirs"}
OWN = {"time_entries", "all entries"}


@pytest.mark.parametrize(
    ("write", "changed"),
    [
        pytest.param(note, OWN, id="an entry is changed"),
        pytest.param(lambda o: o.entry.delete(), OWN, id="an entry is deleted"),
        pytest.param(lambda o: make_entry(o.owner, o.project), OWN, id="an entry is made"),
        pytest.param(move, ENTRIES, id="an entry becomes another user's"),
        pytest.param(rename("task"), {"tasks", *ENTRIES}, id="a task is renamed"),
        pytest.param(
            rename("project"), {"projects", "tasks", "rates", *ENTRIES}, id="a project is renamed"
        ),
        pytest.param(
            rename("client"), {"clients", "projects", "rates", *ENTRIES}, id="a client is renamed"
        ),
        pytest.param(rename_user, {"users", "webhooks", *ENTRIES}, id="a user is renamed"),
        pytest.param(log_in, set(), id="a user logs in"),
        pytest.param(lambda _: fold(), set(), id="tallies are folded"),
        pytest.param(lambda _: None, set(), id="nothing happens"),
    ],
)
def test_a_write_makes_the_lists_that_show_it_newer(
    db: None, write: Callable[[Office], object], changed: set[str]
) -> None:
    office = Office()
    before = office.versions()
    write(office)
    after = office.versions()
    assert {name for name in after if after[name] != before[name]} == changed
    assert all(after[name] >= before[name] for name in after)


def test_a_version_costs_one_query(owner: User) -> None:
    with CaptureQueriesContext(connection) as captured:
        version("time_entries", owner)
    assert len(captured) == 1
