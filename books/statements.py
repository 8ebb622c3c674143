"""The SQL that closing and the triggers of both databases share."""

LOCK = 7_205_007
WAIT_FOR_WRITERS = f"SELECT pg_advisory_xact_lock({LOCK})"
WAIT_FOR_CLOSING = f"SELECT pg_advisory_xact_lock_shared({LOCK})"

# The first instant that is open to a person. Where no bound is known, as for a time zone that the
# service does not know, that is the last one of all; null if nothing is closed.
BOUND_OF_USER = (
    "COALESCE((SELECT bound.closed_before FROM books_userbound AS bound"
    " WHERE bound.user_id = {user}), books.closed_before)"
)

# Whether a person is new, moves to another time zone or is there when the books are closed: what
# was closed to them stays closed.
_BOUNDS = """
    INSERT INTO books_userbound (user_id, closed_before)
    SELECT {user}.id, COALESCE(zone.closed_before, books.closed_before)
    FROM {from_}books_books AS books
    LEFT JOIN books_zonebound AS zone ON zone.name = {user}.time_zone
    WHERE books.closed_before IS NOT NULL
    ON CONFLICT (user_id) DO UPDATE SET closed_before = excluded.closed_before
    WHERE excluded.closed_before > books_userbound.closed_before
"""
BOUNDS_OF_ALL = _BOUNDS.format(user="person", from_="users_user AS person CROSS JOIN ")
BOUND_OF_NEW = _BOUNDS.format(user="NEW", from_="")
