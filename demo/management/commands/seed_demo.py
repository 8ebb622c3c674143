"""Fill a database with demo data."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from demo import rows as demo
from demo.entries import MOST_PER_USER
from demo.rows import Demo
from values.instants import parse_date

MOST = 100_000_000
ENTRIES = 2000
FEWEST_USERS, ENTRIES_PER_USER = 8, 2500
FEWEST_PROJECTS, ENTRIES_PER_PROJECT = 12, 5000


class Command(BaseCommand):
    """Fill an empty database with believable data, wholly or not at all."""

    help = (
        "Fill an empty database with users, clients, projects, tasks and time entries. "
        "Entries end on the day before --until; the same arguments produce the same data. "
        "The users cannot log in until you set their passwords."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take how much of each, and the day that counts as today."""
        parser.add_argument(
            "--entries",
            type=_count,
            default=ENTRIES,
            metavar="N",
            help=f"number of time entries, including one running timer; default: {ENTRIES}",
        )
        parser.add_argument(
            "--users",
            type=_count,
            metavar="N",
            help=f"default: one per {ENTRIES_PER_USER} entries, at least {FEWEST_USERS}",
        )
        parser.add_argument(
            "--projects",
            type=_count,
            metavar="N",
            help=f"default: one per {ENTRIES_PER_PROJECT} entries, at least {FEWEST_PROJECTS}",
        )
        parser.add_argument(
            "--until",
            type=_day,
            metavar="DATE",
            help="date to treat as today; default: today (UTC)",
        )

    def handle(
        self,
        *,
        entries: int,
        users: int | None,
        projects: int | None,
        until: date | None,
        **_: object,
    ) -> None:
        """Fill the database, or say why not."""
        data = _demo(entries, users, projects, until)
        _refuse_unless_free(data)
        demo.fill(data)
        self.stdout.write(
            f"Made {data.users:,} people, {data.projects:,} projects and {data.entries:,} "
            f"time entries from {data.begins} to the day before {data.until}."
        )


def _demo(entries: int, users: int | None, projects: int | None, until: date | None) -> Demo:
    users = users or max(FEWEST_USERS, entries // ENTRIES_PER_USER)
    if entries > users * MOST_PER_USER:
        fewest = -(-entries // MOST_PER_USER)
        raise CommandError(
            f"{entries:,} time entries are too many for {users:,} users. Use --users "
            f"{fewest} or more."
        )
    return Demo(
        entries=entries,
        users=users,
        projects=projects or max(FEWEST_PROJECTS, entries // ENTRIES_PER_PROJECT),
        until=until or timezone.now().astimezone(UTC).date(),
    )


def _refuse_unless_free(data: Demo) -> None:
    if not demo.is_empty():
        raise CommandError(
            "The database already contains clients, projects, tasks or time entries; demo "
            "data needs an empty one. Use another database (DATABASE_URL), or delete all "
            "its data, including users and tokens, with: manage.py flush"
        )
    if taken := demo.taken_names(data.users):
        raise CommandError(f"Users with these names already exist: {', '.join(taken)}.")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= MOST:
        raise ArgumentTypeError(f"must be a whole number from 1 to {MOST}, not {text!r}")
    return int(text)


def _day(text: str) -> date:
    try:
        return parse_date(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
