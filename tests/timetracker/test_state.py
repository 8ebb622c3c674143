"""What `/metrics` says about the service as a whole."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from prometheus_client import CollectorRegistry

from journal.models import Change
from journal.numbering import numbered_feed
from projects.models import Project
from tests.support.factories import make_entry, make_user
from timetracker import probes, state
from users.models import User
from webhooks.models import Delivery, Queue, Webhook

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keeps_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own transaction would be lost with it."""
    monkeypatch.setattr("django.db.connections.close_all", lambda: None)


def shown(name: str, **labels: str) -> float | None:
    """A gauge, as a scrape finds it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(state.StateCollector())
    return registry.get_sample_value(name, labels)


def make_webhook(owner: User, *, due: int) -> Webhook:
    """A webhook that has been due for some seconds."""
    webhook = Webhook.objects.create(user=owner, url="https://example.com/")
    wake_at = timezone.now() - timedelta(seconds=due)
    Queue.objects.filter(webhook=webhook).update(wake_at=wake_at)
    return webhook


def test_timers(project: Project) -> None:
    before = shown("timetracker_timers_running")
    make_entry(make_user("theo"), project, lasting=None)
    assert (before, shown("timetracker_timers_running")) == (0, 1)


def test_the_feed_lags_until_its_changes_are_numbered(project: Project) -> None:
    make_entry(make_user("theo"), project)
    Change.objects.update(changed_at=timezone.now() - timedelta(seconds=90))
    assert shown("timetracker_feed_lag_seconds") == pytest.approx(90, abs=20)
    numbered_feed()
    assert shown("timetracker_feed_lag_seconds") == 0


def test_webhooks_that_wait(owner: User) -> None:
    webhook = make_webhook(owner, due=40)
    Delivery.objects.create(webhook=webhook, event="x", state=Delivery.State.FAILED)
    overdue = shown("timetracker_webhooks_overdue_seconds")
    assert overdue == pytest.approx(40, abs=20)
    assert shown("timetracker_webhook_deliveries", state="failed") == 1
    assert shown("timetracker_webhook_deliveries", state="waiting") == 0
    Webhook.objects.update(active=False)
    assert shown("timetracker_webhooks_overdue_seconds") == 0
    assert shown("timetracker_webhook_deliveries", state="failed") == 0


def test_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown("timetracker_up", part="database") == 1
    monkeypatch.setattr(probes, "_database", lambda: probes.READ_ONLY)
    assert shown("timetracker_up", part="database") == 0
    assert shown("timetracker_up", part="migrations") == 1


def test_what_the_database_does_not_answer_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> float:
        raise OperationalError

    monkeypatch.setattr(state, "GAUGES", {"timetracker_timers_running": away})
    assert shown("timetracker_up", part="database") == 1
    assert shown("timetracker_timers_running") is None


def test_only_postgresql_knows_its_transactions() -> None:
    age = shown("timetracker_oldest_transaction_seconds")
    assert (age is None) == (connection.vendor == "sqlite")
