"""What a report's page shows, and its links: the same question, with one thing changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.http import QueryDict

from reports.admin.chart import GroupsChart, HoursChart, unit_of
from reports.admin.periods import PERIODS
from reports.admin.rows import MOST_ROWS, Row, rows_of
from reports.admin.selection import Selection
from reports.groups import Group
from reports.totals import currencies_of

OF_ENTRIES = ("client", "project", "task", "user", "billable", "tag", "tags")
COLUMNS = {"entries": "Entries", "hours": "Hours", "billable": "Billable"}
COMPARED = {"before": "Before", "difference": "Difference"}


@dataclass(frozen=True)
class Heading:
    """The title of a column, and the link that sorts by it."""

    title: str
    query: str
    sorted: str  # ascending, descending or none
    name: str


class Links:
    """The queries that a page's links lead to."""

    def __init__(self, query: QueryDict) -> None:
        self._asked = {key: value for key, value in query.dict().items() if value or key == "tags"}

    def periods(self, current: str | None) -> list[tuple[str, str, bool]]:
        """Return each named range: its query, its name, whether it is the one shown."""
        return [
            (self._changed(period=name, start=None, end=None, format=None), words, name == current)
            for name, words in PERIODS.items()
        ]

    def headings(self, levels: list[str], order: str, *, compared: bool) -> list[Heading]:
        """Return the columns; a second click turns the order round."""
        titles = headings(levels, compared=compared).items()
        return [self._heading(name, title, order) for name, title in titles]

    def files(self) -> list[tuple[str, str]]:
        """Return the query of each file."""
        return [(self._changed(format=name), name.upper()) for name in ("csv", "xlsx")]

    def all_entries(self) -> str:
        """Return the query of all entries of the report."""
        return self._changed(sort=None, format=None)

    def report(self) -> str:
        """Return the query of the report itself."""
        return self._changed(format=None)

    def entries(self, query: Mapping[str, str]) -> str:
        """Return the query of a group's entries."""
        kept = {name: self._asked[name] for name in OF_ENTRIES if name in self._asked}
        return _encoded({**kept, **query})

    def page(self) -> str:
        """Return the query to which a page's number is added."""
        return self._changed(page=None)

    def _heading(self, name: str, title: str, order: str) -> Heading:
        sorted_by = order.removeprefix("-") == name
        descending = order.startswith("-")
        first = name if name == "name" else f"-{name}"
        turned = name if descending else f"-{name}"
        words = ("descending" if descending else "ascending") if sorted_by else "none"
        return Heading(title, self._changed(sort=turned if sorted_by else first), words, name)

    def _changed(self, **changes: str | None) -> str:
        return _encoded({**self._asked, **changes})


@dataclass(frozen=True)
class LinkedRow:
    """A row, and the queries for its entries now and in the period before; empty without links."""

    row: Row
    query: str = ""
    query_before: str = ""


def contents(selection: Selection, whole: Group, levels: list[str]) -> dict[str, Any]:
    """Return what a page shows of a report, without links."""
    first, last = selection.days
    rows = list(islice(rows_of(whole, levels, first, last), MOST_ROWS + 1))
    return {
        "whole": whole,
        "levels": levels,
        "chart": _chart(selection, whole),
        "chart_of": selection.form.cleaned_data["chart"],
        "days": (first, last),
        "zone": selection.zone.key,
        "before": selection.before and selection.before.days,
        "worth": bool(currencies_of([whole, *filter(None, [whole.before])])),
        "rows": [LinkedRow(row) for row in rows[:MOST_ROWS]],
        "more": len(rows) > MOST_ROWS,
        "most_rows": MOST_ROWS,
    }


def linked(rows: Iterable[LinkedRow], links: Links) -> list[LinkedRow]:
    """Return rows with links to their entries."""
    return [
        LinkedRow(each.row, links.entries(each.row.query), links.entries(each.row.query_before))
        for each in rows
    ]


def headings(levels: Iterable[str], *, compared: bool) -> dict[str, str]:
    """Return the titles of the columns by name."""
    titles = {"name": " / ".join(level.capitalize() for level in levels), **COLUMNS}
    return titles | (COMPARED if compared else {})


def _chart(selection: Selection, whole: Group) -> HoursChart | GroupsChart:
    if selection.form.cleaned_data["chart"]:
        return GroupsChart.of(whole)
    first, last = selection.days
    unit = unit_of(first, last)
    return HoursChart.of(selection.grouped([unit]), unit, first, last)


def _encoded(values: Mapping[str, Any]) -> str:
    query = QueryDict(mutable=True)
    query.update({key: value for key, value in values.items() if value is not None})
    return query.urlencode()
