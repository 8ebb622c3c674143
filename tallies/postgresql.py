"""PostgreSQL's triggers: one a statement, however many rows it writes, and no lock at all.

Each write adds fresh rows, so that no two writers wait for each other or meet in a deadlock. After
a hundred entries or so a writer folds the fresh rows that are committed, if nobody else is doing
so: each row that is added has the same chance to bring it about, so that who adds many folds them.
"""

from tallies.registered import counted, written
from tallies.statements import (
    ADD_UP,
    COLUMNS,
    COUNTED,
    PERIOD,
    counts_of,
    keys_of,
    period_of,
)

FRESH_ROWS = 300  # three of an entry
FOLD_LOCK = 7_205_006

_SUMS = ", ".join(f"SUM({column})" for column in (*COUNTED, "writes"))
_MAYBE_FOLD = f"""
    GET DIAGNOSTICS added = ROW_COUNT;
    IF random() * {FRESH_ROWS} < added THEN PERFORM tallies_fold(); END IF;
    RETURN NULL;
"""

# A row that is folded is deleted and added up in one statement, so every snapshot has it once. In
# an older snapshot than the last folder's commit there is nothing to be folded. Each row goes into
# its month and, where it has one, its day. In order, because it is days that are read together.
FOLD = f"""
BEGIN
    IF current_setting('transaction_isolation') = 'read committed'
        AND pg_try_advisory_xact_lock({FOLD_LOCK})
    THEN
        WITH folded AS (DELETE FROM tallies_tally WHERE fresh RETURNING *)
        INSERT INTO tallies_tally ({COLUMNS})
        SELECT kind, key, month, COALESCE(day, 0) AS period, {_SUMS}, false
        FROM folded
        GROUP BY kind, key, month, ROLLUP (day) HAVING COALESCE(day, 1) > 0
        ORDER BY period, month, kind
        {ADD_UP};
    END IF;
END
"""
WRITE = f"""
DECLARE added bigint;
BEGIN
    INSERT INTO tallies_tally (kind, writes, fresh) VALUES (TG_ARGV[0], 1, true);
    {_MAYBE_FOLD}
END
"""


def functions() -> dict[str, tuple[str, str]]:
    """Return the result and the body of each function."""
    new_rows, old_rows = _rows("new_rows"), _rows("old_rows", "-")
    return {
        "tallies_fold": ("void", FOLD),
        "tallies_write": ("trigger", WRITE),
        "tallies_insert": ("trigger", _count(new_rows)),
        "tallies_delete": ("trigger", _count(old_rows)),
        "tallies_update": ("trigger", _count(f"{old_rows} UNION ALL {new_rows}")),
    }


def triggers() -> dict[tuple[str, str], str]:
    """Return the trigger definitions by table and name."""
    each = "FOR EACH STATEMENT EXECUTE FUNCTION"
    new, old = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
    table = counted().table
    found = {
        (table, f"tallies_{event}"): (
            f"AFTER {event} ON {table} REFERENCING {tables} {each} tallies_{event}()"
        )
        for event, tables in (("insert", new), ("update", f"{old} {new}"), ("delete", old))
    }
    for kind, (table, seen) in written().items():
        columns = f" OF {seen}" if seen else ""
        found[table, "tallies_write"] = (
            f"AFTER INSERT OR UPDATE{columns} OR DELETE ON {table} {each} tallies_write('{kind}')"
        )
    return found


def _rows(table: str, sign: str = "") -> str:
    month, day = period_of("postgresql")
    named = ", ".join(
        f"{count} AS {column}" for column, count in zip(COUNTED, counts_of(sign=sign), strict=True)
    )
    keys = ", ".join(f"{key} AS key_{place}" for place, (_, key) in enumerate(keys_of()))
    return f"SELECT {keys}, {month} AS month, {day} AS day, {named}, 1 AS writes FROM {table}"


def _count(rows: str) -> str:
    period = ", ".join(PERIOD)
    keys = ", ".join(f"('{kind}', key_{place})" for place, (kind, _) in enumerate(keys_of()))
    return f"""
DECLARE added bigint;
BEGIN
    INSERT INTO tallies_tally ({COLUMNS})
    SELECT {period}, {_SUMS}, true
    FROM ({rows}) AS written, LATERAL (VALUES
        {keys}
    ) AS counted (kind, key)
    GROUP BY {period};
    {_MAYBE_FOLD}
END
"""
