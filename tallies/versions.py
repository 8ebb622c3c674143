"""A number for each list that every change of what it shows makes larger."""

import secrets
from typing import Any

from django.db import connection

from tallies.models import Tally
from tallies.statements import ADD_WRITES_TO_ALL

EPOCH_BITS = 48  # so many more writes than there ever were, and room for thousands of such leaps

# Without the rows of days, whose writes are in the months' rows too.
WRITES = " UNION ALL ".join(
    f"SELECT writes FROM tallies_tally WHERE kind IN ({{0}}) AND key = {{1}} AND {rows}"
    for rows in ("fresh", "NOT fresh AND day = 0")
)
# The tables whose columns a list shows beside its own: a project that is renamed changes the
# lists of its time entries.
SHOWN = {
    "clients": (Tally.Kind.CLIENTS,),
    "projects": (Tally.Kind.PROJECTS, Tally.Kind.CLIENTS),
    "tasks": (Tally.Kind.TASKS, Tally.Kind.PROJECTS),
    "time_entries": (
        Tally.Kind.USERS,
        Tally.Kind.CLIENTS,
        Tally.Kind.PROJECTS,
        Tally.Kind.TASKS,
    ),
    "users": (Tally.Kind.USERS,),
}


def list_version(resource: str, user: Any) -> int:
    """Return a number that grows with every committed change of a list that a user may see.

    `resource` is the plural key: `time_entries`, `projects`, `tasks`, `clients`, `users`. It is
    the number of writes to all the tables that the list shows, of time entries only those that
    the user sees, whatever the filters; asked in one query that reads none of their rows. The
    list is the same as long as the number is, but for what depends on the clock: a running
    timer's duration, and whoever the user is: put id and role into the tag too.

    Ask before the rows are read: a write in between then makes the tag too old, never too new.
    """
    kinds = [*SHOWN[resource], Tally.Kind.INSTALLED]
    own = resource == "time_entries" and not user.is_superuser
    if resource == "time_entries" and not own:
        kinds.append(Tally.Kind.ENTRIES)
    # Not by the ORM, which takes twice as long to make up the SQL as PostgreSQL to answer it.
    parts = [WRITES.format(", ".join(f"'{kind.value}'" for kind in kinds), "0")]
    if own:
        parts.append(WRITES.format(f"'{Tally.Kind.ENTRIES_OF_USER.value}'", "%s"))
    sql = f"SELECT COALESCE(SUM(writes), 0) FROM ({' UNION ALL '.join(parts)}) AS counted"
    with connection.cursor() as cursor:
        cursor.execute(sql, [user.pk] * 2 if own else [])
        return int(cursor.fetchone()[0])


def renew_list_versions() -> None:
    """Give all lists numbers that they never had, though they are counted up again from less.

    After a restore: the lost writes were numbered too, and their numbers will come again.
    """
    with connection.cursor() as cursor:
        cursor.execute(ADD_WRITES_TO_ALL, [secrets.randbits(EPOCH_BITS)])
