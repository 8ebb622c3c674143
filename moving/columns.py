"""Values of an export as the database takes them.

A field's own methods would take minutes for a million entries; they do it for rare types only.
"""

from collections.abc import Callable
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from values.instants import ACCEPTED, ACCEPTED_DATE

Reader = Callable[[object], object]  # of a value that is not null; ValueError with a sentence

WHOLE = (models.BigIntegerField, models.IntegerField, models.PositiveSmallIntegerField)


class StoredColumn:
    """A column of a kind: judges its values, and returns them as the database takes them."""

    def __init__(self, field: models.Field[object, object]) -> None:
        self.name = field.attname
        self._null = field.null
        target = field
        while isinstance(target, models.ForeignKey):
            target = target.target_field
        self._read = _reader_of(target)
        self._choices = [value for value, _ in field.flatchoices]
        if field.blank and self._choices:
            self._choices.append("")

    def read(self, value: object) -> object:
        """Return a value as the database takes it; ValueError with a sentence."""
        if value is None:
            if self._null:
                return None
            raise ValueError("must not be null")
        taken = self._read(value)
        if self._choices and value not in self._choices:
            raise ValueError(f"must be one of {', '.join(map(str, self._choices))}")
        return taken


def _reader_of(field: models.Field[object, object]) -> Reader:
    # Not the proxy of Django, which looks up the connection each time.
    connection = connections[DEFAULT_DB_ALIAS]
    if type(field) in WHOLE or isinstance(field, models.AutoField):
        return _whole(*connection.ops.integer_field_range(field.get_internal_type()))
    if isinstance(field, models.CharField | models.TextField):
        return _text(field.max_length)
    if isinstance(field, models.BooleanField):
        return _flag
    if isinstance(field, models.DateTimeField):
        return _instant(connection.ops.adapt_datetimefield_value)
    if isinstance(field, models.DateField):
        return _day(connection.ops.adapt_datefield_value)
    return _by_field(field, connection)


def _whole(lowest: int, highest: int) -> Reader:
    def read(value: object) -> object:
        if type(value) is not int or not lowest <= value <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return value

    return read


def _text(longest: int | None) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, str) or "\0" in value:
            raise ValueError("must be a text without null characters")
        if longest is not None and len(value) > longest:
            raise ValueError(f"must have at most {longest} characters")
        return value

    return read


def _flag(value: object) -> object:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _instant(adapt: Callable[[datetime], object]) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, str) or value[-1:] != "Z":
            raise ValueError(ACCEPTED)
        return adapt(datetime.fromisoformat(value))

    return read


def _day(adapt: Callable[[date], object]) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, str):
            raise ValueError(ACCEPTED_DATE)
        return adapt(date.fromisoformat(value))

    return read


def _by_field(field: models.Field[object, object], connection: BaseDatabaseWrapper) -> Reader:
    def read(value: object) -> object:
        try:
            return field.get_db_prep_save(field.to_python(value), connection)
        except ValidationError as error:
            raise ValueError(" ".join(error.messages)) from error
        except (TypeError, ArithmeticError) as error:
            raise ValueError(f"cannot be {value!r}") from error

    return read
