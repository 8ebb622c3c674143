"""Time entries in the Django admin."""

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from rest_framework.exceptions import ValidationError as TagsError

from resources.admin import ModelAdmin, ModelForm
from staff.times import elsewhere
from timeentries.models import TimeEntry
from timeentries.serializers import TagsField


class TimeEntryForm(ModelForm[TimeEntry]):
    """A time entry, judged by the rules of the API."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if "break_seconds" in self.fields:
            self.fields["break_seconds"].required = False
        if "billable" in self.fields and not self.instance.pk:
            choices = [("unknown", "As its project"), ("true", "Yes"), ("false", "No")]
            self.fields["billable"] = field = forms.NullBooleanField(required=False)
            field.widget.choices = choices
            self.initial["billable"] = None

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() - {"paused_at"}

    def clean_break_seconds(self) -> int:
        """Return the seconds; nothing means no break."""
        return self.cleaned_data["break_seconds"] or 0

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

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("running", "Running"), ("finished", "Finished")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[TimeEntry]) -> QuerySet[TimeEntry]:
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
        "start",
        "duration",
        "breaks",
        "user",
        "project",
        "task",
        "billable",
        "listed_tags",
    )
    list_filter = (TimerFilter, "billable")
    search_fields = (
        "folded_notes__holds",
        "folded_tags__holds",
        "project__folded_name__holds",
        "user__folded_names__holds",
    )
    autocomplete_fields = ("user", "project", "task")
    exclude = ("paused_at",)
    readonly_fields = ("duration", "paused", "in_the_users_zone", "created_at", "updated_at")
    date_hierarchy = "start_time"
    first_fields = ("user", "project", "task", "start_time", "end_time", "break_seconds")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TimeEntry]:
        """Also fetch the related rows that the pages show."""
        return super().get_queryset(request).select_related("user", "project", "task")

    @admin.display(description="Start", ordering="start_time")
    def start(self, entry: TimeEntry) -> SafeString:
        """Return the start, and below it the one that a person in another zone has read."""
        there = elsewhere(entry.start_time, entry.user.zone)
        beside = format_html('<span class="elsewhere">{}</span>', there) if there else ""
        return format_html("{} {}", localize(timezone.localtime(entry.start_time)), beside)

    @admin.display(description="Tags", ordering="tags")
    def listed_tags(self, entry: TimeEntry) -> str:
        """Return the tags with a place between them where a line may end."""
        return entry.tags.replace(",", ", ")

    @admin.display(description="In the user's zone")
    def in_the_users_zone(self, entry: TimeEntry) -> str:
        """Return start and end in the user's zone, with offsets."""
        zone, instants = entry.user.zone, filter(None, (entry.start_time, entry.end_time))
        times = [instant.astimezone(zone).isoformat(" ", "seconds") for instant in instants]
        return f"{' to '.join(times)}, {zone.key}"

    @admin.display(empty_value="running", ordering="duration_seconds")
    def duration(self, entry: TimeEntry) -> str | None:
        """Return hours, minutes and seconds, or that the timer runs or is paused."""
        if entry.duration_seconds is None:
            return "paused" if entry.paused_at else None
        return _clock(entry.duration_seconds)

    @admin.display(description="Paused at")
    def paused(self, entry: TimeEntry) -> str | None:
        """Return since when a timer is paused."""
        return localize(timezone.localtime(entry.paused_at)) if entry.paused_at else None

    @admin.display(empty_value="", ordering="break_seconds")
    def breaks(self, entry: TimeEntry) -> str | None:
        """Return hours, minutes and seconds."""
        return _clock(entry.break_seconds) if entry.break_seconds else None


def _clock(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
