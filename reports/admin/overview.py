"""The home page's answer to "how are we doing", by the rules of the reports."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Self
from zoneinfo import ZoneInfo

from projects.models import Project
from reports.admin.periods import DAY, of_unit
from reports.admin.saved import StoredQuery
from reports.groups import Group, grouped
from reports.models import SavedReport
from reports.queries import DAYS_A_WEEK, timers_at, totals_by_project
from reports.totals import CurrencySum, total_of
from timeentries.models import TimeEntry
from users.models import User
from values.instants import day_bounds

MOST_SHOWN = 8  # of timers and of projects
MOST_SAVED = 20
NEAR_ESTIMATE = Decimal("0.8")


@dataclass(frozen=True)
class WeekSoFar:
    """Everybody's hours from Monday to today, and of the same days of last week."""

    days: tuple[date, date]
    days_before: tuple[date, date]
    seconds: int
    seconds_before: int

    @classmethod
    def of(cls, today: date, zone: ZoneInfo) -> Self:
        """Return both, with one query."""
        days = of_unit("week", today)[0], today
        before = days[0] - DAYS_A_WEEK * DAY, today - DAYS_A_WEEK * DAY
        start, end = day_bounds(before[0], zone)[0], day_bounds(today, zone)[1]
        both = TimeEntry.objects.filter(start_time__gte=start, start_time__lt=end)
        by_day = grouped(both, ["day"], start, end, zone).children
        return cls(days, before, _between(by_day, *days), _between(by_day, *before))


@dataclass(frozen=True)
class Timers:
    """The timers that run, and for how many seconds: the longest, and how many there are."""

    longest: list[tuple[TimeEntry, int]]
    number: int

    @classmethod
    def of(cls, now: datetime) -> Self:
        """Return the timers of everybody, with two queries."""
        timers = timers_at(now)
        longest = [(timer, timer.seconds_at(now)) for timer in timers[:MOST_SHOWN]]
        return cls(longest, timers.count())


@dataclass(frozen=True)
class Overview:
    """The state of now; for those who may not view amounts, `unbilled` is None."""

    week: WeekSoFar
    timers: Timers
    used_up: list[tuple[Project, Group]]  # those with the largest share of their estimate used
    near_estimate: int  # projects, those that are not shown included
    unbilled: list[tuple[str, CurrencySum]] | None
    saved: list[StoredQuery]
    zone: str
    near: ClassVar[Decimal] = NEAR_ESTIMATE

    @classmethod
    def of(cls, viewer: User, now: datetime) -> Self:
        """Return it; six queries, however much there is."""
        totals = totals_by_project(TimeEntry.objects.all())
        near = _near_estimate(totals)
        may_view_amounts = viewer.has_perm("reports.view_amounts")
        return cls(
            week=WeekSoFar.of(now.astimezone(viewer.zone).date(), viewer.zone),
            timers=Timers.of(now),
            used_up=near[:MOST_SHOWN],
            near_estimate=len(near),
            unbilled=_unbilled(totals) if may_view_amounts else None,
            saved=[
                StoredQuery(row) for row in SavedReport.objects.filter(owner=viewer)[:MOST_SAVED]
            ],
            zone=viewer.zone.key,
        )


def _near_estimate(totals: Iterable[Group]) -> list[tuple[Project, Group]]:
    """Return the projects that are not archived and near their estimate or past it."""
    used = {
        int(total.key or 0): total
        for total in totals
        if (total.estimate_used or 0) >= NEAR_ESTIMATE
    }
    projects = Project.objects.exclude(status=Project.Status.ARCHIVED).with_details()
    near = [(project, used[project.pk]) for project in projects.filter(pk__in=used)]
    return sorted(near, key=lambda row: row[1].estimate_used or 0, reverse=True)


def _unbilled(totals: Iterable[Group]) -> list[tuple[str, CurrencySum]]:
    worths = total_of(totals).worths
    return [(currency, worth) for currency, worth in worths if worth.unbilled]


def _saved_by(viewer: User) -> list[StoredQuery]:
    return [StoredQuery(row) for row in SavedReport.objects.filter(owner=viewer)[:MOST_SAVED]]


def _between(days: Mapping[int | str | None, Group], first: date, last: date) -> int:
    return sum(day.seconds for key, day in days.items() if str(first) <= str(key) <= str(last))
