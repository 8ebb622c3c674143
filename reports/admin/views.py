"""Reports in the Django admin, for users with the permission `reports.view_reports`."""

from collections.abc import Callable
from datetime import date

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from reports.admin import pages
from reports.admin.base import PAGES, today_of
from reports.admin.saved import SavedPages
from reports.admin.selection import Selection, Viewer, sentences
from reports.admin.shared import SharedPages
from reports.admin.timesheet import Timesheet
from reports.exports import FILES
from reports.models import Report
from reports.queries import timers_at
from reports.tables import entries_table, summary_table
from staff.rights import user_of

ENTRIES_A_PAGE = 100


@admin.register(Report)
class ReportAdmin(SavedPages, SharedPages):
    """Report pages: groups, entries, running timers, the weekly timesheet and saved reports."""

    def get_urls(self) -> list[URLPattern]:
        """Return the pages; there is none of a single row."""
        views: dict[str, tuple[str, Callable[..., HttpResponseBase]]] = {
            "": ("changelist", self.report_view),
            "entries/": ("entries", self.entries_view),
            "running/": ("running", self.running_view),
            "weekly/": ("weekly", self.weekly_view),
            "saved/": ("saved", self.saved_view),
            "saved/<int:pk>/": ("change_saved", self.change_saved_view),
            "shared/": ("shared", self.shared_view),
            "shared/<int:pk>/": ("revoke_shared", self.revoke_shared_view),
        }
        return [
            path(route, self.admin_site.admin_view(view), name=f"reports_report_{name}")
            for route, (name, view) in views.items()
        ]

    def report_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the form and its report, or send the groups as a file."""
        selection = self._selection(request)
        if not isinstance(selection, Selection):
            return self.page(request, "report", "Report", form=selection)
        levels, order = selection.form.levels, request.GET.get("sort", "")
        try:
            whole = selection.report(levels, order)
            if request.GET.get("format") in FILES:
                table = summary_table(whole, levels, selection.zone)
                return FILES[request.GET["format"]](table)
            contents = pages.contents(selection, whole, levels)
        except ValidationError as error:
            selection.form.add_error(None, sentences(error))
            return self.page(request, "report", "Report", form=selection.form)
        links = pages.Links(request.GET)
        return self.page(
            request,
            "report",
            "Report",
            form=selection.form,
            links=links,
            periods=links.periods(selection.form.period),
            headings=links.headings(levels, order, compared=bool(selection.before)),
            files=links.files(),
            entries=links.all_entries(),
            may_view_amounts=selection.viewer.amounts,
            **contents | {"rows": pages.linked(contents["rows"], links)},
        )

    def entries_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the entries of a report or of one of its groups, or send them as a file."""
        selection = self._selection(request)
        if not isinstance(selection, Selection):
            return self.page(request, "entries", "Entries", form=selection)
        if request.GET.get("format") in FILES:
            try:
                table = entries_table(selection.entries, selection.zone, selection.currencies())
                return FILES[request.GET["format"]](table)
            except ValidationError as error:
                selection.form.add_error(None, sentences(error))
                return self.page(request, "entries", "Entries", form=selection.form)
        totals = selection.totals()
        paginator = Paginator(selection.entries.with_details(), ENTRIES_A_PAGE)
        paginator.count = totals.entries  # the totals have counted
        return self.page(
            request,
            "entries",
            "Entries",
            form=selection.form,
            links=pages.Links(request.GET),
            files=pages.Links(request.GET).files(),
            totals=totals,
            days=selection.days,
            zone=selection.zone.key,
            page=paginator.get_page(request.GET.get("page")),
            may_open=request.user.has_perm("timeentries.view_timeentry"),
        )

    def running_view(self, request: HttpRequest) -> HttpResponse:
        """List the running timers, longest first."""
        self.refuse_others(request)
        now, zone = timezone.now(), user_of(request).zone
        running = [(timer, timer.seconds_at(now)) for timer in timers_at(now)]
        title = PAGES["running"]
        return self.page(request, "running", title, running=running, zone=zone.key, now=now)

    def weekly_view(self, request: HttpRequest) -> HttpResponse:
        """Show the weekly timesheet."""
        self.refuse_others(request)
        today = today_of(request)
        try:
            day = date.fromisoformat(request.GET.get("week", ""))
        except ValueError:
            day = today
        zone = user_of(request).zone
        sheet = Timesheet.of(day, today, zone, amounts=Viewer.of(request).amounts)
        return self.page(request, "weekly", PAGES["weekly"], sheet=sheet)

    def _selection(self, request: HttpRequest) -> object:
        self.refuse_others(request)
        return Selection.of(request.GET, Viewer.of(request))
