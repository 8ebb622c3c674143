"""Filters of reports."""

from datetime import date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from api.filters.base import ChoiceOption, ChoicesOption, DayOption, ZoneFilter
from reports.groups import LEVELS, MOST_LEVELS
from reports.queries import week_of
from timeentries.filters import OwnEntriesFilterSet
from timeentries.models import TimeEntry, TimeEntryQuerySet
from values.instants import Span, span_of_day
from values.wall_clock import zone_names

DEFAULT_DAYS = 30
FORMATS = ("json", "csv", "xlsx")


class ReportFilter(OwnEntriesFilterSet):
    """Filters of every report; the last 30 local days unless dates are given."""

    timezone = ZoneFilter(
        help_text="IANA name of the time zone for dates; the token user's by default."
    )
    format = ChoiceOption(
        FORMATS, help_text="`json` by default; `csv` and `xlsx` are file downloads."
    )
    now: datetime

    class Meta:
        model = TimeEntry
        fields: list[str] = []

    @property
    def entries(self) -> TimeEntryQuerySet:
        """The entries that match."""
        return cast("TimeEntryQuerySet", self.qs)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the report: the one asked for, or the user's."""
        name = (self.data or {}).get("timezone", "")
        return ZoneInfo(name) if name in zone_names() else self.user.zone

    @property
    def today(self) -> date:
        """The local day on which the report is asked for."""
        return self.now.astimezone(self.zone).date()

    @property
    def file_format(self) -> str:
        """The format of the answer."""
        return self.form.cleaned_data.get("format") or "json"

    @property
    def reversed_range(self) -> str:
        """Say which day the end is if nobody gave it."""
        sentence = super().reversed_range
        given = self.form.cleaned_data.get("end_date")
        return sentence if given else f"{sentence[:-1]}, which defaults to today."

    def date_range(self) -> tuple[Span, Span]:
        """Return the bounds: given ones, or the 30 days that end with the given end or today."""
        start, end = super().date_range()
        end = end or span_of_day(self.today, self.zone)
        first_day = end.last.astimezone(self.zone).date() - timedelta(days=DEFAULT_DAYS - 1)
        return start or span_of_day(first_day, self.zone), end


class SummaryFilter(ReportFilter):
    """Filters of `GET /reports/summary`, including `group_by`."""

    group_by = ChoicesOption(
        LEVELS,
        at_most=MOST_LEVELS,
        help_text=f"Up to {MOST_LEVELS} of {', '.join(LEVELS)}, separated by commas.",
    )

    @property
    def levels(self) -> list[str]:
        """The levels to group by, outermost first."""
        return self.form.cleaned_data.get("group_by") or []


class WeeklyFilter(ReportFilter):
    """Filters of `GET /reports/weekly`, whose dates are those of a week."""

    start_date = end_date = None  # type: ignore[assignment] # neither can be asked for
    week = DayOption(help_text="Any date in the week (Monday to Sunday); today by default.")

    @property
    def days(self) -> list[date]:
        """The seven days of the week."""
        return week_of(self.form.cleaned_data.get("week") or self.today)

    def date_range(self) -> tuple[Span, Span]:
        """Return the bounds: the week's Monday and Sunday."""
        return span_of_day(self.days[0], self.zone), span_of_day(self.days[-1], self.zone)
