"""The rule that archived projects take no new work, and its lock."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Self, Unpack

from django.core.exceptions import ValidationError
from django.db import connection, models, transaction

from database.arrays import AMONG, array
from projects.models import Project
from resources.models import Resource
from resources.refusals import Refusal
from values.options import SaveOptions

# Raw SQL, because every new entry runs it and building it with Django takes as long as PostgreSQL
# takes to run it. Ordered by id, so that two requests that lock several projects cannot deadlock.
# The lock is shared: requests that add work do not block each other, only archiving waits for
# them.
QUERY = "SELECT status FROM projects_project WHERE id {among} ORDER BY id {lock}"
LOCKS = {"postgresql": "FOR SHARE", "sqlite": ""}
OF_MANY = {vendor: QUERY.format(among=AMONG[vendor], lock=lock) for vendor, lock in LOCKS.items()}
OF_ONE = {vendor: QUERY.format(among="= %s", lock=lock) for vendor, lock in LOCKS.items()}


ARCHIVED_STATUS = Project.Status.ARCHIVED.value
ARCHIVED = "This project is archived. Set its status to active to add to it."


class ProjectWork(Resource):
    """Base class of rows that belong to a `project`; an archived project takes no new ones.

    The model enforces this for the API, bulk, the admin and commands alike.
    """

    locked_reference: ClassVar[str] = "project_id"
    project_attribute = "project_id"
    project: models.ForeignKey[Project, Project]
    project_id: int

    class Meta:
        abstract = True

    @classmethod
    def insert(cls, rows: Sequence[Self]) -> None:
        """Insert new rows, unless a project of theirs is archived."""
        with (
            transaction.atomic(savepoint=False),
            lock_open_projects(*(row.project_id for row in rows)),
        ):
            super().insert(rows)

    def save(
        self, *, update_fields: Iterable[str] | None = None, **kwargs: Unpack[SaveOptions]
    ) -> None:
        """Save, unless this begins in a project that is archived."""
        if not self.begins():
            super().save(update_fields=update_fields, **kwargs)
            return
        with transaction.atomic(savepoint=False), lock_open_projects(self.project_id):
            super().save(update_fields=update_fields, **kwargs)

    def begins(self) -> bool:
        """Return whether a save adds this to its project."""
        return self._state.adding or self.stored.get("project_id") != self.project_id

    def refusal(self) -> Refusal | None:
        """Return why an archived project does not take a new row."""
        return refusal_of(self.project.status)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Raise Django's ValidationError for a form that adds to an archived project."""
        super().validate_constraints(exclude)
        if "project" in (exclude or ()) or not self.begins():
            return
        if ARCHIVED_STATUS in _locked_statuses({self.project_id}):
            raise ValidationError({"project": ARCHIVED})


@contextmanager
def lock_open_projects(*projects: int) -> Iterator[None]:
    """Lock projects, so that none can be archived until the commit.

    Raises a Refusal, `project_archived`, after the block, so that errors of the row itself come
    first. The lock is taken before the block, as in a bulk: taking it after a unique key could
    deadlock with requests that take them in the opposite order. On SQLite the IMMEDIATE
    transaction is the lock.
    """
    statuses = _locked_statuses({*projects})
    yield
    for status in statuses:
        if refusal := refusal_of(status):
            raise refusal


def refusal_of(status: str) -> Refusal | None:
    """Return why a project of a status takes no new work; None if it does."""
    return Refusal(ARCHIVED, "project_archived") if status == ARCHIVED_STATUS else None


def _locked_statuses(ids: set[int]) -> list[str]:
    one = len(ids) == 1  # an array costs psycopg more than the query
    statements = OF_ONE if one else OF_MANY
    with connection.cursor() as cursor:
        cursor.execute(statements[connection.vendor], [*ids] if one else [array(ids)])
        return [status for (status,) in cursor.fetchall()]
