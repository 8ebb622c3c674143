"""The columns of a model, by name."""

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.expressions import Combinable, OrderBy


def column_of(model: type[models.Model], name: str) -> models.Field[object, object]:
    """Return a field with a column; FieldDoesNotExist for a relation from another model."""
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field):
        raise FieldDoesNotExist(f"{model.__name__} has no column named {name!r}.")
    return field


def model_behind(model: type[models.Model], relation: str) -> type[models.Model]:
    """Return the model that a relation leads to; FieldDoesNotExist for any other column."""
    related = model._meta.get_field(relation).related_model
    if related is None:
        raise FieldDoesNotExist(f"{model.__name__}.{relation} leads to no other model.")
    return related


def ordered_by(term: str | Combinable) -> tuple[str, bool]:
    """Return the column of a term of an order, and whether it descends."""
    if isinstance(term, str):
        return term.removeprefix("-"), term.startswith("-")
    if isinstance(term, OrderBy):
        return column_named_by(term.expression), term.descending
    return column_named_by(term), False


def column_named_by(expression: Combinable) -> str:
    """Return the name that an F has."""
    name: str = expression.name  # type: ignore[attr-defined] # the stubs lack it
    return name
