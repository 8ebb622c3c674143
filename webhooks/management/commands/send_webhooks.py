"""Send the events that webhooks ask for, until stopped."""

import signal
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from values.arguments import at_least_one
from values.companions import when_server_ends
from webhooks.dispatcher import Dispatcher

THREADS = 10


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
        when_server_ends(sender.stop)
        sender.run()
