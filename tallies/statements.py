"""The SQL that the triggers of both databases and the rebuilding share."""

from tallies.registered import counted

# The UTC date of an instant, and of a tally's day.
DATE = {
    "postgresql": "({0} AT TIME ZONE 'UTC')::date",
    "sqlite": "substr({0}, 1, 10)",
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
# The columns to which a row contributes.
COUNTED = (
    *("finished", "running", "seconds", "billable_seconds", "rounded_seconds"),
    *("priced", "amount", "billed"),
)
PERIOD = ("kind", "key", "currency", "month", "day")
COLUMNS = ", ".join((*PERIOD, *COUNTED, "writes", "fresh"))
ADD_UP = (
    "ON CONFLICT (kind, key, day, month, currency) WHERE NOT fresh DO UPDATE SET "
    + ", ".join(
        f"{column} = tallies_tally.{column} + excluded.{column}" for column in (*COUNTED, "writes")
    )
)
# The kind in which it is counted how often the triggers were made, all was counted again or a
# backup was restored: no write before that is known, so every list is new.
INSTALLED = "installed"
# The kind of a row that is there while the rows from before the triggers are not counted.
UNCOUNTED = "uncounted"
ZEROS = ", ".join(["0, '', 0, 0", *("0" for _ in COUNTED)])  # key to the last count
ADD_WRITES_TO_ALL = (
    f"INSERT INTO tallies_tally ({COLUMNS}) VALUES ('{INSTALLED}', {ZEROS}, %s, false) {ADD_UP}"
)

# The fresh rows that no fold has taken, of those that a snapshot contains.
LAST_FOLD = "(SELECT xid FROM tallies_fold ORDER BY id DESC LIMIT 1)"
FRESH = f"fresh AND xid >= COALESCE({LAST_FOLD}, 0)"


def period_of(vendor: str, row: str = "") -> tuple[str, str]:
    """Return the expressions of a row's month and day."""
    date = DATE[vendor].format(f"{row}{counted().instant}")
    return MONTH[vendor].format(date), DAY[vendor].format(date)


def keys_of(row: str = "") -> list[tuple[str, str, str]]:
    """Return each kind of tally that a row is counted in, with its key's and currency's SQL."""
    currency = counted().currency
    return [
        (kind, key.format(row), currency.get(kind, "''").format(row))
        for kind, key in counted().keys.items()
    ]


def counts_of(row: str = "", sign: str = "") -> list[str]:
    """Return the expressions of a row's counts, with a minus for a row that is gone."""
    counts = counted().counts
    return [f"{sign}({counts[column].format(row)})" for column in COUNTED]
