"""Conditional requests (RFC 9110 §13).

A row's entity tag covers its whole representation, including names of related rows, but not the
growing duration of a running timer: clients compute that from `start_time`. The version alone
would not do, because versions lost in a restored backup are assigned again. If-Modified-Since is
not supported: its resolution of a second is too coarse.
"""

import hashlib
import re
from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from api.exceptions import BadRequest, NotModified, PreconditionFailed
from api.serializers.representation import Caller, Representation, Row
from api.wire.renderers import encode

TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
# Our own tags, possibly altered by a proxy that compressed the response: nginx weakens them,
# Apache appends a suffix. A tag identifies a state and not bytes, so both still match
# (docs/decisions/0008-entity-tags.md).
OURS = re.compile(r'(?:W/)?("[0-9a-f]{24})(?:(?:-|--|;)(?:gzip|br|deflate|zstd))?"')
TAGS = re.compile(rf"[ \t,]*{TAG.pattern}(?:[ \t]*,[ \t,]*{TAG.pattern})*[ \t,]*")
# WSGI's names: Django's `request.headers` would translate every header.
IF_MATCH, IF_NONE_MATCH = "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"
TAG_BYTES = 12
NO_TIME = datetime.min.replace(tzinfo=UTC)  # before any timer started, so that durations are 0


def entity_tag(*state: object) -> str:
    """Return the strong tag of a state; it changes with each release."""
    text = repr((settings.APP_VERSION, *state))
    return f'"{hashlib.blake2b(text.encode(), digest_size=TAG_BYTES).hexdigest()}"'


def tag_of(representation: Representation, row: Row, caller: Caller) -> str:
    """Return the tag of a row's representation for the caller, with time standing still."""
    shown = encode(representation.of_row(row, caller._replace(now=NO_TIME)))
    return entity_tag(shown, caller.dialect)


def check_preconditions(request: Request, tag: str | None, version: int | None = None) -> None:
    """Check If-Match and If-None-Match against the current tag; None if nothing exists.

    Raises 412 with the current tag and `version`, 304, or 400 for a malformed header.
    """
    if_match = _header(request, IF_MATCH)
    if if_match is not None and not (tag and names(if_match, tag)):
        raise PreconditionFailed(tag, version)
    if_none_match = _header(request, IF_NONE_MATCH)
    if if_none_match is not None and tag is not None and names(if_none_match, tag):
        if request.method in ("GET", "HEAD"):
            raise NotModified(tag)
        raise PreconditionFailed(tag, version)


def names(header: str, tag: str) -> bool:
    """Return whether a header value lists the tag, or is *."""
    if header == "*":
        return True
    return any(f'{ours}"' == tag for ours in OURS.findall(header))


def refuse_preconditions(request: Request) -> None:
    """Raise 400 for a precondition on a write that has no current state to compare with.

    Ignoring a precondition that the client relies on would be worse.
    """
    if is_conditional(request):
        raise BadRequest(
            "If-Match and If-None-Match apply to one row. Send them to its own path, or set"
            " if_match on each bulk operation."
        )


def is_conditional(request: Request) -> bool:
    """Return whether a request has a precondition."""
    return IF_MATCH in request.META or IF_NONE_MATCH in request.META


def may_be_unchanged(request: HttpRequest) -> bool:
    """Return whether the response may be 304."""
    return request.method in ("GET", "HEAD") and IF_NONE_MATCH in request.META


def _header(request: Request, name: str) -> str | None:
    value: str | None = request.META.get(name)
    if value is None or value.strip() == "*":
        return value and "*"
    if not TAGS.fullmatch(value):
        shown = name.removeprefix("HTTP_").replace("_", "-").title()
        raise BadRequest(f'{shown} must be a list of entity tags such as "0a1b2c", or *.')
    return value
