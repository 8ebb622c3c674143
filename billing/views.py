"""The endpoints of billing, and of pricing again."""

from collections.abc import Sequence
from datetime import date
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.db.models import Q
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from api.schema.types import Schema
from api.serializers.fields import Validated
from api.views import ApiRequest, ApiView
from billing.bills import (
    GROUPS,
    MISSING,
    Sums,
    bill,
    billable,
    lines_of,
    release,
    sums_by_bill,
    sums_of,
)
from billing.models import Bill
from billing.serializers import (
    FILTERS,
    BillingSerializer,
    BillingWithLinesSerializer,
    BillRequestSerializer,
    RepriceRequestSerializer,
    RepricingSerializer,
)
from timeentries.models import TimeEntry, TimeEntryQuerySet
from timeentries.repricing import reprice
from values.instants import day_bounds, format_instant, hours

MOST_LISTED = 1_000
ENVELOPE = inline_serializer("BillingEnvelope", {"billing": BillingSerializer()})
LIST = inline_serializer("BillingList", {"billings": BillingSerializer(many=True)})
WITH_LINES = inline_serializer("BillingDetail", {"billing": BillingWithLinesSerializer()})
RELEASED = inline_serializer("BillingReleased", {"message": serializers.CharField()})
REPRICED = inline_serializer("RepricingEnvelope", {"repricing": RepricingSerializer()})


class BillingView(ApiView):
    """Bill time entries, and list what was billed."""

    scope_resource = "time_entries"
    administrators_do = "bill time entries"
    others_get = False

    @extend_schema(operation_id="billing_list", summary="List billing references", responses=LIST)
    def get(self, request: ApiRequest) -> Response:
        """List the newest thousand references with the sums of each."""
        bills = list(Bill.objects.all()[:MOST_LISTED])
        return Response({"billings": _shown(bills)})

    @extend_schema(
        operation_id="billing_create",
        summary="Bill time entries",
        request=BillRequestSerializer,
        responses=ENVELOPE,
    )
    def post(self, request: ApiRequest) -> Response:
        """Bill time entries, each of them once.

        They must be finished, billable and not billed yet; 409 `nothing_to_bill` if none is. The
        same reference with the same selection returns the same response again; with another
        selection it is 409 `reference_taken`. A billed entry refuses changes until its reference
        is deleted.
        """
        asked = BillRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        selection = dict(asked.validated_data)
        reference, preview = selection.pop("reference"), selection.pop("preview")
        entries = selected(selection, request.user.zone)
        if preview:
            return Response({"billing": _numbers(reference, sums_of(billable(entries)), None)})
        kept = {name: _kept(value) for name, value in sorted(selection.items())}
        made = bill(entries, reference, kept, user=request.user, now=request.now)
        return Response({"billing": _shown([made])[0]})


class BillView(ApiView):
    """The sums billed under a reference."""

    scope_resource = "time_entries"
    administrators_do = "bill time entries"
    others_get = False
    key, plural_key = "billing", "billings"
    parameters: ClassVar[dict[str, tuple[Schema, str]]] = {
        "group_by": (
            {"type": "string", "enum": [*GROUPS], "default": "project"},
            "The grouping of the invoice lines.",
        )
    }

    def query_parameters(self) -> list[str]:
        return ["group_by"] if self.request.method in SAFE_METHODS else []

    @extend_schema(
        operation_id="billing_retrieve",
        summary="Get the lines of an invoice",
        responses=WITH_LINES,
    )
    def get(self, request: ApiRequest, reference: str) -> Response:
        """Return the sums and the invoice lines of a reference."""
        group_by = request.query_params.get("group_by", "project")
        if group_by not in GROUPS:
            raise ValidationError({"group_by": [f"Must be one of {', '.join(GROUPS)}."]})
        found = self._found(reference)
        lines = [_line(line, group_by) for line in lines_of(found, group_by)]
        return Response({"billing": {**_shown([found])[0], "lines": lines}})

    @extend_schema(
        operation_id="billing_destroy",
        summary="Release billed time entries",
        responses=RELEASED,
    )
    def delete(self, request: ApiRequest, reference: str) -> Response:
        """Release the entries: they are unbilled again, and the reference is free."""
        release(self._found(reference), request.now)
        return Response({"message": "Billing deleted successfully"})

    def _found(self, reference: str) -> Bill:
        found = Bill.objects.filter(reference=reference).first()
        if found is None:
            raise NotFound(MISSING)
        return found


class RepriceView(ApiView):
    """Price time entries again."""

    scope_resource = "rates"
    administrators_do = "price time entries again"

    @extend_schema(request=RepriceRequestSerializer, responses=REPRICED)
    def post(self, request: ApiRequest) -> Response:
        """Price finished entries again by the current rates.

        A `preview`, the default, reports how many would change, and the sums before and after.
        Billed entries, and those in closed books, are left alone.
        """
        asked = RepriceRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        selection = dict(asked.validated_data)
        preview = selection.pop("preview")
        done = reprice(selected(selection, request.user.zone), preview=preview, now=request.now)
        return Response({"repricing": {"preview": preview, **done}})


def selected(selection: Validated, zone: ZoneInfo) -> TimeEntryQuerySet:
    """Return the entries of a selection; its days are those of a time zone."""
    condition = Q()
    if "entry_ids" in selection:
        condition &= Q(pk__in=selection["entry_ids"])
    for name in FILTERS:
        if name not in selection:
            continue
        value = selection[name]
        if name == "start_date":
            condition &= Q(start_time__gte=day_bounds(value, zone)[0])
        elif name == "end_date":
            condition &= Q(start_time__lt=day_bounds(value, zone)[1])
        else:
            condition &= Q(**{"project__client_id" if name == "client_id" else name: value})
    return TimeEntry.objects.filter(condition)


def _kept(value: int | list[int] | date) -> object:
    return value if isinstance(value, int | list) else value.isoformat()


def _shown(bills: Sequence[Bill]) -> list[dict[str, object]]:
    sums = sums_by_bill(bills)
    return [
        _numbers(each.reference, sums[each.reference], format_instant(each.billed_at))
        for each in bills
    ]


def _numbers(reference: str, sums: Sums, billed_at: str | None) -> dict[str, object]:
    return {"reference": reference, **sums._asdict(), "billed_at": billed_at}


def _line(line: Validated, group_by: str) -> dict[str, object]:
    return {
        "key": line["key"],
        "name": line["name"] or f"No {group_by}",
        "entries": line["entries"],
        "seconds": line["seconds"],
        "rounded_seconds": line["rounded"],
        "rounded_hours": hours(line["rounded"]),
        "hourly_rate": line["price"],
        "currency": line["in_currency"],
        "amount": line["worth"],
    }
