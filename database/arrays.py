"""Many ids as one parameter, so that the text of a statement does not depend on their number."""

import json
from collections.abc import Iterable

from django.db import connection

# By vendor: follows a column in a condition.
AMONG = {
    "postgresql": "= ANY(%s::bigint[])",
    "sqlite": "IN (SELECT value FROM json_each(%s))",
}


def array(ids: Iterable[int]) -> list[int] | str:
    """Return the parameter of AMONG, a list or, on SQLite, JSON."""
    return [*ids] if connection.vendor == "postgresql" else json.dumps([*ids])
