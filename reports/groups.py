"""Totals of time entries in groups of groups; each entry counts in exactly one leaf."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Min
from django.db.models.expressions import Combinable
from rest_framework.exceptions import ValidationError

from reports.local_dates import Unit, local_date, week_name
from reports.totals import IN_CURRENCY, SUMS, CurrencySum, PartialSum, Totals, share_of_estimate
from timeentries.models import TimeEntryQuerySet

# The key and the name of a group.
REFERENCES = {
    "client": ("project__client_id", "project__client__name"),
    "project": ("project_id", "project__name"),
    "task": ("task_id", "task__name"),
    "user": ("user_id", "user__username"),
}
NOBODY = {"client": "No client", "task": "No task"}
DATES: dict[str, Unit] = {"day": "day", "week": "week", "month": "month"}
LEVELS = (*REFERENCES, "tag", "day", "week", "month")
MOST_LEVELS = 3
MOST_LEAVES = 20_000
MOST_PARTS = 4 * MOST_LEAVES  # a leaf has one for each currency


@dataclass
class Group(Totals):
    """The totals of a group, and those of the groups within it."""

    key: int | str | None
    name: str
    estimated_hours: Decimal | None = None  # of a project
    children: dict[int | str | None, "Group"] = field(default_factory=dict)
    before: "Group | None" = None  # the same group in the period before, if they are compared

    @property
    def estimate_used(self) -> Decimal | None:
        """The share of the estimate that the group's time is."""
        return share_of_estimate(self.seconds, self.estimated_hours)

    @property
    def more_seconds(self) -> int:
        """The time by which it is more than before."""
        return self.seconds - (self.before.seconds if self.before else 0)

    @property
    def amounts_before(self) -> list[tuple[str, int, int]]:
        """Each currency with the amount before, and by how much it is more now."""
        before = self.before.amounts if self.before else {}
        both = [
            (currency, _amount_in(before, currency), _amount_in(self.amounts, currency))
            for currency in sorted({*self.amounts, *before})
        ]
        return [(currency, then, now - then) for currency, then, now in both]

    def forget_amounts(self) -> None:
        """Leave only time, here and in the groups within."""
        self.amounts.clear()
        for child in self.children.values():
            child.forget_amounts()

    def leaves(self, *above: "Group") -> Iterator[tuple["Group", ...]]:
        """Yield the way to each leaf, this group left out."""
        for child in self.children.values():
            if child.children:
                yield from child.leaves(*above, child)
            else:
                yield (*above, child)


def grouped(
    entries: TimeEntryQuerySet,
    levels: Sequence[str],
    first: datetime,
    end: datetime,
    zone: ZoneInfo,
) -> Group:
    """Return the whole of finished entries that start in a range, with its groups inside.

    Dates in their order, all others by time, most first. 400 for more than MOST_LEAVES groups.
    """
    whole = Group(None, "Total")
    leaves = 0
    for row in _rows(entries, levels, first, end, zone):
        part = PartialSum.of(row)
        whole.add(part)
        group = made = whole
        for level in levels:
            made = _group(level, row)
            group = group.children.setdefault(made.key, made)
            group.add(part)
        leaves += group is made
        if leaves > MOST_LEAVES:
            raise _too_many()
    in_order(whole, levels)
    return whole


def _rows(
    entries: TimeEntryQuerySet,
    levels: Sequence[str],
    first: datetime,
    end: datetime,
    zone: ZoneInfo,
) -> Sequence[dict[str, Any]]:
    columns: dict[str, Combinable] = {**IN_CURRENCY}
    shown = {}  # by Min: the same in all rows of a key, and grouping by ids alone is faster
    for level in levels:
        if level in DATES:
            columns[f"{level}_key"] = local_date("start_time", DATES[level], first, end, zone)
        elif level == "tag":
            columns["tag_key"] = F("tags")
        else:
            key, name = REFERENCES[level]
            columns[f"{level}_key"], shown[f"{level}_name"] = F(key), Min(name)
        if level == "project":
            shown["estimated_hours"] = Min("project__estimated_hours")
    totals: Any = entries.finished().order_by().values(**columns).annotate(**shown, **SUMS)
    rows = list(totals[: MOST_PARTS + 1])
    if len(rows) > MOST_PARTS:
        raise _too_many()
    return rows


def _too_many() -> ValidationError:
    sentence = (
        f"The report has more than {MOST_LEAVES} groups. Narrow the range or group by "
        "fewer levels."
    )
    return ValidationError({"group_by": [sentence]})


def _group(level: str, row: dict[str, Any]) -> Group:
    key, name = row[f"{level}_key"], row.get(f"{level}_name")
    match level:
        case "tag":
            tags = sorted(filter(None, key.split(",")))
            return Group(",".join(tags), ", ".join(tags) or "No tag")
        case "day" | "week" | "month":
            return of_date(level, key)
        case "project":
            return Group(key, str(name), row["estimated_hours"])
    return Group(key, NOBODY.get(level, "") if key is None else str(name))


def of_date(level: str, first: date) -> Group:
    """Return an empty group of a day, week or month that begins on a date."""
    if level == "month":
        return Group(f"{first:%Y-%m}", f"{first:%Y-%m}")
    return Group(first.isoformat(), week_name(first) if level == "week" else first.isoformat())


def in_order(group: Group, levels: Sequence[str]) -> None:
    """Sort the groups within: dates in their order, all others by time, most first."""
    if not levels:
        return
    by_date = levels[0] in DATES
    children = sorted(
        group.children.values(),
        key=lambda child: (0 if by_date else -child.seconds, child.key is None, child.key),
    )
    group.children = {child.key: child for child in children}
    for child in children:
        in_order(child, levels[1:])


def _amount_in(amounts: Mapping[str, CurrencySum], currency: str) -> int:
    return amounts[currency].amount if currency in amounts else 0
