"""The SQL that the triggers of both databases and the rebuilding share."""

from tallies.models import Tally

ENTRIES = "timeentries_timeentry"
# Whose tallies an entry's row `{0}` is counted in: the kind, and the key.
KEYS = {
    Tally.Kind.ENTRIES: "0",
    Tally.Kind.ENTRIES_OF_USER: "{0}user_id",
    Tally.Kind.ENTRIES_OF_PROJECT: "{0}project_id",
}
# The tables that lists show, and the columns that are seen where not all are.
WRITTEN: dict[str, tuple[str, str]] = {
    Tally.Kind.CLIENTS: ("clients_client", ""),
    Tally.Kind.PROJECTS: ("projects_project", ""),
    Tally.Kind.TASKS: ("tasks_task", ""),
    Tally.Kind.USERS: (
        "users_user",
        "username, email, first_name, last_name, is_superuser, is_active, time_zone",
    ),
}
# The date of an entry's row `{0}` in UTC, and of a tally's day.
DATE = {
    "postgresql": "({0}start_time AT TIME ZONE 'UTC')::date",
    "sqlite": "substr({0}start_time, 1, 10)",
}
DATE_OF_DAY = {
    "postgresql": "(DATE '0001-01-01' + day - 1)",
    "sqlite": "date(day + 1721424.5)",
}
# Of a date: since the year 1, as Python's `date.toordinal()`.
DAY = {
    "postgresql": "({0} - DATE '0001-01-01' + 1)",
    "sqlite": "CAST(julianday({0}) - 1721424.5 AS integer)",
}
# Of a date: since the year 0, 12 * 2024 + 0 is January 2024.
MONTH = {
    "postgresql": "(EXTRACT(YEAR FROM {0}) * 12 + EXTRACT(MONTH FROM {0}) - 1)::int",
    "sqlite": "substr({0}, 1, 4) * 12 + substr({0}, 6, 2) - 1",
}
# What an entry adds to the tallies of its day and its month.
COUNTS = {
    "finished": "CASE WHEN {0}end_time IS NULL THEN 0 ELSE 1 END",
    "running": "CASE WHEN {0}end_time IS NULL THEN 1 ELSE 0 END",
    "seconds": "COALESCE({0}duration_seconds, 0)",
    "billable_seconds": "CASE WHEN {0}billable THEN COALESCE({0}duration_seconds, 0) ELSE 0 END",
}
COUNTED = tuple(COUNTS)
PERIOD = ("kind", "key", "month", "day")
COLUMNS = ", ".join((*PERIOD, *COUNTED, "writes", "fresh"))
ADD_UP = "ON CONFLICT (kind, key, day, month) WHERE NOT fresh DO UPDATE SET " + ", ".join(
    f"{column} = tallies_tally.{column} + excluded.{column}" for column in (*COUNTED, "writes")
)
# What all lists are versions of: that the triggers came, it was counted afresh or restored.
ADD_WRITES_TO_ALL = (
    f"INSERT INTO tallies_tally ({COLUMNS})"
    f" VALUES ('installed', 0, 0, 0, 0, 0, 0, 0, %s, false) {ADD_UP}"
)


def period_of(vendor: str, row: str = "") -> tuple[str, str]:
    """Return the expressions of an entry's month and day."""
    date = DATE[vendor].format(row)
    return MONTH[vendor].format(date), DAY[vendor].format(date)


def keys_of(row: str = "") -> list[tuple[str, str]]:
    """Return each kind of tally that an entry is counted in, with the expression of its key."""
    return [(kind.value, key.format(row)) for kind, key in KEYS.items()]


def counts_of(row: str = "", sign: str = "") -> list[str]:
    """Return the expressions of an entry's counts, with a minus of one that went."""
    return [f"{sign}({count.format(row)})" for count in COUNTS.values()]
