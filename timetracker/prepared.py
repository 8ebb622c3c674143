"""Queries that are asked with every request, compiled once instead of each time."""

import threading
from typing import Any, Generic, TypeVar

from django.db import connections, models
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=models.Model)


class PreparedGet(Generic[M]):
    """`queryset.filter(<field>=value).first()` for a unique field, at half of its cost.

    `example` is a value of the field, of any row or none.
    Nothing of the answer is kept: each call asks the database.
    """

    def __init__(
        self, queryset: models.QuerySet[M], field: str, *, example: Any = "a value"
    ) -> None:
        self._queryset, self._field, self._example = queryset, field, example
        self._of_thread = threading.local()  # a compiler belongs to its thread's connection

    def __call__(self, value: Any) -> M | None:
        """Return the row with the value, if there is one."""
        compiler, sql = self._compiled()
        with compiler.connection.cursor() as cursor:
            cursor.execute(sql, [value])
            rows = cursor.fetchall()
        return next((self._instance(compiler, row) for row in compiler.results_iter([rows])), None)

    def _compiled(self) -> tuple[Any, str]:
        if not hasattr(self._of_thread, "compiled"):
            query = self._queryset.order_by().filter(**{self._field: self._example}).query
            compiler = query.get_compiler(connection=connections[self._queryset.db])
            self._of_thread.compiled = compiler, compiler.as_sql()[0]
        compiled: tuple[Any, str] = self._of_thread.compiled
        return compiled

    def _instance(self, compiler: Any, row: Any) -> M:
        """Return the model instance of a row and its related ones, as Django's ModelIterable."""
        info, database = compiler.klass_info, self._queryset.db
        places = info["select_fields"]
        names = [compiler.select[place][0].target.attname for place in places]
        instance: M = info["model"].from_db(database, names, [row[place] for place in places])
        populators = get_related_populators(info, compiler.select, database)  # type: ignore[call-arg]
        for populator in populators:
            populator.populate(row, instance)
        return instance
