"""Projects in the Django admin."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import pluralize

from projects.models import Project
from resources.admin import ModelAdmin


@admin.register(Project)
class ProjectAdmin(ModelAdmin[Project]):
    """Search, edit and archive projects."""

    list_display = ("name", "client", "status", "billable", "hourly_rate", "estimated_hours")
    list_filter = ("status", "billable")
    list_select_related = ("client",)
    search_fields = (
        "folded_name__holds",
        "folded_description__holds",
        "client__folded_name__holds",
    )
    autocomplete_fields = ("client",)
    readonly_fields = ("created_at", "updated_at")
    actions = ("archive_selected",)

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        """Nobody: as in the API, a project is archived instead."""
        return False

    @admin.action(description="Archive selected projects", permissions=["change"])
    def archive_selected(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        """Archive projects, and say how many."""
        # In the order of ids, as everywhere that locks several rows.
        projects = list(queryset.exclude(status=Project.Status.ARCHIVED).order_by("pk"))
        for project in projects:
            project.archive()
            self.log_change(request, project, "Archived.")
        words = f"{len(projects)} project{pluralize(len(projects))} archived."
        self.message_user(request, words, messages.SUCCESS)
