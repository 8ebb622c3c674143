"""The events that a webhook can name, and which of them a change is."""

from collections.abc import Collection
from typing import NamedTuple

from journal.models import Change
from users.models import User

ALL = "*"
TEST = "webhook.test"

Action = Change.Action


class EventType(NamedTuple):
    """An event: the kind of row that it is about, and when it happens."""

    name: str
    kind: str
    description: str

    @property
    def is_deletion(self) -> bool:
        """Whether nothing of the row is left to be sent."""
        return self.name.endswith(".deleted")


EVENT_TYPES = {
    event.name: event
    for event in (
        EventType("time_entry.created", "time_entry", "A finished time entry was added."),
        EventType("time_entry.updated", "time_entry", "A time entry or a timer changed."),
        EventType("time_entry.deleted", "time_entry", "A time entry or a timer was deleted."),
        EventType("timer.started", "time_entry", "A timer was started."),
        EventType("timer.stopped", "time_entry", "A timer was stopped."),
        EventType("project.created", "project", "A project was added."),
        EventType("project.updated", "project", "A project changed, but not its status."),
        EventType("project.status_changed", "project", "A project's status changed."),
        EventType(
            "project.deleted",
            "project",
            "A project was deleted: only by a script, as DELETE archives it.",
        ),
        EventType("task.created", "task", "A task was added."),
        EventType("task.updated", "task", "A task changed."),
        EventType("task.completed", "task", "A task became done."),
        EventType("task.deleted", "task", "A task was deleted."),
        EventType("client.created", "client", "A client was added."),
        EventType("client.updated", "client", "A client changed."),
        EventType("client.deleted", "client", "A client was deleted."),
    )
}
KINDS = sorted({event.kind for event in EVENT_TYPES.values()})

# What an action of the journal is called, where the kind of the row does not say it already.
NAMES = {
    Action.TIMER_STARTED: "timer.started",
    Action.TIMER_STOPPED: "timer.stopped",
    Action.ARCHIVED: "project.status_changed",
    Action.COMPLETED: "task.completed",
}
VERBS = {Action.CREATED: "created", Action.UPDATED: "updated", Action.DELETED: "deleted"}


def event_of(change: Change, owner: User) -> str | None:
    """Return what a change is for the owner of a webhook; None for what is no event.

    Who is given a row, or loses it to another user, sees it come or go.
    """
    if change.type not in KINDS:
        return None
    action = Action(change.action)
    if not owner.is_superuser and change.owner_before != change.owner_after:
        if change.owner_before == owner.pk:
            action = Action.DELETED
        elif action not in (Action.CREATED, Action.TIMER_STARTED):
            action = Action.CREATED
    if action == Action.UPDATED and change.type == "project" and "status" in change.fields:
        return "project.status_changed"
    return NAMES.get(action) or f"{change.type}.{VERBS[action]}"


def is_about(change: Change, project_ids: Collection[int]) -> bool:
    """Return whether a change is about one of some projects; all are if none is named."""
    return not project_ids or bool({change.project_before, change.project_after} & {*project_ids})


def opened_by(names: Collection[str]) -> set[str]:
    """Return the kinds of rows that events are about."""
    return {*KINDS} if ALL in names else {EVENT_TYPES[name].kind for name in names}
