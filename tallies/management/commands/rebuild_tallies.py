"""Recount the time entries."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from tallies.rebuilding import differences, rebuild


class Command(BaseCommand):
    """Recount after the triggers were off, for example after TRUNCATE or a partial restore."""

    help = "Recount the time entries; with --check only report which tallies are wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether only to look."""
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; exit with status 1 if any tally is wrong",
        )

    def handle(self, *, check: bool, **_: object) -> None:
        """Report the differences, and fix them."""
        wrong = differences()
        for difference in wrong:
            self.stdout.write(str(difference))
        if check and wrong:
            raise CommandError(f"{len(wrong)} tallies are wrong.")
        if not check:
            rebuild()
        self.stdout.write("The tallies are correct.")
