"""Writing rows of an export into their table, past models: nothing is stamped, priced or noted."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

import orjson
from django.db import connection, models

from database.columns import column_of
from moving.columns import StoredColumn
from moving.kinds import Kind, Relation, is_of_permissions
from moving.rows import permission_names
from values.text import derived_fields


class NewRow(NamedTuple):
    """What goes into the columns of a table, and what each relation leads to."""

    key: object
    values: list[object]
    related: list[list[int]]


class TableWriter:
    """Reads lines of JSON, and inserts what they say into the table of a kind."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        stored = [field for field in kind.fields if not field.generated]
        places = {field.name: kind.fields.index(field) for field in stored}
        self._key = places[kind.model._meta.pk.name]
        self._columns = [(places[field.name], StoredColumn(field)) for field in stored]
        derived = [*derived_fields(kind.model)]
        self._derived = [(each.make, [places[name] for name in each.sources]) for each in derived]
        left_out = [column_of(kind.model, name) for name in kind.left_out]
        self._left_out = [*map(_maker, left_out, kind.left_out.values())]
        self._names = [
            *(str(field.column) for field in stored),
            *(str(field.column) for field in derived),
            *(str(field.column) for field in left_out),
        ]
        permissions = {name: pk for pk, name in permission_names().items()}
        self._relations = [
            (relation, permissions if is_of_permissions(relation) else None)
            for relation in kind.relations
        ]

    def read(self, line: bytes) -> NewRow:
        """Return the row of a line; ValueError with a sentence for what is none."""
        found = orjson.loads(line)
        if not isinstance(found, dict) or [*found] != self._kind.columns:
            raise ValueError("must be an object with the columns of the manifest, in their order")
        said, values = [*found.values()], []
        for place, column in self._columns:
            try:
                values.append(column.read(said[place]))
            except ValueError as error:
                raise ValueError(f"{column.name}: {error}") from error
        for make, places in self._derived:
            values.append(make("\n".join(said[place] or "" for place in places)))
        values += [make() for make in self._left_out]
        lists = said[len(self._kind.fields) :]
        related = [_ids(*each) for each in zip(self._relations, lists, strict=True)]
        return NewRow(said[self._key], values, related)

    def insert(self, rows: Sequence[NewRow]) -> None:
        """Insert rows, and what they are related to."""
        quote = connection.ops.quote_name
        into = f"{quote(self._kind.table)} ({', '.join(map(quote, self._names))})"
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                copying = cursor.copy(f"COPY {into} FROM STDIN")
                with connection.wrap_database_errors, copying as copy:
                    for row in rows:
                        copy.write_row(row.values)
            else:
                marks = ", ".join(["%s"] * len(self._names))
                values = map(attrgetter("values"), rows)
                cursor.executemany(f"INSERT INTO {into} VALUES ({marks})", [*values])
        for place, (relation, _) in enumerate(self._relations):
            _relate(relation, ((row.key, row.related[place]) for row in rows))


Related = tuple[Relation, dict[str, int] | None]


def _ids(related: Related, said: object) -> list[int]:
    """Return the ids that a row is related to; ValueError for a permission that is not here."""
    relation, permissions = related
    kind: type = str if permissions else int
    if not isinstance(said, list) or any(type(each) is not kind for each in said):
        raise ValueError(f"{relation.name}: must be a list of {'names' if permissions else 'ids'}")
    if permissions is None:
        return said
    if unknown := [name for name in said if name not in permissions]:
        raise ValueError(f"{relation.name}: there is no permission {unknown[0]} here")
    return [permissions[name] for name in said]


def _relate(relation: Relation, rows: Iterable[tuple[object, Iterable[int]]]) -> None:
    through: models.QuerySet[models.Model] = models.QuerySet(relation.remote_field.through)
    source, target = relation.m2m_column_name(), relation.m2m_reverse_name()
    through.bulk_create(
        through.model(**{source: key, target: other}) for key, others in rows for other in others
    )


def _maker(field: models.Field[object, object], given: object) -> Callable[[], object]:
    """Return what makes the value of a column that an export leaves out."""
    if callable(given):
        return lambda: field.get_db_prep_save(given(), connection)
    fixed = field.get_db_prep_save(given, connection)
    return lambda: fixed
