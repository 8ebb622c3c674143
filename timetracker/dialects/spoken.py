"""The dialects of the original's apps."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import cast

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from api.serializers.fields import Validated as Row
from api.views import ApiView
from api.viewsets import ResourceViewSet
from api.wire.renderers import encode
from apitokens.dialects import Dialect
from tasks.serializers import name_of
from timeentries.views import TimerStartView
from timetracker.dialects import local_times
from timetracker.dialects.rows import ADDED, IGNORED, beside
from users.models import User

EXTENSIONS = ("chrome-extension://", "moz-extension://", "safari-web-extension://")
STATES = ("timer_already_paused", "timer_not_paused")  # 409; the apps know 400 `invalid_state`
CHOOSE_A_PROJECT = {"project_id": ["Choose a project."]}
INSTANTS = {
    *("start_time", "end_time", "paused_at"),
    *("completed_at", "created_at", "updated_at"),
}
# The local times that a body may have, and the columns that they change or are compared with.
SENT = {"start_time": "start_time", "end_time": "end_time", "if_updated_at": "updated_at"}


class OfOriginal(Dialect):
    """What all of the original's apps need."""

    scheme = "token"

    def body(self, view: ApiView) -> Row:
        """Return the body without what only the original stores; 400 if it lacks a project."""
        sent = cast("Row", view.request.data)
        if not isinstance(view, ResourceViewSet | TimerStartView):
            return sent
        ignored = IGNORED.get(view.scope_resource, frozenset())
        body = {name: value for name, value in sent.items() if name not in ignored}
        if isinstance(view, TimerStartView):  # the apps offer to start one for a client alone
            body.setdefault("project_id", None)
            body.pop("client_id", None)
        if view.scope_resource == "time_entries" and body.get("project_id", 0) in ("", None):
            raise ValidationError(CHOOSE_A_PROJECT)
        return body

    def answer(self, response: HttpResponse, view: APIView) -> None:
        """Add to rows, and to what the apps ask for first, what the original has there."""
        data = _data_of(response)
        if data is None:
            return
        if data.get("error_code") in STATES:
            response.status_code, data["error_code"] = 400, "invalid_state"
        for key, row in _rows(data, view):
            row |= ADDED[key](row)
            self.show(key, row, view)
        data |= beside(data)
        if "user" in data:
            # An app login may act for an administrator without the role.
            data["user"]["is_admin"] = getattr(view.request.user, "is_superuser", False)
        if not isinstance(response, Response):
            response.content = encode(data)

    def show(self, key: str, row: Row, view: APIView) -> None:
        """Change a row to what the app reads."""


class Desktop(OfOriginal):
    """Both desktop apps, which run in Electron."""

    title = "Desktop app"

    def is_of(self, request: HttpRequest) -> bool:
        """Return whether Electron sends a request."""
        return "Electron/" in request.META.get("HTTP_USER_AGENT", "")


class Extension(OfOriginal):
    """The extension of browsers."""

    title = "Browser extension"

    def is_of(self, request: HttpRequest) -> bool:
        """Return whether an extension sends a request."""
        origin: str = request.META.get("HTTP_ORIGIN", "")
        return origin.startswith(EXTENSIONS)


class Mobile(OfOriginal):
    """The mobile app, which shows the digits of times and sends them back as local ones.

    Of priorities it knows only the names, and turns numbers into `medium`.
    """

    title = "Mobile app"

    def is_of(self, request: HttpRequest) -> bool:
        """Return whether Dart's own HTTP client sends a request."""
        agent: str = request.META.get("HTTP_USER_AGENT", "")
        return agent.startswith("Dart/")

    def mark(self, user: User) -> str:
        """Return the title and the zone in which times are shown."""
        return f"{self.title} {user.zone.key}"

    def body(self, view: ApiView) -> Row:
        """Return the body, with the local times that need the stored row to be read."""
        body = super().body(view)
        if not isinstance(view, ResourceViewSet) or SENT.keys().isdisjoint(body):
            return body
        zone = view.request.user.zone
        if view.request.method == "POST":
            return body | local_times.end_of_new(body, zone)
        row = view.get_queryset().order_by().filter(pk=view.kwargs.get("pk")).first()
        stored = {name: getattr(row, column, None) for name, column in SENT.items()}
        return body | local_times.resolved(body, stored, zone)

    def show(self, key: str, row: Row, view: APIView) -> None:
        """Show times as local ones without an offset, and a priority as its name."""
        for name in INSTANTS & row.keys():
            if value := row[name]:
                instant = datetime.fromisoformat(value) if isinstance(value, str) else value
                row[name] = local_times.shown(instant, cast("User", view.request.user).zone)
        if isinstance(row.get("priority"), int):
            row["priority"] = name_of(row["priority"])


def _data_of(response: HttpResponse) -> Row | None:
    """Return the body of an answer, if it is JSON; that of a repeated request is bytes."""
    if isinstance(response, Response):
        data: object = response.data
        return data if isinstance(data, dict) else None
    is_json = response.get("Content-Type", "").startswith("application/json")
    found: Row | None = json.loads(response.content) if is_json else None
    return found


def _rows(data: Row, view: APIView) -> Iterator[tuple[str, Row]]:
    """Yield each row of an answer with its key; those of reports are no resources."""
    if getattr(view, "scope_resource", "") == "reports":
        return
    for key in data.keys() & ADDED.keys():
        rows = data[key] if isinstance(data[key], list) else [data[key]]
        yield from ((key, row) for row in rows if row)
