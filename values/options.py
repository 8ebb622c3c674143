"""The keyword arguments of Django that our fields and models pass on."""

from collections.abc import Callable, Iterable, Sequence
from typing import Required, TypedDict

from django.db.models.base import ModelBase
from django_stubs_ext import StrOrPromise


class SaveOptions(TypedDict, total=False):
    """Those of `Model.save` beside `update_fields`."""

    force_insert: bool | tuple[ModelBase, ...]
    force_update: bool
    using: str | None


class ConstraintOptions(TypedDict, total=False):
    """Those of every constraint."""

    name: Required[str]
    violation_error_code: str
    violation_error_message: str


class FieldOptions(TypedDict, total=False):
    """Those of a model's text fields that we use; migrations and copies pass on the others."""

    max_length: int | None
    null: bool
    blank: bool
    default: object
    db_default: str
    choices: Iterable[tuple[str, str]]
    validators: Iterable[Callable[[str], None]]
    editable: bool
    help_text: StrOrPromise


# What `Field.deconstruct` returns: a name, the path of the class, and its arguments.
Deconstructed = tuple[str, str, Sequence[object], dict[str, object]]
