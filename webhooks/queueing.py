"""The way into the queues: each change that is numbered becomes a delivery of who wants it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

from django.db import transaction
from django.utils import timezone

from journal.models import Change, Feed
from journal.numbering import numbered_feed
from resources.refusals import Refusal, Vanished
from webhooks.events import ALL, event_of, is_about
from webhooks.models import Delivery, Queue, Webhook, WebhookQuerySet

QUEUES_AT_ONCE = 500
CHANGES_AT_ONCE = 1_000
ID_BYTES = 16
# Changes times queues: what is inserted in one transaction, for which nothing else is sent.
LOOKED_AT_ONCE = 5_000
LONGEST_TRANSACTION = timedelta(minutes=1)  # between the instant of a change and its commit
PRUNED = "This delivery has been deleted in the meantime."
INACTIVE = "This webhook is not active. Set active to true first."


def fill_queues() -> bool:
    """Put some of what is new into the queues of active webhooks; return whether there was any.

    Those that are furthest come first, and any one of the others has its turn: a replay of a
    million changes delays no other webhook. Several processes may do so at a time: each takes
    the queues that nobody else has.
    """
    feed = numbered_feed()
    filled = [_fill(feed, order) for order in ("-position", "?")]
    return any(filled) or feed.waiting


@transaction.atomic
def _fill(feed: Feed, order: str) -> bool:
    """Fill one queue that is behind, and all that are at the same position."""
    behind = Queue.objects.filter(webhook__active=True, position__lt=feed.last_seq)
    position = behind.order_by(order).values_list("position", flat=True).first()
    if position is None:
        return False
    same = behind.filter(position=position).order_by("pk")[:QUEUES_AT_ONCE]
    locked = [*same.select_for_update(skip_locked=True, of=("self",))]
    # Read after the lock, which a webhook that is deactivated has to wait for.
    webhooks = _active(queue.pk for queue in locked).select_related("user").in_bulk()
    queues = [queue for queue in locked if queue.pk in webhooks]
    if not queues:
        return False
    new = Change.objects.filter(seq__gt=position, seq__lte=feed.last_seq).order_by("seq")
    most = min(CHANGES_AT_ONCE, max(1, LOOKED_AT_ONCE // len(queues)))
    changes = [*new[:most]]
    deliveries = [each for queue in queues for each in _wanted(queue, webhooks[queue.pk], changes)]
    _insert(deliveries)
    last = changes[-1].seq if len(changes) == most else feed.last_seq
    rows = Queue.objects.filter(pk__in=[queue.pk for queue in queues])
    rows.update(position=last)
    woken = {delivery.webhook_id for delivery in deliveries}
    rows.filter(pk__in=woken).update(wake_at=timezone.now())
    return True


def _wanted(queue: Queue, webhook: Webhook, changes: Iterable[Change]) -> Iterator[Delivery]:
    owner, wanted, now = webhook.user, webhook.events, timezone.now()
    for change in changes:
        if not (change.is_visible_to(owner) and is_about(change, webhook.project_ids)):
            continue
        event = event_of(change, owner)
        if event and (ALL in wanted or event in wanted):
            yield Delivery(
                webhook=webhook,
                activation=queue.activation,
                message_id=message_id_of(webhook, change),
                event=event,
                seq=change.seq,
                object_id=change.object_id,
                created_at=now,
            )


def message_id_of(webhook: Webhook, change: Change) -> str:
    """Return the `webhook-id` of a change.

    It is the same if a restored backup has the change but not its delivery, so that a receiver
    knows what it had before. The number in the feed may then be another change's.
    """
    when = change.changed_at.timestamp()
    text = f"{webhook.pk} {change.pk} {change.type} {change.object_id} {when}"
    return f"msg_{blake2b(text.encode(), digest_size=ID_BYTES).hexdigest()}"


def _insert(deliveries: Sequence[Delivery]) -> None:
    """Insert deliveries; what is there already waits again, as a replay set the position back."""
    Delivery.objects.bulk_create(
        deliveries,
        update_conflicts=True,
        unique_fields=["webhook", "seq"],
        update_fields=["activation", "state", "tries", "next_attempt_at"],
        batch_size=CHANGES_AT_ONCE,
    )


def _active(ids: Iterable[int]) -> WebhookQuerySet:
    return Webhook.objects.filter(pk__in=ids, active=True)


def _locked(webhook_id: int) -> Queue:
    """Lock the queue of a webhook; raise a Refusal if it is not active."""
    queue = Queue.objects.select_for_update().filter(pk=webhook_id).first()
    # Read after the lock, as it may have been deactivated until then.
    if queue is None or not _active([webhook_id]).exists():
        raise Refusal(INACTIVE, "webhook_inactive")
    return queue


@transaction.atomic
def put_back(delivery: Delivery) -> None:
    """Put a delivery into its queue, even a delivered one, to be sent at once.

    Raises a Refusal if its webhook is not active.
    """
    queue = _locked(delivery.webhook_id)
    anew = {"state": Delivery.State.WAITING, "tries": 0, "next_attempt_at": None}
    anew |= {"activation": queue.activation}
    for name, value in anew.items():
        setattr(delivery, name, value)
    if not delivery.pk:
        delivery.save()
    # It may have been attempted since it was read: that is not written here.
    elif not Delivery.objects.filter(pk=delivery.pk).update(**anew):
        raise Vanished(PRUNED)
    queue.wake_at, queue.paused_until = timezone.now(), None
    queue.save(update_fields=["wake_at", "paused_until"])


@transaction.atomic
def replay(webhook: Webhook, since: datetime) -> int | None:
    """Go back to what was written from an instant on; return the number of its first change.

    None if nothing was. What was written before the webhook was made is sent too, if its owner
    sees it, and up to a minute more than was asked for. Raises a Refusal if it is not active.
    """
    queue = _locked(webhook.pk)
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
