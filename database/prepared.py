"""Queries that are asked with every request, compiled once instead of each time.

To compile a query takes Django longer than the database to answer it. Nothing of an answer is
kept: each call asks the database.
"""

import operator
import threading
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections, models
from django.db.models.expressions import RawSQL
from django.db.models.query import get_related_populators
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=models.Model)
Row = Sequence[object]

MOST_SHAPES = 100  # of conditions, kept by a thread
LIMITS = "/* limits */"

# Attributes of a query: those that are part of a shape, and those that no query may have.
ORDER = operator.attrgetter("order_by", "default_ordering", "standard_ordering")
LOCK = operator.attrgetter(
    "select_for_update",
    "select_for_update_nowait",
    "select_for_update_skip_locked",
    "select_for_no_key_update",
)
REFUSED = (
    "combinator",
    "distinct",
    "extra",
    "extra_order_by",
    "extra_tables",
    "group_by",
    "select_for_update_of",
    "_filtered_relations",
)
MORE = operator.attrgetter(*REFUSED)


class _Compiled:
    """The SQL of a query, for the thread to whose connection its compiler belongs."""

    def __init__(self, query: Query, database: str) -> None:
        self.compiler = query.get_compiler(connection=connections[database])
        self.sql, self.params = self.compiler.as_sql()
        columns = [column for column, *_ in self.compiler.select]
        self._converters = self.compiler.get_converters(columns)

    def rows(self, params: Sequence[object], limits: str = "") -> list[Row]:
        """Return the rows as Django has them."""
        with self.compiler.connection.cursor() as cursor:
            cursor.execute(self.sql.replace(LIMITS, limits), params)
            rows: list[Row] = cursor.fetchall()
        if self._converters:
            rows = list(self.compiler.apply_converters(rows, self._converters))
        return rows


class PreparedGet(Generic[M]):
    """`queryset.filter(<field>=value).first()` for a unique field, at a third of its cost.

    `example` is a value of the field, of any row or none. For `<field>__in` it is a tuple, and
    each call takes as many values.
    """

    def __init__(
        self, queryset: models.QuerySet[M], field: str, *, example: object = "a value"
    ) -> None:
        self._queryset, self._field, self._example = queryset, field, example
        self._of_thread = threading.local()

    def __call__(self, *values: object) -> M | None:
        """Return the row with the value, or one of the values, if there is one."""
        database = self._queryset.db
        compiled: _Compiled | None = self._of_thread.__dict__.get(database)
        if compiled is None:
            query = self._queryset.order_by().filter(**{self._field: self._example}).query
            compiled = self._of_thread.__dict__[database] = _Compiled(query, database)
        rows = compiled.rows(values)
        return self._instance(compiled.compiler, rows[0], database) if rows else None

    def _instance(self, compiler: SQLCompiler, row: Row, database: str) -> M:
        """Return the model instance of a row and its related ones, as Django's ModelIterable."""
        info = compiler.klass_info
        places = info["select_fields"]
        names = [compiler.select[place][0].target.attname for place in places]
        instance: M = info["model"].from_db(database, names, [row[place] for place in places])
        populators = get_related_populators(info, compiler.select, database)  # type: ignore[call-arg]
        for populator in populators:
            populator.populate(row, instance)
        for name, place in compiler.annotation_col_map.items():
            setattr(instance, name, row[place])
        return instance


class PreparedRows:
    """`queryset.values_list(*columns)`, compiled once for each shape of its conditions.

    For querysets that differ in their model, conditions, order, slice and lock. Only the
    conditions are compiled each time: they alone may have parameters and use annotations. Whatever
    else a query has, and a join that would repeat rows, is refused.

    On PostgreSQL a slice is found by keys, and only its rows are joined: it plans a prepared query
    without its values, takes any range for a small one, and would join and sort all of it.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        """Take the columns, each named as in a lookup."""
        self._columns = columns
        self._of_thread = threading.local()

    def __call__(self, queryset: models.QuerySet[models.Model, object]) -> list[Sequence[object]]:
        query = queryset.query
        connection = connections[queryset.db]
        try:
            conditions, params = query.get_compiler(connection=connection).compile(query.where)
        except EmptyResultSet:
            return []
        except FullResultSet:
            conditions, params = "", []
        compiled = self._compiled(queryset, conditions)
        if len(compiled.params) != len(params):
            raise ValueError(f"Only its conditions may have parameters: {compiled.sql}")
        limits = connection.ops.limit_offset_sql(query.low_mark, query.high_mark)
        return compiled.rows(params, limits)

    def _compiled(
        self, queryset: models.QuerySet[models.Model, object], conditions: str
    ) -> _Compiled:
        """Return the compiled query of the same shape, from this thread's cache."""
        query = queryset.query
        if any(MORE(query)):
            more = ", ".join(name for name in REFUSED if getattr(query, name))
            raise ValueError(f"Only conditions, an order, a slice and a lock, not: {more}")
        joins = tuple(query.alias_map.values())  # inner or outer: that follows from conditions
        asked = queryset.db, query.model, joins, conditions
        shape = asked, query.is_sliced, ORDER(query), LOCK(query)
        shapes: dict[object, _Compiled] = self._of_thread.__dict__.setdefault("shapes", {})
        if shape not in shapes:
            if len(shapes) == MOST_SHAPES:
                shapes.clear()
            shapes[shape] = self._compile(queryset, joins)
        return shapes[shape]

    def _compile(
        self, queryset: models.QuerySet[models.Model, object], joins: tuple[Any, ...]
    ) -> _Compiled:
        """Compile a query for all querysets of one shape."""
        is_sliced = queryset.query.is_sliced
        by_keys = is_sliced and connections[queryset.db].vendor == "postgresql"
        compiled = self._by_keys(queryset) if by_keys else self._plain(queryset)
        joins += tuple(compiled.compiler.query.alias_map.values())
        if any(join.join_type and join.join_field.one_to_many for join in joins):
            raise ValueError(f"A join may not repeat a row: {compiled.sql}")
        return compiled

    def _plain(self, queryset: models.QuerySet[models.Model, object]) -> _Compiled:
        compiled = _Compiled(_all_of(queryset, *self._columns), queryset.db)
        compiled.sql += f" {LIMITS}"
        return compiled

    def _by_keys(self, queryset: models.QuerySet[models.Model, object]) -> _Compiled:
        found = _all_of(queryset, "pk")
        keys, params = found.get_compiler(queryset.db).as_sql()
        meta = queryset.model._meta
        is_on_page = RawSQL(  # noqa: S611 - the SQL is Django's
            f'"{meta.db_table}"."{meta.pk.column}" IN ({keys} {LIMITS})',
            params,
            models.BooleanField(),
        )
        rows = queryset.model._default_manager.filter(is_on_page).values_list(*self._columns)
        query = rows.query
        query.order_by, query.default_ordering, query.standard_ordering = ORDER(found)
        return _Compiled(query, queryset.db)


def _all_of(queryset: models.QuerySet[models.Model, object], *columns: str) -> Query:
    """Return the query for columns of the rows that all slices are of.

    Without annotations, which are not part of a shape.
    """
    queryset = queryset.all()
    queryset.query.annotations = {}
    query = queryset.values_list(*columns).query
    query.clear_limits()
    return query
