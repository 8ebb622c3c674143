"""Times of the original, which stores them without a zone."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from values.wall_clock import EARLIEST, LATEST

DAY = timedelta(days=1)
# Local times that are of the years we know in every time zone.
FIRST, END = (EARLIEST + DAY).replace(tzinfo=None), (LATEST - DAY).replace(tzinfo=None)


class EntrySpan(NamedTuple):
    """The UTC instants of a start and an end."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """The whole seconds between them."""
        return (self.end - self.start) // timedelta(seconds=1)


class OriginalClock:
    """The time zone in which the original wrote the local times of tasks and time entries."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        # Of a million entries, only those on days with a change of the clock need a closer look.
        self._offset = cache(self._offset_of)

    def instants(self, local: datetime) -> list[datetime]:
        """Return the instant of a local time, the first one first if it is one of two.

        A time that the clocks skip is one of two as well: by the clock of before, or of after.
        """
        offset = self._offset(local.date())
        if offset is not None:
            return [(local - offset).replace(tzinfo=UTC)]
        both = [local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        return [*dict.fromkeys(both)]

    def instant(self, local: datetime) -> datetime:
        """Return the instant of a local time; the first of two."""
        return self.instants(local)[0]

    def read(self, stored: object) -> datetime | None:
        """Return the instant of a stored local time; None for what is none."""
        local = local_time(stored)
        return local and self.instant(local)

    def span(self, start: datetime, end: datetime, seconds: int) -> EntrySpan:
        """Return the instants of an entry that lasted about so many seconds, breaks included.

        Where a time is one of two, those count that come nearest, and of two pairs as near the
        first; but an entry ends after it starts, if that is possible.
        """
        spans = [EntrySpan(s, e) for s in self.instants(start) for e in self.instants(end)]
        if len(spans) == 1:
            return spans[0]
        return min(spans, key=lambda span: (span.seconds <= 0, abs(span.seconds - seconds)))

    def _offset_of(self, day: date) -> timedelta | None:
        """Return what a whole local day, and an hour around it, is ahead of UTC; else None."""
        around = datetime.combine(day, time.min)
        hours = (around + timedelta(hours=hour) for hour in range(-1, 26))
        offsets = {
            hour.replace(tzinfo=self.zone, fold=fold).utcoffset()
            for hour in hours
            for fold in (0, 1)
        }
        return offsets.pop() if len(offsets) == 1 else None


def local_time(stored: object) -> datetime | None:
    """Return a stored local time; None for what is none, or of years that we do not know."""
    if isinstance(stored, str):
        try:
            stored = datetime.fromisoformat(stored)
        except ValueError:
            return None
    if not isinstance(stored, datetime):
        return None
    local = stored.replace(tzinfo=None) if stored.tzinfo else stored
    return local if FIRST <= local < END else None


def utc_time(stored: object) -> datetime | None:
    """Return an instant that is stored in UTC."""
    local = local_time(stored)
    return local and local.replace(tzinfo=UTC)
