"""Totals of time entries, summed by the database in integer seconds."""

from collections.abc import Iterable
from typing import TypedDict, cast

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from timeentries.models import TimeEntry


class ProjectTotal(TypedDict):
    """The time of one project."""

    project_id: int
    project_name: str
    seconds: int
    billable_seconds: int
    entries: int


def totals_by_project(entries: QuerySet[TimeEntry]) -> Iterable[ProjectTotal]:
    """Return each project's totals of finished entries: most time first, then by id."""
    rows = (
        entries.exclude(end_time=None)
        .order_by()
        .values("project_id", project_name=F("project__name"))
        .annotate(
            seconds=Sum("duration_seconds"),
            billable_seconds=Coalesce(Sum("duration_seconds", filter=Q(billable=True)), 0),
            entries=Count("id"),
        )
        .order_by("-seconds", "project_id")
    )
    return cast("Iterable[ProjectTotal]", rows)
