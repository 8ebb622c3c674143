"""What an owner may see when an event is sent decides what is sent: real sender, real receiver."""

import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.db import connections
from pytest_django import Settings

from projects.models import Project
from tests.support.factories import api_as, make_client, make_entry
from tests.webhooks.conftest import allow_this_machine
from tests.webhooks.receivers import Receiver, receiving
from tests.webhooks.test_api import PATH, SCOPES, make_hook
from tests.webhooks.test_receivers import sending
from users.models import User
from webhooks.models import Delivery, Webhook
from webhooks.queueing import fill_queues
from webhooks.sending import NOT_SEEN

SECONDS = 60

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    allow_this_machine(settings)
    with receiving() as receiver:
        yield receiver
    connections.close_all()


def make_real_hook(user: User, receiver: Receiver) -> Webhook:
    hook = make_hook(user)
    Webhook.objects.filter(pk=hook.pk).update(url=receiver.url())
    return hook


def send_all() -> None:
    """Run the sender until nothing waits."""
    while fill_queues():
        pass
    with sending():
        ends = time.monotonic() + SECONDS
        while Delivery.objects.filter(state="waiting").exists():
            assert time.monotonic() < ends
            time.sleep(0.05)


def received(receiver: Receiver) -> list[dict[str, Any]]:
    return [orjson.loads(request.partition(b"\r\n\r\n")[2]) for request in receiver.requests]


def ids(receiver: Receiver) -> list[bytes]:
    lines = [line for request in receiver.requests for line in request.split(b"\r\n")]
    return [line.split(b": ")[1] for line in lines if line.lower().startswith(b"webhook-id: ")]


def demote(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_superuser=False)


def deliveries(hook: Webhook) -> list[dict[str, Any]]:
    """As the owner is shown them, the oldest first."""
    answer = api_as(User.objects.get(pk=hook.user_id), *SCOPES).get(f"{PATH}/{hook.pk}/deliveries")
    listed: list[dict[str, Any]] = answer.json()["deliveries"]
    return listed[::-1]


def test_a_demoted_owner_receives_only_what_a_user_may_see(
    administrator: User, colleague: User, project: Project, receiver: Receiver
) -> None:
    hook = make_real_hook(administrator, receiver)
    make_entry(colleague, project, notes="confidential")
    mine = make_entry(administrator, project)
    make_client("Shared")
    fill_queues()
    demote(administrator)
    make_entry(colleague, project, notes="confidential")  # is no event any more
    send_all()
    entry, client = received(receiver)
    assert (entry["type"], client["type"]) == ("time_entry.created", "client.created")
    assert entry["data"]["time_entry"]["id"] == mine.pk
    assert b"confidential" not in b"".join(receiver.requests)
    unseen, *others = deliveries(hook)
    assert (unseen["state"], unseen["next_attempt_at"]) == ("given_up", None)
    assert [(each["error"], each["status"]) for each in unseen["attempts"]] == [(NOT_SEEN, None)]
    assert [each["state"] for each in others] == ["delivered"] * 2


def test_what_was_delivered_is_sent_again_as_far_as_its_owner_may_see_it(
    administrator: User, colleague: User, project: Project, receiver: Receiver
) -> None:
    hook = make_real_hook(administrator, receiver)
    make_entry(colleague, project, notes="confidential")
    make_client("Shared")
    send_all()
    api = api_as(administrator, *SCOPES)
    before = deliveries(hook)
    paths = [f"{PATH}/{hook.pk}/deliveries/{each['id']}/redeliver" for each in before]
    for path in paths:
        assert api.post(path, {}).json()["delivery"]["state"] == "waiting"
    send_all()
    assert ids(receiver) == [each["message_id"].encode() for each in before * 2]
    demote(administrator)
    receiver.requests.clear()
    for path in paths:
        assert api_as(User.objects.get(pk=administrator.pk), *SCOPES).post(path, {}).json()
    send_all()
    assert [body["type"] for body in received(receiver)] == ["client.created"]
    entry, client = deliveries(hook)
    assert (entry["state"], client["state"]) == ("delivered", "delivered")
    assert entry["delivered_at"] is not None
    assert [each["error"] for each in entry["attempts"]] == [None, None, NOT_SEEN]
    assert [each["status"] for each in client["attempts"]] == [200] * 3


def test_of_an_entry_that_another_user_has_by_then_only_the_id_is_sent(
    owner: User, colleague: User, project: Project, receiver: Receiver
) -> None:
    make_real_hook(owner, receiver)
    entry = make_entry(owner, project, notes="confidential")
    fill_queues()
    entry.user = colleague
    entry.save()
    send_all()
    assert [(body["type"], body["data"]) for body in received(receiver)] == [
        ("time_entry.created", {"time_entry": {"id": entry.pk}}),
        ("time_entry.deleted", {"time_entry": {"id": entry.pk}}),
    ]


def test_an_owner_who_is_deactivated_receives_nothing_of_what_waits(
    owner: User, project: Project, receiver: Receiver
) -> None:
    hook = make_real_hook(owner, receiver)
    make_entry(owner, project)
    fill_queues()
    User.objects.filter(pk=owner.pk).update(is_active=False)
    send_all()
    hook.refresh_from_db()
    assert (receiver.requests, hook.active) == ([], False)
    assert [*hook.deliveries.values_list("state", flat=True)] == ["given_up"]
