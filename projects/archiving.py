"""What an archived project refuses, and the lock that makes the refusal certain."""

from collections.abc import Iterator
from contextlib import contextmanager

from projects.models import Project
from timetracker.api.exceptions import Conflict
from timetracker.prepared import PreparedRows

statuses = PreparedRows(["status"])


@contextmanager
def held_open(*projects: Project) -> Iterator[None]:
    """Run a block that adds to projects; keep these from being archived until the commit.

    Raises 409 `project_archived` after the block, if one is archived already: what is wrong with
    the row itself is told first. The lock comes before the block, as in a request of many writes:
    who waits for a lock after a unique key, where others take them the other way round, waits for
    ever. On SQLite the transaction (IMMEDIATE) is the lock.
    """
    held = Project.objects.filter(pk__in={project.pk for project in projects})
    locked = held.select_for_update(no_key=True).order_by("pk")
    is_archived = any(status == Project.Status.ARCHIVED for (status,) in statuses(locked))
    yield
    if is_archived:
        raise Conflict(
            "This project is archived. Set its status to active to add to it.", "project_archived"
        )
