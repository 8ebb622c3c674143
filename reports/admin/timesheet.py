"""The timesheet of a week: people and days, those without an hour too."""

from dataclasses import dataclass
from datetime import date
from typing import Self
from zoneinfo import ZoneInfo

from reports.admin.periods import DAY
from reports.local_dates import week_name
from reports.queries import DAYS_A_WEEK, UserWeek, week_of, weeks_by_user
from reports.totals import Totals, total_of
from timeentries.models import TimeEntry
from users.models import User
from values.folding import sort_key

WORKING_DAYS = 5
FIRST, LAST = date(1970, 1, 12), date(2200, 12, 1)


@dataclass(frozen=True)
class Cell:
    """A user's time on a day; a gap is a past working day without entries."""

    day: date
    seconds: int
    gap: bool
    query: str


@dataclass(frozen=True)
class Line:
    """A person's week."""

    name: str
    cells: list[Cell]
    totals: Totals

    @property
    def seconds(self) -> int:
        """The time of the week."""
        return self.totals.seconds


@dataclass(frozen=True)
class Timesheet:
    """A week of everybody."""

    name: str
    zone: str
    days: list[date]
    lines: list[Line]
    totals: list[int]
    whole: Totals
    previous: date
    next: date

    @property
    def seconds(self) -> int:
        """The time of everybody."""
        return self.whole.seconds

    @classmethod
    def of(cls, day: date, today: date, zone: ZoneInfo, *, amounts: bool) -> Self:
        """Return the week of a day, with two queries: active users, and all who worked."""
        days = week_of(min(max(day, FIRST), LAST))
        users = {user.pk: user for user in User.objects.all()}
        people = {pk: UserWeek(pk, "") for pk, user in users.items() if user.is_active}
        people |= {
            week.user_id: week for week in weeks_by_user(TimeEntry.objects.all(), days, zone)
        }
        for pk, week in people.items():
            week.user_name = users[pk].get_full_name() or users[pk].username
            if not amounts:
                week.totals.amounts.clear()
        weeks = sorted(people.values(), key=lambda week: sort_key(week.user_name))
        totals = [sum(column) for column in zip(*(week.seconds for week in weeks), strict=True)]
        return cls(
            name=week_name(days[0]),
            zone=zone.key,
            days=days,
            lines=[_line(week, days, today) for week in weeks],
            totals=totals,
            whole=total_of(week.totals for week in weeks),
            previous=days[0] - DAYS_A_WEEK * DAY,
            next=days[0] + DAYS_A_WEEK * DAY,
        )


def _line(week: UserWeek, days: list[date], today: date) -> Line:
    cells = [
        Cell(
            day,
            seconds,
            gap=not seconds and day.weekday() < WORKING_DAYS and day < today,
            query=f"user={week.user_id}&start={day}&end={day}",
        )
        for day, seconds in zip(days, week.seconds, strict=True)
    ]
    return Line(week.user_name, cells, week.totals)
