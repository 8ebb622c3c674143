"""Which event a write is, to whose webhooks it goes, and in which order."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from rest_framework.test import APIClient

from projects.models import Project
from tests.support.factories import (
    NINE,
    api_as,
    make_client,
    make_entry,
    make_project,
    make_task,
)
from tests.webhooks.test_api import SCOPES, make_hook
from users.models import User
from webhooks.models import Delivery, Queue, Webhook
from webhooks.queueing import fill_queues

HOURS = {
    "start_time": NINE.isoformat(),
    "end_time": (NINE + timedelta(hours=1)).isoformat(),
}


def events_of(user: User) -> list[str]:
    """What waits for a user's webhooks, in the order of the feed."""
    while fill_queues():
        pass
    found = Delivery.objects.filter(webhook__user=user).order_by("seq")
    return [*found.values_list("event", flat=True)]


class Desk:
    """A user with a project, a task, an entry and a client."""

    def __init__(self, user: User) -> None:
        self.api: APIClient = api_as(user, *SCOPES)
        self.client = make_client()
        self.project = make_project()
        self.task = make_task(self.project)
        self.entry = make_entry(user, self.project)

    def post(self, path: str, **body: Any) -> None:
        response: Any = self.api.post(f"/api/v1/{path}", body)
        assert response.status_code in (200, 201), response.content

    def put(self, path: str, **body: Any) -> None:
        response: Any = self.api.put(f"/api/v1/{path}", body)
        assert response.status_code in (200, 201), response.content

    def delete(self, path: str) -> None:
        assert self.api.delete(f"/api/v1/{path}").status_code == 200


def timer(desk: Desk) -> None:
    desk.post("timer/start", project_id=desk.project.pk)
    desk.post("timer/stop")


def bulk(desk: Desk) -> None:
    create = {"op": "create", "data": {"project_id": desk.project.pk, "name": "New"}}
    done = {"op": "update", "id": desk.task.pk, "data": {"status": "done"}}
    desk.post("tasks/bulk", operations=[create, done])


WRITES: dict[str, tuple[Callable[[Desk], None], list[str]]] = {
    "entry-created": (
        lambda desk: desk.post("time-entries", project_id=desk.project.pk, **HOURS),
        ["time_entry.created"],
    ),
    "entry-updated": (
        lambda desk: desk.put(f"time-entries/{desk.entry.pk}", notes="x"),
        ["time_entry.updated"],
    ),
    "nothing-changed": (lambda desk: desk.put(f"time-entries/{desk.entry.pk}", notes=""), []),
    "entry-deleted": (
        lambda desk: desk.delete(f"time-entries/{desk.entry.pk}"),
        ["time_entry.deleted"],
    ),
    "timer": (timer, ["timer.started", "timer.stopped"]),
    "project-created": (lambda desk: desk.post("projects", name="New"), ["project.created"]),
    "project-updated": (
        lambda desk: desk.put(f"projects/{desk.project.pk}", name="Other"),
        ["project.updated"],
    ),
    "project-archived": (
        lambda desk: desk.delete(f"projects/{desk.project.pk}"),
        ["project.status_changed"],
    ),
    "project-paused": (
        lambda desk: desk.put(f"projects/{desk.project.pk}", status="on_hold", name="Other"),
        ["project.status_changed"],
    ),
    "task-updated": (lambda desk: desk.put(f"tasks/{desk.task.pk}", name="x"), ["task.updated"]),
    "task-completed": (
        lambda desk: desk.put(f"tasks/{desk.task.pk}", status="done", name="x"),
        ["task.completed"],
    ),
    "task-deleted": (lambda desk: desk.delete(f"tasks/{desk.task.pk}"), ["task.deleted"]),
    "client-updated": (
        lambda desk: desk.put(f"clients/{desk.client.pk}", name="x"),
        ["client.updated"],
    ),
    "client-deleted": (lambda desk: desk.delete(f"clients/{desk.client.pk}"), ["client.deleted"]),
    "bulk": (bulk, ["task.created", "task.completed"]),
    "upsert": (
        lambda desk: desk.put("clients/by-external-id/7", name="Seven"),
        ["client.created"],
    ),
    "webhook": (
        lambda desk: desk.post(f"webhooks/{Webhook.objects.get().pk}/rotate-secret"),
        [],
    ),
}


@pytest.mark.parametrize(("write", "events"), WRITES.values(), ids=WRITES.keys())
def test_a_write_is_one_event(
    owner: User, write: Callable[[Desk], None], events: list[str]
) -> None:
    desk = Desk(owner)
    make_hook(owner)
    write(desk)
    assert events_of(owner) == events


def test_others_entries_are_no_event_except_for_administrators(
    owner: User, colleague: User, administrator: User, project: Project
) -> None:
    for user in (owner, colleague, administrator):
        make_hook(user, "time_entry.created")
    make_entry(colleague, project)
    assert events_of(owner) == []
    assert events_of(colleague) == events_of(administrator) == ["time_entry.created"]


def test_an_entry_that_changes_hands_comes_and_goes(
    owner: User, colleague: User, administrator: User, project: Project
) -> None:
    entry = make_entry(owner, project)
    for user in (owner, colleague, administrator):
        make_hook(user)
    path = f"/api/v1/time-entries/{entry.pk}"
    assert api_as(administrator, "*").put(path, {"user_id": colleague.pk}).status_code == 200
    assert events_of(owner) == ["time_entry.deleted"]
    assert events_of(colleague) == ["time_entry.created"]
    assert events_of(administrator) == ["time_entry.updated"]


def test_only_what_is_about_the_projects_that_are_named(owner: User) -> None:
    wanted, other = make_project("Wanted"), make_project("Other")
    make_hook(owner, project_ids=[wanted.pk])
    moved = make_entry(owner, other)
    moved.project = wanted
    moved.save()
    moved.project = other
    moved.save()
    for project in (wanted, other):
        make_entry(owner, project).delete()
        project.name = f"{project.name}!"
        project.save()
    make_client()
    assert events_of(owner) == [
        *("time_entry.updated", "time_entry.updated"),
        *("time_entry.created", "time_entry.deleted", "project.updated"),
    ]


def test_only_the_events_that_are_named(owner: User) -> None:
    make_hook(owner, "client.updated")
    client = make_client()
    client.name = "Other"
    client.save()
    assert events_of(owner) == ["client.updated"]


def test_what_was_there_before_is_no_event(owner: User) -> None:
    make_client()
    make_hook(owner)
    assert events_of(owner) == []


def test_many_are_queued_in_parts_and_each_once(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhooks.queueing.CHANGES_AT_ONCE", 3)
    first, second = make_hook(owner), make_hook(owner)
    Queue.objects.filter(webhook=second).update(position=0)
    for number in range(8):
        make_client(f"Client {number}")
    assert events_of(owner) == ["client.created"] * 16
    for hook in (first, second):
        in_order = [*hook.deliveries.order_by("seq").values_list("seq", flat=True)]
        assert [*hook.deliveries.order_by("id").values_list("seq", flat=True)] == in_order


def test_a_replay_delays_no_other_webhook(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhooks.queueing.CHANGES_AT_ONCE", 3)
    replayed = [make_hook(owner) for _ in range(3)]
    for number in range(20):
        make_client(f"Client {number}")
    while fill_queues():
        pass
    other = make_hook(owner)
    for number, hook in enumerate(replayed):
        Queue.objects.filter(webhook=hook).update(position=number)
    late = make_client("Late")
    assert fill_queues()
    assert [*other.deliveries.values_list("object_id", flat=True)] == [late.pk]


def test_few_deliveries_are_inserted_while_queues_are_locked(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhooks.queueing.LOOKED_AT_ONCE", 6)
    hooks = [make_hook(owner) for _ in range(3)]
    for number in range(5):
        make_client(f"Client {number}")
    counts = [Delivery.objects.count()]
    while fill_queues():
        counts.append(Delivery.objects.count())
    steps = [after - before for before, after in pairwise(counts)]
    assert max(steps) <= 2 * 6  # those that are furthest, and any other
    assert [hook.deliveries.count() for hook in hooks] == [5] * 3
