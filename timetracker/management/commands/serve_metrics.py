"""Show what a server's processes count, to Prometheus."""

import os
import signal
import threading

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from timetracker.state import StateCollector
from values.companions import when_server_ends

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's


class Command(BaseCommand):
    """Answer GET /metrics on METRICS_ADDRESS until stopped."""

    help = "Answer GET /metrics on METRICS_ADDRESS. `serve` runs this by itself."

    def handle(self, **_: object) -> None:
        """Answer until a signal, or until the server that began this has ended."""
        if not settings.METRICS_ADDRESS:
            raise CommandError("Set METRICS_ADDRESS, for example to 127.0.0.1:9464.")
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        when_server_ends(stopped.set)
        address, port = settings.METRICS_ADDRESS
        server, _thread = start_http_server(port, address, registry())
        stopped.wait()
        server.shutdown()


def registry() -> CollectorRegistry:
    """Return what is shown: the counts of all processes of the server, and the state."""
    shown = CollectorRegistry()
    shown.register(StateCollector())
    if os.environ.get(FOLDER):
        MultiProcessCollector(shown)
    return shown
