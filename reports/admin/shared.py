"""Links to reports for people without an account: made, listed and revoked."""

from datetime import timedelta
from urllib.parse import urljoin

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from reports import sharing
from reports.admin.base import PAGES, ReportPages, today_of
from reports.admin.forms import ReportForm
from reports.admin.saved import NOT_A_REPORT, StoredQuery
from reports.models import LONGEST_SHARE_DAYS, SharedReport
from staff.rights import hold_rights, user_of

DAYS = 30
MOST_LISTED = 200  # the newest


class ShareForm(forms.ModelForm[SharedReport]):
    """What a link shows, and how long it is valid."""

    expires_in_days = forms.IntegerField(
        label="Valid for days", min_value=1, max_value=LONGEST_SHARE_DAYS
    )

    class Meta:
        model = SharedReport
        fields = ("title", "expires_in_days", "hides_names", "hides_amounts")


class SharedPages(ReportPages):
    """Share reports by links, list and revoke these."""

    def shared_view(self, request: HttpRequest) -> HttpResponse:
        """List the links of the user, to administrators everybody's; make one more."""
        self.refuse_others(request)
        if request.method == "POST":
            return self._share(request)
        now = timezone.now()
        links = _links_of(request).select_related("created_by")[:MOST_LISTED]
        listed = [(StoredQuery(link), link.state(now)) for link in links]
        return self.page(request, "shared", PAGES["shared"], listed=listed)

    def revoke_shared_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Revoke a link."""
        self.refuse_others(request)
        if request.method == "POST":
            with transaction.atomic():
                hold_rights(request)
                shared = get_object_or_404(_links_of(request), pk=pk)
                sharing.revoke(shared, user_of(request), timezone.now())
                self.message_user(request, f"Revoked “{shared}”.", messages.SUCCESS)
        return redirect("admin:reports_report_shared")

    def _share(self, request: HttpRequest) -> HttpResponse:
        query = QueryDict(request.POST.get("query", ""))
        report, form = ReportForm(query, today_of(request)), ShareForm(request.POST)
        if not report.is_valid():
            self.message_user(request, NOT_A_REPORT, messages.ERROR)
        elif not form.is_valid():
            for name, sentences in form.errors.items():
                words = f"{form.fields[name].label}: {' '.join(map(str, sentences))}"
                self.message_user(request, words, messages.ERROR)
        else:
            return self._made(request, self._written(request, form, report.kept()), form.instance)
        return redirect(f"{reverse('admin:reports_report_changelist')}?{query.urlencode()}")

    def _written(self, request: HttpRequest, form: ShareForm, query: dict[str, str]) -> str:
        """Store a shared report; return the secret of its link."""
        shared, now = form.instance, timezone.now()
        with transaction.atomic():
            hold_rights(request)
            self.refuse_others(request)
            shared.created_by, shared.query = user_of(request), query
            # What its creator may not see stays hidden if they may see it later.
            shared.hides_amounts |= not request.user.has_perm("reports.view_amounts")
            shared.created_at = now
            shared.expires_at = now + timedelta(days=form.cleaned_data["expires_in_days"])
            return sharing.share(shared)

    def _made(self, request: HttpRequest, secret: str, shared: SharedReport) -> HttpResponse:
        """Show the link, which is stored nowhere: not by a redirect, which would keep it."""
        path = reverse("shared-report", args=[secret])
        link = urljoin(settings.BASE_URL or request.build_absolute_uri("/"), path)
        response = self.page(request, "link", "Report shared", link=link, shared=shared)
        response["Referrer-Policy"] = "no-referrer"
        return response


def _links_of(request: HttpRequest) -> QuerySet[SharedReport]:
    links, user = SharedReport.objects.all(), user_of(request)
    return links if user.is_superuser else links.filter(created_by=user)
