"""List versions: numbers that grow with every change of a list."""

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import connection

from database.replicas import connection_to_read
from tallies.registered import counted, written
from tallies.statements import ADD_WRITES_TO_ALL, FRESH, INSTALLED

if TYPE_CHECKING:
    from users.models import User

EPOCH_BITS = 48  # more writes than there ever were, with room for thousands of such leaps

# Without the rows of days, whose writes are in the months' rows too.
WRITES = " UNION ALL ".join(
    f"SELECT writes FROM tallies_tally WHERE kind IN ({{0}}) AND key = {{1}} AND {rows}"
    for rows in (FRESH, "NOT fresh AND day = 0")
)


def list_version(shown: Iterable[str], user: "User") -> int:
    """Return a number that grows with every committed change of a list that a user may see.

    `shown` are the plural keys of the resources whose columns the list shows: a project that is
    renamed changes the lists of its time entries. The number is that of all writes to them,
    whatever the filters, but of the rows that are counted by owner only the user's own. One
    query, which reads none of their rows. As long as the number is the same, so is the list, but
    for what depends on the clock, such as a running timer's duration, and on who asks: put the
    user's id and role into the tag too.

    Ask before the rows are read: a write in between then makes the tag too old, never too new.
    """
    kinds = [*(kind for kind in shown if kind in written()), INSTALLED]
    is_counted = any(kind not in written() for kind in shown)
    own = is_counted and not user.is_superuser
    if is_counted and not own:
        kinds.append(counted().of_all)
    # Not by the ORM, which takes twice as long to make up the SQL as PostgreSQL to answer it.
    parts = [WRITES.format(", ".join(f"'{kind}'" for kind in kinds), "0")]
    if own:
        parts.append(WRITES.format(f"'{counted().of_owner}'", "%s"))
    sql = f"SELECT COALESCE(SUM(writes), 0) FROM ({' UNION ALL '.join(parts)}) AS counted"
    with connection_to_read().cursor() as cursor:
        cursor.execute(sql, [user.pk] * 2 if own else [])
        return int(cursor.fetchone()[0])


def renew_list_versions() -> None:
    """Move all list versions to numbers that were never used.

    Needed after a restore: the numbers of the lost writes will be assigned again.
    """
    with connection.cursor() as cursor:
        cursor.execute(ADD_WRITES_TO_ALL, [secrets.randbits(EPOCH_BITS)])
