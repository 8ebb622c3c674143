"""What an archived project refuses, and the lock that makes the refusal certain."""

from projects.models import Project
from timetracker.api.exceptions import Conflict


def hold_open(project: Project) -> None:
    """Keep a project from being archived until the transaction ends.

    Raises 409 `project_archived` if it is archived already. Call it last in the transaction
    that adds to the project: what is wrong with the row itself is told first, and the lock is
    held no longer than the commit takes. On SQLite the transaction (IMMEDIATE) is the lock.
    """
    status = (
        Project.objects.filter(pk=project.pk)
        .select_for_update(no_key=True)
        .order_by()
        .values_list("status", flat=True)
        .first()
    )
    if status == Project.Status.ARCHIVED:
        raise Conflict(
            "This project is archived. Set its status to active to add to it.", "project_archived"
        )
