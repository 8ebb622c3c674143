"""Where a consumer of the feed stands: opaque to it, and of no use to another user."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Self

from api.exceptions import ApiError

TEXT = re.compile(
    r"1 ([0-9a-f]{16}) ([0-9]{1,18}) ([0-9]{1,18}) ((?:all|own) [a-z_,]+)"
    r"(?: after ([a-z_]+) ([0-9]{1,18}))?",
    re.ASCII,
)


class CursorExpired(ApiError):
    """410: what lies after the cursor cannot be items any more."""

    status_code = 410
    default_code = "cursor_expired"
    default_detail = (
        "This cursor has expired: it is too old, or your access or the requested types have "
        "changed. Discard your copy and start again without a cursor."
    )


@dataclass(frozen=True)
class Cursor:
    """The last number that was read, by whom, and what there was to see.

    `sight` is all entries or one's own, and the types: with more than that a consumer would
    lack rows that did not change, with less it would keep rows that it may not see. `listed`
    is the type and id of the last row, as long as the consumer still gets what there was when
    it began; what changes meanwhile comes after that, from `seq` on.
    """

    epoch: str
    seq: int
    user_id: int
    sight: str
    listed: tuple[str, int] | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the cursor that a text stands for; ValueError if there is none."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        except (binascii.Error, UnicodeError) as error:
            raise ValueError(text) from error
        match = TEXT.fullmatch(plain)
        if not match:
            raise ValueError(text)
        epoch, seq, user_id, sight, kind, pk = match.groups()
        return cls(epoch, int(seq), int(user_id), sight, (kind, int(pk)) if kind else None)

    def __str__(self) -> str:
        plain = f"1 {self.epoch} {self.seq} {self.user_id} {self.sight}"
        if self.listed:
            plain += " after {} {}".format(*self.listed)
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")
