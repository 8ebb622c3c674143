"""How tokens are used: counted in this process and written down once a minute.

A write for each request would cost more than all of authentication. A process that is killed
loses what it has counted and not written, at most a minute of it; one that ends in order writes
it first.
"""

import logging
import threading
from collections.abc import Sequence
from datetime import date, datetime
from multiprocessing.util import Finalize
from typing import NamedTuple

from django.db import DatabaseError, connection, connections, transaction
from django.db.models import Q
from django.utils import timezone

from apitokens.models import ApiToken, TokenUsage
from timetracker.client_address import Address
from timetracker.postgresql.commits import wait_for_no_standby

FLUSH_SECONDS = 60
MOST_SEEN = 100_000  # scopes of tokens that a process remembers having written
# Adding in the database: several processes count the same token.
ADD = """
    INSERT INTO apitokens_tokenusage (token_id, day, scope, calls, refused)
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (token_id, day, scope) DO UPDATE SET
        calls = apitokens_tokenusage.calls + excluded.calls,
        refused = apitokens_tokenusage.refused + excluded.refused
"""

log = logging.getLogger("timetracker.usage")


class Key(NamedTuple):
    """What calls are counted by; the day is UTC's, the scope is the one that a call needs."""

    token_id: int
    day: date
    scope: str


class LastUse(NamedTuple):
    """When and from where a token was used last."""

    at: datetime
    address: str | None


class UsageBuffer:
    """Counts of this process that are not in the database yet."""

    def __init__(self, seconds: float | None = FLUSH_SECONDS) -> None:
        """Write `seconds` after the first call counted; None leaves it to who calls `flush`."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._counts: dict[Key, list[int]] = {}
        self._last: dict[int, LastUse] = {}
        self._seen: set[tuple[int, str]] = set()

    def note(
        self, token_id: int, scopes: Sequence[str], address: Address | None, *, allowed: bool
    ) -> None:
        """Count a call that needed a scope and had it (`allowed`) or was refused.

        Of several scopes it counts for the first; of the others it is only known that they count.
        """
        if allowed and self._seconds is not None:
            self._write_first_uses(token_id, scopes)
        now = timezone.now()
        last = LastUse(now, str(address) if address else None)
        with self._lock:
            first = not self._counts
            for scope in scopes:
                self._counts.setdefault(Key(token_id, now.date(), scope), [0, 0])
            self._counts[Key(token_id, now.date(), scopes[0])][0 if allowed else 1] += 1
            self._last[token_id] = last
        if first:
            self._write_later()

    def _write_first_uses(self, token_id: int, scopes: Sequence[str]) -> None:
        """Write at once that a token needs a scope, the first time that this process sees it.

        Who narrows a token asks the database, and what other processes have counted may not be
        there for a minute: the scope would be lost while it is in use.
        """
        new = [scope for scope in scopes if (token_id, scope) not in self._seen]
        if not new:
            return
        day = timezone.now().date().isoformat()
        try:
            with transaction.atomic():
                wait_for_no_standby(connection)
                with connection.cursor() as cursor:
                    cursor.executemany(ADD, [(token_id, day, scope, 0, 0) for scope in new])
        except DatabaseError:
            log.exception("The first use of a scope could not be written; it is counted later")
            return
        if len(self._seen) > MOST_SEEN:
            self._seen.clear()
        self._seen.update((token_id, scope) for scope in new)

    def flush(self) -> None:
        """Add what was counted to the database, in the order of ids; keep it if that fails."""
        with self._writing:
            with self._lock:
                counts, self._counts = self._counts, {}
                last, self._last = self._last, {}
            if not counts:
                return
            try:
                _write(counts, last)
            except DatabaseError:
                log.exception("The use of tokens could not be written; it is kept for later")
                self._take_back(counts, last)

    def _take_back(self, counts: dict[Key, list[int]], last: dict[int, LastUse]) -> None:
        with self._lock:
            for key, (calls, refused) in counts.items():
                newer = self._counts.setdefault(key, [0, 0])
                newer[0] += calls
                newer[1] += refused
            self._last = {**last, **self._last}
        self._write_later()

    def _write_later(self) -> None:
        if self._seconds is not None:
            timer = threading.Timer(self._seconds, self._flush_in_thread)
            timer.daemon = True
            timer.start()

    def _flush_in_thread(self) -> None:
        try:
            self.flush()
        finally:
            connections.close_all()  # this thread's


@transaction.atomic
def _write(counts: dict[Key, list[int]], last: dict[int, LastUse]) -> None:
    """Add the counts; two processes lock in the same order, so neither waits for ever."""
    wait_for_no_standby(connection)
    known = set(ApiToken.objects.filter(pk__in=last).values_list("pk", flat=True))
    rows = [
        (key.token_id, key.day.isoformat(), key.scope, calls, refused)
        for key, (calls, refused) in sorted(counts.items())
        if key.token_id in known
    ]
    with connection.cursor() as cursor:
        cursor.executemany(ADD, rows)
    for token_id in sorted(known):
        at, address = last[token_id]
        before = Q(last_used_at=None) | Q(last_used_at__lt=at)
        ApiToken.objects.filter(before, pk=token_id).update(last_used_at=at, last_address=address)


def required_scopes(token: ApiToken) -> set[str]:
    """Return the scopes that calls of a token needed and had, as far as they are written."""
    used = TokenUsage.objects.filter(Q(calls__gt=0) | Q(refused=0), token=token)
    return set(used.values_list("scope", flat=True))


buffer = UsageBuffer()
# A process of the server ends without atexit's functions; this runs in one and in a command.
Finalize(None, lambda: buffer.flush(), exitpriority=0)
