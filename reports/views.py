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
from reports.queries import (
    UserWeek,
    currencies_of_entries,
    totals_by_project,
    totals_of,
    weeks_by_user,
)
from reports.serializers import (
    EntriesReportSerializer,
    SummaryReportSerializer,
    WeeklyReportSerializer,
)
from reports.tables import entries_table, summary_table, weekly_table
from reports.totals import Totals, total_of
from timeentries.models import TimeEntry
from timeentries.serializers import TimeEntrySerializer
from values.instants import format_instant, hours
from values.money import AmountField

BY_PROJECT = ["project"]
UNITS_OF_ONE = int(AmountField.UNIT)
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
    projects = totals_by_project(report.entries)
    whole = total_of(projects)
    start, end = report.date_range()
    summary: dict[str, object] = {
        "start_date": format_instant(start.first),
        "end_date": format_instant(end.last),
        "total_hours": hours(whole.seconds),
        "billable_hours": hours(whole.billable_seconds),
        "total_entries": whole.entries,
        **_worth(whole),
        "by_project": [
            {
                "project_id": project.key,
                "project_name": project.name,
                "hours": hours(project.seconds),
                "entries": project.entries,
                **_worth(project),
                **_estimate(project),
            }
            for project in projects
        ],
    }
    if report.levels:
        groups = _whole(report, report.levels)
        summary["timezone"] = report.zone.key
        summary["totals"] = _totals(groups)
        summary["groups"] = _nodes(groups)
    return summary


def _nodes(group: Group) -> list[dict[str, object]]:
    return [
        {
            "key": child.key,
            "name": child.name,
            **_totals(child),
            **_estimate(child),
            "children": _nodes(child),
        }
        for child in group.children.values()
    ]


def _totals(totals: Totals) -> dict[str, object]:
    return {
        "seconds": totals.seconds,
        "hours": hours(totals.seconds),
        "entries": totals.entries,
        "billable_seconds": totals.billable_seconds,
        **_worth(totals),
    }


def _worth(totals: Totals) -> dict[str, object]:
    return {
        "rounded_seconds": totals.rounded_seconds,
        "rounded_hours": hours(totals.rounded_seconds),
        "amounts": [
            {
                "currency": currency,
                "amount": worth.amount / UNITS_OF_ONE,
                "billed": worth.billed / UNITS_OF_ONE,
                "unbilled": (worth.amount - worth.billed) / UNITS_OF_ONE,
            }
            for currency, worth in totals.worths
        ],
    }


def _estimate(project: Group) -> dict[str, float | None]:
    estimate, used = project.estimated_hours, project.estimate_used
    return {
        "estimated_hours": None if estimate is None else float(estimate),
        "estimate_used": None if used is None else float(used),
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
            table = entries_table(entries, report.zone, currencies_of_entries(entries))
            return FILES[report.file_format](table)
        totals = totals_of(entries)
        page = _Page(totals.entries)
        rows = page.paginate_queryset(entries, request, self)
        start, end = report.date_range()
        return Response(
            {
                "start_date": format_instant(start.first),
                "end_date": format_instant(end.last),
                "timezone": report.zone.key,
                "totals": _totals(totals),
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
                **_whole_week(user.totals),
            }
            for user in users
        ],
        "totals": totals,
        **_whole_week(total_of(user.totals for user in users)),
    }


def _whole_week(totals: Totals) -> dict[str, object]:
    return {"total_seconds": totals.seconds, "hours": hours(totals.seconds), **_worth(totals)}
