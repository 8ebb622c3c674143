"""Send the events that webhooks ask for, until stopped."""

import os
import signal
import threading
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from values.arguments import at_least_one
from webhooks.dispatcher import Dispatcher

THREADS = 10
ENDS_WITH = "SENDER_ENDS_WITH"  # a file descriptor, that of a pipe whose other end `serve` holds


class Command(BaseCommand):
    """Run the sender; several may run beside one PostgreSQL database."""

    help = (
        "Send what webhooks ask for, until stopped. `serve` runs one by itself; more may run, on"
        " other machines too, with PostgreSQL."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --threads."""
        parser.add_argument(
            "--threads",
            type=at_least_one,
            default=THREADS,
            metavar="N",
            help=f"number of receivers to send to at the same time; default: {THREADS}",
        )

    def handle(self, *, threads: int, **_: object) -> None:
        """Send until a signal, or until the server that began this has ended."""
        sender = Dispatcher(threads)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, sender.stop)
        if pipe := os.environ.get(ENDS_WITH):
            threading.Thread(target=_wait_for_end, args=(int(pipe), sender), daemon=True).start()
        sender.run()


def _wait_for_end(pipe: int, sender: Dispatcher) -> None:
    os.read(pipe, 1)  # nothing is written: it returns when the other end is closed
    sender.stop()
