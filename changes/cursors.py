"""A consumer's position in the feed: opaque, and bound to its user."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Self

from api.exceptions import ApiError

TEXT = re.compile(
    r"1 ([0-9a-f]{16}) ([0-9]{1,18}) ([0-9]{1,18}) ((?:all|own) [a-z_,]+)( chosen)?"
    r"(?: after ([a-z_]+) ([0-9]{1,18}))?",
    re.ASCII,
)


class CursorExpired(ApiError):
    """410: the changes after the cursor are no longer available."""

    status_code = 410
    default_code = "cursor_expired"
    default_detail = (
        "This cursor has expired: it is too old, or your access or the requested types have "
        "changed. Discard your copy and start again without a cursor."
    )


@dataclass(frozen=True)
class Cursor:
    """The last sequence number read, the user, and the user's visibility.

    `sight` is all entries or one's own, and the types: if visibility grew, a consumer would lack
    unchanged rows; if it shrank, it would keep rows that it may no longer see. `listed` is the
    type and id of the last row during the initial listing; changes made in the meantime follow it,
    from `seq`. `chosen` says that somebody named the types: a request that names none keeps them.
    """

    epoch: str
    seq: int
    user_id: int
    sight: str
    listed: tuple[str, int] | None = None
    chosen: bool = False

    @property
    def types(self) -> list[str]:
        """The types, without the entries that are seen."""
        return self.sight.split(" ")[1].split(",")

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
        epoch, seq, user_id, sight, chosen, kind, pk = match.groups()
        listed = (kind, int(pk)) if kind else None
        return cls(epoch, int(seq), int(user_id), sight, listed, bool(chosen))

    def __str__(self) -> str:
        plain = f"1 {self.epoch} {self.seq} {self.user_id} {self.sight}"
        plain += " chosen" if self.chosen else ""
        if self.listed:
            plain += " after {} {}".format(*self.listed)
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")
