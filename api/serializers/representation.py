"""Fast serialization of rows, derived from a serializer's declared fields.

DRF calls every field of every row, and Django creates an instance just for that. Here a serializer
class is compiled once, and a row is a tuple of columns. `tests/api/test_representation.py` checks
that both produce the same output.
"""

import operator
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import NamedTuple

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models
from rest_framework import serializers
from rest_framework.relations import ManyRelatedField, PrimaryKeyRelatedField

from api.serializers.fields import AnyField, AnySerializer, ExternalIdField, InstantField
from database.columns import model_behind, ordered_by
from database.prepared import PreparedRows

Row = Sequence[object]  # the values of a representation's `sources`


class Caller(NamedTuple):
    """The user who reads a row, and the time until which running timers are counted."""

    now: datetime
    user_id: int
    dialect: str = ""  # the mark of the token's, in entity tags


Make = Callable[[Row, Caller], object]

# Values that `renderers.encode` writes just as these methods would; other methods are called.
WRITTEN_AS_STORED = {
    serializers.CharField.to_representation,
    serializers.ChoiceField.to_representation,
    serializers.IntegerField.to_representation,
    serializers.BooleanField.to_representation,
    serializers.DateField.to_representation,
    serializers.DateTimeField.to_representation,
    InstantField.to_representation,
    PrimaryKeyRelatedField.to_representation,
}
REFUSED = (serializers.SerializerMethodField, serializers.BaseSerializer, ManyRelatedField)
INSTEAD = "See CONTRIBUTING.md, What a row shows."


class ComputedField(serializers.Field[object, object, object, object]):
    """A read-only value that a function computes from columns, each named as in a `source`.

    With `until_now`, the function also gets the time of the request as `now`. Its return
    annotation is the type in the OpenAPI document.
    """

    def __init__(
        self, function: Callable[..., object], *columns: str, until_now: bool = False
    ) -> None:
        super().__init__(source="*", read_only=True)
        self.function, self.columns, self.until_now = function, columns, until_now

    def to_representation(self, value: object) -> object:
        """Return the value for an instance."""
        columns = (_value(value, column) for column in self.columns)
        now = {"now": self.context["request"].now} if self.until_now else {}
        return self.function(*columns, **now)


class Representation:
    """The columns that a serializer reads, and how it shows them."""

    def __init__(self, serializer_class: type[AnySerializer]) -> None:
        fields = {
            name: field
            for name, field in serializer_class().fields.items()
            if not field.write_only
        }
        _refuse_what_would_be_ignored(serializer_class, fields)
        shown = {name: _sources(field) for name, field in fields.items()}
        order = _order_of(serializer_class)  # cursors need these, shown or not
        self.sources = list(dict.fromkeys(chain(*shown.values(), order)))
        places = {name: [*map(self.sources.index, sources)] for name, sources in shown.items()}
        self._names = tuple(fields)
        # Everything that determines a response, except for the time.
        self.rows = PreparedRows([source.replace(".", "__") for source in self.sources])
        self._in_order = _taker([place[0] for place in places.values()])
        makers = ((name, _maker(field, places[name])) for name, field in fields.items())
        self._made = [(name, make) for name, make in makers if make]

    def of(
        self, queryset: models.QuerySet[models.Model, object], caller: Caller
    ) -> list[dict[str, object]]:
        """Return the rows of a queryset in the encoder's format, with one query."""
        return [self.of_row(row, caller) for row in self.rows(queryset)]

    def of_row(self, row: Row, caller: Caller) -> dict[str, object]:
        """Return a row in the encoder's format."""
        data = dict(zip(self._names, self._in_order(row), strict=True))
        for name, make in self._made:
            data[name] = make(row, caller)
        return data

    def row_of(self, instance: object) -> Row:
        """Return the row of an instance, without a query if it was fetched `with_details`."""
        return tuple(_value(instance, source) for source in self.sources)


@cache
def representation_of(serializer_class: type[AnySerializer]) -> Representation:
    """Return the representation that a serializer class declares."""
    return Representation(serializer_class)


def _sources(field: AnyField) -> list[str]:
    if isinstance(field, ComputedField):
        return list(field.columns)
    if isinstance(field, ExternalIdField):
        return list(field.columns)
    if isinstance(field, PrimaryKeyRelatedField):
        return [f"{field.source}_id"]
    return [str(field.source)]


def _model_of(serializer_class: type[AnySerializer]) -> type[models.Model] | None:
    return getattr(getattr(serializer_class, "Meta", None), "model", None)


def _order_of(serializer_class: type[AnySerializer]) -> list[str]:
    """Return the columns that the list of a serializer's model is ordered by."""
    model = _model_of(serializer_class)
    return [name for name, _ in map(ordered_by, (model and model._meta.ordering) or ())]


def _maker(field: AnyField, places: Sequence[int]) -> Make | None:
    """Return a function from row to field value, or None if the column is encoded as it is."""
    if isinstance(field, ComputedField):
        return _computed(field.function, places, until_now=field.until_now)
    if isinstance(field, ExternalIdField):
        given, giver = places
        return lambda row, caller: row[given] if row[giver] == caller.user_id else None
    if type(field).to_representation in WRITTEN_AS_STORED:
        return None
    place = places[0]
    show: Callable[..., object] = field.to_representation
    if isinstance(field, serializers.DecimalField):
        show = float
    return lambda row, _: None if row[place] is None else show(row[place])


def _computed(function: Callable[..., object], places: Sequence[int], *, until_now: bool) -> Make:
    columns = _taker(places)
    if until_now:
        return lambda row, caller: function(*columns(row), now=caller.now)
    return lambda row, _: function(*columns(row))


def _taker(places: Sequence[int]) -> Callable[[Row], Sequence[object]]:
    """Return an itemgetter that always returns a sequence, even of one column."""
    if len(places) == 1:
        (place,) = places
        return lambda row: (row[place],)
    return operator.itemgetter(*places)


def _refuse_what_would_be_ignored(
    serializer_class: type[AnySerializer], fields: dict[str, AnyField]
) -> None:
    """Raise ImproperlyConfigured for DRF features that need a model instance."""
    name = serializer_class.__name__
    if serializer_class.to_representation is not serializers.Serializer.to_representation:
        raise ImproperlyConfigured(f"{name}.to_representation would be ignored. {INSTEAD}")
    for field_name, field in fields.items():
        if isinstance(field, REFUSED):
            kind = type(field).__name__
            raise ImproperlyConfigured(f"{name}.{field_name}: {kind} is not supported. {INSTEAD}")
        for source in _sources(field):
            _refuse_unless_column(f"{name}.{field_name}", _model_of(serializer_class), source)


def _refuse_unless_column(where: str, model: type[models.Model] | None, source: str) -> None:
    *path, last = source.split(".")
    try:
        for relation in path:
            model = model and model_behind(model, relation)
    except FieldDoesNotExist:
        model = None
    columns = {column.attname for column in model._meta.concrete_fields} if model else set()
    if last not in columns:
        raise ImproperlyConfigured(f"{where}: {source} is not a column. {INSTEAD}")


def _value(instance: object, source: str) -> object:
    for name in source.split("."):
        if instance is None:
            return None
        instance = getattr(instance, name)
    return instance
