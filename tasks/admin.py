"""Tasks in the Django admin."""

from django.contrib import admin

from resources.admin import ModelAdmin
from tasks.models import Task


@admin.register(Task)
class TaskAdmin(ModelAdmin[Task]):
    """Search and edit tasks."""

    list_display = ("name", "project", "status", "priority", "assignee", "due_date")
    list_filter = ("status", "priority")
    list_select_related = ("project", "assignee")
    search_fields = (
        "folded_name__holds",
        "folded_description__holds",
        "project__folded_name__holds",
    )
    autocomplete_fields = ("project", "assignee")
    readonly_fields = ("completed_at", "created_at", "updated_at")
