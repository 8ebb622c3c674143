"""SQLite's triggers, one per row. With one writer, nobody closes the books at the same time."""

from books.registered import guarded
from books.statements import BOUND_OF_NEW, BOUND_OF_USER


def triggers() -> dict[str, str]:
    """Return the statement that makes each trigger, by name."""
    table, columns = guarded().table, ", ".join(guarded().edited)
    both = f"({guarded().is_edited('IS NOT')}) AND ({_is_closed('OLD')} OR {_is_closed('NEW')})"
    refuse = f"SELECT RAISE(ABORT, '{guarded().rule.named_by}')"
    moved = "WHEN OLD.time_zone <> NEW.time_zone"
    return {
        name: f"CREATE TRIGGER {name} AFTER {event} BEGIN {body}; END"
        for name, event, body in (
            ("books_insert", f"INSERT ON {table} WHEN {_is_closed('NEW')}", refuse),
            ("books_delete", f"DELETE ON {table} WHEN {_is_closed('OLD')}", refuse),
            ("books_update", f"UPDATE OF {columns} ON {table} WHEN {both}", refuse),
            ("books_user", "INSERT ON users_user", BOUND_OF_NEW),
            ("books_user_moved", f"UPDATE OF time_zone ON users_user {moved}", BOUND_OF_NEW),
        )
    }


def _is_closed(row: str) -> str:
    bound = BOUND_OF_USER.format(user=f"{row}.{guarded().owner}")
    return f"{row}.{guarded().instant} < (SELECT {bound} FROM books_books AS books)"
