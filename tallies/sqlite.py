"""SQLite's triggers: one per row. With a single writer, totals are updated in place."""

from tallies.registered import counted, written
from tallies.statements import (
    ADD_UP,
    COLUMNS,
    COUNTED,
    ZEROS,
    counts_of,
    keys_of,
    period_of,
)


def triggers() -> dict[str, str]:
    """Return the statement that makes each trigger, by name."""
    bodies = {
        "insert": _add_new_row(),
        "update": _subtract_old_row() + _add_new_row(),
        "delete": _subtract_old_row(),
    }
    found = {
        f"tallies_{event}": _trigger(f"tallies_{event}", event, counted().table, body)
        for event, body in bodies.items()
    }
    for kind, (table, seen) in written().items():
        for event in bodies:
            name = f"tallies_{kind}_{event}"
            columns = f" OF {seen}" if seen and event == "update" else ""
            found[name] = _trigger(name, event + columns, table, _write(kind, event))
    return found


def _trigger(name: str, event: str, table: str, body: list[str]) -> str:
    return f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {'; '.join(body)}; END"


def _add_new_row() -> list[str]:
    # For each kind, one upsert of two rows: the month's (day 0) and the day's.
    month, day = period_of("sqlite", "NEW.")
    counts = ", ".join(counts_of("NEW."))
    return [
        f"INSERT INTO tallies_tally ({COLUMNS}) VALUES "
        + ", ".join(
            f"('{kind}', {key}, {currency}, {month}, {period}, {counts}, 1, false)"
            for period in ("0", day)
        )
        + f" {ADD_UP}"
        for kind, key, currency in keys_of("NEW.")
    ]


def _subtract_old_row() -> list[str]:
    """Subtract an old row, which was counted unless a flush has emptied the tallies."""
    month, day = period_of("sqlite", "OLD.")
    pairs = zip(COUNTED, counts_of("OLD."), strict=True)
    changes = ", ".join(f"{column} = {column} - {count}" for column, count in pairs)
    return [
        f"UPDATE tallies_tally SET {changes}, writes = writes + 1"
        f" WHERE kind = '{kind}' AND key = {key} AND currency = {currency}"
        f" AND day IN (0, {day}) AND month = {month} AND NOT fresh"
        for kind, key, currency in keys_of("OLD.")
    ]


def _write(kind: str, event: str) -> list[str]:
    if event == "delete":
        return [
            f"UPDATE tallies_tally SET writes = writes + 1 WHERE kind = '{kind}' AND NOT fresh"
        ]
    return [f"INSERT INTO tallies_tally ({COLUMNS}) VALUES ('{kind}', {ZEROS}, 1, false) {ADD_UP}"]
