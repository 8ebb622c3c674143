"""What an archived project refuses, and the lock that makes the refusal certain."""

from projects.models import Project
from timetracker.api.exceptions import Conflict
from timetracker.prepared import PreparedRows

statuses = PreparedRows(["status"])


def hold_open(*projects: Project) -> None:
    """Keep projects from being archived until the transaction ends.

    Raises 409 `project_archived` if one is archived already. Call it last in the transaction
    that adds to the project: what is wrong with the row itself is told first, and the lock is
    held no longer than the commit takes. On SQLite the transaction (IMMEDIATE) is the lock.
    """
    held = Project.objects.filter(pk__in={project.pk for project in projects})
    locked = held.select_for_update(no_key=True).order_by("pk")
    if any(status == Project.Status.ARCHIVED for (status,) in statuses(locked)):
        raise Conflict(
            "This project is archived. Set its status to active to add to it.", "project_archived"
        )
