"""Read everything back from a directory."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from moving.errors import CannotMove
from moving.importing import import_from

AFTERWARDS = """\
Imported from {}. What an export does not have:
  Nobody has a password: set one with manage.py changepassword NAME; administrators set those of
  others in the admin.
  There are no API tokens: issue new ones. Clients of the change feed begin again (410).
  Webhooks are inactive: rotate their secrets and activate them."""


class Command(BaseCommand):
    """Import an export into an empty database, wholly or not at all."""

    help = (
        "Read what export_data has written to DIR into an empty database, to the same rows. "
        "Checksums, rows and references are checked, and everything is read back, before "
        "anything is committed. Stop the service first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the directory."""
        parser.add_argument("directory", type=Path, metavar="DIR", help="an export")

    def handle(self, *, directory: Path, **_: object) -> None:
        """Import, or say why not."""
        try:
            import_from(directory, self.stdout.write)
        except CannotMove as error:
            raise CommandError(str(error)) from error
        self.stdout.write(AFTERWARDS.format(directory))
