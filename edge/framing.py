"""Normalize the WSGI environment before Django reads it."""

import codecs
import io
from wsgiref.types import WSGIEnvironment

from django.conf import settings
from django.utils.http import parse_header_parameters

UTF_8 = ("utf-8", "ascii")  # which is a part of it
UNREADABLE = "application/octet-stream"  # refused everywhere
BROKEN_PATH = "timetracker.broken_path"
NOTHING_IN_CHUNKS = "timetracker.nothing_in_chunks"


def make_sound(environ: WSGIEnvironment) -> None:
    """Set the length of a chunked body, and refuse charsets other than UTF-8.

    Django would escape the invalid bytes of a non-UTF-8 path, making two different paths equal.
    """
    path = environ.get("PATH_INFO", "")
    if not path.isascii() and not _is_text(path):
        environ[BROKEN_PATH] = True
    if environ.get("HTTP_TRANSFER_ENCODING"):
        _read_chunks(environ)
    if ";" in environ.get("CONTENT_TYPE", "") and not _is_utf_8(environ["CONTENT_TYPE"]):
        environ["CONTENT_TYPE"] = UNREADABLE


def _read_chunks(environ: WSGIEnvironment) -> None:
    """Read a chunked body, of a large one as much as shows that it is too large.

    A server that takes chunks apart says so by `wsgi.input_terminated`. Granian ends a body that
    breaks off as it ends a whole one: of JSON and gzip the end is known, of nothing it is not.
    """
    if not environ.get("wsgi.input_terminated"):
        return
    body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    if environ["HTTP_TRANSFER_ENCODING"].strip().lower() != "chunked":
        return  # other transfer codings are not supported
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ[NOTHING_IN_CHUNKS] = not body
    del environ["HTTP_TRANSFER_ENCODING"]


def _is_text(path: str) -> bool:
    """Return whether the bytes of a path, which come as Latin-1 (PEP 3333), are UTF-8."""
    try:
        path.encode("latin-1").decode()
    except UnicodeError:
        return False
    return True


def _is_utf_8(content_type: str) -> bool:
    """Return whether a Content-Type can be read and its text is UTF-8, said or unsaid.

    Django reads even the query by the charset that is named there.
    """
    try:
        _, parameters = parse_header_parameters(content_type)
        return codecs.lookup(parameters.get("charset", "utf-8")).name in UTF_8
    except (LookupError, ValueError):
        return False
