"""What `/metrics` says about the service as a whole, looked up when it is asked."""

from collections.abc import Callable, Iterator
from datetime import datetime
from time import time

from django.db import Error, connection, connections
from django.db.models import Count, F, Max, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.exceptions import log_unavailable
from database.deadlines import Deadline
from database.replicas import OK, is_configured, replica
from journal.models import Change, Feed
from timeentries.models import TimeEntry
from timetracker import probes
from webhooks.models import Delivery, Queue

SECONDS = 2  # in the database: a scraper waits for ten
OLDEST_TRANSACTION = """
    SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""

Value = float | None  # None: there is nothing to say


def timers_running() -> Value:
    """Time entries without an end."""
    return TimeEntry.objects.filter(end_time=None).count()


def feed_lag() -> Value:
    """Seconds since the oldest change that the feed has not numbered; readers number them."""
    waiting = Change.objects.waiting().order_by("pk").values_list("changed_at", flat=True)
    return _seconds_since(waiting.first())


def webhook_lag() -> Value:
    """Changes of the feed that the webhook furthest behind has not in its queue."""
    last = Feed.current().last_seq
    behind = Queue.objects.filter(webhook__active=True).aggregate(most=Max(last - F("position")))
    return behind["most"] or 0


def webhooks_overdue() -> Value:
    """Seconds that the webhook that waits longest for a sender has been due."""
    due = Queue.objects.filter(webhook__active=True, wake_at__lte=timezone.now())
    return _seconds_since(due.aggregate(first=Min("wake_at"))["first"])


def oldest_transaction() -> Value:
    """Seconds since the oldest open transaction of this database began (PostgreSQL)."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_TRANSACTION)
        return float(cursor.fetchone()[0])


GAUGES: dict[str, Callable[[], Value]] = {
    "timetracker_timers_running": timers_running,
    "timetracker_feed_lag_seconds": feed_lag,
    "timetracker_webhook_lag_changes": webhook_lag,
    "timetracker_webhooks_overdue_seconds": webhooks_overdue,
    "timetracker_oldest_transaction_seconds": oldest_transaction,
}


class StateCollector(Collector):
    """The state, as far as the database answers in time; `timetracker_up` is always there."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield a gauge for each thing."""
        try:
            with Deadline(SECONDS):
                yield _parts()
                yield _deliveries()
                yield from _gauges()
            yield from _lag_of_replica()
        except Error as error:
            log_unavailable(error)
        finally:
            connections.close_all()  # each scrape has a thread of its own


def _parts() -> GaugeMetricFamily:
    found = GaugeMetricFamily(
        "timetracker_up", "1 if a part of the service works, as /ready sees it.", labels=["part"]
    )
    for part, state in probes.parts().items():
        found.add_metric([part], float(state == OK))
    return found


def _deliveries() -> GaugeMetricFamily:
    found = GaugeMetricFamily(
        "timetracker_webhook_deliveries",
        "Deliveries of active webhooks that wait for their first attempt, or failed and wait.",
        labels=["state"],
    )
    waiting = (Delivery.State.WAITING, Delivery.State.FAILED)
    current = F("webhook__queue__activation")  # what is given up does not wait
    rows = Delivery.objects.filter(state__in=waiting, webhook__active=True, activation=current)
    counts = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    for state in waiting:
        found.add_metric([state.value], counts.get(state.value, 0))
    return found


def _gauges() -> Iterator[GaugeMetricFamily]:
    for name, look in GAUGES.items():
        value = look()
        if value is not None:
            yield GaugeMetricFamily(name, str(look.__doc__), value=value)


def _lag_of_replica() -> Iterator[GaugeMetricFamily]:
    if is_configured():
        replica.watch(alone=True)
        text = "Seconds for which the primary has had something that the replica has not."
        yield GaugeMetricFamily("timetracker_replica_lag_seconds", text, value=replica.lag)


def _seconds_since(instant: datetime | None) -> float:
    return max(0.0, time() - instant.timestamp()) if instant else 0.0
