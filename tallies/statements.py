"""The SQL that the triggers of both databases and the rebuilding share."""

from tallies.models import Tally

ENTRIES = "timeentries_timeentry"
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
# Since the year 0, in UTC: 12 * 2024 + 0 is January 2024. `{0}` is the row.
MONTH = {
    "postgresql": (
        "(EXTRACT(YEAR FROM {0}start_time AT TIME ZONE 'UTC') * 12"
        " + EXTRACT(MONTH FROM {0}start_time AT TIME ZONE 'UTC') - 1)::int"
    ),
    "sqlite": "substr({0}start_time, 1, 4) * 12 + substr({0}start_time, 6, 2) - 1",
}
# What an entry adds to the tallies of its month.
COUNTS = {
    "finished": "CASE WHEN {0}end_time IS NULL THEN 0 ELSE 1 END",
    "running": "CASE WHEN {0}end_time IS NULL THEN 1 ELSE 0 END",
    "seconds": "COALESCE({0}duration_seconds, 0)",
    "billable_seconds": "CASE WHEN {0}billable THEN COALESCE({0}duration_seconds, 0) ELSE 0 END",
}
COUNTED = tuple(COUNTS)
COLUMNS = f"kind, key, month, {', '.join(COUNTED)}, writes, fresh"
ADD_UP = "ON CONFLICT (kind, key, month) WHERE NOT fresh DO UPDATE SET " + ", ".join(
    f"{column} = tallies_tally.{column} + excluded.{column}" for column in (*COUNTED, "writes")
)


def counts_of(vendor: str, row: str = "", sign: str = "") -> list[str]:
    """Return the expressions of month and counts, of a row that came or, with a minus, went."""
    counts = [f"{sign}({count.format(row)})" for count in COUNTS.values()]
    return [MONTH[vendor].format(row), *counts]
