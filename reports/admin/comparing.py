"""The groups of a report beside those of the period before it."""

from collections.abc import Sequence
from datetime import date, timedelta

from reports.admin.periods import of_unit
from reports.groups import DATES, Group, in_order, of_date


def levels_before(levels: Sequence[str]) -> list[str]:
    """Return the levels by which to group the period before.

    Its weeks and months are not those of the report: `compare` makes them of its days.
    """
    return ["day" if level in DATES else level for level in levels]


def compare(whole: Group, before: Group, levels: Sequence[str], days: int) -> None:
    """Set `before` of each group: the same group, `days` earlier.

    A group that had time only then is added without any.
    """
    _attach(whole, _moved(before, levels, timedelta(days=days)))
    in_order(whole, levels)


def _moved(before: Group, levels: Sequence[str], by: timedelta) -> Group:
    """Return the same groups with each day counted as a later one."""
    whole = Group(None, before.name)
    for path in before.leaves():
        leaf, group = path[-1], whole
        whole.include(leaf)
        for level, old in zip(levels, path, strict=True):
            made = _later(level, old, by)
            group = group.children.setdefault(made.key, made)
            group.include(leaf)
    return whole


def _later(level: str, group: Group, by: timedelta) -> Group:
    if level not in DATES:
        return Group(group.key, group.name, group.estimated_hours)
    day = date.fromisoformat(str(group.key)) + by
    return of_date(level, of_unit(level, day)[0])


def _attach(group: Group, before: Group) -> None:
    group.before = before
    for key, old in before.children.items():
        group.children.setdefault(key, Group(key, old.name, old.estimated_hours))
    for key, child in group.children.items():
        _attach(child, before.children.get(key) or Group(key, child.name))
