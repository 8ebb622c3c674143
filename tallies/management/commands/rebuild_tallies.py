"""Count the time entries afresh."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from tallies.rebuilding import differences, rebuild


class Command(BaseCommand):
    """Count afresh, for when the triggers were off: TRUNCATE, a restore in parts."""

    help = "Recount the time entries; with --check only report which tallies are wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether only to look."""
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; exit with status 1 if any tally is wrong",
        )

    def handle(self, *, check: bool, **_: object) -> None:
        """Say what was wrong, and mend it."""
        wrong = differences()
        for difference in wrong:
            self.stdout.write(str(difference))
        if check and wrong:
            raise CommandError(f"{len(wrong)} tallies are wrong.")
        if not check:
            rebuild()
        self.stdout.write("The tallies are correct.")
