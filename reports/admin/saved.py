"""Reports saved under a name: made on the page of a report, kept on a page of their own."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from reports.admin.base import PAGES, ReportPages, today_of
from reports.admin.forms import ReportForm
from reports.admin.periods import PERIODS
from reports.models import SavedReport, SharedReport
from resources.integrity import constraints_as_errors
from resources.refusals import Refusal
from staff.rights import hold_rights

NOT_A_REPORT = "This report cannot be saved: its form has errors."


class NameForm(forms.ModelForm[SavedReport]):
    """The name of a saved report."""

    class Meta:
        model = SavedReport
        fields = ("name",)


class SavedPages(ReportPages):
    """Save, list, rename and delete one's own reports."""

    def saved_view(self, request: HttpRequest) -> HttpResponse:
        """List the user's saved reports; save one more."""
        self.refuse_others(request)
        if request.method == "POST":
            return self._save(request)
        saved = [StoredQuery(row) for row in SavedReport.objects.filter(owner=request.user.pk)]
        return self.page(request, "saved", PAGES["saved"], saved=saved)

    def change_saved_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rename or delete a saved report."""
        self.refuse_others(request)
        if request.method == "POST":
            with transaction.atomic():
                hold_rights(request)
                self._change(request, get_object_or_404(SavedReport, owner=request.user.pk, pk=pk))
        return redirect("admin:reports_report_saved")

    def _save(self, request: HttpRequest) -> HttpResponse:
        query = QueryDict(request.POST.get("query", ""))
        report = ReportForm(query, today_of(request))
        form = NameForm(request.POST)
        with transaction.atomic():
            hold_rights(request)
            if not report.is_valid():
                self.message_user(request, NOT_A_REPORT, messages.ERROR)
            elif self._write(request, form, owner=request.user, query=report.kept()):
                self.message_user(request, f"Saved as “{form.instance}”.", messages.SUCCESS)
        return redirect(f"{reverse('admin:reports_report_changelist')}?{query.urlencode()}")

    def _change(self, request: HttpRequest, saved: SavedReport) -> None:
        if "delete" in request.POST:
            saved.delete()
            self.message_user(request, f"Deleted “{saved}”.", messages.SUCCESS)
        elif self._write(request, form := NameForm(request.POST, instance=saved)):
            self.message_user(request, f"Renamed to “{form.instance}”.", messages.SUCCESS)

    def _write(self, request: HttpRequest, form: NameForm, **fields: object) -> bool:
        """Write a row, or say why it is refused; the database judges whether a name is taken."""
        for name, value in fields.items():
            setattr(form.instance, name, value)
        if form.is_valid():
            try:
                with constraints_as_errors(SavedReport):
                    form.save()
            except Refusal as refusal:
                form.add_error("name", refusal.sentence)
        for sentences in form.errors.values():
            self.message_user(request, " ".join(map(str, sentences)), messages.ERROR)
        return form.is_valid()


@dataclass(frozen=True)
class StoredQuery:
    """A stored query in words, and as a part of an address."""

    row: SavedReport | SharedReport

    @property
    def address(self) -> str:
        """Return the query as a part of an address."""
        return urlencode(self.row.query)

    @property
    def period(self) -> str:
        """Return the period by its name, or its days."""
        query: dict[str, str] = self.row.query
        if name := PERIODS.get(query.get("period", "")):
            return name
        return f"{query.get('start', '…')} to {query.get('end', 'today')}"

    @property
    def levels(self) -> str:
        """Return the levels by which it is grouped."""
        levels = (self.row.query.get(name) for name in ("by", "by2", "by3"))
        return ", ".join(filter(None, levels))
