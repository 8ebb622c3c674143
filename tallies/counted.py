"""The declaration of a counted table."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Counted:
    """A table whose rows are tallied by key, day and month; `{0}` stands before each column.

    `keys` is a kind of tally each, with the SQL of its key; `counts` a column of the tallies
    each, with the SQL of a row's contribution. Of the kinds in `currency`, rows are tallied by
    currency too.
    """

    table: str
    keys: Mapping[str, str]
    counts: Mapping[str, str]
    instant: str  # the column whose UTC day and month a row is counted in
    of_owner: str  # the kind whose key is the row's owner
    of_all: str  # the kind with all rows
    currency: Mapping[str, str]  # the SQL of a row's currency; empty text without one
