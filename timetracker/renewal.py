"""What a migration does when the rules of `timetracker.text` are new, or change."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.db import models
from django.utils import timezone

from timetracker.text import derived_fields, folded, normal

BATCH = 200


def renew(
    model: type[models.Model],
    *texts: str,
    but: Sequence[str] = (),
    as_they_are: Collection[int] = (),
) -> None:
    """Bring texts into normal form, and derive what is made of texts, `but` for some fields.

    The names of some rows stay `as_they_are`.

    A row that shows another text than before has a new version, so that copies are renewed.
    """
    derived = [field for field in derived_fields(model) if field.name not in but]
    columns = {*texts, *(field.of for field in derived), *(field.name for field in derived)}

    def texts_of(row: Any) -> list[str]:
        return [name for name in texts if not (name == "name" and row.pk in as_they_are)]

    written = ("version", "updated_at")
    for rows in _batches(model._default_manager.only(*written, *columns)):
        changed = [row for row in rows if _renewed(row, texts_of(row), derived)]
        for row in (row for row in changed if row.pk in as_they_are):
            model._default_manager.bulk_update([row], [*columns - {"name"}, *written])
        others = [row for row in changed if row.pk not in as_they_are]
        model._default_manager.bulk_update(others, [*columns, *written])


def renew_keys(rows: models.QuerySet[Any, Any], *within: str) -> None:
    """Fold the names that may be there only once within other columns, whatever they are.

    Where that makes two the same, the older row has the key. The other keeps its name, and its
    key has its id behind it until the name is changed.
    """
    every = rows.model._default_manager
    keys = _keys(rows, within)
    for some in _parts([*keys]):  # first out of each other's way
        every.filter(pk__in=some).update(folded_name=None)
    for some in _parts([*keys]):
        changed = [rows.model(pk=pk, folded_name=keys[pk]) for pk in some]
        every.bulk_update(changed, ["folded_name"])


def names_in_the_way(rows: models.QuerySet[Any, Any], *within: str) -> set[int]:
    """Return the ids of rows that cannot have their name in normal form: another has it.

    They keep it as it is stored until it is changed. It is the younger row that does, unless the
    older is not in normal form and the younger is.
    """
    names = rows.order_by("pk").values_list("pk", "name", *within)
    taken: set[Any] = set()
    kept = set()
    for pk, name, *others in sorted(names, key=lambda row: normal(row[1]) != row[1]):
        if (normal(name), *others) in taken:
            kept.add(pk)
        taken.add((normal(name), *others))
    return kept


def _keys(rows: models.QuerySet[Any, Any], within: Sequence[str]) -> dict[int, str]:
    """Return the keys that differ from what is stored, by the ids of their rows."""
    taken, keys = set(), {}
    columns = rows.order_by("pk").values_list("pk", "name", "folded_name", *within)
    for pk, name, stored, *others in columns:
        key = folded(name)
        if (key, *others) in taken:
            key = f"{key}\x1f{pk}"
        taken.add((key, *others))
        if key != stored:
            keys[pk] = key
    return keys


def _renewed(row: Any, texts: Sequence[str], derived: Sequence[Any]) -> bool:
    """Bring a row up to date; return whether that changed anything."""
    before = dict(row.__dict__)
    for name in texts:
        setattr(row, name, normal(getattr(row, name)))
    if row.__dict__ != before:
        row.version += 1
        row.updated_at = max(row.updated_at, timezone.now())
    for field in derived:
        field.fill(row)
    return bool(row.__dict__ != before)


def _batches(rows: models.QuerySet[Any, Any]) -> Iterator[list[Any]]:
    last = 0
    while some := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield some
        last = some[-1].pk


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[first : first + BATCH] for first in range(0, len(ids), BATCH))
