"""Local days, weeks and months of instants, by the rules of one source: Python's zoneinfo.

PostgreSQL has zones of its own, perhaps of another year, and SQLite has none. So the database
gets the few offsets that apply within the range of a report.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateField, Func, IntegerField
from django.db.models.sql.compiler import SQLCompiler

Unit = Literal["day", "week", "month"]
Params = tuple[str | int, ...]
Sql = tuple[str, Params]
Change = tuple[datetime, int]  # when an offset from UTC ends, and its seconds

DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)
# Sunday on or after the date, six days back: the Monday of its week.
SQLITE_UNITS = {"day": "", "week": ", 'weekday 0', '-6 days'", "month": ", 'start of month'"}


class LocalDate(Func):
    """The local day of an instant, the Monday of its week or the first of its month."""

    output_field = DateField()

    def __init__(self, instant: str, offset: object, unit: Unit) -> None:
        super().__init__(instant, offset)
        self.unit = unit

    def as_postgresql(self, compiler: SQLCompiler, connection: object, **_: object) -> Sql:
        """Return PostgreSQL's expression."""
        instant, offset, params = self._compiled(compiler)
        shifted = f"({instant} AT TIME ZONE 'UTC') + ({offset})::integer * INTERVAL '1 second'"
        return f"DATE_TRUNC('{self.unit}', {shifted})::date", params

    def as_sqlite(self, compiler: SQLCompiler, connection: object, **_: object) -> Sql:
        """Return SQLite's expression; a fraction of a second could be rounded up to a day."""
        instant, offset, params = self._compiled(compiler)
        shift = f"({offset}) || ' seconds'"
        return f"DATE(SUBSTR({instant}, 1, 19), {shift}{SQLITE_UNITS[self.unit]})", params

    def _compiled(self, compiler: SQLCompiler) -> tuple[str, str, Params]:
        (instant, before), (offset, after) = map(compiler.compile, self.get_source_expressions())
        return instant, offset, (*before, *after)


class LocalOffset(Func):
    """The offset of an instant from UTC in seconds, found among those of a range by halving."""

    output_field = IntegerField()

    def __init__(self, instant: str, changes: tuple[Change, ...], last: int) -> None:
        """Take each instant at which an offset ends, with that offset, and the last offset."""
        super().__init__(instant)
        self.changes, self.last = changes, last

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *_: object, **__: object
    ) -> Sql:
        """Return nested CASEs: for 460 changes nine comparisons a row."""
        [instant] = self.get_source_expressions()
        sql, params = compiler.compile(instant)
        stored = connection.ops.adapt_datetimefield_value
        return self._among(0, len(self.changes), sql, params, stored)

    def _among(
        self,
        first: int,
        end: int,
        instant: str,
        params: Params,
        stored: Callable[[datetime], Any],
    ) -> Sql:
        if first == end:
            known = first < len(self.changes)
            return str(self.changes[first][1] if known else self.last), ()
        middle = (first + end) // 2
        before, its = self._among(first, middle, instant, params, stored)
        after, others = self._among(middle + 1, end, instant, params, stored)
        sql = f"CASE WHEN {instant} < %s THEN {before} ELSE {after} END"
        return sql, (*params, stored(self.changes[middle][0]), *its, *others)


def local_date(
    column: str, unit: Unit, first: datetime, end: datetime, zone: ZoneInfo
) -> LocalDate:
    """Return the local date of a column whose instants lie from `first` to before `end`.

    A day begins with its first instant. Where clocks go back over midnight (St John's 2010-11-07),
    the hour before it comes a second time: it counts to the day that has begun.
    """
    *changes, (_, last) = _days_in_order(list(offsets(first - DAY, end, zone)))
    return LocalDate(column, LocalOffset(column, tuple(changes), last), unit)


def offsets(first: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Change]:
    """Yield each offset from UTC in seconds that holds in a range, and the instant it ends."""
    for year in range(first.astimezone(UTC).year, end.astimezone(UTC).year + 1):
        for change, offset in _changes(year, zone.key):
            if first < change < end:
                yield change, offset
    yield end, _offset(end - timedelta(microseconds=1), zone)


@lru_cache(maxsize=20_000)
def _changes(year: int, key: str) -> Sequence[Change]:
    """Return the changes of a year; to look for them day by day takes a third of a millisecond."""
    zone, changes = ZoneInfo(key), []
    at = datetime(year, 1, 1, tzinfo=UTC)
    offset = _offset(at, zone)
    while at.year == year:
        then = at + DAY
        if (other := _offset(then, zone)) != offset:
            changes.append((_change(at, then, zone), offset))
        at, offset = then, other
    return changes


def _days_in_order(spans: Sequence[Change]) -> Iterator[Change]:
    """Yield the spans, each until the new clock is past a midnight that it shows again."""
    for (until, old), (_, new) in pairwise(spans):
        day = (until - MICROSECOND + timedelta(seconds=old)).date()  # the last by the old clock
        begins = datetime.combine(day, time.min, UTC) - timedelta(seconds=new)
        yield max(until, begins), old
    yield spans[-1]


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
