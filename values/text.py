"""Columns of text, with the same search and sorting on both databases.

The databases' own rules differ, so the compared form is computed here and stored in a column.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Unpack

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

from values.folding import folded, normal, sort_key
from values.options import Deconstructed, FieldOptions, SaveOptions

LONGEST_SEARCH = 100

PLACE_IN_TEXT = {"postgresql": "strpos", "sqlite": "instr"}


class NormalMixin(models.Field[str, str]):
    """A text field that always stores normalized text."""

    def to_python(self, value: object) -> object:
        """Return the text that is judged."""
        text = super().to_python(value)
        return normal(text) if isinstance(text, str) else text

    def pre_save(self, model_instance: models.Model, add: bool) -> object:  # noqa: FBT001 - Django's
        """Return the text that is stored."""
        text = getattr(model_instance, self.attname)
        if isinstance(text, str) and not text.isascii():
            text = normal(text)
            setattr(model_instance, self.attname, text)
        return text

    def get_prep_value(self, value: object) -> object:
        """Return the text that is looked for, or stored past a model."""
        return normal(value) if type(value) is str else super().get_prep_value(value)

    def deconstruct(self) -> Deconstructed:
        name, _, args, kwargs = super().deconstruct()
        return name, f"django.db.models.{self.get_internal_type()}", args, kwargs


class NameField(NormalMixin, models.CharField[str, str]):
    """A line of text."""


class ProseField(NormalMixin, models.TextField[str, str]):
    """A text of any number of lines."""


class DerivedField(models.TextField[str | None, str | None]):
    """A column derived from another text field and written together with it.

    Compared by code points, so that both databases agree.
    """

    make: Callable[[str], str]

    def __init__(self, *, of: str | Sequence[str], **kwargs: Unpack[FieldOptions]) -> None:
        """Derive from the field `of`, or from several, each on a line."""
        kwargs |= {"editable": False, "blank": True}
        super().__init__(**kwargs)
        self.of = of
        self.sources = (of,) if isinstance(of, str) else tuple(of)

    def fill(self, instance: models.Model) -> str:
        """Set the value of an instance, and return it."""
        value = self.make("\n".join(getattr(instance, name) or "" for name in self.sources))
        setattr(instance, self.attname, value)
        return value

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: FBT001 - Django's
        return self.fill(model_instance)

    def get_prep_value(self, value: object) -> object:
        """Return the text as it is: it was made here."""
        return value if type(value) is str else super().get_prep_value(value)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, str | None]:
        """Return the column's type and collation."""
        parameters = super().db_parameters(connection)
        by_code_points = "C" if connection.vendor == "postgresql" else None
        return {**parameters, "collation": by_code_points}

    def deconstruct(self) -> Deconstructed:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["editable"], kwargs["blank"]
        return name, path, args, {**kwargs, "of": self.of}


class FoldedField(DerivedField):
    """The case-folded text, used by `search` and for unique names.

    Null in rows older than the column, until a migration fills it.
    """

    make = staticmethod(folded)

    def __init__(self, *, of: str | Sequence[str], **kwargs: Unpack[FieldOptions]) -> None:
        kwargs["null"] = True
        super().__init__(of=of, **kwargs)


class SortField(DerivedField):
    """A sort key."""

    make = staticmethod(sort_key)

    def __init__(self, *, of: str | Sequence[str], **kwargs: Unpack[FieldOptions]) -> None:
        kwargs.setdefault("default", "")
        kwargs.setdefault("db_default", "")
        super().__init__(of=of, **kwargs)


@FoldedField.register_lookup
class Holds(models.Lookup[object]):
    """Whether a folded text contains another, ignoring case."""

    lookup_name = "holds"

    def get_prep_lookup(self) -> str:
        """Fold the search text."""
        return folded(str(self.rhs))

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[str | int, ...]]:
        """Return SQL without a pattern, which would take its time for some texts."""
        text, text_params = self.process_lhs(compiler, connection)
        part, part_params = self.process_rhs(compiler, connection)
        function = PLACE_IN_TEXT[connection.vendor]
        return f"{function}({text}, {part}) > 0", (*text_params, *part_params)


def derived_fields(
    model: type[models.Model],
) -> Iterator[DerivedField]:
    """Yield the fields of a model that are made of others."""
    return (field for field in model._meta.concrete_fields if isinstance(field, DerivedField))


def derived_from(model: type[models.Model], names: AbstractSet[str]) -> set[str]:
    """Return the fields that have to be written with some others."""
    return {field.name for field in derived_fields(model) if not names.isdisjoint(field.sources)}


class DerivingMixin(models.Model):
    """Base class of models with derived fields."""

    class Meta:
        abstract = True

    def save(
        self, *, update_fields: Iterable[str] | None = None, **kwargs: Unpack[SaveOptions]
    ) -> None:
        """Save, including fields derived from those saved."""
        if update_fields is not None:
            names = set(update_fields)
            update_fields = names | derived_from(type(self), names)
        super().save(update_fields=update_fields, **kwargs)

    def clean(self) -> None:
        """Fill in derived fields, so that constraints can be validated."""
        super().clean()
        for field in derived_fields(type(self)):
            field.fill(self)
