"""Write everything into a directory."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from moving.errors import CannotMove
from moving.exporting import export_to
from moving.manifest import Manifest


class Command(BaseCommand):
    """Write an export: JSON Lines, CSV and a manifest."""

    help = (
        "Write all users, clients, projects, tasks, time entries, rates and what belongs to them "
        "into DIR, as JSON Lines and CSV, with their checksums in manifest.json. The service may "
        "be running. Passwords, tokens and other secrets are left out; the rest is personal "
        "data: keep it private."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the directory."""
        parser.add_argument(
            "directory", type=Path, metavar="DIR", help="a new or an empty directory"
        )

    def handle(self, *, directory: Path, **_: object) -> None:
        """Export, or say why not."""
        try:
            export_to(directory, self.stdout.write)
            left_out = Manifest.read(directory).left_out
        except CannotMove as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Exported to {directory}. Left out:")
        for each in left_out:
            self.stdout.write(f"  {each}")
