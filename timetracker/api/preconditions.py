"""Conditional requests (RFC 9110 §13): what an entity tag stands for, spares and refuses.

A row's tag stands for everything that its representation shows, the names of the rows it refers
to included, but for the growing duration of a running timer: a client computes that from
`start_time`. Dates (If-Modified-Since) are not offered: a second is too long for two writes.
"""

import hashlib
import re
from functools import cache

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from timetracker.api.exceptions import BadRequest, NotModified, PreconditionFailed
from timetracker.api.representation import Representation, Row

TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
TAGS = re.compile(rf"[ \t,]*{TAG.pattern}(?:[ \t]*,[ \t,]*{TAG.pattern})*[ \t,]*")
# As WSGI names the headers: Django's `request.headers` translates all that were sent.
IF_MATCH, IF_NONE_MATCH = "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"
TAG_BYTES = 12


def entity_tag(*state: object) -> str:
    """Return the strong tag of a state; another release may show the same state otherwise."""
    text = repr((settings.APP_VERSION, *state))
    return f'"{hashlib.blake2b(text.encode(), digest_size=TAG_BYTES).hexdigest()}"'


def tag_of(representation: Representation, row: Row) -> str:
    """Return the tag of a row: of its version and what it shows of other rows.

    What has no version, as users, is what its columns are.
    """
    return entity_tag(*(row[place] for place in _places(representation)))


def judge(request: Request, tag: str | None, version: int | None = None) -> None:
    """Raise what the preconditions of a request make of the tag that is current, None of nothing.

    412 `precondition_failed` names it, and the `version`; 304 has no body. A header that
    lists no tags is 400: to write in spite of a protection that was asked for would be worse.
    """
    if_match = _header(request, IF_MATCH)
    if if_match is not None and not (tag and (if_match == "*" or tag in TAG.findall(if_match))):
        raise PreconditionFailed(tag, version)
    if_none_match = _header(request, IF_NONE_MATCH)
    if if_none_match is None or tag is None:
        return
    known = {candidate.removeprefix("W/") for candidate in TAG.findall(if_none_match)}
    if if_none_match == "*" or tag in known:
        if request.method in ("GET", "HEAD"):
            raise NotModified(tag)
        raise PreconditionFailed(tag, version)


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
        raise BadRequest(f'{shown} takes entity tags such as "0a1b2c", or *.')
    return value


@cache
def _places(representation: Representation) -> list[int]:
    sources = representation.sources
    if "version" not in sources:
        return list(range(len(sources)))
    return [
        place
        for place, source in enumerate(sources)
        if source in ("id", "version") or "." in source
    ]
