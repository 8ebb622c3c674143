"""Time entries in the Django admin."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.exceptions import ValidationError as TagsError

from projects.admin import WorkForm
from timeentries.models import TimeEntry
from timeentries.serializers import TagsField
from timetracker.admin import ModelAdmin


class TimeEntryForm(WorkForm):
    """A time entry, judged by the rules of the API."""

    def clean_tags(self) -> str:
        """Return the tags as the API stores them."""
        try:
            return TagsField().to_internal_value(self.cleaned_data["tags"])
        except TagsError as error:
            raise ValidationError([str(words) for words in error.detail]) from error


class TimerFilter(admin.SimpleListFilter):
    """Running timers, or finished entries."""

    title = "timer"
    parameter_name = "timer"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        """Offer the two."""
        return [("running", "Running"), ("finished", "Finished")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[TimeEntry]) -> QuerySet[TimeEntry]:
        """Keep what was chosen."""
        match self.value():
            case "running":
                return queryset.filter(end_time=None)
            case "finished":
                return queryset.exclude(end_time=None)
        return queryset


@admin.register(TimeEntry)
class TimeEntryAdmin(ModelAdmin[TimeEntry]):
    """Search and edit time entries."""

    form = TimeEntryForm
    list_display = (
        "start_time",
        "duration",
        "user",
        "project",
        "task",
        "billable",
        "tags",
    )
    list_filter = (TimerFilter, "billable")
    list_select_related = ("user", "project", "task")
    search_fields = ("notes", "tags", "project__name", "user__username")
    autocomplete_fields = ("user", "project", "task")
    readonly_fields = ("duration", "created_at", "updated_at")
    date_hierarchy = "start_time"

    @admin.display(empty_value="running", ordering="duration_seconds")
    def duration(self, entry: TimeEntry) -> str | None:
        """Return hours, minutes and seconds, or that the timer runs."""
        if entry.duration_seconds is None:
            return None
        minutes, seconds = divmod(entry.duration_seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}"
