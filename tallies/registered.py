"""Whose rows are counted, as the installed apps declare it."""

from functools import cache

from registry import declared
from tallies.counted import Counted


@cache
def counted() -> Counted:
    """Return the table whose rows are tallied by day and month."""
    [only] = [config.counted for config in declared.api_apps() if config.counted]
    return only


@cache
def written() -> dict[str, tuple[str, str]]:
    """Return the tables for which only writes are counted, by the kind of their tally.

    With each, the columns whose change counts, separated by commas; empty means any column.
    """
    found = {}
    for config in declared.api_apps():
        if config.viewset and not config.counted:
            model = declared.model_of(config)
            columns = ", ".join(config.shown_columns)
            found[declared.plural_key_of(model)] = (model._meta.db_table, columns)
    return found
