"""The feed's endpoint."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from apitokens.permissions import InsufficientScope
from apitokens.scopes import allows
from changes.cursors import Cursor, CursorExpired
from changes.journal import type_of
from changes.models import Change, Feed
from changes.numbering import numbered_feed
from changes.serializers import ChangesSerializer
from clients.views import ClientViewSet
from projects.views import ProjectViewSet
from tasks.views import TaskViewSet
from timeentries.views import TimeEntryViewSet
from timetracker.api.instants import format_instant
from timetracker.api.pagination import positive
from timetracker.api.viewsets import ApiRequest, ApiView, ResourceViewSet

DEFAULT_PER_PAGE = 100
MAX_PER_PAGE = 1000
# How many numbers one call looks through for those that the caller may see.
LOOKED_THROUGH = 20_000

VIEWSETS: dict[str, type[ResourceViewSet[Any]]] = {
    type_of(viewset.queryset.model): viewset
    for viewset in (ClientViewSet, ProjectViewSet, TaskViewSet, TimeEntryViewSet)
}


class ChangesView(ApiView):
    """Tell what changed since a cursor, so that a copy of the rows stays true."""

    scope_resource = "time_entries"
    also_opened_by = ("projects", "tasks", "clients")
    parameters = {
        "cursor": (
            {"type": "string"},
            "The `next_cursor` of the last answer; without one you get the cursor of now.",
        ),
        "types": (
            {"type": "string", "examples": ["project,time_entry"]},
            f"Only these, by commas: {', '.join(VIEWSETS)}. Without it all that you may read.",
        ),
        "per_page": (
            {"type": "integer", "minimum": 1, "default": DEFAULT_PER_PAGE},
            f"How many changes an answer holds; more than {MAX_PER_PAGE} means {MAX_PER_PAGE}.",
        ),
    }
    failures = (410,)

    def query_parameters(self) -> list[str]:
        """Return where to go on, what to tell of, and how much at once."""
        return list(self.parameters)

    @extend_schema(responses=ChangesSerializer)
    def get(self, request: ApiRequest) -> Response:
        """List changes: each row as it is now, in the order of the last change of each.

        Take a cursor, list everything, then follow the cursor: no change is missed, whatever
        else is written meanwhile. `delete` means that you do not see the row (any more); you
        may never have seen it. A cursor that is too old, or was given when you could see more
        or less, is 410 `cursor_expired`: begin again. A type opens with its own read scope, and
        with none of the four the answer is 403.
        """
        types, per_page = self._types(), positive(request, "per_page", DEFAULT_PER_PAGE)
        feed = numbered_feed()
        now = Cursor(feed.epoch, feed.last_seq, request.user.pk, self._sight(types))
        cursor = self._cursor()
        if cursor is None:
            return _answer([], now, has_more=False)
        if not _can_be_followed(cursor, now, feed):
            raise CursorExpired
        if cursor.seq == now.seq:
            return _answer([], now, has_more=False)
        last = min(now.seq, cursor.seq + LOOKED_THROUGH)
        found = Change.objects.visible_to(request.user).filter(
            type__in=types, seq__gt=cursor.seq, seq__lte=last
        )
        page = list(found.order_by("seq")[: min(per_page, MAX_PER_PAGE)])
        if not _can_be_followed(cursor, now, Feed.current()):
            raise CursorExpired  # what we looked for was thrown away meanwhile
        if len(page) == min(per_page, MAX_PER_PAGE):
            last = page[-1].seq or last
        return _answer(self._told(page), replace(now, seq=last), has_more=last < now.seq)

    def _types(self) -> list[str]:
        """Return the types to tell of; 403 for one that the token's scopes do not open."""
        asked = self.request.query_params.get("types")
        available = self.request.auth.effective_scopes()
        opened = {kind: f"read:{viewset.scope_resource}" for kind, viewset in VIEWSETS.items()}
        if asked is None:
            return [kind for kind, scope in opened.items() if allows(available, scope)]
        types = asked.split(",")
        if not set(types) <= set(opened):
            raise ValidationError({"types": [f"Choose from: {', '.join(opened)}."]})
        for kind in types:
            if not allows(available, opened[kind]):
                raise InsufficientScope(opened[kind], available)
        return [kind for kind in opened if kind in types]

    def _sight(self, types: Iterable[str]) -> str:
        entries = "all" if self.request.user.is_superuser else "own"
        return f"{entries} {','.join(types)}"

    def _cursor(self) -> Cursor | None:
        """Return the cursor that was sent; 400 for what we never gave to this user."""
        text = self.request.query_params.get("cursor")
        if text is None:
            return None
        try:
            cursor = Cursor.parse(text)
        except ValueError as error:
            sentence = "Give a next_cursor as you got it, or leave it out."
            raise ValidationError({"cursor": [sentence]}) from error
        if cursor.user_id != self.request.user.pk:
            raise ValidationError({"cursor": ["This cursor was given to another user."]})
        return cursor

    def _told(self, page: list[Change]) -> list[dict[str, Any]]:
        """Return the last change of each row, with the row as it is now."""
        latest: dict[tuple[str, int], Change] = {}
        for change in page:
            latest.pop((change.type, change.object_id), None)
            latest[change.type, change.object_id] = change
        rows: dict[tuple[str, int], Any] = {}
        for kind in {change.type for change in page}:
            ids = [pk for found, pk in latest if found == kind]
            rows |= {(kind, row["id"]): row for row in self._rows(VIEWSETS[kind], ids)}
        return [_change(change, rows.get(key)) for key, change in latest.items()]

    def _rows(self, viewset: type[ResourceViewSet[Any]], ids: list[int]) -> Iterable[Any]:
        """Return those of the rows that the caller may see, as the API shows them."""
        rows = viewset.queryset.all().visible_to(self.request.user).filter(pk__in=ids)
        serializer: Any = viewset.serializer_class
        represented: list[Any] = serializer(
            rows, many=True, context={"request": self.request}
        ).data
        return represented


def _can_be_followed(cursor: Cursor, now: Cursor, feed: Feed) -> bool:
    """Return whether all that changed after the cursor is there, and as much to see as then."""
    return (
        cursor.sight == now.sight
        and cursor.epoch == feed.epoch
        and feed.pruned_through <= cursor.seq <= now.seq
    )


def _change(change: Change, row: Any) -> dict[str, Any]:
    """Return a change on the wire.

    What became of the row since is told, not what it was then: later changes only repeat it.
    """
    return {
        "seq": change.seq,
        "type": change.type,
        "id": change.object_id,
        "op": "delete" if row is None else "upsert",
        "data": row,
        "changed_at": format_instant(change.changed_at),
        "changed_by": change.user_id,
    }


def _answer(changes: list[dict[str, Any]], cursor: Cursor, *, has_more: bool) -> Response:
    return Response({"changes": changes, "next_cursor": str(cursor), "has_more": has_more})
