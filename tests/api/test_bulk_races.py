"""Many writes in one request beside others: each gets an answer, none a deadlock."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from projects.archiving import lock_open_projects
from projects.models import Project
from tests.api.test_bulk import BULK, HOUR, create
from tests.support.factories import (
    NINE,
    api_as,
    make_administrator,
    make_entry,
    make_project,
    make_user,
)
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from timeentries.serializers import TimeEntrySerializer


@pytest.mark.django_db(transaction=True)
def test_requests_that_cross_each_other_both_get_through() -> None:
    ada, project = make_administrator(), make_project()
    entries = [make_entry(ada, project, NINE + timedelta(days=day)) for day in range(20)]
    api = [api_as(ada, "write:time_entries") for _ in range(4)]

    def update(number: int) -> Any:
        order = entries if number % 2 else entries[::-1]
        operations = [
            {"op": "update", "id": entry.pk, "data": {"notes": str(number)}} for entry in order
        ]
        return api[number].post(BULK, {"operations": operations}).json()

    answers = at_once([lambda number=number: update(number) for number in range(4)])  # type: ignore[misc]
    assert [answer.get("committed") for answer in answers] == [True] * 4
    assert set(TimeEntry.objects.values_list("version", flat=True)) == {5}
    assert len(set(TimeEntry.objects.values_list("notes", flat=True))) == 1


@pytest.mark.django_db(transaction=True)
def test_deletions_that_cross_each_other_both_get_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each row is deleted once, and whoever comes second hears that it is gone."""
    ada, project = make_administrator(), make_project()
    ids = [make_entry(ada, project, NINE + timedelta(days=day)).pk for day in range(4)]
    apis = [api_as(ada, "write:time_entries") for _ in range(2)]
    delete = TimeEntry.delete

    def delete_slowly(entry: TimeEntry) -> Any:
        time.sleep(0.1)
        return delete(entry)

    monkeypatch.setattr(TimeEntry, "delete", delete_slowly)

    def write(number: int) -> Any:
        order = ids if number else ids[::-1]
        operations = [{"op": "delete", "id": pk} for pk in order]
        return apis[number].post(BULK, {"operations": operations, "mode": "partial"})

    answers = at_once([partial(write, 0), partial(write, 1)])
    assert [answer.status_code for answer in answers] == [200, 200]
    told = [{result["status"] for result in answer.json()["results"]} for answer in answers]
    assert told in ([{200}, {404}], [{404}, {200}])
    assert not TimeEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_requests_that_take_projects_in_another_order_both_get_through() -> None:
    ada = make_administrator()
    projects = [make_project("Shop"), make_project("Site")]
    entries = [make_entry(ada, projects[0], NINE + timedelta(days=day)) for day in range(4)]
    apis = [api_as(ada, "write:time_entries") for _ in range(4)]

    def write(number: int) -> Any:
        first, last = projects if number % 2 else projects[::-1]
        change = {"op": "update", "id": entries[number].pk, "data": {"notes": "x"}}
        operations = [create(first), change, create(last)] * 10
        return apis[number].post(BULK, {"operations": operations}).json()

    answers = at_once([lambda number=number: write(number) for number in range(4)])  # type: ignore[misc]
    assert [answer.get("committed") for answer in answers] == [True] * 4
    assert TimeEntry.objects.count() == 4 + 4 * 20


@pytest.mark.django_db(transaction=True)
def test_many_and_one_that_want_the_same_timer_both_get_an_answer() -> None:
    owner, project = make_user(), make_project()
    timer = {"project_id": project.pk, "start_time": HOUR["start_time"]}
    many = {"operations": [{"op": "create", "data": timer}]}
    writes = [(BULK, many), ("/api/v1/timer/start", {"project_id": project.pk})] * 4
    apis = [api_as(owner, "write:time_entries") for _ in writes]
    for _ in range(5):
        answers = at_once(
            [partial(api.post, *write) for api, write in zip(apis, writes, strict=True)]
        )
        assert {answer.status_code for answer in answers} <= {200, 201, 409}
        assert TimeEntry.objects.count() == 1
        TimeEntry.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_requests_that_reopen_in_each_others_projects_both_get_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What an entry that is reopened needs is locked with the projects that were sent."""
    users, projects = [make_user("a"), make_user("b")], [make_project("A"), make_project("B")]
    entries = [make_entry(users[0], projects[1]), make_entry(users[1], projects[0])]
    apis = [api_as(user, "write:time_entries") for user in users]
    create_all = TimeEntrySerializer.create_all

    def create_slowly(*arguments: Any) -> Any:
        time.sleep(0.3)
        return create_all(*arguments)

    monkeypatch.setattr(TimeEntrySerializer, "create_all", create_slowly)

    def write(number: int) -> Any:
        reopen = {"op": "update", "id": entries[number].pk, "data": {"end_time": None}}
        return apis[number].post(BULK, {"operations": [create(projects[number]), reopen]})

    answers = at_once([partial(write, 0), partial(write, 1)])
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["committed"] for answer in answers] == [True, True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("archiving", ["delete", "put"])
@pytest.mark.parametrize("mode", ["atomic", "partial"])
def test_no_bulk_adds_once_the_archiving_has_returned(
    settings: Settings, archiving: str, mode: str
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_HOUR = 10_000
    owner, project, other = make_user(), make_project("A"), make_project("B")
    archiver = api_as(owner, "write:projects")
    apis = [api_as(owner, "write:time_entries") for _ in range(8)]

    def write(api: Any) -> int:
        operations = [create(other), create(project), create(project)]
        for number in range(1000):
            answer = api.post(BULK, {"operations": operations, "mode": mode}).json()
            if 409 in [result["status"] for result in answer["results"]]:
                return number
            time.sleep(0.005)  # SQLite serves writers at random: let the archiver in
        return -1

    def archive() -> int:
        while project.time_entries.count() < 8:
            time.sleep(0.001)
        path = f"/api/v1/projects/{project.pk}"
        assert getattr(archiver, archiving)(path, {"status": "archived"}).status_code == 200
        return project.time_entries.count()

    calls: list[Callable[[], int]] = [archive, *(partial(write, api) for api in apis)]
    count, *written = at_once(calls)
    assert count == project.time_entries.count() == 2 * sum(written)
    assert -1 not in written


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/api/v1/time-entries", BULK])
def test_writers_of_one_project_do_not_wait_for_each_other(path: str) -> None:
    """Two transactions have the project at the same time; who archives it waits for both."""
    owner, project = make_user(), make_project()
    api = api_as(owner, "write:time_entries")
    hour = {"project_id": project.pk, **HOUR}
    body = {"operations": [create(project)]} if path == BULK else hour

    def write_beside() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        return int(api.post(path, body).status_code)

    with transaction.atomic(), lock_open_projects(project.pk):
        assert at_once([write_beside])[0] in (200, 201)
        assert at_once([lambda: _status_of_archiving(project)]) == ["waits"]
    assert at_once([lambda: _status_of_archiving(project)]) == ["archived"]
    assert TimeEntry.objects.count() == 1


def _status_of_archiving(project: Project) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    try:
        project.archive()
    except OperationalError:
        return "waits"
    return "archived"
