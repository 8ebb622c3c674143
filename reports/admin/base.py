"""What all report pages share: who may see them, and their frame."""

from datetime import date

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from reports.models import Report
from staff.permissions import ReadOnly
from staff.rights import user_of

PAGES = {
    "changelist": "Report",
    "running": "Running now",
    "weekly": "Weekly timesheet",
    "saved": "Saved reports",
    "shared": "Shared links",
}


def today_of(request: HttpRequest) -> date:
    """Return the day that it is for the user."""
    return timezone.now().astimezone(user_of(request).zone).date()


class ReportPages(ReadOnly, admin.ModelAdmin[Report]):
    """Pages for users with the permission `reports.view_reports`."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the menu to users who may view reports."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Report | None = None) -> bool:
        """Whether the user may see everybody's hours."""
        return request.user.has_perm("reports.view_reports")

    def refuse_others(self, request: HttpRequest) -> None:
        """Raise PermissionDenied for a user who may not see reports."""
        if not self.has_view_permission(request):
            raise PermissionDenied

    def page(
        self, request: HttpRequest, template: str, title: str, **context: object
    ) -> HttpResponse:
        """Return a page below the tabs."""
        tabs = [
            (reverse(f"admin:reports_report_{name}"), words, words == title)
            for name, words in PAGES.items()
        ]
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "tabs": tabs,
        }
        return TemplateResponse(request, f"admin/reports/{template}.html", {**shared, **context})
