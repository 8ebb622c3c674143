"""Make feeds, entity tags and tallies true again after a restore."""

from django.core.management.base import BaseCommand
from django.db import transaction

from journal.numbering import expire_cursors
from tallies.rebuilding import differences, rebuild
from tallies.versions import renew_list_versions


class Command(BaseCommand):
    """Make no tag of a list and no cursor of before a restore good any more."""

    help = (
        "Run this after restoring a backup, before starting the service. Version numbers "
        "of lost writes will be reused, so every list gets a new ETag and consumers of "
        "/api/v1/changes get 410 cursor_expired. Wrong tallies are corrected."
    )

    def handle(self, **_: object) -> None:
        """Renew both, and count again if anything was restored with triggers disabled."""
        wrong = differences()
        if wrong:
            rebuild()
        with transaction.atomic():
            expire_cursors()
            renew_list_versions()
        self.stdout.write(
            "All list ETags have been renewed and all change feed cursors have expired. "
            f"{len(wrong)} tallies were wrong and have been corrected."
        )
