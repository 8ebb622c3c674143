"""Filters of time entries."""

from django.db.models import Model, QuerySet

from api.exceptions import AccessDenied
from api.filters.base import (
    DateRangeFilterSet,
    ExternalIdFilter,
    IdFilter,
    SearchFilter,
    SinceFilter,
    SwitchFilter,
    TextFilter,
)
from timeentries.models import TimeEntry, TimeEntryQuerySet


class OwnEntriesFilterSet(DateRangeFilterSet):
    """Filters by date range, project, task, client, tag and user."""

    project_id = IdFilter()
    task_id = IdFilter()
    client_id = IdFilter(field_name="project__client_id")
    billable = SwitchFilter()
    billed = SwitchFilter(method="filter_billed")
    billing_reference = TextFilter(field_name="bill")
    tag = TextFilter(method="filter_tag", help_text="A single tag, case-sensitive.")
    user_id = IdFilter(
        method="filter_user", help_text="Only administrators may use another user's id."
    )

    @property
    def sees_everyone(self) -> bool:
        """Whether the user may ask for the entries of others."""
        return self.user.is_superuser

    def filter_user(
        self, queryset: QuerySet[TimeEntry], name: str, user_id: int
    ) -> QuerySet[TimeEntry]:
        """Keep a user's entries; 403 for another user's id unless an administrator asks."""
        if not self.sees_everyone and user_id != self.user.pk:
            raise AccessDenied("You can only access your own time entries.")
        return queryset.filter(user_id=user_id)

    def filter_billed(
        self,
        queryset: QuerySet[TimeEntry],
        name: str,
        billed: bool,  # noqa: FBT001 - django-filter's
    ) -> QuerySet[TimeEntry]:
        """Keep the entries that are billed, or those that are not."""
        return queryset.filter(bill__isnull=not billed)

    def filter_tag(
        self,
        queryset: TimeEntryQuerySet,
        name: str,
        tag: str,
    ) -> TimeEntryQuerySet:
        """Keep the entries that carry a tag."""
        return queryset.tagged(tag)


class TimeEntryFilter(OwnEntriesFilterSet):
    """Filters of `GET /time-entries`."""

    search = SearchFilter("notes")
    include_active = SwitchFilter(
        method="leave", help_text="Whether to include running timers; false by default."
    )
    updated_since = SinceFilter()
    external_id = ExternalIdFilter()

    class Meta:
        model = TimeEntry
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Apply the filters; leave running timers out unless they were asked for."""
        queryset = super().filter_queryset(queryset)
        if self.form.cleaned_data.get("include_active"):
            return queryset
        return queryset.filter(end_time__isnull=False)

    def leave(self, queryset: QuerySet[TimeEntry], *_: object) -> QuerySet[TimeEntry]:
        """Do nothing: `filter_queryset` also handles a missing parameter."""
        return queryset
