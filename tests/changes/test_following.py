"""Whoever follows the feed under random load ends with exactly the rows of the lists."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings
from rest_framework.test import APIClient

from changes import feed
from journal import numbering
from journal.models import Change
from tests.support.factories import (
    api_as,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from tests.support.following import KINDS, Follower, listed, with_names
from tests.support.racing import at_once
from tests.support.writing import ANSWERS, Office, Writer
from timeentries.models import TimeEntry
from users.models import User

WRITERS = 16
WRITES = 15  # of each
SCOPES = tuple(f"write:{viewset.scope_resource}" for viewset in KINDS.values())


def sender(api: APIClient) -> Callable[[str, str, dict[str, Any]], tuple[int, dict[str, Any]]]:
    """What sends a writer's requests through the whole stack."""

    def send(method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        response = getattr(api, method.lower())(path, body)
        return response.status_code, response.json()

    return send


def write(writer: Writer) -> list[int]:
    """Write a few times; return the statuses."""
    return [writer.write() for _ in range(WRITES)]


def follow(follower: Follower, done: Event) -> None:
    """Follow until the writers have written, and then to the end."""
    try:
        while not done.is_set():
            follower.step()
        follower.told()
    finally:
        connections.close_all()


def filled(users: list[User]) -> Office:
    """An office with rows that were there before anybody followed."""
    office = Office([user.pk for user in users])
    for number, user in enumerate(users):
        client = make_client(f"Client {number}")
        project = make_project(f"Project {number}", client=client)
        task = make_task(project)
        entry = make_entry(user, project, task=task)
        for path, row in zip(office.ids, (client, project, task, entry), strict=True):
            office.ids[path].append(row.pk)
    return office


@pytest.fixture(autouse=True)
def _entries_go_first(transactional_db: None) -> Iterator[None]:
    """Django empties the tables in any order; the key of task and project minds on SQLite."""
    yield
    TimeEntry.objects.all().delete()


def test_a_copy_that_follows_16_writers_is_what_the_lists_show(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_HOUR = 1_000_000
    monkeypatch.setattr(numbering, "MOST_AT_ONCE", 7)
    monkeypatch.setattr(feed, "LOOKED_THROUGH", 11)
    users = [make_administrator(), *(make_user(name) for name in ("olga", "carl", "maria"))]
    office = filled(users)
    writers = [
        Writer(
            office,
            sender(api_as(users[number % 4], *SCOPES)),
            number,
            administrator=number % 4 == 0,
        )
        for number in range(WRITERS)
    ]
    followers = [Follower(api_as(user, *SCOPES), "", 5, cursor=None) for user in users]

    done = Event()
    with ThreadPoolExecutor(len(followers)) as threads:
        following = [threads.submit(follow, follower, done) for follower in followers]
        try:
            statuses = at_once([partial(write, writer) for writer in writers])
        finally:
            done.set()
        for finished in following:
            finished.result()

    assert {status for each in statuses for status in each} <= ANSWERS
    for follower in followers:
        shown = listed(follower.api, list(KINDS))
        assert with_names(follower.copy) == with_names(shown)
    numbers = list(Change.objects.order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
