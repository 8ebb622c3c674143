"""What waited before the reasons were known."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.support.factories import make_client
from tests.webhooks.test_api import make_hook
from tests.webhooks.test_ending import end, given_up, outcomes
from users.models import User
from webhooks.models import Delivery, Queue
from webhooks.queueing import fill_queues

GONE = "The receiver answered 410 Gone."


@pytest.mark.django_db(transaction=True)
def test_what_waited_for_inactive_webhooks_is_given_up(owner: User) -> None:
    active, inactive = make_hook(owner), make_hook(owner)
    for number in range(3):
        make_client(f"Client {number}")
    fill_queues()
    first, second, _ = active.deliveries.order_by("seq")
    delivered = {"state": "delivered", "delivered_at": timezone.now()}
    Delivery.objects.filter(pk=second.pk).update(**delivered)
    Delivery.objects.filter(pk=first.pk).update(state="failed")
    try:
        call_command("migrate", "webhooks", "0005", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE webhooks_queue SET passed = 0")
            cursor.execute(
                "UPDATE webhooks_webhook SET active = %s, disabled_reason = %s WHERE id = %s",
                [False, GONE, inactive.pk],
            )
    finally:
        call_command("migrate", verbosity=0)
    end()
    assert outcomes(inactive) == [given_up(GONE)] * 3
    assert [state for state, _ in outcomes(active)] == ["failed", "delivered", "waiting"]
    queues = {queue.pk: queue for queue in Queue.objects.all()}
    assert queues[active.pk].passed == second.seq
    assert queues[inactive.pk].wake_at is None
