"""The groups of a report as rows of a page: sorted, indented, each with a way to its entries."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from reports.admin.forms import NONE
from reports.admin.periods import DAY, of_unit
from reports.groups import DATES, Group
from values.folding import sort_key

MOST_ROWS = 1000
SORTS: dict[str, Callable[[Group], Any]] = {
    "name": lambda group: sort_key(group.name),
    "entries": lambda group: group.entries,
    "hours": lambda group: group.seconds,
    "billable": lambda group: group.billable_seconds,
    "before": lambda group: group.before.seconds if group.before else 0,
    "difference": lambda group: group.more_seconds,
}


@dataclass(frozen=True)
class Row:
    """A group with its depth, its share of the total, and the query for its entries."""

    group: Group
    depth: int
    share: float
    billable_share: float  # of the whole too, so that it is a part of the bar
    query: dict[str, str]
    query_before: dict[str, str]


def sort(group: Group, order: str) -> None:
    """Sort the groups and those within them; `-hours` begins with most."""
    key = SORTS[order.removeprefix("-")]
    children = sorted(group.children.values(), key=key, reverse=order.startswith("-"))
    group.children = {child.key: child for child in children}
    for child in children:
        sort(child, order)


def rows_of(whole: Group, levels: list[str], first: date, last: date) -> Iterator[Row]:
    """Yield a row for each group, before the groups within it."""
    days = last - first + DAY
    for row in _rows(whole, levels, _range(first, last), whole.seconds or 1, 0):
        start, end = (date.fromisoformat(row.query[name]) - days for name in ("start", "end"))
        yield replace(row, query_before=row.query | _range(start, end))


def _rows(
    group: Group, levels: list[str], query: dict[str, str], whole: int, depth: int
) -> Iterator[Row]:
    for child in group.children.values():
        asked = query | _query(levels[0], child, query)
        billable = child.billable_seconds * 100 / whole
        yield Row(child, depth, child.seconds * 100 / whole, billable, asked, {})
        yield from _rows(child, levels[1:], asked, whole, depth + 1)


def _query(level: str, group: Group, query: dict[str, str]) -> dict[str, str]:
    """Return the query parameters of a group; dates stay within the report's range."""
    if level == "tag":
        return {"tags": str(group.key)}
    if level not in DATES:
        return {level: NONE if group.key is None else str(group.key)}
    day = date.fromisoformat(f"{group.key}-01" if level == "month" else str(group.key))
    first, last = of_unit(level, day)
    return {"start": max(str(first), query["start"]), "end": min(str(last), query["end"])}


def _range(first: date, last: date) -> dict[str, str]:
    return {"start": str(first), "end": str(last)}
