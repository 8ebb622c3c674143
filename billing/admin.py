"""Bills in the Django admin: staff look at them, administrators release them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from rest_framework.exceptions import NotFound

from billing.bills import lines_of, release, sums_by_bill
from billing.models import Bill
from resources.admin import ModelAdmin, ModelChangeList
from staff.permissions import ReadOnly
from staff.rights import hold_rights
from values.instants import hours

SHOWN = ("reference", "billed_at", "billed_by", "entries", "hours", "rounded_hours")


class BillChangeList(ModelChangeList):
    """Django's list, which sums up the entries of all bills on its page at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        _sum_up(self.result_list)


@admin.register(Bill)
class BillAdmin(ReadOnly, ModelAdmin[Bill]):
    """See bills, and release them. Amounts are for those who may see them in reports."""

    list_display = (*SHOWN, "amounts")
    list_select_related = ("billed_by",)
    search_fields = ("reference",)
    actions = None

    class Media:
        css = {"all": ("reports/reports.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[BillChangeList]:
        return BillChangeList

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return _permitted(request)

    def get_fields(self, request: HttpRequest, obj: Bill | None = None) -> tuple[str, ...]:
        return _permitted(request)

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Bill | None:
        """Return a bill with its sums."""
        bill = super().get_object(request, *args, **kwargs)
        if bill is not None:
            _sum_up([bill])
        return bill

    def get_urls(self) -> list[URLPattern]:
        """Add the page that releases a bill."""
        view = self.admin_site.admin_view(self.release_view)
        return [path("<int:pk>/release/", view, name="billing_bill_release"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Add the lines of the bill to the page, and a way to its entries."""
        bill = self.get_object(request, unquote(object_id))
        if bill is not None:
            entries = reverse("admin:timeentries_timeentry_changelist")
            priced = _may_view_amounts(request)
            extra_context = {
                "lines": lines_of(bill, "project", priced=priced),
                "priced": priced,
                "entries": f"{entries}?{urlencode({'bill': bill.reference})}",
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def release_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for confirmation, and release the bill."""
        if request.method != "POST":
            return self._asked(request, _found(request, pk))
        with transaction.atomic():
            hold_rights(request)
            bill = _found(request, pk)
            self.log_deletions(request, Bill.objects.filter(pk=pk))
            try:
                release(bill, timezone.now())
            except NotFound as error:
                raise Http404 from error
        self.message_user(request, f"Released {bill}. Its entries can be billed again.")
        return redirect("admin:billing_bill_changelist")

    def _asked(self, request: HttpRequest, bill: Bill) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Release {bill}",
            "bill": bill,
        }
        return TemplateResponse(request, "admin/billing/bill/release.html", context)

    @admin.display
    def entries(self, bill: Bill) -> str:
        return f"{bill.sums.entries:,}"

    @admin.display
    def hours(self, bill: Bill) -> str:
        return f"{hours(bill.sums.seconds):,.2f}"

    @admin.display
    def rounded_hours(self, bill: Bill) -> str:
        return f"{hours(bill.sums.rounded_seconds):,.2f}"

    @admin.display
    def amounts(self, bill: Bill) -> str:
        """Return the amount in each currency."""
        return render_to_string("admin/billing/bill/amounts.html", {"bill": bill})


def _sum_up(bills: Sequence[Bill]) -> None:
    sums = sums_by_bill(bills)
    for bill in bills:
        bill.sums = sums[bill.reference]


def _may_view_amounts(request: HttpRequest) -> bool:
    return request.user.has_perm("reports.view_amounts")


def _permitted(request: HttpRequest) -> tuple[str, ...]:
    """Return what a user may see of a bill."""
    return (*SHOWN, "amounts") if _may_view_amounts(request) else SHOWN


def _found(request: HttpRequest, pk: int) -> Bill:
    """Return the bill that an administrator wants to release."""
    if not request.user.is_superuser:
        raise PermissionDenied
    bill = get_object_or_404(Bill, pk=pk)
    _sum_up([bill])
    return bill
