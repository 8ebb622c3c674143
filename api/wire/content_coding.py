"""gzip-compressed request bodies, with the usual size limit (RFC 9110 §8.4)."""

import zlib

from django.conf import settings
from rest_framework.request import Request

from api.exceptions import BadRequest, PayloadTooLarge, UnsupportedContentCoding

GZIP = ("gzip", "x-gzip")
GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib's way to say: with gzip's header and checksum


def check_coding(request: Request) -> None:
    """Raise 415 for an unsupported Content-Encoding."""
    if _coding(request) not in ("", "identity", *GZIP):
        raise UnsupportedContentCoding


def unpacked(request: Request, body: bytes) -> bytes:
    """Return the decompressed body; 413 as soon as it exceeds the limit."""
    return _gunzip(body) if _coding(request) in GZIP else body


def _coding(request: Request) -> str:
    coding: str = request.META.get("HTTP_CONTENT_ENCODING", "")
    return coding.strip().lower()


def _gunzip(packed: bytes) -> bytes:
    """Decompress all members of a gzip file, never more than the limit."""
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = b""
    while packed:
        member = zlib.decompressobj(GZIP_WINDOW)
        try:
            body += member.decompress(packed, most + 1 - len(body))
        except zlib.error as error:
            raise BadRequest("The body is not valid gzip.") from error
        if len(body) > most:
            raise PayloadTooLarge("The body must not exceed 1 MiB after decompression.")
        if not member.eof:
            raise BadRequest("The body is not valid gzip: it is truncated.")
        packed = member.unused_data
    return body
