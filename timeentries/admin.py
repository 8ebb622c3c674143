"""Time entries in the Django admin."""

from django.contrib import admin

from timeentries.models import TimeEntry


@admin.register(TimeEntry)
class TimeEntryAdmin(admin.ModelAdmin[TimeEntry]):
    """Search and edit time entries."""

    list_display = ("start_time", "end_time", "user", "project", "task", "billable", "tags")
    list_filter = ("billable",)
    list_select_related = ("user", "project", "task")
    search_fields = ("notes", "tags", "project__name", "user__username")
    autocomplete_fields = ("user", "project", "task")
    readonly_fields = ("duration_seconds", "created_at", "updated_at")
    date_hierarchy = "start_time"
