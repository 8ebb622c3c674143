"""The time entries' endpoints, and the timer's."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.urls import reverse
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from api.bulk.views import BulkMixin
from api.conditional import check_preconditions, entity_tag, is_conditional, tag_of
from api.exceptions import BadRequest
from api.schema.answers import ConflictErrorSerializer, Fields
from api.serializers.base import refuse_unknown
from api.serializers.representation import representation_of
from api.views import ApiRequest, ApiView
from timeentries.explaining import explanation
from timeentries.filters import TimeEntryFilter
from timeentries.models import TimeEntry
from timeentries.serializers import (
    ExplainedRateSerializer,
    TimeEntrySerializer,
    TimerStartSerializer,
    TimerStopSerializer,
)
from timeentries.timer import pause, resume, running_timer, stop

SHOWN = representation_of(TimeEntrySerializer)
NO_TIMER = "no timer"
EXPLAINED: Fields = {"rate": ExplainedRateSerializer()}
STATUS = {
    "active": serializers.BooleanField(),
    "timer": TimeEntrySerializer(allow_null=True),
}
STARTED = {"message": serializers.CharField(), "timer": TimeEntrySerializer()}


def _changed(name: str) -> serializers.Serializer[object]:
    """Return the response of a changed timer, under its own name in the OpenAPI document."""
    fields = {"message": serializers.CharField(), "time_entry": TimeEntrySerializer()}
    return inline_serializer(name, fields)


class TimeEntryConflictErrorSerializer(ConflictErrorSerializer):
    """A conflict, with `closed_through` if `error_code` is `period_closed`."""

    closed_through = serializers.DateField(
        required=False, allow_null=True, help_text="The last day of the closed period."
    )


class TimerConflictErrorSerializer(TimeEntryConflictErrorSerializer):
    """A conflict.

    `timer` is present if `error_code` is `timer_already_running`, `closed_through` if it is
    `period_closed`.
    """

    timer = TimeEntrySerializer(required=False, allow_null=True)


class TimeEntryViewSet(BulkMixin[TimeEntry]):
    """List, create, read, change and delete time entries."""

    scope_resource = "time_entries"
    conflict_serializer = TimerConflictErrorSerializer
    queryset = TimeEntry.objects.with_details()
    serializer_class = TimeEntrySerializer
    filterset_class = TimeEntryFilter

    @extend_schema(responses=inline_serializer("ExplainedRateEnvelope", EXPLAINED))
    @action(detail=True, methods=["get"])
    def rate(self, request: ApiRequest, pk: str) -> Response:
        """Explain the rate of a time entry: which rate it has, and why others lost."""
        return Response({"rate": explanation(self.get_object())})


class TimerStatusView(ApiView):
    """Get the current user's running timer."""

    scope_resource = "time_entries"
    tagged = True
    on_primary = True
    is_polled = True  # every five seconds by the original's mobile app: 720 an hour

    @extend_schema(responses=inline_serializer("TimerStatus", STATUS))
    def get(self, request: ApiRequest) -> Response:
        """Return the running timer, or null."""
        for row in SHOWN.rows(running_timer(request.user)):
            check_preconditions(request, tag := tag_of(SHOWN, row, request.caller))
            body = {"active": True, "timer": SHOWN.of_row(row, request.caller)}
            return Response(body, headers={"ETag": tag})
        check_preconditions(request, tag := entity_tag(NO_TIMER, request.caller.dialect))
        return Response({"active": False, "timer": None}, headers={"ETag": tag})


class TimerStartView(ApiView):
    """Start a timer."""

    scope_resource = "time_entries"
    tagged = True
    conflict_serializer = TimerConflictErrorSerializer

    @extend_schema(
        request=TimerStartSerializer,
        responses={201: inline_serializer("TimerStarted", STARTED)},
    )
    def post(self, request: ApiRequest) -> Response:
        """Start a timer now; 409 `timer_already_running` if one is already running."""
        serializer = TimerStartSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        timer = serializer.save(start_time=request.now)
        shown, tag = _shown(timer, request)
        return Response(
            {"message": "Timer started successfully", "timer": shown},
            status=201,
            headers={"Location": reverse("time-entry-detail", args=[timer.pk]), "ETag": tag},
        )


class TimerChangeView(ApiView):
    """A change of the running timer; `If-Match` takes its entity tag."""

    scope_resource = "time_entries"
    tagged = True
    conditional_post = True
    conflict_serializer = TimeEntryConflictErrorSerializer
    failures = (409,)

    def change(self, request: ApiRequest, change: Callable[..., TimeEntry], done: str) -> Response:
        """Change the timer with a function of `timer.py`, and return what it is now."""
        check = partial(_check_timer, request) if is_conditional(request) else None
        entry = change(request.user, now=request.now, check=check)
        shown, tag = _shown(entry, request)
        body = {"message": f"Timer {done} successfully", "time_entry": shown}
        return Response(body, headers={"ETag": tag})


class TimerStopView(TimerChangeView):
    """Stop the running timer."""

    @extend_schema(request=TimerStopSerializer, responses=_changed("TimerStopped"))
    def post(self, request: ApiRequest) -> Response:
        """Stop the timer now, or at `stop_time`; 400 `no_active_timer` if none is running.

        A `stop_time` before the start or in the future is 400 `invalid_stop_time`. The break of a
        paused timer ends with it. `If-Match` takes the timer's entity tag from `/timer/status` or
        its own path.
        """
        return self.change(request, partial(stop, at=_stop_time(request)), "stopped")


class TimerPauseView(TimerChangeView):
    """Pause the running timer."""

    @extend_schema(request=None, responses=_changed("TimerPaused"))
    def post(self, request: ApiRequest) -> Response:
        """Begin a break; 400 `no_active_timer` if no timer is running.

        409 `timer_already_paused` if it is already paused. `If-Match` takes the timer's entity tag
        from `/timer/status` or its own path.
        """
        refuse_unknown(request.data, known=())
        return self.change(request, pause, "paused")


class TimerResumeView(TimerChangeView):
    """Resume the paused timer."""

    @extend_schema(request=None, responses=_changed("TimerResumed"))
    def post(self, request: ApiRequest) -> Response:
        """End the break; 400 `no_active_timer` if no timer is running.

        409 `timer_not_paused` if it is not paused. `If-Match` takes the timer's entity tag from
        `/timer/status` or its own path.
        """
        refuse_unknown(request.data, known=())
        return self.change(request, resume, "resumed")


def _stop_time(request: ApiRequest) -> datetime | None:
    serializer = TimerStopSerializer(data=request.data, context={"request": request})
    refuse_unknown(request.data, known=serializer.fields)
    if not serializer.is_valid():
        [sentence] = serializer.errors["stop_time"]
        raise BadRequest(f"stop_time: {sentence}", "invalid_stop_time")
    at: datetime | None = serializer.validated_data.get("stop_time")
    return at


def _check_timer(request: ApiRequest, timer: TimeEntry | None) -> None:
    if timer is None:
        check_preconditions(request, entity_tag(NO_TIMER, request.caller.dialect))
    else:
        _, tag = _shown(timer, request)
        check_preconditions(request, tag, timer.version)


def _shown(entry: TimeEntry, request: ApiRequest) -> tuple[dict[str, object], str]:
    """Return an entry's representation for the caller, and its tag."""
    row = SHOWN.row_of(entry)
    return SHOWN.of_row(row, request.caller), tag_of(SHOWN, row, request.caller)
