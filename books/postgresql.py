"""PostgreSQL's triggers: one per statement that inserts or deletes, one per row that is changed.

A writer takes a lock that all writers share, and looks at the books after that; closing takes the
lock for itself. So closing waits for the writers before it, and those after it see what it wrote.
Nothing is written for that, and no writer waits for another.
"""

from books.registered import guarded
from books.statements import BOUND_OF_NEW, BOUND_OF_USER, LOCK

# Only READ COMMITTED looks again after it has waited. With an older snapshot, a writer fails if
# the books have been written since, or are being written: to wait could be a deadlock.
SHARE = f"""
    PERFORM pg_advisory_xact_lock_shared({LOCK});
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM FROM books_books FOR SHARE NOWAIT;
    END IF;
"""


def functions() -> dict[str, tuple[str, str]]:
    """Return the result and the body of each function."""
    owner, instant = guarded().owner, guarded().instant
    both = (
        f"(VALUES (OLD.{owner}, OLD.{instant}), (NEW.{owner}, NEW.{instant}))"
        f" AS entry ({owner}, {instant})"
    )
    return {
        "books_insert": ("trigger", _refuse("new_rows AS entry")),
        "books_delete": ("trigger", _refuse("old_rows AS entry")),
        # Not in the trigger's own condition, which would keep columns from being altered.
        "books_update": (
            "trigger",
            _refuse(both, unless=f"NOT ({guarded().is_edited('IS DISTINCT FROM')})"),
        ),
        "books_user": ("trigger", f"BEGIN {SHARE} {BOUND_OF_NEW}; RETURN NULL; END"),
    }


def triggers() -> dict[tuple[str, str], str]:
    """Return the trigger definitions by table and name."""
    table, statement = guarded().table, "FOR EACH STATEMENT EXECUTE FUNCTION"
    moved = "FOR EACH ROW WHEN (OLD.time_zone <> NEW.time_zone) EXECUTE FUNCTION books_user()"
    return {
        (table, "books_insert"): (
            f"AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows {statement} books_insert()"
        ),
        (table, "books_delete"): (
            f"AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows {statement} books_delete()"
        ),
        (table, "books_update"): (
            f"AFTER UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION books_update()"
        ),
        ("users_user", "books_user"): (
            "AFTER INSERT ON users_user FOR EACH ROW EXECUTE FUNCTION books_user()"
        ),
        ("users_user", "books_user_moved"): f"AFTER UPDATE OF time_zone ON users_user {moved}",
    }


def _refuse(rows: str, unless: str = "false") -> str:
    # Few rows start before the last bound of all; only for these the person's own is looked up.
    instant, bound = f"entry.{guarded().instant}", f"entry.{guarded().owner}"
    return f"""
BEGIN
    IF {unless} THEN RETURN NULL; END IF;
    {SHARE}
    IF EXISTS (
        SELECT FROM books_books AS books JOIN {rows} ON {instant} < books.closed_before
        WHERE {instant} < {BOUND_OF_USER.format(user=bound)}
    ) THEN
        RAISE integrity_constraint_violation USING
            MESSAGE = 'The books are closed.', CONSTRAINT = '{guarded().rule.name}';
    END IF;
    RETURN NULL;
END
"""
