"""What we keep of a receiver's answer; all of it is text by a stranger."""

import re

from django.utils.http import parse_http_date_safe

SNIPPET_BYTES = 2048
LONGEST_PAUSE = 24 * 3600  # seconds, of the pauses between attempts


def snippet(body: bytes) -> str:
    """Return the beginning of a body as text of at most 2 KiB of UTF-8.

    What does not print (NUL, which PostgreSQL cannot store, and what turns the direction of
    writing) becomes U+FFFD.
    """
    text = body[:SNIPPET_BYTES].decode(errors="replace").replace("\r\n", "\n")
    shown = "".join(
        character if character.isprintable() or character in "\n\t" else "\ufffd"
        for character in text
    )
    return shown.encode()[:SNIPPET_BYTES].decode(errors="ignore")


def pause(retry_after: str | None, now: float) -> int | None:
    """Return the seconds that a Retry-After asks for, a day at most; None where it is unreadable.

    It holds seconds or a date (RFC 9110, 10.2.3); `now` is in Unix seconds.
    """
    text = (retry_after or "").strip()
    if re.fullmatch(r"[0-9]{1,10}", text, re.ASCII):
        seconds = int(text)
    elif (date := parse_http_date_safe(text)) is not None:
        seconds = date - int(now)
    else:
        return None
    return min(max(seconds, 0), LONGEST_PAUSE)
