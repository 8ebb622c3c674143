"""PostgreSQL's triggers: one per statement, however many rows it writes, and without locks.

Each write inserts fresh rows, so writers neither wait for each other nor deadlock. About every
hundred entries a writer folds the committed fresh rows, unless another one is folding. Every
inserted row has the same chance of triggering this, so writers fold in proportion to their writes.
"""

from tallies.registered import counted, written
from tallies.statements import (
    ADD_UP,
    COLUMNS,
    COUNTED,
    FRESH,
    LAST_FOLD,
    PERIOD,
    counts_of,
    keys_of,
    period_of,
)

FRESH_ROWS = 300  # three of an entry
FOLD_LOCK = 7_205_006

XID = "pg_current_xact_id()::text::bigint"

_SUMS = ", ".join(f"SUM({column})" for column in (*COUNTED, "writes"))
# A fold that comes after this transaction belongs to the server that a dump was taken from: this
# one counts its transactions from the beginning. All fresh rows are summed again, then.
_MAYBE_FOLD = f"""
    GET DIAGNOSTICS added = ROW_COUNT;
    IF {LAST_FOLD} > {XID} THEN INSERT INTO tallies_fold (xid) VALUES (0); END IF;
    IF random() * {FRESH_ROWS} < added THEN PERFORM tallies_fold(); END IF;
    RETURN NULL;
"""

# Deletes fresh rows and adds them to the folded ones in one statement, so that every snapshot
# counts each row exactly once. Only READ COMMITTED takes a new snapshot after the lock; an older
# one would still contain rows that the previous fold has deleted. ROLLUP (day) yields two rows for
# each day: one with the day, and one with day NULL for the month, stored as day 0. HAVING drops
# the per-day rows of tallies without a day. The order keeps days together on disk, as they are
# read.
# All transactions before `pg_snapshot_xmin` have ended, and the DELETE sees what they have added:
# before it there is nothing left to sum. One that only reads, however long, is not among them.
FOLD = f"""
DECLARE previous bigint;
BEGIN
    IF current_setting('transaction_isolation') = 'read committed'
        AND pg_try_advisory_xact_lock({FOLD_LOCK})
    THEN
        previous := (SELECT id FROM tallies_fold ORDER BY id DESC LIMIT 1);
        WITH folded AS (DELETE FROM tallies_tally WHERE {FRESH} RETURNING *),
        noted AS (
            INSERT INTO tallies_fold (xid)
            SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        )
        INSERT INTO tallies_tally ({COLUMNS})
        SELECT kind, key, currency, month, COALESCE(day, 0) AS period, {_SUMS}, false
        FROM folded
        GROUP BY kind, key, currency, month, ROLLUP (day) HAVING COALESCE(day, 1) > 0
        ORDER BY period, month, kind
        {ADD_UP};
        DELETE FROM tallies_fold WHERE id = previous;
    END IF;
END
"""
WRITE = f"""
DECLARE added bigint;
BEGIN
    INSERT INTO tallies_tally (kind, writes, fresh, xid) VALUES (TG_ARGV[0], 1, true, {XID});
    {_MAYBE_FOLD}
END
"""


def functions() -> dict[str, tuple[str, str]]:
    """Return the result and the body of each function."""
    # An UPDATE subtracts its old rows and adds its new ones.
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
    keys = ", ".join(
        f"{key} AS key_{place}, {currency} AS currency_{place}"
        for place, (_, key, currency) in enumerate(keys_of())
    )
    return f"SELECT {keys}, {month} AS month, {day} AS day, {named}, 1 AS writes FROM {table}"


def _count(rows: str) -> str:
    # The LATERAL join turns each written row into one row per kind of tally: of all entries, of
    # the user's and of the project's. GROUP BY then leaves one fresh row per kind, key, currency
    # and day, however many rows the statement wrote.
    period = ", ".join(PERIOD)
    keys = ", ".join(
        f"('{kind}', key_{place}, currency_{place})" for place, (kind, *_) in enumerate(keys_of())
    )
    return f"""
DECLARE added bigint;
BEGIN
    INSERT INTO tallies_tally ({COLUMNS}, xid)
    SELECT {period}, {_SUMS}, true, {XID}
    FROM ({rows}) AS written, LATERAL (VALUES
        {keys}
    ) AS counted (kind, key, currency)
    GROUP BY {period};
    {_MAYBE_FOLD}
END
"""
