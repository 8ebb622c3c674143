"""What an archived project refuses, and the lock that makes the refusal certain."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from projects.models import Project
from timetracker.api.exceptions import Conflict

# Each new entry asks for it, and Django takes as long to make it up as PostgreSQL to answer. In
# the order of their ids, so that two who lock several do not wait for each other. A share lock:
# those who add do not wait for each other either, only who archives does.
STATUSES = {
    "postgresql": (
        "SELECT status FROM projects_project WHERE id = ANY(%s::bigint[]) ORDER BY id FOR SHARE"
    ),
    "sqlite": "SELECT status FROM projects_project WHERE id IN (SELECT value FROM json_each(%s))",
}


@contextmanager
def held_open(*projects: Project) -> Iterator[None]:
    """Run a block that adds to projects; keep these from being archived until the commit.

    Raises 409 `project_archived` after the block, if one is archived already: what is wrong with
    the row itself is told first. The lock comes before the block, as in a request of many writes:
    who waits for a lock after a unique key, where others take them the other way round, waits for
    ever. On SQLite the transaction (IMMEDIATE) is the lock.
    """
    statuses = _locked_statuses({project.pk for project in projects})
    yield
    for status in statuses:
        if refusal := refusal_of(status):
            raise refusal


def refusal_of(status: str) -> Conflict | None:
    """Return the 409 that a project of a status has for new work; None if it takes it."""
    if status != Project.Status.ARCHIVED:
        return None
    return Conflict(
        "This project is archived. Set its status to active to add to it.", "project_archived"
    )


def _locked_statuses(ids: set[int]) -> list[str]:
    given = [*ids] if connection.vendor == "postgresql" else json.dumps([*ids])
    with connection.cursor() as cursor:
        cursor.execute(STATUSES[connection.vendor], [given])
        return [status for (status,) in cursor.fetchall()]
