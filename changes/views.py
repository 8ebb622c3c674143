"""The feed's endpoint."""

from dataclasses import replace
from functools import partial

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from api.conditional import check_preconditions, entity_tag
from api.exceptions import Unavailable
from api.pagination.pages import positive
from api.schema.types import Schema
from api.views import ApiRequest, ApiView
from apitokens.permissions import InsufficientScope
from apitokens.scopes import allows
from changes.cursors import Cursor, CursorExpired
from changes.feed import VIEWSETS, Items, Reader
from changes.serializers import ChangeListSerializer
from database.replicas import is_configured, position_now
from journal.models import Feed
from journal.numbering import TooManyWaiting, feed_of_now, numbered_feed

DEFAULT_PER_PAGE = 100
MAX_PER_PAGE = 1000
NOW = "now"
DEFAULT_TYPES = "By default those that were named for the cursor, or else all that you may read."
RENEWED_EVERY = 1000  # changes, most of which the caller may not see


class ChangesView(ApiView):
    """List every row, then stream changes."""

    scope_resource = "time_entries"
    has_deadline = False  # numbering new changes may have to wait for other readers
    on_primary = True  # where it numbers; what is numbered may be read on the replica
    tagged = True
    also_opened_by = tuple(
        viewset.scope_resource
        for viewset in VIEWSETS.values()
        if viewset.scope_resource != "time_entries"
    )
    parameters: dict[str, tuple[Schema, str]] = {
        "cursor": (
            {"type": "string", "minLength": 1},
            "The last `next_cursor`. Omit it to list every row first; `now` skips to new changes.",
        ),
        "types": (
            {"type": "string", "examples": ["project,time_entry"]},
            f"Comma-separated types: {', '.join(VIEWSETS)}. {DEFAULT_TYPES}",
        ),
        "per_page": (
            {"type": "integer", "minimum": 1, "default": DEFAULT_PER_PAGE},
            f"Number of changes in a response, at most {MAX_PER_PAGE}.",
        ),
    }
    failures = (410,)

    def query_parameters(self) -> list[str]:
        """Return the accepted query parameters."""
        return list(self.parameters)

    @extend_schema(responses=ChangeListSerializer)
    def get(self, request: ApiRequest) -> Response:
        """Keep a copy up to date: list every row, then follow each change.

        Send each `next_cursor` as the next `cursor`, immediately while `has_more` is true. Store
        the row of an `upsert` and remove that of a `delete`, even if you never had it. No change
        is missed, including changes made while you list. 410 `cursor_expired` means that the
        cursor is more than 90 days old or that your access has changed: discard your copy and
        start again without a cursor. Each type requires its own read scope; with none of them
        the response is 403. A response without changes has an `ETag`; sent as `If-None-Match`,
        it gives 304 until something changes, which counts only towards the minute limit.
        """
        given = self._given()
        types = self._types(given)
        limit = min(positive(request, "per_page", DEFAULT_PER_PAGE), MAX_PER_PAGE)
        feed = _feed(to_the_end=request.query_params.get("cursor") == NOW)
        entries = "all" if request.user.is_superuser else "own"
        sight = f"{entries} {','.join(types)}"
        chosen = "types" in request.query_params or (given is not None and given.chosen)
        now = Cursor(feed.epoch, feed.last_seq, request.user.pk, sight, chosen=chosen)
        cursor = replace(given, chosen=chosen) if given else self._first(now)
        if not _can_be_followed(cursor, now, feed):
            raise CursorExpired
        reader = Reader(request, types)
        page = partial(self._page, reader, cursor, now, limit, waiting=feed.waiting)
        if is_configured() and cursor != now:
            return self.read(page, position_now())
        return page()

    def _page(
        self, reader: Reader, cursor: Cursor, now: Cursor, limit: int, *, waiting: bool
    ) -> Response:
        """Return what follows a cursor, up to the end of the feed as it was numbered."""
        if cursor.listed:
            items, listed = reader.listed(cursor.listed, cursor.seq, limit)
            cursor = replace(cursor, listed=listed)
            return _answer(items, cursor, has_more=cursor != now or waiting)
        items, seq = [], cursor.seq
        if cursor != now:
            items, seq = reader.changed(cursor.seq, now.seq, limit)
            if not _can_be_followed(cursor, now, Feed.current()):
                raise CursorExpired  # pruned while we were reading
        response = _answer(items, replace(now, seq=seq), has_more=seq < now.seq or waiting)
        if not (items or response.data["has_more"]):
            check_preconditions(self.request, tag := self._tag_of_nothing(now))
            response["ETag"] = tag
        return response

    def _tag_of_nothing(self, now: Cursor) -> str:
        """Return the tag of an empty response, whatever the cursor.

        It changes daily and every `RENEWED_EVERY` changes, so that an idle consumer gets a fresh
        cursor before its own expires.
        """
        then = replace(now, seq=now.seq // RENEWED_EVERY)
        return entity_tag("nothing new", str(then), self.request.now.date())

    def _types(self, given: Cursor | None) -> list[str]:
        """Return the requested types; 403 for one that the token may not read.

        Without any, those of a cursor for which they were named; else all that may be read.
        """
        asked = self.request.query_params.get("types")
        if asked is None and given and given.chosen:
            asked = ",".join(given.types)
        available = self.request.auth.effective_scopes()
        opened = {kind: f"read:{viewset.scope_resource}" for kind, viewset in VIEWSETS.items()}
        if asked is None:
            return [kind for kind, scope in opened.items() if allows(available, scope)]
        types = asked.split(",")
        if not set(types) <= set(opened):
            raise ValidationError({"types": [f"Must be any of: {', '.join(opened)}."]})
        for kind in types:
            if not allows(available, opened[kind]):
                raise InsufficientScope(opened[kind], available)
        return [kind for kind in opened if kind in types]

    def _first(self, now: Cursor) -> Cursor:
        """Return where a consumer without a cursor begins."""
        is_listed = "cursor" not in self.request.query_params
        return replace(now, listed=(next(iter(VIEWSETS)), 0)) if is_listed else now

    def _given(self) -> Cursor | None:
        """Return the requested cursor, if any; 400 for an invalid one or another user's."""
        text = self.request.query_params.get("cursor")
        if text in (None, NOW):
            return None
        sentence = "Must be a next_cursor or now."
        try:
            cursor = Cursor.parse(text)
        except ValueError as error:
            raise ValidationError({"cursor": [sentence]}) from error
        if cursor.listed and cursor.listed[0] not in VIEWSETS:
            raise ValidationError({"cursor": [sentence]})
        if cursor.user_id != self.request.user.pk:
            raise ValidationError({"cursor": ["This cursor belongs to another user."]})
        return cursor


def _can_be_followed(cursor: Cursor, now: Cursor, feed: Feed) -> bool:
    """Return whether the journal still covers the cursor and visibility is unchanged."""
    return (
        cursor.sight == now.sight
        and cursor.epoch == feed.epoch
        and feed.pruned_through <= cursor.seq <= now.seq
    )


def _feed(*, to_the_end: bool) -> Feed:
    try:
        return feed_of_now() if to_the_end else numbered_feed()
    except TooManyWaiting as error:
        raise Unavailable(
            "Too many new changes to catch up in one request. Retry until it succeeds."
        ) from error


def _answer(items: Items, cursor: Cursor, *, has_more: bool) -> Response:
    return Response({"changes": items, "next_cursor": str(cursor), "has_more": has_more})
