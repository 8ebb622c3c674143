"""The entries that staff ask for, by the rules of the API's reports."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.db.models.functions import Length
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from rest_framework.exceptions import APIException, ValidationError

from reports.admin.comparing import compare, levels_before
from reports.admin.forms import NONE, ReportForm
from reports.admin.people import ONLY_PERSON, name_people
from reports.admin.periods import DAY
from reports.admin.rows import SORTS, sort
from reports.filters import ReportFilter
from reports.groups import Group, grouped
from reports.queries import currencies_of_entries, totals_of
from reports.totals import Totals
from staff.rights import user_of
from timeentries.models import TimeEntry, TimeEntryQuerySet
from users.models import User
from values.instants import Span, span_of_day


@dataclass(frozen=True)
class Viewer:
    """By whose zone a report is made, and what of it leaves the server."""

    user: User
    amounts: bool
    names: bool = True

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Return the user of a page of the admin."""
        user = user_of(request)
        return cls(user, user.has_perm("reports.view_amounts"))


class StaffFilter(ReportFilter):
    """A report about whomever it was asked for: the permission was looked at before."""

    viewer: Viewer

    @property
    def user(self) -> User:
        """The viewer, who for a shared report is its creator and makes no request."""
        return self.viewer.user

    @property
    def sees_everyone(self) -> bool:
        """Everybody's entries."""
        return True


class PeriodBeforeFilter(StaffFilter):
    """The days before those that were asked for, and as many."""

    def date_range(self) -> tuple[Span, Span]:
        """Return the bounds of the period before."""
        start, end = super().date_range()
        first, last = (at.astimezone(self.zone).date() for at in (start.first, end.last))
        before = first - (last - first + DAY), first - DAY
        return span_of_day(before[0], self.zone), span_of_day(before[1], self.zone)


@dataclass(frozen=True)
class Selection:
    """The finished entries of a range, as a viewer may see them."""

    form: ReportForm
    entries: TimeEntryQuerySet
    start: Span
    end: Span
    viewer: Viewer
    before: "Selection | None" = None  # the period before, if they are compared

    @classmethod
    def of(cls, query: QueryDict, viewer: Viewer) -> "Selection | ReportForm":
        """Return the selection, or the form with its errors."""
        now = timezone.now()
        form = ReportForm(query, now.astimezone(viewer.user.zone).date())
        if not form.is_valid():
            return form
        try:
            before = None
            if form.cleaned_data["compare"]:
                before = cls._filtered(PeriodBeforeFilter, form, viewer, now)
            return cls._filtered(StaffFilter, form, viewer, now, before)
        except ValidationError as error:
            form.add_error(None, sentences(error))
            return form

    @classmethod
    def _filtered(
        cls,
        filters: type[StaffFilter],
        form: ReportForm,
        viewer: Viewer,
        now: datetime,
        before: "Selection | None" = None,
    ) -> Self:
        report = filters(form.filters(), _base(form))
        report.viewer, report.now = viewer, now
        if not report.is_valid():
            raise ValidationError(report.errors)
        entries, (start, end) = report.entries.finished(), report.date_range()
        return cls(form, entries, start, end, viewer, before)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its days."""
        return self.viewer.user.zone

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day."""
        first, last = self.start.first, self.end.last
        return first.astimezone(self.zone).date(), last.astimezone(self.zone).date()

    @property
    def length(self) -> int:
        """The number of days."""
        first, last = self.days
        return (last - first).days + 1

    def grouped(self, levels: list[str]) -> Group:
        """Return the groups in their own order."""
        whole = grouped(self.entries, levels, self.start.first, self.end.end, self.zone)
        if not self.viewer.amounts:
            whole.forget_amounts()
        return whole

    def report(self, levels: list[str], order: str) -> Group:
        """Return the groups, compared if that was asked for, in an order or in their own."""
        whole = self.grouped(levels)
        if self.before:
            before = self.before.grouped(levels_before(levels))
            compare(whole, before, levels, self.length)
        if "user" in levels:
            name_people(whole, levels, hidden=not self.viewer.names)
        if order.removeprefix("-") in SORTS:
            sort(whole, order)
        return whole

    def totals(self) -> Totals:
        """Return the totals of all entries."""
        totals = totals_of(self.entries)
        if not self.viewer.amounts:
            totals.amounts.clear()
        return totals

    def currencies(self) -> list[str] | None:
        """Return the currencies that a file of entries has columns for."""
        return currencies_of_entries(self.entries) if self.viewer.amounts else None

    def chosen(self) -> list[tuple[str, str]]:
        """Return the filters that were set, in words."""
        return [
            (name, ONLY_PERSON if name == "User" and not self.viewer.names else words)
            for name, words in self.form.chosen()
        ]


def _base(form: ReportForm) -> TimeEntryQuerySet:
    """Return all entries, filtered by criteria that the API lacks."""
    entries = TimeEntry.objects.all()
    if form.cleaned_data["client"] == NONE:
        entries = entries.filter(project__client=None)
    if form.cleaned_data["task"] == NONE:
        entries = entries.filter(task=None)
    if "tags" in form.data:
        tags = form.cleaned_data["tags"]
        for tag in filter(None, tags.split(",")):
            entries = entries.tagged(tag)
        entries = entries.alias(size=Length("tags")).filter(size=len(tags))
    return entries


def sentences(error: APIException) -> list[str]:
    """Return the API's error messages without parameter names."""
    detail: Any = error.detail
    return [str(sentence) for sentences in detail.values() for sentence in sentences]
