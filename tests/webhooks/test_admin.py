"""Webhooks in the admin: for administrators, and with nothing of a stranger's unescaped."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.support.admin import admin_as, as_shown, messages_of, rows_of, url
from tests.support.factories import make_client
from tests.webhooks.test_api import make_hook
from users.models import User
from webhooks import admin
from webhooks.admin import NONE_ACTIVE
from webhooks.ending import end_some
from webhooks.events import TEST
from webhooks.health import counted
from webhooks.models import SHOWN_CHARACTERS, Delivery, Queue, Webhook
from webhooks.queueing import fill_queues


@pytest.fixture
def browser(administrator: User) -> Browser:
    return admin_as(administrator)


@pytest.fixture
def delivery(owner: User) -> Delivery:
    """One that a receiver refused with words of its own."""
    make_hook(owner, description="Invoicing")
    make_client()
    fill_queues()
    attempt = {"at": "2026-11-27T09:00:00Z", "milliseconds": 12, "status": 400}
    said = attempt | {"error": "The receiver answered 400.", "answer": "<script>alert(1)</script>"}
    Delivery.objects.update(state="given_up", tries=9, attempts=[said])
    return Delivery.objects.get()


def test_an_answer_is_shown_escaped(browser: Browser, delivery: Delivery) -> None:
    page = browser.get(url(Delivery, "change", delivery.pk)).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page
    assert "2026-11-27 09:00:00 after 12 ms" in page
    (row,) = rows_of(browser.get(url(Delivery, "changelist")))
    assert row[1:4] == ["Invoicing", "client.created", str(delivery.object_id)]
    assert row[-1] == "The receiver answered 400."


def test_a_webhook_is_deleted_with_its_deliveries(browser: Browser, delivery: Delivery) -> None:
    page = url(Webhook, "delete", delivery.webhook_id)
    assert "Invoicing" in browser.get(page).content.decode()
    assert browser.post(page, {"post": "yes"}).status_code == 302
    while end_some():
        pass
    assert (Webhook.objects.count(), Delivery.objects.count()) == (0, 0)


def test_the_health_of_a_webhook_is_shown(browser: Browser, delivery: Delivery) -> None:
    now = timezone.now()
    attempts = counted(counted({}, now - timedelta(hours=3), 8, 0), now, 1, 1)
    Queue.objects.update(attempts=attempts, last_error="The receiver answered 500.")
    Delivery.objects.update(state="waiting")
    (row,) = rows_of(browser.get(url(Webhook, "changelist")))
    assert row[3:7] == ["90 % of 10", "1", "0", "The receiver answered 500."]
    page = browser.get(url(Webhook, "change", delivery.webhook_id)).content.decode()
    assert "1 waiting, 0 failed and to be retried." in page
    assert "10 attempts in the last 24 hours: 9 delivered (90 %), 1 failed." in page
    assert page.count("The receiver answered 500.") == 1
    assert f"{now:%H}:00: 1 delivered, 1 failed attempt" in page
    Webhook.disable(delivery.webhook_id, "The receiver answered 410 Gone.")
    page = browser.get(url(Webhook, "change", delivery.webhook_id)).content.decode()
    assert "Not active: The receiver answered 410 Gone." in page
    assert "Last error" not in page


def test_a_million_that_wait_are_not_counted(
    browser: Browser, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "MOST_COUNTED", 1)
    Delivery.objects.update(state="failed")
    for number in range(2):
        Delivery.objects.create(webhook=delivery.webhook, event="client.created", seq=-number)
    (row,) = rows_of(browser.get(url(Webhook, "changelist")))
    assert row[4:6] == ["over 1", "1"]


def test_a_delivery_is_sent_again(browser: Browser, delivery: Delivery) -> None:
    data = {"action": "send_again", "_selected_action": [delivery.pk]}
    answer = browser.post(url(Delivery, "changelist"), data)
    assert messages_of(answer) == ["1 delivery will be sent again."]
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("waiting", 0)


def test_a_delivery_is_sent_again_from_its_own_page(
    browser: Browser, delivery: Delivery, owner: User
) -> None:
    path, page = url(Delivery, "send_again", delivery.pk), url(Delivery, "change", delivery.pk)
    shown = browser.get(page).content.decode()
    assert f'<form method="post" action="{path}">' in shown
    assert "Given up" in shown
    assert browser.get(path).status_code == 405
    owner.is_staff = True
    owner.save()
    assert admin_as(owner).post(path).status_code == 403
    delivery.refresh_from_db()
    assert delivery.state == "given_up"
    answer = browser.post(path, follow=True)
    assert answer.redirect_chain == [(page, 302)]
    assert messages_of(answer) == ["1 delivery will be sent again."]
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("waiting", 0)
    Webhook.objects.update(active=False)
    assert path not in browser.get(page).content.decode()
    assert messages_of(browser.post(path)) == [NONE_ACTIVE]


def test_a_test_is_sent_to_what_is_active(browser: Browser, owner: User) -> None:
    hook = make_hook(owner)
    data = {"action": "send_test", "_selected_action": [hook.pk]}
    browser.post(url(Webhook, "changelist"), data)
    assert [each.event for each in Delivery.objects.all()] == [TEST]
    for page in (url(Webhook, "delete", hook.pk), url(Webhook, "history", hook.pk)):
        path = browser.get(page).content.decode().partition('<div class="breadcrumbs">')[2]
        assert path.partition("</div>")[0].count(">Webhooks<") == 1
    Webhook.objects.update(active=False)
    answer = browser.post(url(Webhook, "changelist"), data)
    assert messages_of(answer)[-1] == NONE_ACTIVE


def test_a_webhook_is_switched_off_and_on(browser: Browser, owner: User) -> None:
    hook = make_hook(owner)
    path = url(Webhook, "change", hook.pk)
    for active in (False, True):
        data = as_shown(browser.get(path))
        data.pop("active", None)
        assert browser.post(path, data | ({"active": "on"} if active else {})).status_code == 302
        hook.refresh_from_db()
        assert hook.active == active


def test_what_it_sends_is_not_changed_there(browser: Browser, owner: User) -> None:
    hook = make_hook(owner, "client.created")
    path = url(Webhook, "change", hook.pk)
    page = browser.get(path)
    assert [*page.context["adminform"].form.fields] == ["description", "active"]
    sent = {**as_shown(page), "events": '["nope"]', "project_ids": "{}", "url": "http://10.0.0.1/"}
    assert browser.post(path, sent).status_code == 302
    found = Webhook.objects.get()
    assert (found.events, found.project_ids, found.url) == (hook.events, [], hook.url)


def test_a_long_address_is_cut_in_lists(browser: Browser, delivery: Delivery) -> None:
    Webhook.objects.update(description="", url=f"https://hooks.example.com/{'long' * 400}")
    for model, column in ((Webhook, 0), (Delivery, 1)):
        (row,) = rows_of(browser.get(url(model, "changelist")))
        assert len(row[column]) == SHOWN_CHARACTERS


def test_nobody_adds_one_there_and_only_administrators_look(
    browser: Browser, owner: User, delivery: Delivery
) -> None:
    assert browser.get(url(Webhook, "add")).status_code == 403
    owner.is_staff = True
    owner.save()
    owner.user_permissions.set(Permission.objects.filter(content_type__app_label="webhooks"))
    staff = admin_as(owner)
    for model in (Webhook, Delivery):
        assert staff.get(url(model, "changelist")).status_code == 403


def test_lists_cost_the_same_for_one_row_and_for_twenty(
    browser: Browser, delivery: Delivery, owner: User, colleague: User
) -> None:
    pages = [url(model, "changelist") for model in (Webhook, Delivery)]
    counts = []
    for more in (0, 10):
        for number in range(more):
            make_hook(owner if number % 2 else colleague)
            make_client(f"Client {number}")
        fill_queues()
        for page in pages:
            browser.get(page)
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(page).status_code == 200
            counts.append(len(captured))
    assert counts[:2] == counts[2:]
