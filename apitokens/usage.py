"""Token usage, counted in this process and written once a minute.

A write per request would cost more than the whole of authentication. A killed process loses at
most a minute of counts; one that exits normally writes them first.
"""

import logging
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from multiprocessing.util import Finalize
from operator import itemgetter
from typing import NamedTuple

from django.db import DatabaseError, connection, connections, transaction
from django.db.models import Q
from django.utils import timezone

from apitokens.models import ApiToken, ApiTokenQuerySet, TokenUsage
from apitokens.scopes import allows
from database.postgresql.commits import wait_for_no_standby
from ratelimit.client_address import Address

FLUSH_SECONDS = 60
MOST_SEEN = 100_000  # scopes of tokens that a process remembers having written
# Adding in the database: several processes count the same token.
ADD = """
    INSERT INTO apitokens_tokenusage (token_id, day, scope, calls, refused, used)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (token_id, day, scope) DO UPDATE SET
        calls = apitokens_tokenusage.calls + excluded.calls,
        refused = apitokens_tokenusage.refused + excluded.refused,
        used = apitokens_tokenusage.used OR excluded.used
"""

log = logging.getLogger("timetracker.usage")


class Key(NamedTuple):
    """The key of a count: day (UTC) and required scope of a call."""

    token_id: int
    day: date
    scope: str


@dataclass
class Count:
    """Numbers of allowed and refused calls, and whether any call had the scope."""

    calls: int = 0
    refused: int = 0
    used: bool = False


class LastUse(NamedTuple):
    """Time and address of the last use."""

    at: datetime
    address: str | None


class UsageBuffer:
    """Counts that have not been written yet."""

    def __init__(self, seconds: float | None = FLUSH_SECONDS) -> None:
        """Flush `seconds` after the first count; None: only explicitly."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._counts: dict[Key, Count] = {}
        self._last: dict[int, LastUse] = {}
        self._seen: set[tuple[int, str]] = set()

    def note(
        self, token_id: int, scopes: Sequence[str], address: Address | None, *, allowed: bool
    ) -> None:
        """Count a call that needed a scope and had it (`allowed`) or was refused.

        Of several scopes it counts for the first; of the others it is only known that they count.
        """
        now = timezone.now()
        last = LastUse(now, str(address) if address else None)
        with self._lock:
            first = not self._counts
            for scope in scopes:
                self._counts.setdefault(Key(token_id, now.date(), scope), Count()).used |= allowed
            counted = self._counts[Key(token_id, now.date(), scopes[0])]
            counted.calls += allowed
            counted.refused += not allowed
            self._last[token_id] = last
        if first:
            self._write_later()

    def write_first_uses(self, token: ApiToken, scopes: Sequence[str]) -> None:
        """Record the first use of scopes in this process before responding.

        Narrowing reads the database, where counts of other processes appear up to a minute late.
        The lock on the token orders the two: either narrowing sees the use, or this call sees the
        narrowed scopes.
        """
        if self._seconds is None:
            return
        new = [scope for scope in scopes if (token.pk, scope) not in self._seen]
        if not new:
            return
        try:
            used = _write_first_uses(token, new)
        except DatabaseError:
            log.exception("Could not record the first use of a scope; will retry")
            return
        if len(self._seen) > MOST_SEEN:
            self._seen.clear()
        self._seen.update((token.pk, scope) for scope in used)

    def flush(self) -> None:
        """Write the counts to the database; keep them if that fails."""
        with self._writing:
            with self._lock:
                counts, self._counts = self._counts, {}
                last, self._last = self._last, {}
            if not counts:
                return
            try:
                _write(counts, last)
            except DatabaseError:
                log.exception("Could not record token usage; will retry")
                self._take_back(counts, last)

    def _take_back(self, counts: dict[Key, Count], last: dict[int, LastUse]) -> None:
        with self._lock:
            for key, count in counts.items():
                newer = self._counts.setdefault(key, Count())
                newer.calls += count.calls
                newer.refused += count.refused
                newer.used |= count.used
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
def _write_first_uses(token: ApiToken, scopes: Sequence[str]) -> list[str]:
    """Record the use of scopes that the token still has, and return them."""
    wait_for_no_standby(connection)
    stored = _locked({token.pk}).values_list("scopes", flat=True).first()
    token.scopes = stored or []
    used = [scope for scope in scopes if allows(token.effective_scopes(), scope)]
    day = timezone.now().date().isoformat()
    with connection.cursor() as cursor:
        cursor.executemany(ADD, [(token.pk, day, scope, 0, 0, True) for scope in sorted(used)])
    return used


def _locked(ids: Collection[int]) -> ApiTokenQuerySet:
    """Return tokens, locked in the order of ids, before their counts."""
    return ApiToken.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)


@transaction.atomic
def _write(counts: dict[Key, Count], last: dict[int, LastUse]) -> None:
    """Add the counts; all processes lock in the same order, so they cannot deadlock."""
    wait_for_no_standby(connection)
    known = set(_locked(last).values_list("pk", flat=True))
    rows = [
        (key.token_id, key.day.isoformat(), key.scope, count.calls, count.refused, count.used)
        for key, count in sorted(counts.items(), key=itemgetter(0))
        if key.token_id in known
    ]
    with connection.cursor() as cursor:
        cursor.executemany(ADD, rows)
    for token_id in sorted(known):
        at, address = last[token_id]
        before = Q(last_used_at=None) | Q(last_used_at__lt=at)
        ApiToken.objects.filter(before, pk=token_id).update(last_used_at=at, last_address=address)


def required_scopes(token: ApiToken) -> set[str]:
    """Return the scopes that calls of a token needed and had.

    Rows older than the column `used` count as used if they were called or never refused.
    """
    used = TokenUsage.objects.filter(Q(used=True) | Q(calls__gt=0) | Q(refused=0), token=token)
    return set(used.values_list("scope", flat=True))


buffer = UsageBuffer()
# A process of the server ends without atexit's functions; this runs in one and in a command.
Finalize(None, lambda: buffer.flush(), exitpriority=0)
