"""What a report can be about."""

from datetime import datetime, timedelta

from timeentries.filters import OwnEntriesFilterSet
from timeentries.models import TimeEntry
from timetracker.api.instants import Span, span_of_day

DEFAULT_DAYS = 30


class SummaryFilter(OwnEntriesFilterSet):
    """Filters of `GET /reports/summary`; the last 30 local days unless dates are given."""

    now: datetime

    class Meta:
        model = TimeEntry
        fields: list[str] = []

    def date_range(self) -> tuple[Span, Span]:
        """Return the bounds: given ones, or the 30 days that end with the given end or today."""
        start, end = super().date_range()
        zone = self.user.zone
        end = end or span_of_day(self.now.astimezone(zone).date(), zone)
        first_day = end.last.astimezone(zone).date() - timedelta(days=DEFAULT_DAYS - 1)
        return start or span_of_day(first_day, zone), end
