"""Hours by day, week or month, or by the groups of a report, as a chart of bars."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Self

from reports.admin.periods import DAY, of_unit
from reports.groups import Group
from reports.local_dates import week_name
from reports.templatetags.durations import hours, percent_of
from staff.charts import BarChart, RowChart
from values import instants

MOST_BARS = {"day": 366, "week": 4 * 366}  # in days
MOST_GROUPS = 10  # "Other" is one of them
NICE = (1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 30, 40, 50, 60, 80)


@dataclass(frozen=True)
class HoursChart:
    """The days, weeks or months of a range, empty ones too, billable time below."""

    unit: str
    groups: list[Group]
    top: int  # in hours

    @classmethod
    def of(cls, whole: Group, unit: str, first: date, last: date) -> Self:
        """Return the chart of groups by a unit."""
        most = max((group.seconds for group in whole.children.values()), default=0)
        groups = [
            whole.children.get(key) or Group(key, name) for key, name in _units(unit, first, last)
        ]
        return cls(unit, groups, _nice(most))

    @property
    def bars(self) -> BarChart:
        """Return the bars."""
        return BarChart.of(map(_bar, self.groups), self.top * 3600)

    @property
    def half(self) -> float | int:
        """Return the hours of the line in the middle."""
        return self.top // 2 if self.top % 2 == 0 else self.top / 2

    @property
    def most(self) -> float:
        """Return the hours of the highest bar."""
        return instants.hours(max((group.seconds for group in self.groups), default=0))


def _bar(group: Group) -> tuple[str, str, dict[str, int]]:
    billable = group.billable_seconds
    title = f"{group.name}: {hours(group.seconds)} h, {hours(billable)} h billable"
    return group.name, title, {"billable": billable, "other": group.seconds - billable}


@dataclass(frozen=True)
class GroupsChart:
    """The groups with most time, and the rest as one; billable time on the left."""

    groups: list[Group]
    whole: Group

    @classmethod
    def of(cls, whole: Group) -> Self:
        """Return the chart of the outermost groups."""
        groups = sorted(whole.children.values(), key=lambda group: -group.seconds)
        if len(groups) > MOST_GROUPS:
            rest = groups[MOST_GROUPS - 1 :]
            groups = [*groups[: MOST_GROUPS - 1], _other(rest)]
        return cls(groups, whole)

    @property
    def rows(self) -> RowChart:
        """Return the bars."""
        top = max((group.seconds for group in self.groups), default=0)
        return RowChart.of(map(self._row, self.groups), top)

    def _row(self, group: Group) -> tuple[str, str, str, dict[str, int]]:
        name, title, amounts = _bar(group)
        share = percent_of(group.seconds, self.whole.seconds)
        return name, title, f"{hours(group.seconds)} h, {share}", amounts


def _other(rest: list[Group]) -> Group:
    other = Group(None, f"Other ({len(rest)})")
    for group in rest:
        other.include(group)
    return other


def unit_of(first: date, last: date) -> str:
    """Return the unit of a bar: a day, or in long ranges a week or month."""
    days = (last - first).days + 1
    return next((unit for unit, most in MOST_BARS.items() if days <= most), "month")


def _units(unit: str, first: date, last: date) -> Iterator[tuple[str, str]]:
    day = of_unit(unit, first)[0]
    while day <= last:
        key = f"{day:%Y-%m}" if unit == "month" else day.isoformat()
        yield key, week_name(day) if unit == "week" else key
        day = of_unit(unit, day)[1] + DAY


def _nice(seconds: int) -> int:
    """Return the hours at the top of the axis, a round number."""
    ten = 1
    while True:
        for number in NICE:
            if number * ten * 3600 >= seconds:
                return number * ten
        ten *= 10
