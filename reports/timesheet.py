"""The timesheet of a week: people and days, those without an hour too."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from reports.groups import Group, grouped
from reports.local_dates import week_name
from reports.periods import DAY, of_unit
from timeentries.models import TimeEntry
from timetracker.api.instants import span_of_day
from users.models import User

WORKING_DAYS = 5
FIRST, LAST = date(1970, 1, 12), date(2200, 12, 1)


@dataclass(frozen=True)
class Cell:
    """What a person worked on a day; a gap is a working day in the past without anything."""

    day: date
    seconds: int
    gap: bool
    query: str


@dataclass(frozen=True)
class Line:
    """A person's week."""

    name: str
    cells: list[Cell]
    seconds: int


@dataclass(frozen=True)
class Timesheet:
    """A week of everybody."""

    name: str
    zone: str
    days: list[date]
    lines: list[Line]
    totals: list[int]
    seconds: int
    previous: date
    next: date

    @classmethod
    def of(cls, day: date, today: date, zone: ZoneInfo) -> Self:
        """Return the week of a day in two queries: active people, and whoever worked."""
        monday, sunday = of_unit("week", min(max(day, FIRST), LAST))
        days = [monday + number * DAY for number in range(7)]
        first, end = span_of_day(monday, zone).first, span_of_day(sunday, zone).end
        entries = TimeEntry.objects.filter(start_time__gte=first, start_time__lt=end)
        whole = grouped(entries, ["user", "day"], first, end, zone)
        active = User.objects.filter(is_active=True).values_list("pk", "username")
        people = {pk: Group(pk, name) for pk, name in active} | whole.children
        lines = [
            Line(person.name, [_cell(person, each, today) for each in days], person.seconds)
            for person in sorted(people.values(), key=lambda person: person.name.casefold())
        ]
        totals = [sum(line.cells[number].seconds for line in lines) for number in range(7)]
        name, weeks = week_name(monday), timedelta(weeks=1)
        around = monday - weeks, monday + weeks
        return cls(name, zone.key, days, lines, totals, whole.seconds, *around)


def _cell(person: Group, day: date, today: date) -> Cell:
    of_day = person.children.get(day.isoformat())
    seconds = of_day.seconds if of_day else 0
    gap = not seconds and day.weekday() < WORKING_DAYS and day < today
    return Cell(day, seconds, gap, f"user={person.key}&start={day}&end={day}")
