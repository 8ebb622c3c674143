"""Moving an installation of the original TimeTracker in, wholly or not at all."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apitokens.models import ApiToken
from billing.models import Bill
from books.models import Books
from clients.models import Client
from database.loading import analyze, load
from database.postgresql.limits import lifted
from journal.numbering import expire_cursors
from moving.databases import lock_empty_tables, refuse_unless_migrated
from moving.errors import CannotMove
from moving.original import sums
from moving.original.clock import OriginalClock
from moving.original.disclosures import disclosures
from moving.original.entries import EntryReader
from moving.original.favorites import read_favorites
from moving.original.people import People, read_people
from moving.original.rates import priced_by, read_rates
from moving.original.report import ImportReport, new_file
from moving.original.source import Row, Source, opened
from moving.original.tokens import Tokens, read_tokens
from moving.original.work import AllWork, read_work
from moving.original.writing import (
    check_references,
    continue_ids,
    counted_once,
    note_issues,
    write,
)
from projects.models import FavoriteProject, Project
from rates.models import Rate
from tasks.models import Task
from timeentries.models import TimeEntry
from users.models import User
from values.currencies import currencies
from values.wall_clock import zone_names

Say = Callable[[str], object]

BETWEEN_LINES = 5.0  # seconds
MOST_DIFFERING = 20  # months that the text names; the CSV file has all
NOT_IMPORTED = (
    "Nothing else of the original is imported: no invoices, expenses, comments, quotes, contacts,"
    " budgets, attendance, audit logs or webhooks. Keep its database readable."
)


@dataclass(frozen=True)
class Options:
    """What the person who imports has asked for."""

    folder: Path
    time_zone: str | None = None
    dry_run: bool = False
    agreed: bool = False


@dataclass
class Everything:
    """What is imported, but for the time entries."""

    people: People
    work: AllWork
    rates: list[Rate]
    tokens: Tokens
    favorites: list[FavoriteProject]


def import_from(address: str, options: Options, say: Say) -> None:
    """Import a source into an empty database; CannotMove says why not, and nothing is written.

    A dry run does all of it, and takes it back. The report is written in either case.
    """
    refuse_unless_migrated()
    with opened(address) as source, lifted():
        with transaction.atomic():
            lock_empty_tables()
            _import_and_report(source, options, say)
        if not options.dry_run:
            analyze()
            say("Imported.")


def _import_and_report(source: Source, options: Options, say: Say) -> None:
    zone = _zone(source, options.time_zone)
    _refuse_another_currency(source)
    with (
        new_file(options.folder / "changes.csv") as changes,
        new_file(options.folder / "report.txt") as text,
    ):

        def tell(line: str) -> None:
            text.write(f"{line}\n")
            say(line)

        tell(f"Local times of the original are those of {zone.key}.")
        _import(source, OriginalClock(zone), ImportReport(changes), options, tell, say)
        if options.dry_run:
            transaction.set_rollback(True)
            tell("This was a dry run: nothing was written.")


def _import(
    source: Source,
    clock: OriginalClock,
    report: ImportReport,
    options: Options,
    tell: Say,
    say: Say,
) -> None:
    now = timezone.now()
    everything = _read(source, clock, report, now)
    _ask(source, everything, options, tell)
    _write(everything)
    reader = EntryReader(
        source,
        report,
        clock,
        everything.people.users,
        everything.work,
        priced_by(everything.rates),
    )
    total = source.one("SELECT COUNT(*) FROM time_entries")
    rows = _counted(reader.rows(), total, say)
    with counted_once():
        load(TimeEntry._meta.db_table, reader.columns, rows)
    _write_bills(reader.references, now)
    expire_cursors()  # none of this is in the journal
    say("Checking references and sums …")
    check_references()
    _tell_counts(tell)
    _tell_changes(report, tell)
    _tell_sums(source, clock, everything, options, tell)
    tell(NOT_IMPORTED)
    if not options.dry_run:
        continue_ids()


def _zone(source: Source, given: str | None) -> ZoneInfo:
    name = given or next(source.rows("settings", ["timezone"]), (None,))[0]
    if name not in zone_names():
        where = "--time-zone" if given else "the settings of the source"
        raise CannotMove(
            f"The time zone in {where} is {name!r}, which is unknown. Start again with"
            " --time-zone and the IANA name of the zone in which the original was run, such as"
            " Europe/Rome."
        )
    return ZoneInfo(name)


def _refuse_another_currency(source: Source) -> None:
    """Refuse rates that would be taken for those in another currency."""
    code = next(source.rows("settings", ["currency"]), (None,))[0]
    if code in currencies() and code != settings.CURRENCY:
        raise CannotMove(
            f"The original counts in {code}, and this service in {settings.CURRENCY}. Set"
            f" CURRENCY={code} here, and start again."
        )


def _read(source: Source, clock: OriginalClock, report: ImportReport, now: datetime) -> Everything:
    people = read_people(source, report, zone=clock.zone.key, now=now)
    work = read_work(source, people, report, _clock_of_tasks(source, clock), now=now)
    rates = read_rates(source, people, work, report, now=now)
    tokens = read_tokens(source, people, report, now=now)
    favorites = read_favorites(source, people, work, report, now=now)
    return Everything(people, work, rates, tokens, favorites)


def _clock_of_tasks(source: Source, clock: OriginalClock) -> OriginalClock:
    """Return the clock of tasks: PostgreSQL has stored them in its own time zone."""
    if source.vendor == "sqlite":
        return clock
    name = source.one("SELECT current_setting('TimeZone')")
    return OriginalClock(ZoneInfo(name)) if name in zone_names() else clock


def _ask(source: Source, everything: Everything, options: Options, tell: Say) -> None:
    """Say what more people would see; CannotMove unless that was agreed to."""
    found = [*disclosures(source, everything.people, everything.work, everything.tokens)]
    for each in found:
        tell(f"ATTENTION: {each}")
    if found and not options.agreed and not options.dry_run:
        raise CannotMove(
            "Nothing was written. Read the lines above that begin with ATTENTION; if you agree,"
            " start again with --yes."
        )


def _write(everything: Everything) -> None:
    work = everything.work
    write(Books, [Books(pk=Books.ONLY)])  # the row of an empty database
    write(User, everything.people.users.values())
    write(Client, work.clients.values())
    write(Project, work.projects.values())
    write(Task, work.tasks.values())
    write(FavoriteProject, everything.favorites)
    write(Rate, everything.rates)
    write(ApiToken, everything.tokens.tokens)
    note_issues(everything.tokens.tokens)


def _write_bills(references: Iterable[str], now: datetime) -> None:
    """Write what entries were billed under, so that they are not billed again."""
    Bill.objects.bulk_create(
        Bill(reference=reference, selection={"imported": True}, billed_at=now)
        for reference in sorted(references)
    )


def _counted(rows: Iterable[Row], total: int, say: Say) -> Iterator[Row]:
    """Yield rows, and say now and then how many there were."""
    said = monotonic()
    for number, row in enumerate(rows, 1):
        yield row
        if monotonic() - said > BETWEEN_LINES:
            said = monotonic()
            say(f"time entries: {number:,} of {total:,}")


def _tell_counts(tell: Say) -> None:
    models = (User, ApiToken, Client, Project, FavoriteProject, Task, Rate, Bill, TimeEntry)
    tell("Written:")
    for model in models:
        tell(f"  {model._default_manager.count():,} {model._meta.verbose_name_plural}")


def _tell_changes(report: ImportReport, tell: Say) -> None:
    tell("Not as it was (each row is in changes.csv):" if report.counts else "All is as it was.")
    for line in report.lines():
        tell(f"  {line}")


def _tell_sums(
    source: Source, clock: OriginalClock, everything: Everything, options: Options, tell: Say
) -> None:
    before, after = sums.sums_before(source), sums.sums_after(clock)
    with new_file(options.folder / "sums.csv") as file:
        sums.write_csv(file, before, after, everything.people.users)
    for when, found in (("before", before), ("after", after)):
        all_of = sums.total(found)
        tell(f"Finished entries {when}: {all_of.entries:,}, {all_of.seconds:,} seconds.")
    months = [*sums.differing(before, after)]
    every = len({*before, *after})
    tell(f"Months of users with other sums: {len(months):,} of {every:,} (sums.csv).")
    for month in months[:MOST_DIFFERING]:
        was, now = (found.get(month, sums.Worked()).seconds for found in (before, after))
        user = everything.people.users.get(month.user_id)
        name = user.username if user else f"user {month.user_id}"
        tell(f"  {name}, {month.month}: {was:,} before, {now:,} after")
