"""The reports' endpoints."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Model, QuerySet
from django.http.response import HttpResponseBase
from django_filters.utils import translate_validation
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework.response import Response

from api.pagination.pages import PagePagination
from api.serializers.representation import Representation, representation_of
from api.views import ApiRequest, ApiView
from reports.exports import FILES, XLSX_TYPE
from reports.filters import ReportFilter, SummaryFilter, WeeklyFilter
from reports.groups import Group, grouped
from reports.local_dates import week_name
from reports.queries import UserWeek, totals_by_project, totals_of, weeks_by_user
from reports.serializers import (
    EntriesReportSerializer,
    SummaryReportSerializer,
    WeeklyReportSerializer,
)
from reports.tables import entries_table, summary_table, weekly_table
from timeentries.models import TimeEntry
from timeentries.serializers import TimeEntrySerializer
from values.instants import format_instant, hours

BY_PROJECT = ["project"]
SUMMARY = inline_serializer("SummaryReportEnvelope", {"summary": SummaryReportSerializer()})
WEEKLY = inline_serializer("WeeklyReportEnvelope", {"weekly": WeeklyReportSerializer()})


def _or_a_file(json: object) -> dict[tuple[int, str], object]:
    binary = {"type": "string", "format": "binary"}
    return {
        (200, "application/json"): json,
        (200, "text/csv"): {"type": "string"},
        (200, XLSX_TYPE): binary,
    }


class ReportView(ApiView):
    """A report on the finished time entries that the token's user may see."""

    scope_resource = "reports"

    def query_parameters(self) -> list[str]:
        return list(self.filterset_class.base_filters)

    @property
    def has_deadline(self) -> bool:  # type: ignore[override] # an attribute of the class, here per request
        """Whether it may be refused for its time: a file is the way to all rows."""
        return self.request.query_params.get("format", "json") == "json"

    def report(self, request: ApiRequest) -> Any:
        """Return the filters as they were asked for; 400 where one cannot be understood."""
        entries = TimeEntry.objects.visible_to(request.user)
        report = self.filterset_class(request.query_params, entries, request=request)
        report.now = request.now
        if not report.is_valid():
            raise translate_validation(report.errors)  # type: ignore[misc]
        return report


class SummaryView(ReportView):
    """Summarize the time entries of a date range."""

    filterset_class = SummaryFilter

    @extend_schema(responses=_or_a_file(SUMMARY))
    def get(self, request: ApiRequest) -> HttpResponseBase:
        """Return hours, overall and per project: the user's own, or everyone's to administrators.

        With `group_by`, also return nested groups, with each entry in exactly one leaf. A file has
        one row per leaf and ends with a total.
        """
        report = self.report(request)
        if report.file_format == "json":
            return Response({"summary": _summary(report)})
        levels = report.levels or BY_PROJECT
        table = summary_table(_whole(report, levels), levels, report.zone)
        return FILES[report.file_format](table)


def _whole(report: ReportFilter, levels: list[str]) -> Group:
    start, end = report.date_range()
    return grouped(report.entries, levels, start.first, end.end, report.zone)


def _summary(report: SummaryFilter) -> dict[str, object]:
    projects = list(totals_by_project(report.entries))
    start, end = report.date_range()
    summary: dict[str, object] = {
        "start_date": format_instant(start.first),
        "end_date": format_instant(end.last),
        "total_hours": hours(sum(project["seconds"] for project in projects)),
        "billable_hours": hours(sum(project["billable_seconds"] for project in projects)),
        "total_entries": sum(project["entries"] for project in projects),
        "by_project": [
            {
                "project_id": project["project_id"],
                "project_name": project["project_name"],
                "hours": hours(project["seconds"]),
                "entries": project["entries"],
            }
            for project in projects
        ],
    }
    if report.levels:
        whole = _whole(report, report.levels)
        summary["timezone"] = report.zone.key
        summary["totals"] = _totals(whole.seconds, whole.entries, whole.billable_seconds)
        summary["groups"] = _nodes(whole)
    return summary


def _nodes(group: Group) -> list[dict[str, object]]:
    return [
        {
            "key": child.key,
            "name": child.name,
            **_totals(child.seconds, child.entries, child.billable_seconds),
            "children": _nodes(child),
        }
        for child in group.children.values()
    ]


def _totals(seconds: int, entries: int, billable_seconds: int) -> dict[str, object]:
    return {
        "seconds": seconds,
        "hours": hours(seconds),
        "entries": entries,
        "billable_seconds": billable_seconds,
    }


class _Page(PagePagination):
    """A page of a report, whose totals have counted the entries already."""

    def __init__(self, total: int) -> None:
        self.counted = total

    def count(self, queryset: QuerySet[Model]) -> int:
        return self.counted


class EntriesView(ReportView):
    """List the time entries of a report with their totals."""

    filterset_class = ReportFilter
    plural_key = "time_entries"

    @property
    def representation(self) -> Representation:
        """An entry is shown as the lists of time entries show it."""
        return representation_of(TimeEntrySerializer)

    def query_parameters(self) -> list[str]:
        """Return the filters, and the page."""
        return [*super().query_parameters(), *PagePagination.parameters]

    @extend_schema(responses=_or_a_file(EntriesReportSerializer))
    def get(self, request: ApiRequest) -> HttpResponseBase:
        """Return a page of entries with the totals of all pages; a file contains every entry.

        The last line of a file is the total: a truncated file has none.
        """
        report = self.report(request)
        entries = report.entries.finished()
        if report.file_format != "json":
            return FILES[report.file_format](entries_table(entries, report.zone))
        totals = totals_of(entries)
        page = _Page(totals["entries"])
        rows = page.paginate_queryset(entries, request, self)
        start, end = report.date_range()
        return Response(
            {
                "start_date": format_instant(start.first),
                "end_date": format_instant(end.last),
                "timezone": report.zone.key,
                "totals": _totals(**totals),
                "time_entries": [self.representation.of_row(row, request.caller) for row in rows],
                "pagination": page.pagination,
            }
        )


class WeeklyView(ReportView):
    """Summarize a week by user and day."""

    filterset_class = WeeklyFilter

    @extend_schema(responses=_or_a_file(WEEKLY))
    def get(self, request: ApiRequest) -> HttpResponseBase:
        """Return the seconds of each day for the user, or for everyone if an administrator asks.

        An entry counts entirely on the local day on which it starts. A file has one row per user
        and ends with a total.
        """
        report = self.report(request)
        users = weeks_by_user(report.entries, report.days, report.zone)
        if report.file_format == "json":
            return Response({"weekly": _weekly(report, users)})
        return FILES[report.file_format](weekly_table(users, report.days, report.zone))


def _weekly(report: WeeklyFilter, users: Sequence[UserWeek]) -> dict[str, object]:
    start, end = report.date_range()
    totals = [sum(user.seconds[day] for user in users) for day in range(len(report.days))]
    return {
        "week": week_name(report.days[0]),
        "start_date": format_instant(start.first),
        "end_date": format_instant(end.last),
        "timezone": report.zone.key,
        "days": [day.isoformat() for day in report.days],
        "users": [
            {
                "user_id": user.user_id,
                "user_name": user.user_name,
                "seconds": user.seconds,
                **_whole_week(user.total_seconds),
            }
            for user in users
        ],
        "totals": totals,
        **_whole_week(sum(totals)),
    }


def _whole_week(seconds: int) -> dict[str, object]:
    return {"total_seconds": seconds, "hours": hours(seconds)}
