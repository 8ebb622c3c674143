"""Counting afresh: what the tallies should say, and making them say so."""

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from tallies.postgresql import FOLD_LOCK
from tallies.statements import ADD_UP, COLUMNS, COUNTED, ENTRIES, counts_of

KEYS = (("entries", "0"), ("entries_of_user", "user_id"), ("entries_of_project", "project_id"))


@dataclass(frozen=True)
class Difference:
    """How many more there are of a kind, a key and a month than the tallies say."""

    kind: str
    key: int
    month: int
    finished: int
    running: int
    seconds: int
    billable_seconds: int

    def __str__(self) -> str:
        counts = ", ".join(f"{column} {getattr(self, column):+}" for column in COUNTED)
        return f"{self.kind} {self.key}, {self.month // 12}-{self.month % 12 + 1:02}: {counts}"


def differences(*, using: str = DEFAULT_DB_ALIAS) -> list[Difference]:
    """Return where the tallies are wrong, in one snapshot: nowhere unless triggers were off."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_differences(connection.vendor))
        return [Difference(*row) for row in cursor.fetchall()]


def rebuild(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the tallies right; who writes an entry meanwhile waits."""
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(f"LOCK TABLE {ENTRIES} IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute(f"SELECT pg_advisory_xact_lock({FOLD_LOCK})")
        cursor.execute(
            f"INSERT INTO tallies_tally ({COLUMNS})"
            f" SELECT *, 1, false FROM ({_differences(connection.vendor)}) AS missing"
            f" WHERE true {ADD_UP}"
        )


def _differences(vendor: str) -> str:
    counts = [f"SUM({count})" for count in counts_of(vendor)[1:]]
    month = counts_of(vendor)[0]
    found = [
        f"SELECT '{kind}' AS kind, {key} AS key, {month} AS month, "
        + ", ".join(f"{count} AS {name}" for name, count in zip(COUNTED, counts, strict=True))
        + f" FROM {ENTRIES} GROUP BY 1, 2, 3"
        for kind, key in KEYS
    ]
    told = ", ".join(f"-{column}" for column in COUNTED)
    kinds = ", ".join(f"'{kind}'" for kind, _ in KEYS)
    found.append(f"SELECT kind, key, month, {told} FROM tallies_tally WHERE kind IN ({kinds})")
    sums = [f"SUM({column})" for column in COUNTED]
    return (
        f"SELECT kind, key, month, {', '.join(sums)} FROM ({' UNION ALL '.join(found)}) AS counted"
        f" GROUP BY kind, key, month HAVING {' OR '.join(f'{total} <> 0' for total in sums)}"
    )
