"""Whose rows the books keep closed, as their models declare it."""

from dataclasses import dataclass
from functools import cache

from django.apps import apps

from books.periods import PeriodIsOpen, edited
from database.columns import column_of
from journal.journaled import Journaled


@dataclass(frozen=True)
class Guarded:
    """A table whose rows are kept closed, and what its triggers look at."""

    rule: PeriodIsOpen
    table: str
    owner: str
    instant: str
    edited: tuple[str, ...]

    def is_edited(self, differ: str) -> str:
        """Return the condition of an UPDATE that is somebody's, not the service's own.

        An external id counts with a new version of the row only: if its giver no longer sees the
        row, the id is taken off it without one (resources/locks.py).
        """
        terms = {name: f"OLD.{name} {differ} NEW.{name}" for name in (*self.edited, "version")}
        terms["external_id"] = f"({terms['external_id']} AND {terms.pop('version')})"
        return " OR ".join(terms.values())


@cache
def guarded() -> Guarded:
    """Return the table whose rows the books keep closed."""
    [only] = [
        _guarded(model, constraint)
        for model in apps.get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, PeriodIsOpen) and issubclass(model, Journaled)
    ]
    return only


def _guarded(model: type[Journaled], rule: PeriodIsOpen) -> Guarded:
    return Guarded(
        rule=rule,
        table=model._meta.db_table,
        owner=str(model.owner_attribute),
        instant=str(column_of(model, rule.instant).column),
        edited=tuple(str(field.column) for field in edited(model)),
    )
