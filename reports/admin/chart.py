"""Hours by day as bars of an SVG, made on the server: nothing to load and nothing to run."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Self

from reports.admin.periods import DAY, of_unit
from reports.groups import Group
from reports.local_dates import week_name
from values.instants import hours

HEIGHT = 100  # its own units: the page stretches it
STEP = 10
MOST_BARS = {"day": 366, "week": 4 * 366}  # in days
NICE = (1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 30, 40, 50, 60, 80)


@dataclass(frozen=True)
class Bar:
    """A day, week or month, billable time below."""

    name: str
    x: int
    seconds: int
    billable_seconds: int
    top: int  # in seconds, of the whole chart

    @property
    def height(self) -> float:
        """Return the height of the whole bar."""
        return round(self.seconds * HEIGHT / self.top, 2)

    @property
    def billable_height(self) -> float:
        """Return the height of its billable part."""
        return round(self.billable_seconds * HEIGHT / self.top, 2)

    @property
    def y(self) -> float:
        """Return where the bar begins."""
        return round(HEIGHT - self.height, 2)

    @property
    def billable_y(self) -> float:
        """Return where the billable part begins."""
        return round(HEIGHT - self.billable_height, 2)

    @property
    def other_height(self) -> float:
        """Return the height of the part that is not billable."""
        return round(self.height - self.billable_height, 2)


@dataclass(frozen=True)
class Chart:
    """The bars of a range, empty days too."""

    unit: str
    bars: list[Bar]
    top: int  # in hours

    @classmethod
    def of(cls, whole: Group, unit: str, first: date, last: date) -> Self:
        """Return the chart of what is grouped by the unit."""
        most = max((group.seconds for group in whole.children.values()), default=0)
        top = _nice(most)
        bars = []
        for number, (key, name) in enumerate(_units(unit, first, last)):
            group = whole.children.get(key) or Group(key, name)
            numbers = group.seconds, group.billable_seconds
            bars.append(Bar(name, number * STEP, *numbers, top * 3600))
        return cls(unit, bars, top)

    @property
    def width(self) -> int:
        """Return the width in its own units."""
        return len(self.bars) * STEP

    @property
    def half(self) -> float | int:
        """Return the hours of the line in the middle."""
        return self.top // 2 if self.top % 2 == 0 else self.top / 2

    @property
    def most(self) -> float:
        """Return the hours of the highest bar."""
        return hours(max((bar.seconds for bar in self.bars), default=0))


def unit_of(first: date, last: date) -> str:
    """Return what a bar stands for: a day, in long ranges a week or a month."""
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
