"""Favourite projects of users of the original."""

from datetime import datetime

from moving.original.clock import utc_time
from moving.original.people import People
from moving.original.report import ImportReport
from moving.original.source import Source
from moving.original.work import AllWork
from projects.models import FavoriteProject

TABLE = "user_favorite_projects"
COLUMNS = ("id", "user_id", "project_id", "created_at")


def read_favorites(
    source: Source, people: People, work: AllWork, report: ImportReport, *, now: datetime
) -> list[FavoriteProject]:
    """Return each favourite of a user once."""
    found, taken = [], set[tuple[int, int]]()
    for key, user_id, project_id, created in source.rows(TABLE, COLUMNS):
        if user_id not in people.users or project_id not in work.projects:
            report.left_out(TABLE, key, "Its project or its user does not exist.")
        elif (user_id, project_id) in taken:
            report.left_out(TABLE, key, "It is there twice.")
        else:
            taken.add((user_id, project_id))
            found.append(
                FavoriteProject(
                    id=key,
                    user_id=user_id,
                    project_id=project_id,
                    created_at=utc_time(created) or now,
                )
            )
    return found
