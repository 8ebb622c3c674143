"""Responses that only read: from the replica if it is up to date, else from the primary."""

import tempfile
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from wsgiref.util import FileWrapper

from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.http import FileResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse

from database.deadlines import Deadline
from database.replicas import (
    FAILED,
    REPLICA,
    count,
    is_configured,
    position_now,
    reading_on_replica,
    replica,
)

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)

METHODS = ("GET", "HEAD")
CHUNK = 64 * 1024


def answered(answer: Callable[[], R], position: str | None, deadline: Deadline | None = None) -> R:
    """Return a response that shows at least what the primary shows at a position.

    If the replica fails, for whatever reason, the response is made again on the primary.
    """
    if not replica.has(position):
        return answer()
    try:
        if deadline:
            deadline.turn_to(connections[REPLICA])
        with reading_on_replica():
            response = _whole(answer())
    except Error as error:
        if deadline and deadline.broke_off(error):
            raise
        replica.leave_out(error)
        count(DEFAULT_DB_ALIAS, FAILED)
    else:
        count(REPLICA)
        return response
    if deadline:
        deadline.turn_to(connections[DEFAULT_DB_ALIAS])
    return answer()


def page_read(view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """Read a page of the admin on the replica, at the cost of one query on the primary."""

    @wraps(view)
    def read(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        request: Any = args[0]
        if request.method not in METHODS or not is_configured():
            return view(*args, **kwargs)
        return answered(lambda: view(*args, **kwargs), position_now())

    return read


def _whole(response: R) -> R:
    """Read a response to its end: once a part is sent, the primary could not start over."""
    if isinstance(response, TemplateResponse):
        response.render()
    elif isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
        response.streaming_content = _stored(iter(response))
    return response


def _stored(chunks: Iterable[bytes]) -> FileWrapper:
    """Store all chunks in a temporary file, and return it; it is closed with the response."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - Django closes the wrapper
    try:
        file.writelines(chunks)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileWrapper(file, CHUNK)
