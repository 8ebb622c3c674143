"""Text: one normal form, with the same search and sorting on both databases.

The databases' own rules differ: SQLite knows only the case of A to Z, and PostgreSQL's depend on
its locale. So the compared form is computed here and stored in its own column.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar

from django.db import models

T = TypeVar("T", bound=str | None)

LONGEST_SEARCH = 100
LONGEST_SORT_KEY = 200

PLACE_IN_TEXT = {"postgresql": "strpos", "sqlite": "instr"}


def normal(text: str) -> str:
    """Return a text in Unicode's normal form C, as it is stored."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """Return a text as it is compared: canonical caseless matching, Unicode 3.13, D145.

    The dot of İ goes too, which no other i keeps: istanbul is İstanbul.
    """
    if text.isascii():
        return text.lower()
    caseless = unicodedata.normalize("NFD", text).casefold()
    dotless = unicodedata.normalize("NFD", caseless).replace("i\u0307", "i")
    return unicodedata.normalize("NFC", dotless)


def sort_key(text: str) -> str:
    """Return the sort key of a name, compared by code points: Ä sorts with A, a with A."""
    if text.isascii():
        return text.lower()[:LONGEST_SORT_KEY]
    letters = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return plain.casefold()[:LONGEST_SORT_KEY]


class NormalMixin(models.Field[Any, str]):
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

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, f"django.db.models.{self.get_internal_type()}", args, kwargs


class NameField(NormalMixin, models.CharField[Any, str]):
    """A line of text."""


class ProseField(NormalMixin, models.TextField[Any, str]):
    """A text of any number of lines."""


class DerivedField(models.TextField[T, T]):
    """A column derived from another text field and written together with it.

    Compared by code points, so that both databases agree.
    """

    make: Callable[[str], str]

    def __init__(self, *, of: str | Sequence[str], **kwargs: Any) -> None:
        """Derive from the field `of`, or from several, each on a line."""
        super().__init__(**{**kwargs, "editable": False, "blank": True})
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

    def db_parameters(self, connection: Any) -> Any:
        """Return the column's type and collation."""
        parameters = super().db_parameters(connection)
        by_code_points = "C" if connection.vendor == "postgresql" else None
        return {**parameters, "collation": by_code_points}

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["editable"], kwargs["blank"]
        return name, path, args, {**kwargs, "of": self.of}


class FoldedField(DerivedField[str | None]):
    """The case-folded text, used by `search` and for unique names.

    Null in rows older than the column, until a migration fills it.
    """

    make = staticmethod(folded)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "null": True})


class SortField(DerivedField[str]):
    """A sort key."""

    make = staticmethod(sort_key)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"default": "", "db_default": "", **kwargs})


@FoldedField.register_lookup
class Holds(models.Lookup[Any]):
    """Whether a folded text contains another, ignoring case."""

    lookup_name = "holds"

    def get_prep_lookup(self) -> str:
        """Fold the search text."""
        return folded(str(self.rhs))

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return SQL without a pattern, which would take its time for some texts."""
        text, text_params = self.process_lhs(compiler, connection)
        part, part_params = self.process_rhs(compiler, connection)
        function = PLACE_IN_TEXT[connection.vendor]
        return f"{function}({text}, {part}) > 0", (*text_params, *part_params)


def derived_fields(model: type[models.Model]) -> Iterator[DerivedField[Any]]:
    """Yield the fields of a model that are made of others."""
    return (field for field in model._meta.concrete_fields if isinstance(field, DerivedField))


def derived_from(model: type[models.Model], names: AbstractSet[str]) -> set[str]:
    """Return the fields that have to be written with some others."""
    return {field.name for field in derived_fields(model) if not names.isdisjoint(field.sources)}


class DerivingMixin:
    """Base class of models with derived fields."""

    def clean(self) -> None:
        """Fill in derived fields, so that constraints can be validated."""
        super().clean()  # type: ignore[misc]
        for field in derived_fields(type(self)):  # type: ignore[arg-type]
            field.fill(self)  # type: ignore[arg-type]

    def save(self, *, update_fields: Iterable[str] | None = None, **kwargs: object) -> None:
        """Save, including fields derived from those saved."""
        if update_fields is not None:
            names = set(update_fields)
            update_fields = names | derived_from(type(self), names)  # type: ignore[arg-type]
        super().save(update_fields=update_fields, **kwargs)  # type: ignore[misc]
