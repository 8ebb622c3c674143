"""The way into the queues: each change that is numbered becomes a delivery of who wants it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from journal.models import Change
from journal.numbering import numbered_feed
from webhooks.events import ALL, event_of, is_about
from webhooks.models import Delivery, Queue, Webhook

QUEUES_AT_ONCE = 500
CHANGES_AT_ONCE = 1_000
LONGEST_TRANSACTION = timedelta(minutes=1)  # between the instant of a change and its commit


def fill_queues() -> bool:
    """Put what is new into the queues of active webhooks; return whether there is more.

    Several processes may do so at a time: each takes the queues that nobody else has.
    """
    feed = numbered_feed()
    with transaction.atomic():
        behind = (
            Queue.objects.filter(webhook__active=True, position__lt=feed.last_seq)
            .select_related("webhook__user")
            .order_by("position", "pk")
            .select_for_update(skip_locked=True, of=("self",))
        )
        queues = list(behind[:QUEUES_AT_ONCE])
        if not queues:
            return feed.waiting
        first = queues[0].position
        new = Change.objects.filter(seq__gt=first, seq__lte=feed.last_seq).order_by("seq")
        changes = list(new[:CHANGES_AT_ONCE])
        is_full = len(changes) == CHANGES_AT_ONCE
        last = changes[-1].seq if is_full else feed.last_seq
        _deliver(queues, changes, last or feed.last_seq)
        return is_full or feed.waiting or len(queues) == QUEUES_AT_ONCE


def _deliver(queues: Sequence[Queue], changes: Sequence[Change], last: int) -> None:
    """Insert what each webhook wants of changes up to the number `last`.

    What is there already is put into the queue again: a replay set the position back.
    """
    now = timezone.now()
    reached = [queue for queue in queues if queue.position < last]
    deliveries = [each for queue in reached for each in _wanted(queue, changes, now)]
    Delivery.objects.bulk_create(
        deliveries,
        update_conflicts=True,
        unique_fields=["webhook", "seq"],
        update_fields=["state", "tries", "next_attempt_at"],
        batch_size=CHANGES_AT_ONCE,
    )
    rows = Queue.objects.filter(pk__in=[queue.pk for queue in reached])
    rows.update(position=last)
    rows.filter(pk__in={delivery.webhook_id for delivery in deliveries}).update(wake_at=now)


def _wanted(queue: Queue, changes: Sequence[Change], now: datetime) -> Iterator[Delivery]:
    webhook: Webhook = queue.webhook
    owner, wanted = webhook.user, webhook.events
    for change in changes:
        is_new = change.seq is not None and change.seq > queue.position
        if not (is_new and change.is_visible_to(owner) and is_about(change, webhook.project_ids)):
            continue
        event = event_of(change, owner)
        if event and (ALL in wanted or event in wanted):
            yield Delivery(
                webhook=webhook,
                event=event,
                seq=change.seq,
                object_id=change.object_id,
                created_at=now,
            )


@transaction.atomic
def end_what_waits_in_vain() -> bool:
    """End some deliveries of a webhook that is not active; return whether there were any."""
    idle = Queue.objects.filter(wake_at__isnull=False, webhook__active=False).order_by("pk")
    queue = idle.select_for_update(skip_locked=True, of=("self",)).first()
    if queue is None:
        return False
    if not Delivery.objects.filter(webhook=queue.pk).end_some():
        queue.wake_at = None
        queue.save(update_fields=["wake_at"])
    return True


@transaction.atomic
def put_back(delivery: Delivery) -> None:
    """Put a delivery back into its queue, even a delivered one, to be sent at once."""
    queue = Queue.objects.select_for_update().get(pk=delivery.webhook_id)
    delivery.state, delivery.tries, delivery.next_attempt_at = Delivery.State.WAITING, 0, None
    delivery.save()
    queue.wake_at, queue.paused_until = timezone.now(), None
    queue.save(update_fields=["wake_at", "paused_until"])


@transaction.atomic
def replay(webhook: Webhook, since: datetime) -> int | None:
    """Go back to what was written from an instant on; return the number of its first change.

    None if nothing was. What was written before the webhook was made is sent too, if its owner
    sees it, and up to a minute more than was asked for.
    """
    queue = Queue.objects.select_for_update().get(pk=webhook.pk)
    first = _first_since(since - LONGEST_TRANSACTION)
    if first is not None and first <= queue.position:
        queue.position, queue.paused_until = first - 1, None
        queue.passed = min(queue.passed, first - 1)
        queue.save(update_fields=["position", "passed", "paused_until"])
    return first


def _first_since(since: datetime) -> int | None:
    """Return the number of the first change from an instant on, by bisection.

    The numbers are in the order of the commits, the instants nearly so, and have no index.
    """
    numbered = Change.objects.filter(seq__isnull=False).order_by("seq")
    found = numbered.values_list("seq", "changed_at")
    oldest, newest = found.first(), found.last()
    if oldest is None or newest is None or newest[1] < since:
        return None
    low, high = oldest[0] or 0, newest[0] or 0
    while low < high:
        middle = (low + high) // 2
        seq, changed_at = found.filter(seq__gte=middle)[0]
        if changed_at < since:
            low = (seq or 0) + 1
        else:
            high = middle
    return high
