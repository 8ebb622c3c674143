"""What is never sent any more: given up or deleted in steps, as there may be a million."""

from django.db import transaction
from django.db.models import Case, Exists, OuterRef, QuerySet, Value, When
from django.utils import timezone

from webhooks.attempts import WithAttempt, attempt
from webhooks.models import Delivery, Ending, Queue, Webhook

AT_ONCE = 1_000  # deliveries: some hundredths of a second
GIVEN_UP = "Given up. {}"
PENDING = (Delivery.State.WAITING, Delivery.State.FAILED)


def end_some() -> bool:
    """Give up or delete some deliveries; return whether there were any.

    Several processes may do so at a time, each with another webhook.
    """
    return give_up_some() | delete_some()


@transaction.atomic
def give_up_some() -> bool:
    """Give up some of what waited for a webhook when it was deactivated.

    What was delivered before is again what it was.
    """
    ending = Ending.objects.order_by("pk").select_for_update(skip_locked=True).first()
    if ending is None:
        return False
    pks = _pending_of(ending)
    if not pks:
        ending.delete()
        return True
    reason = attempt(timezone.now(), GIVEN_UP.format(ending.reason))
    Delivery.objects.filter(pk__in=pks).update(
        state=Case(
            When(delivered_at=None, then=Value(Delivery.State.GIVEN_UP)),
            default=Value(Delivery.State.DELIVERED),
        ),
        next_attempt_at=None,
        attempts=WithAttempt(reason),
    )
    return True


def _pending_of(ending: Ending) -> list[int]:
    """Lock some deliveries, in the order in which others lock several: by the feed."""
    mine = Delivery.objects.filter(webhook=ending.webhook_id, activation=ending.activation)
    for state in PENDING:  # each has its index
        found = mine.filter(state=state).order_by("seq", "id").select_for_update()
        if pks := [*found.values_list("pk", flat=True)[:AT_ONCE]]:
            return pks
    return []


@transaction.atomic
def delete_some() -> bool:
    """Delete some deliveries of a webhook that was deleted, and at last its queue."""
    queue = deserted_queues().select_for_update(skip_locked=True).first()
    if queue is None:
        return False
    found = Delivery.objects.filter(webhook=queue.pk).order_by("-pk")
    if pks := [*found.values_list("pk", flat=True)[:AT_ONCE]]:
        Delivery.objects.filter(pk__in=pks).delete()
    else:
        queue.delete()
    return True


def deserted_queues() -> QuerySet[Queue]:
    """Return the queues whose webhooks were deleted."""
    webhook = Webhook.objects.filter(pk=OuterRef("pk"))
    return Queue.objects.filter(~Exists(webhook)).order_by("pk")
