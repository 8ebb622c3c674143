"""Conditional requests (RFC 9110 §13): what an entity tag stands for, spares and refuses.

A row's tag stands for everything that its representation shows, the names of the rows it refers
to included, but for the growing duration of a running timer: a client computes that from
`start_time`. It is made of what is shown and not of the version alone: in a restored backup the
numbers of lost versions are given a second time. Dates (If-Modified-Since) are not offered: a
second is too long for two writes.
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
# Our own, as it comes back through a proxy that compressed the answer: nginx makes it weak,
# Apache's modules append what they did. It stands for a state and not for bytes, which is why
# both name the state that they named before (docs/decisions/0008-entity-tags.md).
OURS = re.compile(r'(?:W/)?("[0-9a-f]{24})(?:(?:-|--|;)(?:gzip|br|deflate|zstd))?"')
TAGS = re.compile(rf"[ \t,]*{TAG.pattern}(?:[ \t]*,[ \t,]*{TAG.pattern})*[ \t,]*")
# As WSGI names the headers: Django's `request.headers` translates all that were sent.
IF_MATCH, IF_NONE_MATCH = "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"
TAG_BYTES = 12
NO_TIME = datetime.min.replace(tzinfo=UTC)  # by which no timer has run for a second


def entity_tag(*state: object) -> str:
    """Return the strong tag of a state; another release may show the same state otherwise."""
    text = repr((settings.APP_VERSION, *state))
    return f'"{hashlib.blake2b(text.encode(), digest_size=TAG_BYTES).hexdigest()}"'


def tag_of(representation: Representation, row: Row, caller: Caller) -> str:
    """Return the tag of a row: of all that the caller is shown, as if no time passed."""
    return entity_tag(encode(representation.of_row(row, caller._replace(now=NO_TIME))))


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
    """Return whether a list of tags, or *, names a tag of ours."""
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
    """Return whether 304 may be the answer."""
    return request.method in ("GET", "HEAD") and IF_NONE_MATCH in request.META


def _header(request: Request, name: str) -> str | None:
    value: str | None = request.META.get(name)
    if value is None or value.strip() == "*":
        return value and "*"
    if not TAGS.fullmatch(value):
        shown = name.removeprefix("HTTP_").replace("_", "-").title()
        raise BadRequest(f'{shown} must be a list of entity tags such as "0a1b2c", or *.')
    return value
