"""The way out of the queues: one at a time for each webhook, many webhooks at a time."""

import logging
import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, time

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from journal.models import Feed
from values.instants import format_instant
from webhooks.health import counted
from webhooks.models import Delivery, Queue, Webhook
from webhooks.payloads import Payloads
from webhooks.sealing import Unreadable
from webhooks.signatures import signed_headers
from webhooks.transport import Result, Sender

# Seconds from each failed attempt to the next.
PAUSES = (5, 30, 120, 600, 3_600, 4 * 3_600, 12 * 3_600, 24 * 3_600)
JITTER = 0.2
LONGEST_PAUSE_OF_ALL = 600  # seconds: a receiver that is back is noticed so soon
MOST_PATIENCE = timedelta(days=5)
LEASE = timedelta(seconds=20)  # an attempt takes ten at most
MOST_AT_ONCE = 50
SLOW = 1.0  # seconds, of an answer
FRESH_FOR = 0.1  # seconds that the rows and rights of what is sent may be old
GONE = 410
# A receiver that refuses one request may take the next; of these it is the receiver itself.
ABOUT_THE_RECEIVER = frozenset({408, 425, 429})

NOT_SEEN = "Not sent: the owner of the webhook may not see this any more."
UNREADABLE = "The secret cannot be read: it was stored with another TOKEN_PEPPER. Rotate it."
OWNER_INACTIVE = "The owner's account is not active."
ANSWERED_GONE = "The receiver answered 410 Gone."
NEVER_ANSWERED = "Every delivery failed for five days."

log = logging.getLogger("timetracker.webhooks")


def due_queues(now: datetime) -> Q:
    """Return the condition of queues with something due that nobody is sending."""
    is_free = Q(leased_until=None) | Q(leased_until__lt=now)
    is_awake = Q(paused_until=None) | Q(paused_until__lte=now)
    return Q(wake_at__lte=now, webhook__active=True) & is_free & is_awake


@transaction.atomic
def claim(*, slow_too: bool = True) -> "SendingTurn | None":
    """Take the queue that has been due longest, for as long as its lease is renewed."""
    now = timezone.now()
    free = Queue.objects.filter(due_queues(now)).order_by("wake_at", "pk")
    if not slow_too:
        free = free.filter(slow=False)
    queue = free.select_for_update(skip_locked=True, of=("self",)).first()
    if queue is None:
        return None
    lease = secrets.token_hex(16)
    Queue.objects.filter(pk=queue.pk).update(lease=lease, leased_until=now + LEASE)
    return SendingTurn(queue.pk, lease, slow=queue.slow)


@dataclass
class SendingTurn:
    """One webhook, for a while: what is due is sent until something fails or all is sent.

    Rows and rights are read again for each few deliveries, so that what is sent is what its owner
    may see then; what became of them is written together. Killed in between, those few are sent
    again: at least once, with the same ids.
    """

    webhook_id: int
    lease: str
    slow: bool = False
    size: int = 1

    def take(self, client: Sender, goes_on: Callable[[], bool]) -> None:
        """Send for as long as `goes_on`, and give the queue back."""
        try:
            while goes_on() and self._send_some(client):
                pass
        finally:
            self._give_back()

    def _send_some(self, client: Sender) -> bool:
        """Send what is due first; return whether to go on."""
        webhook = Webhook.objects.select_related("user").filter(pk=self.webhook_id).first()
        if webhook is None or not webhook.active:
            return False
        if not webhook.user.is_active:
            return _disable(webhook, OWNER_INACTIVE)
        try:
            keys = webhook.secrets_at(timezone.now())
        except Unreadable:
            return _disable(webhook, UNREADABLE)
        deliveries = self._due()
        if not deliveries:
            return False
        payloads = Payloads(webhook, deliveries, Feed.current())
        fresh_until = monotonic() + FRESH_FOR
        done: list[Delivery] = []
        answer: Result | None = None
        for delivery in deliveries:
            body = payloads.body_of(delivery)
            if body is None:
                _give_up(delivery, NOT_SEEN)
            else:
                headers = signed_headers(delivery.message_id, int(time()), body, keys)
                answer = client.post(webhook.url, body, headers)
                _note(delivery, answer)
            done.append(delivery)
            if monotonic() > fresh_until or (answer and _stands_for_all(answer)):
                break
        # As many as were sent while their rows were fresh, and soon more again.
        is_whole = len(done) == len(deliveries)
        self.size = min(2 * self.size, MOST_AT_ONCE) if is_whole else len(done)
        return self._finish(webhook, done, answer)

    def _due(self) -> list[Delivery]:
        """Return what is due: tests first, as somebody waits for them, then by the feed."""
        mine = Delivery.objects.filter(webhook=self.webhook_id)
        waiting = mine.filter(state=Delivery.State.WAITING).order_by("seq", "id")
        failed = mine.filter(state=Delivery.State.FAILED, next_attempt_at__lte=timezone.now())
        found = [
            *waiting.filter(seq=None)[: self.size],
            *waiting.filter(seq__isnull=False)[: self.size],
            *failed.order_by("next_attempt_at")[: self.size],
        ]
        found.sort(key=lambda each: (each.seq or 0, each.pk))
        return found[: self.size]

    def _finish(self, webhook: Webhook, done: Sequence[Delivery], answer: Result | None) -> bool:
        """Note what became of deliveries; return whether to go on.

        The webhook is written after the queue was let go: who changes a webhook holds its row
        and then waits for the queue's.
        """
        now = timezone.now()
        queue = self._write(done, answer, now)
        if queue is None:
            return False
        delivered, failed = _counts(done)
        counts = {"last_delivered_at": delivered, "last_failed_at": failed}
        if noted := {name: now for name, count in counts.items() if count}:
            Webhook.objects.filter(pk=webhook.pk).update(**noted)
        if answer is None or answer.delivered:
            return True
        if answer.status == GONE:
            return _disable(webhook, ANSWERED_GONE)
        if queue.failing_since and now - queue.failing_since > MOST_PATIENCE:
            return _disable(webhook, NEVER_ANSWERED)
        return not _stands_for_all(answer)

    @transaction.atomic
    def _write(
        self, done: Sequence[Delivery], answer: Result | None, now: datetime
    ) -> Queue | None:
        """Write what became of deliveries, and renew the lease; nothing if it was lost."""
        queue = self._locked()
        if queue is None:
            log.warning("Lease lost", extra={"webhook": self.webhook_id})
            return None
        Delivery.objects.bulk_update(
            done, ["state", "tries", "next_attempt_at", "attempts", "delivered_at"]
        )
        delivered, failed = _counts(done)
        queue.attempts = counted(queue.attempts, now, delivered, failed)
        if delivered:
            queue.failing_since = None
        if failed:
            queue.last_error = next(_error(each) for each in reversed(done) if _error(each))
        if answer is not None:
            queue.slow = answer.seconds > SLOW
            if not answer.delivered:
                queue.failing_since = queue.failing_since or now
                if _stands_for_all(answer):
                    queue.paused_until = _end_of_pause(answer, done[-1], now)
        queue.leased_until = now + LEASE
        queue.save()
        return queue

    @transaction.atomic
    def _give_back(self) -> None:
        """Let the next one take the queue, when something in it is due."""
        queue = self._locked()
        if queue is None:
            return
        mine = Delivery.objects.filter(webhook=self.webhook_id)
        if mine.filter(state=Delivery.State.WAITING).exists():
            queue.wake_at = timezone.now()
        else:
            failed = mine.filter(state=Delivery.State.FAILED)
            queue.wake_at = failed.aggregate(first=Min("next_attempt_at"))["first"]
        queue.lease, queue.leased_until = "", None
        queue.save(update_fields=["wake_at", "lease", "leased_until"])

    def _locked(self) -> Queue | None:
        """Return the queue under a lock, if the lease is still ours."""
        mine = Queue.objects.filter(pk=self.webhook_id, lease=self.lease)
        return mine.select_for_update().first()


def _disable(webhook: Webhook, reason: str) -> bool:
    """Stop sending; returns False, as there is nothing to go on with."""
    if Webhook.disable(webhook.pk, reason):
        log.error("Webhook disabled", extra={"webhook": webhook.pk, "reason": reason})
    return False


def _note(delivery: Delivery, answer: Result) -> None:
    """Note an attempt, and when the next one is due."""
    now = timezone.now()
    _add_attempt(
        delivery,
        now,
        milliseconds=round(answer.seconds * 1000),
        status=answer.status,
        error=answer.message or None,
        answer=answer.snippet,
    )
    delivery.tries += 1
    if answer.delivered:
        delivery.state, delivery.next_attempt_at = Delivery.State.DELIVERED, None
        delivery.delivered_at = now
    elif delivery.tries > len(PAUSES):
        delivery.state, delivery.next_attempt_at = Delivery.State.GIVEN_UP, None
    else:
        pause = PAUSES[delivery.tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        pause = max(pause, answer.retry_after or 0)
        delivery.state = Delivery.State.FAILED
        delivery.next_attempt_at = now + timedelta(seconds=pause)


def _give_up(delivery: Delivery, reason: str) -> None:
    _add_attempt(delivery, timezone.now(), milliseconds=0, status=None, error=reason, answer="")
    delivery.state, delivery.next_attempt_at = Delivery.State.GIVEN_UP, None


def _add_attempt(delivery: Delivery, at: datetime, **attempt: object) -> None:
    delivery.attempts = [*delivery.attempts, {"at": format_instant(at), **attempt}]


def _counts(done: Sequence[Delivery]) -> tuple[int, int]:
    """Return how many were delivered, and how many were not."""
    delivered = sum(delivery.state == Delivery.State.DELIVERED for delivery in done)
    return delivered, len(done) - delivered


def _error(delivery: Delivery) -> str:
    """Return why the last attempt failed; nothing if it did not."""
    return str(delivery.attempts[-1]["error"] or "")


def _stands_for_all(answer: Result) -> bool:
    """Return whether a failure is the receiver's, and what comes next would fail as well."""
    if answer.delivered:
        return False
    refused_this_one = answer.status is not None and 400 <= answer.status < 500
    return not refused_this_one or answer.status in ABOUT_THE_RECEIVER | {GONE}


def _end_of_pause(answer: Result, failed: Delivery, now: datetime) -> datetime:
    """Return when a receiver that failed is tried again.

    With the delivery that failed, so that the order is kept; but within minutes, where that one
    waits for hours, unless the receiver asked for more: it may be back.
    """
    patience = max(LONGEST_PAUSE_OF_ALL, answer.retry_after or 0)
    latest = now + timedelta(seconds=patience)
    return min(failed.next_attempt_at or latest, latest)
