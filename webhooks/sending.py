"""The way out of the queues: one at a time for each webhook, many webhooks at a time."""

import logging
import random
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic, time

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from journal.models import Feed
from webhooks.attempts import attempt, with_attempt
from webhooks.connections import Fault
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
TRIES_ALONE = 4  # of the first delivery; after them a later one is tried too
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
def claim(*, slow_too: bool = True, except_of: Collection[int] = ()) -> "SendingTurn | None":
    """Take the queue that has been due longest, for as long as its lease is renewed.

    `except_of` are the ids of users whose turn it is not.
    """
    now = timezone.now()
    free = Queue.objects.filter(due_queues(now)).order_by("wake_at", "pk")
    if not slow_too:
        free = free.filter(slow=False)
    if except_of:
        free = free.exclude(webhook__user__in=except_of)
    free = free.select_related("webhook").select_for_update(skip_locked=True, of=("self",))
    queue = free.first()
    if queue is None:
        return None
    lease = secrets.token_hex(16)
    Queue.objects.filter(pk=queue.pk).update(lease=lease, leased_until=now + LEASE)
    return SendingTurn(queue.pk, lease, queue.webhook.user_id, slow=queue.slow)


class Step(StrEnum):
    """What a turn sends next."""

    IN_ORDER = "in order"
    BEHIND = "behind"  # something later than the first, which may be what the receiver fails on
    ONCE_MORE = "once more"  # the first, now that something later was answered


@dataclass
class SendingTurn:
    """One webhook, for a while: what is due is sent until the receiver fails or all is sent.

    Rows and rights are read again for each few deliveries, so that what is sent is what its owner
    may see then; what became of them is written together. Killed in between, those few are sent
    again: at least once, with the same ids.
    """

    webhook_id: int
    lease: str
    user_id: int
    slow: bool = False
    size: int = 1
    step: Step = Step.IN_ORDER
    passed: int = 0  # as the queue has it
    activation: int = 0  # of what is being sent

    def take(self, client: Sender, goes_on: Callable[[], bool]) -> None:
        """Send for as long as `goes_on`, and give the queue back."""
        try:
            while goes_on() and self._send_some(client):
                pass
        finally:
            self._give_back()

    def _send_some(self, client: Sender) -> bool:
        """Send what is due first; return whether to go on."""
        found = Webhook.objects.select_related("user", "queue").filter(pk=self.webhook_id)
        webhook = found.first()
        if webhook is None or not webhook.active:
            return False
        if not webhook.user.is_active:
            return _disable(webhook, OWNER_INACTIVE)
        try:
            keys = webhook.secrets_at(timezone.now())
        except Unreadable:
            return _disable(webhook, UNREADABLE)
        self._begin(webhook.queue)
        deliveries = self._due()
        if not deliveries:
            return False
        payloads = Payloads(webhook, deliveries, Feed.current())
        fresh_until = monotonic() + FRESH_FOR
        done: list[Delivery] = []
        answer: Result | None = None
        is_down = False
        for delivery in deliveries:
            body = payloads.body_of(delivery)
            if body is None:
                _give_up(delivery, NOT_SEEN)
            else:
                headers = signed_headers(delivery.message_id, int(time()), body, keys)
                answer = client.post(webhook.url, body, headers)
                is_down = self._is_down(answer, delivery)
                _note(delivery, answer, counts=not (is_down and self.step == Step.BEHIND))
            done.append(delivery)
            if monotonic() > fresh_until or is_down:
                break
        # As many as were sent while their rows were fresh, and soon more again.
        is_whole = len(done) == len(deliveries)
        self.size = min(2 * self.size, MOST_AT_ONCE) if is_whole else len(done)
        return self._finish(webhook, done, answer, is_down=is_down)

    def _begin(self, queue: Queue) -> None:
        """Note how far the queue is; it may have been deactivated, and activated again."""
        if queue.activation != self.activation:
            self.activation, self.step = queue.activation, Step.IN_ORDER
        self.passed = queue.passed

    def _mine(self) -> QuerySet[Delivery]:
        """Return the deliveries that can be sent: the sender gives up those of the past."""
        return Delivery.objects.filter(webhook=self.webhook_id, activation=self.activation)

    def _due(self) -> list[Delivery]:
        """Return what is due: tests first, as somebody waits for them, then by the feed.

        What is held is due whenever its queue is: the receiver is tried with it.
        """
        mine = self._mine()
        waiting = mine.filter(state=Delivery.State.WAITING).order_by("seq", "id")
        failed = mine.filter(state=Delivery.State.FAILED)
        held = failed.filter(seq__gt=self.passed).order_by("seq")
        if self.step == Step.BEHIND:
            later = waiting.filter(seq__gt=self.passed)[:MOST_AT_ONCE]
            return sorted(later, key=lambda each: len(each.attempts))[:1]
        if self.step == Step.ONCE_MORE:
            return list(held[:1])
        overtaken = failed.filter(Q(seq=None) | Q(seq__lte=self.passed))
        found = [
            *waiting.filter(seq=None)[: self.size],
            *waiting.filter(seq__isnull=False)[: self.size],
            *held[: self.size],
            *overtaken.filter(next_attempt_at__lte=timezone.now()).order_by("next_attempt_at")[
                : self.size
            ],
        ]
        found.sort(key=lambda each: (each.seq or 0, each.pk))
        return found[: self.size]

    def _is_down(self, answer: Result, delivery: Delivery) -> bool:
        """Return whether a failure is the receiver's, and what comes next would fail as well."""
        if answer.delivered or _refuses_one(answer):
            return False
        is_overtaken = delivery.seq is None or delivery.seq <= self.passed
        is_alone = is_overtaken or self.step == Step.ONCE_MORE
        return not (is_alone and _may_be_of_one(answer))

    def _finish(
        self, webhook: Webhook, done: Sequence[Delivery], answer: Result | None, *, is_down: bool
    ) -> bool:
        """Note what became of deliveries; return whether to go on.

        The webhook is written after the queue was let go: who changes a webhook holds its row
        and then waits for the queue's.
        """
        now = timezone.now()
        queue = self._write(done, answer, now, is_down=is_down)
        if queue is None:
            return False
        delivered, failed = _counts(done)
        counts = {"last_delivered_at": delivered, "last_failed_at": failed}
        if noted := {name: now for name, count in counts.items() if count}:
            Webhook.objects.filter(pk=webhook.pk).update(**noted)
        if answer and answer.status == GONE:
            return _disable(webhook, ANSWERED_GONE)
        is_failure = answer is not None and not answer.delivered
        if is_failure and queue.failing_since and now - queue.failing_since > MOST_PATIENCE:
            return _disable(webhook, NEVER_ANSWERED)
        return self._next_step(done[-1], answer, is_down=is_down)

    def _next_step(self, last: Delivery, answer: Result | None, *, is_down: bool) -> bool:
        """Decide what to send next; return whether to go on.

        One event that the receiver always fails on must not hold the others for days: when it has
        failed often enough, a later one is tried too. If that is answered, the first is tried
        once more and then overtaken.
        """
        if answer is None:
            return True
        if self.step == Step.BEHIND:
            self.step = Step.ONCE_MORE
            return not is_down
        self.step = Step.IN_ORDER
        if is_down and last.tries >= TRIES_ALONE and _may_be_of_one(answer):
            self.step = Step.BEHIND
        return not is_down or self.step == Step.BEHIND

    @transaction.atomic
    def _write(
        self, done: Sequence[Delivery], answer: Result | None, now: datetime, *, is_down: bool
    ) -> Queue | None:
        """Write what became of deliveries, and renew the lease; nothing if it was lost."""
        queue = self._locked()
        if queue is None:
            log.warning("Lease lost", extra={"webhook": self.webhook_id})
            return None
        if queue.activation != self.activation:
            self._write_late(done)
            return None
        Delivery.objects.bulk_update(
            done, ["state", "tries", "next_attempt_at", "attempts", "delivered_at"]
        )
        _count(queue, done, answer, now)
        answered = done[:-1] if is_down else done
        # A replay may have set it back.
        if self.step != Step.BEHIND and queue.passed == self.passed:
            queue.passed = max(queue.passed, *(each.seq or 0 for each in answered), 0)
        if not is_down:
            queue.paused_until = None
        elif answer and self.step != Step.BEHIND:
            queue.paused_until = _end_of_pause(answer, done[-1], now)
            failed_ones = self._mine().filter(state=Delivery.State.FAILED)
            sooner = failed_ones.filter(next_attempt_at__lt=queue.paused_until)
            sooner.update(next_attempt_at=queue.paused_until)
        queue.leased_until = now + LEASE
        queue.save()
        return queue

    def _write_late(self, done: Sequence[Delivery]) -> None:
        """Add attempts under way when the webhook was deactivated to what was given up since.

        What was put back in the meantime is of the next activation, and sent again.
        """
        sent = {each.pk: each for each in done}
        for row in self._mine().filter(pk__in=sent).order_by("seq", "id").select_for_update():
            late = sent[row.pk]
            row.attempts = with_attempt(row.attempts, late.attempts[-1])
            if late.state == Delivery.State.DELIVERED:
                row.state, row.next_attempt_at = late.state, None
                row.delivered_at = late.delivered_at
            row.save(update_fields=["attempts", "state", "next_attempt_at", "delivered_at"])

    @transaction.atomic
    def _give_back(self) -> None:
        """Let the next one take the queue, when something in it is due."""
        queue = self._locked()
        if queue is None:
            return
        self.activation = queue.activation
        mine = self._mine()
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


def disable_those_of_inactive_owners() -> None:
    """Deactivate the webhooks of owners whose accounts were, though nothing is to be sent."""
    active = Webhook.objects.filter(active=True, user__is_active=False)
    for webhook in active:
        _disable(webhook, OWNER_INACTIVE)


def _disable(webhook: Webhook, reason: str) -> bool:
    """Stop sending; returns False, as there is nothing to go on with."""
    if Webhook.disable(webhook.pk, reason):
        log.error("Webhook disabled", extra={"webhook": webhook.pk, "reason": reason})
    return False


def _note(delivery: Delivery, answer: Result, *, counts: bool) -> None:
    """Note an attempt, and when the next one is due.

    One that comes before it is due, to find out whether the receiver is back, does not count.
    """
    now = timezone.now()
    new = attempt(
        now,
        answer.message or None,
        milliseconds=round(answer.seconds * 1000),
        status=answer.status,
        answer=answer.snippet,
    )
    delivery.attempts = with_attempt(delivery.attempts, new)
    due = delivery.next_attempt_at
    if answer.delivered:
        delivery.tries += 1
        delivery.state, delivery.next_attempt_at = Delivery.State.DELIVERED, None
        delivery.delivered_at = now
    elif not counts:
        pass
    elif due and due > now:
        delivery.next_attempt_at = max(due, now + timedelta(seconds=answer.retry_after or 0))
    elif delivery.tries >= len(PAUSES):
        delivery.tries += 1
        delivery.end()
    else:
        pause = PAUSES[delivery.tries] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        delivery.tries += 1
        pause = max(pause, answer.retry_after or 0)
        delivery.state = Delivery.State.FAILED
        delivery.next_attempt_at = now + timedelta(seconds=pause)


def _give_up(delivery: Delivery, reason: str) -> None:
    delivery.attempts = with_attempt(delivery.attempts, attempt(timezone.now(), reason))
    delivery.end()


def _count(queue: Queue, done: Sequence[Delivery], answer: Result | None, now: datetime) -> None:
    """Count attempts, unsaved, and note how the receiver does."""
    delivered, failed = _counts(done)
    queue.attempts = counted(queue.attempts, now, delivered, failed)
    queue.last_error = _error(done[-1])
    if delivered:
        queue.failing_since = None
    if answer is not None:
        queue.slow = answer.seconds > SLOW
        if not answer.delivered:
            queue.failing_since = queue.failing_since or now


def _counts(done: Sequence[Delivery]) -> tuple[int, int]:
    """Return how many were delivered, and how many were not."""
    failed = sum(bool(_error(delivery)) for delivery in done)
    return len(done) - failed, failed


def _error(delivery: Delivery) -> str:
    """Return why the last attempt failed; nothing if it did not."""
    return str(delivery.attempts[-1]["error"] or "")


def _refuses_one(answer: Result) -> bool:
    """Return whether the receiver refused a request, and may take the next."""
    refused = answer.status is not None and 400 <= answer.status < 500
    return refused and answer.status not in ABOUT_THE_RECEIVER | {GONE}


def _may_be_of_one(answer: Result) -> bool:
    """Return whether the receiver may have failed because of what it was sent."""
    was_sent = answer.failure in (Fault.STATUS, Fault.TIMEOUT, Fault.ANSWER)
    asks_for_pause = answer.status in ABOUT_THE_RECEIVER or answer.retry_after is not None
    return was_sent and answer.status != GONE and not asks_for_pause


def _end_of_pause(answer: Result, failed: Delivery, now: datetime) -> datetime:
    """Return when a receiver that failed is tried again.

    When the delivery that failed is due; but within minutes, where that one waits for hours,
    unless the receiver asked for more: it may be back.
    """
    patience = max(LONGEST_PAUSE_OF_ALL, answer.retry_after or 0)
    latest = now + timedelta(seconds=patience)
    return min(failed.next_attempt_at or latest, latest)
