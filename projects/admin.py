"""Projects in the Django admin."""

from django.contrib import admin

from projects.models import Project


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin[Project]):
    """Search and edit projects."""

    list_display = ("name", "client", "status", "billable", "hourly_rate", "estimated_hours")
    list_filter = ("status", "billable")
    list_select_related = ("client",)
    search_fields = ("name", "description", "client__name")
    autocomplete_fields = ("client",)
    readonly_fields = ("created_at", "updated_at")
