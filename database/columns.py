"""The columns of a model, by name."""

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models


def column_of(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    """Return a field with a column; FieldDoesNotExist for a relation from another model."""
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field):
        raise FieldDoesNotExist(f"{model.__name__} has no column named {name!r}.")
    return field


def column_named_by(expression: models.F) -> str:
    """Return the name that an F has."""
    name: str = expression.name  # type: ignore[attr-defined] # the stubs lack it
    return name
