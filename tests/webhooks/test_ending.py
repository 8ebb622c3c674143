"""What waits for a webhook that is deactivated or deleted is never sent, and ends in steps."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from journal.models import Change
from resources.refusals import Refusal, Vanished
from tests.support.admin import admin_as, as_shown, url
from tests.support.factories import api_as
from tests.support.racing import at_once
from tests.webhooks.test_api import PATH, SCOPES, make_hook
from tests.webhooks.test_sending import OK, Script, clients, names, send, status
from users.models import User
from webhooks import ending
from webhooks.attempts import MOST_ATTEMPTS
from webhooks.dispatcher import Dispatcher
from webhooks.ending import delete_some, end_some
from webhooks.events import TEST
from webhooks.models import BY_ADMINISTRATOR, BY_OWNER, Delivery, Ending, Queue, Webhook
from webhooks.queueing import fill_queues, put_back, replay
from webhooks.sending import (
    ANSWERED_GONE,
    NEVER_ANSWERED,
    OWNER_INACTIVE,
    claim,
    disable_those_of_inactive_owners,
)
from webhooks.transport import Result

pytestmark = pytest.mark.usefixtures("project")
SECONDS = 60


@pytest.fixture
def api(owner: User) -> APIClient:
    return api_as(owner, *SCOPES)


def end() -> int:
    """End all that is to be ended; return in how many steps."""
    steps = 0
    while end_some():
        steps += 1
    return steps


def switch(api: APIClient, hook: Webhook, *, active: bool) -> dict[str, Any]:
    shown: dict[str, Any] = api.patch(f"{PATH}/{hook.pk}", {"active": active}).json()["webhook"]
    return shown


def outcomes(hook: Webhook) -> list[tuple[str, str | None]]:
    """The state of each delivery, and the error of its last attempt."""
    found = hook.deliveries.order_by("seq", "id").values_list("state", "attempts")
    return [(state, attempts[-1]["error"] if attempts else None) for state, attempts in found]


def given_up(reason: str) -> tuple[str, str]:
    return "given_up", f"Given up. {reason}"


def test_what_waited_ends_with_the_reason(api: APIClient, hook: Webhook, owner: User) -> None:
    clients("A", "B", "C")
    send(Script(OK, status(400), OK))
    other = make_hook(owner)
    _, failed, again = hook.deliveries.order_by("seq")
    put_back(again)
    clients("D")
    fill_queues()
    switch(api, hook, active=False)
    end()
    assert outcomes(hook) == [
        ("delivered", None),
        given_up(BY_OWNER),
        ("delivered", f"Given up. {BY_OWNER}"),
        given_up(BY_OWNER),
    ]
    failed.refresh_from_db()
    assert failed.next_attempt_at is None
    assert [each["status"] for each in failed.attempts] == [400, None]
    assert not Ending.objects.exists()
    assert outcomes(other)[-1] == ("waiting", None)


def by_owner(hook: Webhook) -> None:
    switch(api_as(hook.user, *SCOPES), hook, active=False)


def by_administrator(hook: Webhook) -> None:
    administrator = User.objects.get(is_superuser=True)
    switch(api_as(administrator, *SCOPES), hook, active=False)


def in_the_admin(hook: Webhook) -> None:
    browser = admin_as(User.objects.get(is_superuser=True))
    page = url(Webhook, "change", hook.pk)
    data = as_shown(browser.get(page))
    del data["active"]
    assert browser.post(page, data).status_code == 302


def gone(_hook: Webhook) -> None:
    send(Script(status(410)))


def five_days(_hook: Webhook) -> None:
    Queue.objects.update(failing_since=timezone.now() - timedelta(days=5, minutes=1))
    send(Script(status(503)))


def owner_is_deactivated(hook: Webhook) -> None:
    User.objects.filter(pk=hook.user_id).update(is_active=False)
    disable_those_of_inactive_owners()


WAYS = {
    "owner": (by_owner, BY_OWNER, None),
    "administrator": (by_administrator, BY_ADMINISTRATOR, BY_ADMINISTRATOR),
    "admin": (in_the_admin, BY_ADMINISTRATOR, BY_ADMINISTRATOR),
    "410": (gone, ANSWERED_GONE, ANSWERED_GONE),
    "five days": (five_days, NEVER_ANSWERED, NEVER_ANSWERED),
    "inactive owner": (owner_is_deactivated, OWNER_INACTIVE, OWNER_INACTIVE),
}


@pytest.mark.usefixtures("administrator")
@pytest.mark.parametrize(("way", "reason", "shown"), WAYS.values(), ids=WAYS.keys())
def test_every_way_to_deactivate_it_gives_its_reason(
    hook: Webhook, way: Callable[[Webhook], None], reason: str, shown: str | None
) -> None:
    clients("A", "B")
    fill_queues()
    way(hook)
    hook.refresh_from_db()
    assert (hook.active, hook.disabled_reason) == (False, shown)
    assert (hook.disabled_at is None) == (shown is None)
    end()
    assert outcomes(hook) == [given_up(reason)] * 2
    User.objects.update(is_active=True)
    shown_then = switch(api_as(User.objects.get(pk=hook.user_id), *SCOPES), hook, active=True)
    assert (shown_then["disabled_reason"], shown_then["disabled_at"]) == (None, None)
    clients("C")
    client = Script()
    send(client)
    assert names(client) == ["C"]


def test_a_request_writes_as_little_for_many_as_for_one(
    api: APIClient, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "AT_ONCE", 10)

    def queries(*, active: bool) -> int:
        with CaptureQueriesContext(connection) as captured:
            switch(api, hook, active=active)
        return len(captured)

    counts = []
    for count in (1, 25):
        clients(*(f"Client {count} {number}" for number in range(count)))
        fill_queues()
        counts.append([queries(active=False), queries(active=True)])
    assert counts[0] == counts[1]
    waiting = hook.deliveries.filter(state="waiting")
    assert waiting.count() == 26
    assert end_some()
    assert waiting.count() == 25  # that of the first deactivation
    end()
    assert waiting.count() == 0
    clients("last")
    fill_queues()
    api.delete(f"{PATH}/{hook.pk}")
    assert Delivery.objects.count() == 27
    assert end() == 4
    assert Delivery.objects.count() == Queue.objects.count() == 0


def test_what_waited_is_not_sent_after_another_activation(api: APIClient, hook: Webhook) -> None:
    clients("A", "B")
    fill_queues()
    switch(api, hook, active=False)
    clients("C")
    switch(api, hook, active=True)
    clients("D")
    client = Script()
    send(client)
    assert names(client) == ["D"]
    assert outcomes(hook) == [("waiting", None)] * 2 + [("delivered", None)]
    end()
    assert outcomes(hook) == [given_up(BY_OWNER)] * 2 + [("delivered", None)]


def test_what_is_sent_again_after_an_activation_is_not_given_up(
    api: APIClient, hook: Webhook
) -> None:
    clients("A", "B", "C")
    fill_queues()
    first = hook.deliveries.earliest("seq")
    switch(api, hook, active=False)
    switch(api, hook, active=True)
    answer = api.post(f"{PATH}/{hook.pk}/deliveries/{first.pk}/redeliver", {})
    assert answer.json()["delivery"]["state"] == "waiting"
    end()
    assert outcomes(hook) == [("waiting", None)] + [given_up(BY_OWNER)] * 2
    assert replay(hook, Change.objects.filter(type="client").earliest("seq").changed_at)
    client = Script()
    send(client)
    assert {body["seq"] for body in client.bodies} >= {
        *hook.deliveries.values_list("seq", flat=True)
    }
    assert {state for state, _ in outcomes(hook)} == {"delivered"}


@pytest.mark.parametrize("is_ended_first", [True, False])
@pytest.mark.parametrize(
    ("answer", "state"), [(OK, "delivered"), (status(500), "given_up"), (status(400), "given_up")]
)
def test_an_attempt_under_way_is_noted_though_it_was_given_up(
    hook: Webhook, answer: Result, state: str, *, is_ended_first: bool
) -> None:
    clients("A", "B")
    fill_queues()
    turn = claim()
    assert turn is not None
    client = Script(answer)

    def deactivate() -> None:
        Webhook.disable(hook.pk, ANSWERED_GONE)
        if is_ended_first:
            end()

    client.meanwhile = deactivate
    turn.take(client, lambda: True)
    end()
    assert len(client.sent) == 1
    (first, _), second = outcomes(hook)
    assert (first, second) == (state, given_up(ANSWERED_GONE))
    attempts = hook.deliveries.earliest("seq").attempts
    assert answer.status in [each["status"] for each in attempts]
    reason = f"Given up. {ANSWERED_GONE}"
    is_given_up = reason in [each["error"] for each in attempts]
    assert is_given_up == (is_ended_first or state == "given_up")
    assert Queue.objects.get().wake_at is None


def test_a_delivery_sent_again_while_its_last_attempt_ends_is_sent_again(
    api: APIClient, hook: Webhook
) -> None:
    clients("A")
    fill_queues()
    turn = claim()
    assert turn is not None
    client = Script(status(500), OK)

    def again() -> None:
        switch(api, hook, active=False)
        switch(api, hook, active=True)
        put_back(hook.deliveries.get())
        client.meanwhile = lambda: None

    client.meanwhile = again
    turn.take(client, lambda: True)
    send(client)
    assert names(client) == ["A", "A"]
    assert outcomes(hook) == [("delivered", None)]


def test_no_more_attempts_are_kept_than_of_others(api: APIClient, hook: Webhook) -> None:
    clients("A")
    fill_queues()
    attempt = {"at": "2026-11-27T09:00:00.000Z", "milliseconds": 1, "status": 500}
    kept = [attempt | {"error": f"{number}", "answer": ""} for number in range(MOST_ATTEMPTS)]
    Delivery.objects.update(attempts=kept)
    switch(api, hook, active=False)
    end()
    errors = [each["error"] for each in Delivery.objects.get().attempts]
    assert errors == [*map(str, range(1, MOST_ATTEMPTS)), f"Given up. {BY_OWNER}"]


def test_nothing_is_put_into_the_queue_of_what_is_not_active(hook: Webhook) -> None:
    clients("A")
    fill_queues()
    delivery = hook.deliveries.get()
    Webhook.disable(hook.pk, ANSWERED_GONE)
    for each in (delivery, Delivery(webhook=hook, event=TEST)):
        with pytest.raises(Refusal, match="not active"):
            put_back(each)
    with pytest.raises(Refusal, match="not active"):
        replay(hook, timezone.now())
    hook.refresh_from_db()
    hook.delete()
    with pytest.raises(Refusal, match="not active"):
        put_back(delivery)


def test_sending_again_keeps_attempts_made_since_the_delivery_was_read(hook: Webhook) -> None:
    clients("A")
    fill_queues()
    read_before = hook.deliveries.get()
    send(Script())
    put_back(read_before)
    assert [each["status"] for each in hook.deliveries.get().attempts] == [204]
    hook.deliveries.all().delete()
    with pytest.raises(Vanished):
        put_back(read_before)
    assert not Delivery.objects.exists()


def test_of_a_deleted_webhook_nothing_is_sent_or_kept(hook: Webhook, owner: User) -> None:
    other = make_hook(owner)
    clients("A", "B")
    fill_queues()
    turn = claim()
    assert turn is not None
    client = Script()
    client.meanwhile = Webhook.objects.filter(pk=turn.webhook_id).delete
    turn.take(client, lambda: True)
    send(client)
    end()
    assert len(client.sent) == 3
    left = {*Webhook.objects.values_list("pk", flat=True)}
    assert len(left) == 1
    assert left == {*Queue.objects.values_list("pk", flat=True)}
    assert left == {*Delivery.objects.values_list("webhook", flat=True)}
    assert left < {hook.pk, other.pk}


def test_the_webhooks_of_a_deleted_owner_are_cleaned_up(colleague: User) -> None:
    hook = make_hook(colleague)
    Webhook.disable(hook.pk, ANSWERED_GONE)
    switch(api_as(colleague, *SCOPES), hook, active=True)
    clients("A")
    fill_queues()
    colleague.delete()
    client = Script()
    send(client)
    end()
    assert client.sent == []
    for model in (Webhook, Queue, Delivery, Ending):
        assert not model._default_manager.exists()


def test_what_a_deleted_webhook_has_left_is_in_no_list(administrator: User, hook: Webhook) -> None:
    clients("A")
    fill_queues()
    delivery = hook.deliveries.get()
    hook.delete()
    browser = admin_as(administrator)
    assert browser.get(url(Delivery, "changelist")).context["cl"].result_count == 0
    assert browser.get(url(Delivery, "change", delivery.pk)).status_code == 302


def test_what_was_written_before_is_no_event_although_nobody_numbered_it(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journal.numbering.MOST_AT_ONCE", 2)
    clients("A", "B", "C", "D", "E")
    make_hook(owner)
    clients("F")
    client = Script()
    send(client)
    assert names(client) == ["F"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks no rows")
@pytest.mark.django_db(transaction=True)
def test_a_lock_on_what_waits_delays_no_deactivation(api: APIClient, owner: User) -> None:
    """As a step of the sender holds one."""
    hook = make_hook(owner)
    clients("A")
    fill_queues()
    switch(api, hook, active=False)
    switch(api, hook, active=True)
    with transaction.atomic():
        assert end_some()
        done = at_once([lambda: switch(api, hook, active=False)["active"]])
        assert done == [False]


class Pausing(Script):
    """Each attempt takes until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.let_go = threading.Semaphore(0), threading.Semaphore(0)
        self.meanwhile = self.pause

    def pause(self) -> None:
        self.began.release()
        self.let_go.acquire(timeout=SECONDS)

    def close(self) -> None:
        """There is nothing to close."""


@pytest.mark.django_db(transaction=True)
def test_switching_while_it_sends_and_ends_sends_nothing_of_before(
    api: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "AT_ONCE", 2)
    hook, client = make_hook(owner), Pausing()
    dispatcher = Dispatcher(2, client)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        for number in range(8):
            with transaction.atomic():  # so that all wait by the time that the first is sent
                clients(*(f"{number} {letter}" for letter in "ABCDE"))
            assert client.began.acquire(timeout=SECONDS)
            switch(api, hook, active=False)
            switch(api, hook, active=True)
            client.let_go.release()
        clients("last")
        assert client.began.acquire(timeout=SECONDS)
        client.let_go.release()
        for _ in range(SECONDS * 20):
            if not Ending.objects.exists() and outcomes(hook)[-1][0] == "delivered":
                break
            threading.Event().wait(0.05)
    finally:
        dispatcher.stop()
        client.let_go.release(100)
        thread.join(SECONDS)
    assert names(client) == [*(f"{number} A" for number in range(8)), "last"]
    later = [given_up(BY_OWNER)] * 4
    for number in range(8):
        (state, _), *others = outcomes(hook)[5 * number : 5 * number + 5]
        assert (state, others) == ("delivered", later)
    assert outcomes(hook)[-1] == ("delivered", None)


@pytest.mark.django_db(transaction=True)
def test_senders_that_end_the_same_deliveries_do_not_block_each_other(
    api: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "AT_ONCE", 7)
    hooks = [make_hook(owner), make_hook(owner)]
    clients(*(f"Client {number}" for number in range(60)))
    fill_queues()
    first, second = hooks
    switch(api, first, active=False)
    switch(api, first, active=True)
    second.delete()
    calls = [end, end, lambda: replay(first, timezone.now() - timedelta(hours=1)) or 0]
    at_once(calls)
    send(Script())
    end()
    assert {state for state, _ in outcomes(first)} == {"delivered"}
    assert not Delivery.objects.filter(webhook=second.pk).exists()


def test_a_queue_is_deleted_last(hook: Webhook) -> None:
    clients("A")
    fill_queues()
    hook.delete()
    assert delete_some()
    assert Queue.objects.exists()
    assert delete_some()
    assert not Queue.objects.exists()
    assert not delete_some()
