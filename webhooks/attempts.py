"""Attempts to send a delivery, as it keeps them: the last ones, the oldest first."""

import json
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Func, JSONField
from django.db.models.sql.compiler import SQLCompiler

from values.instants import format_instant

MOST_ATTEMPTS = 20  # of a delivery that are kept: the receiver may be tried with it for days

Attempt = dict[str, object]


def attempt(
    at: datetime,
    error: str | None,
    *,
    milliseconds: int = 0,
    status: int | None = None,
    answer: str = "",
) -> Attempt:
    """Return an attempt; one that gave up before anything was sent has only an error."""
    return {
        "at": format_instant(at),
        "milliseconds": milliseconds,
        "status": status,
        "error": error,
        "answer": answer,
    }


def with_attempt(attempts: Sequence[Attempt], new: Attempt) -> list[Attempt]:
    """Return attempts with another one; of too many, the oldest that failed goes."""
    found = [*attempts, new]
    if len(found) > MOST_ATTEMPTS:
        found.remove(next((each for each in found if each["error"]), found[0]))
    return found


class WithAttempt(Func):
    """The attempts of many rows, each with another one; of too many, the oldest goes."""

    output_field = JSONField()

    def __init__(self, new: Attempt) -> None:
        super().__init__("attempts")
        self.new = json.dumps(new)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: object, **_: object
    ) -> tuple[str, tuple[str | int, ...]]:
        """Return PostgreSQL's expression."""
        column, params = compiler.compile(self.get_source_expressions()[0])
        cut = f"CASE WHEN jsonb_array_length({column}) < %s THEN {column} ELSE {column} - 0 END"
        return f"({cut}) || %s::jsonb", (*params, MOST_ATTEMPTS, *params, *params, self.new)

    def as_sqlite(
        self, compiler: SQLCompiler, connection: object, **_: object
    ) -> tuple[str, tuple[str | int, ...]]:
        """Return SQLite's expression."""
        column, params = compiler.compile(self.get_source_expressions()[0])
        cut = (
            f"CASE WHEN json_array_length({column}) < %s THEN {column}"
            f" ELSE json_remove({column}, '$[0]') END"
        )
        added = f"json_insert({cut}, '$[#]', json(%s))"
        return added, (*params, MOST_ATTEMPTS, *params, *params, self.new)
