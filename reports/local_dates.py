"""Local days, weeks and months of instants, by the rules of one source: Python's zoneinfo.

PostgreSQL has zones of its own, perhaps of another year, and SQLite has none. So the database
is told the few offsets that hold within the range of a report.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.db.models import Case, DateField, Func, IntegerField, Value, When
from django.db.models.sql.compiler import SQLCompiler

Unit = Literal["day", "week", "month"]
Sql = tuple[str, list[Any]]

DAY = timedelta(days=1)
# Sunday on or after the date, six days back: the Monday of its week.
SQLITE_UNITS = {"day": "", "week": ", 'weekday 0', '-6 days'", "month": ", 'start of month'"}


class LocalDate(Func):
    """The local day of an instant, the Monday of its week or the first of its month."""

    output_field = DateField()

    def __init__(self, instant: str, offset: Any, unit: Unit) -> None:
        super().__init__(instant, offset)
        self.unit = unit

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **_: Any) -> Sql:
        """Return PostgreSQL's expression."""
        instant, offset, params = self._compiled(compiler)
        shifted = f"({instant} AT TIME ZONE 'UTC') + ({offset})::integer * INTERVAL '1 second'"
        return f"DATE_TRUNC('{self.unit}', {shifted})::date", params

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **_: Any) -> Any:
        """Return SQLite's expression; a fraction of a second could be rounded up to a day."""
        instant, offset, params = self._compiled(compiler)
        shift = f"({offset}) || ' seconds'"
        return f"DATE(SUBSTR({instant}, 1, 19), {shift}{SQLITE_UNITS[self.unit]})", params

    def _compiled(self, compiler: SQLCompiler) -> tuple[str, str, list[Any]]:
        (instant, before), (offset, after) = map(compiler.compile, self.get_source_expressions())
        return instant, offset, [*before, *after]


def local_date(
    column: str, unit: Unit, first: datetime, end: datetime, zone: ZoneInfo
) -> LocalDate:
    """Return the local date of a column whose instants lie from `first` to before `end`."""
    *changes, last = offsets(first, end, zone)
    whens = [When(**{f"{column}__lt": until}, then=Value(seconds)) for until, seconds in changes]
    offset = Case(*whens, default=Value(last[1]), output_field=IntegerField())
    return LocalDate(column, offset if whens else Value(last[1]), unit)


def offsets(first: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, int]]:
    """Yield each offset from UTC in seconds that holds in a range, and the instant it ends."""
    at = first.astimezone(UTC)
    while at < end:
        then = min(at + DAY, end.astimezone(UTC))
        if _offset(then, zone) != _offset(at, zone):
            change = _change(at, then, zone)
            yield change, _offset(at, zone)
            at = change
        else:
            at = then
    yield end, _offset(end - timedelta(microseconds=1), zone)


def week_name(monday: date) -> str:
    """Return a week as ISO 8601 writes it: `2024-W03`."""
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"


def _offset(instant: datetime, zone: ZoneInfo) -> int:
    offset = instant.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second with another offset; zones change at whole seconds of UTC."""
    old = _offset(before, zone)
    low, high = int(before.timestamp()), -int(-after.timestamp() // 1)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, UTC), zone) == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
