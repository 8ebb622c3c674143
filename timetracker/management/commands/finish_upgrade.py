"""Fill in what servers of the previous release left out after the database was migrated."""

from django.core.management.base import BaseCommand

from apitokens.models import ApiToken
from clients.models import Client
from database.renewal import names_in_the_way, renew, renew_keys
from projects.models import Project
from tasks.models import Task
from timeentries.models import TimeEntry
from timeentries.repricing import price_unpriced
from users.models import User


class Command(BaseCommand):
    """Renew the derived texts that an older release does not know, and price its entries."""

    help = (
        "Run this after the last server of the previous release has stopped. It fills in what "
        "those servers left out after the database was migrated, in batches, while the service "
        "runs."
    )

    def handle(self, **_: object) -> None:
        """Fill in all rows; complete ones are left alone."""
        renew_all_texts()
        priced = price_unpriced()
        self.stdout.write(f"All texts can be searched. {priced} time entries have been priced.")


def renew_all_texts() -> None:
    """Renew the texts of all models, as the migrations did that added the derived columns."""
    names = ("username", "first_name", "last_name")
    kept = names_in_the_way(User.objects.all(), name="username")
    renew(User, *names, as_they_are=kept, name="username")
    in_force = ApiToken.objects.filter(revoked_at=None, replaced_at=None)
    renew(ApiToken, "name", as_they_are=names_in_the_way(in_force, "user_id"))
    renew(Client, "name", "company", "address", but=["folded_name"])
    renew_keys(Client.objects.all())
    current = Project.objects.exclude(client=None).exclude(status="archived")
    kept = names_in_the_way(current, "client_id")
    renew(Project, "name", "description", as_they_are=kept)
    renew(Task, "name", "description")
    renew(TimeEntry, "notes", "tags")
