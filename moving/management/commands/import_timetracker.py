"""Move an installation of the original TimeTracker in."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from moving.errors import CannotMove
from moving.original.importing import Options, import_from


class Command(BaseCommand):
    """Import users, tokens, clients, projects, tasks, time entries and rates."""

    help = (
        "Import the users, tokens, clients, projects, tasks, time entries and rates of an "
        "original TimeTracker 5 into an empty database, wholly or not at all. Its own database "
        "is only read. Begin with --dry-run, and read docs/moving.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the source, and how it is meant."""
        parser.add_argument(
            "source",
            metavar="SOURCE",
            help="postgresql://user@host/timetracker, or the path of a SQLite file; a password is "
            "better in PGPASSWORD or ~/.pgpass than here",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="do everything, report it, and take it back"
        )
        parser.add_argument(
            "--yes", action="store_true", help="agree to what more people would see"
        )
        parser.add_argument(
            "--time-zone",
            metavar="NAME",
            help="the zone in which the original ran, if that is not the one in its settings",
        )
        parser.add_argument(
            "--report",
            type=Path,
            metavar="DIR",
            help="a directory for report.txt, changes.csv and sums.csv, without these; "
            "default: import-DATE-TIME",
        )

    def handle(
        self,
        *,
        source: str,
        dry_run: bool,
        yes: bool,
        time_zone: str | None,
        report: Path | None,
        **_: object,
    ) -> None:
        """Import, or say why not."""
        folder = report or Path(f"import-{timezone.now():%Y%m%d-%H%M%S}")
        options = Options(folder, time_zone, dry_run=dry_run, agreed=yes)
        try:
            import_from(source, options, self._say)
        except CannotMove as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The report is in {folder}.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
