"""Time entries of the original: a million of them, so that none becomes a model instance."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import NOT_PROVIDED

from billing.models import REFERENCE_LENGTH
from moving.original.clock import OriginalClock, local_time
from moving.original.report import ImportReport
from moving.original.source import Row, Source, Stored
from moving.original.texts import Noted
from moving.original.work import LONGEST_PROSE, AllWork
from rates.pricing import Rates, Work
from timeentries.models import LONGEST_SECONDS, TimeEntry
from timeentries.pricing import Price, Terms
from timeentries.serializers import MAX_TAG_LENGTH, MAX_TAGS
from users.models import User
from values.folding import folded, normal
from values.money import AmountField, service_currency

TABLE = "time_entries"
READ = (
    *("id", "user_id", "project_id", "client_id", "task_id", "start_time", "end_time"),
    *("duration_seconds", "break_seconds", "paused_at", "notes", "tags", "billable"),
    *("paid", "invoice_number", "created_at", "updated_at"),
)
WRITTEN = (
    *("id", "user_id", "project_id", "task_id", "start_time", "end_time", "break_seconds"),
    *("paused_at", "notes", "folded_notes", "tags", "folded_tags", "billable", "bill_id"),
    *("rate_id", "hourly_rate", "currency", "rounded_seconds", "amount"),
    *("created_at", "updated_at"),
)
SECOND = timedelta(seconds=1)
AMOUNT = AmountField()
# The reference of what was paid without the number of an invoice.
PAID = "Paid before the import"


@dataclass
class Times:
    """When an entry was worked; without an end it is a running timer."""

    start: datetime
    end: datetime | None
    break_seconds: int
    paused_at: datetime | None = None


@dataclass
class EntryReader:
    """What is needed to read entries; afterwards also what they were billed under."""

    source: Source
    report: ImportReport
    clock: OriginalClock
    users: dict[int, User]
    work: AllWork
    rates: Rates
    references: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._zones: dict[int, ZoneInfo] = {key: user.zone for key, user in self.users.items()}
        self._ends = dict(_ends_of_older_timers(self.source))
        self._stored: Callable[[datetime | None], Stored] = (
            connection.ops.adapt_datetimefield_value
        )
        self._without_default = _without_default()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that `rows` have."""
        return (*WRITTEN, *self._without_default)

    def rows(self) -> Iterator[Row]:
        """Yield the entries as the database takes them, in the order of their ids."""
        others = tuple(self._without_default.values())
        for stored in self.source.rows(TABLE, READ):
            row = self._row(*stored)
            if row is not None:
                yield row + others

    def _row(
        self,
        key: int,
        user_id: int,
        project_id: int | None,
        client_id: int | None,
        task_id: int | None,
        start: Stored,
        end: Stored,
        duration: int | None,
        break_seconds: int | None,
        paused_at: Stored,
        notes: Stored,
        tags: Stored,
        billable: Stored,
        paid: Stored,
        invoice: Stored,
        created: Stored,
        updated: Stored,
    ) -> Row | None:
        if user_id not in self.users:
            self.report.left_out(TABLE, key, "Its user does not exist.", "user_id", user_id)
            return None
        times = self._times(key, start, end, duration, break_seconds, paused_at)
        if times is None:
            return None
        project_id = self._project(key, project_id, client_id)
        is_billable = bool(billable)
        price = self._price(user_id, project_id, times, billable=is_billable)
        bill = self._bill(key, paid, invoice) if times.end and is_billable else None
        text = self._cell(key, "notes").text(notes, LONGEST_PROSE) if notes else ""
        tag_text = self._tags(key, tags) if tags else ""
        made = self.clock.read(created) or times.start
        return (
            *(key, user_id, project_id, self._task(key, task_id, project_id)),
            *(self._stored(times.start), self._stored(times.end), times.break_seconds),
            self._stored(times.paused_at),
            *(text, folded(text), tag_text, folded(tag_text), is_billable, bill),
            *(price.rate_id, price.hourly_rate, price.currency, price.rounded_seconds),
            AMOUNT.get_prep_value(price.amount),
            *(self._stored(made), self._stored(self.clock.read(updated) or made)),
        )

    def _times(
        self,
        key: int,
        start: Stored,
        end: Stored,
        duration: int | None,
        break_seconds: int | None,
        paused_at: Stored,
    ) -> Times | None:
        """Return when an entry was worked; None if its start cannot be read."""
        begun = local_time(start)
        if begun is None:
            reason = "Its start is not a time of the years 1970 to 2200."
            self.report.left_out(TABLE, key, reason, "start_time", start)
            return None
        pause = max(0, _whole(break_seconds) or 0)
        ended = local_time(end)
        if ended is None and end is not None:
            reason = "The end is not a time of the years 1970 to 2200; the duration counts."
            ended = begun + timedelta(seconds=min(max(_whole(duration) or 0, 0), LONGEST_SECONDS))
            self._cell(key, "end_time").changed(reason, end, ended)
        if ended is not None:
            return self._finished(key, begun, ended, _whole(duration), pause)
        return self._running(key, self.clock.instant(begun), pause, paused_at)

    def _finished(
        self, key: int, begun: datetime, ended: datetime, duration: int | None, pause: int
    ) -> Times:
        """Return the times of an entry whose duration is that of the original, if it can be.

        Between two changes of the clock the original subtracts local times. Of an entry over a
        change the instants are right, and its duration was not.
        """
        local_seconds = (ended - begun) // SECOND
        lasting = local_seconds - pause if duration is None else duration
        span = self.clock.span(begun, ended, lasting + pause)
        if span.seconds <= 0:
            reason = "The end was not after the start."
            return self._ended(key, span.start, ended, lasting, 0, reason)
        if span.seconds > LONGEST_SECONDS:
            reason = "No entry lasts more than 366 days."
            return self._ended(key, span.start, ended, lasting, 0, reason)
        if lasting == span.seconds - pause and lasting > 0:
            return Times(span.start, span.end, pause)
        if lasting == local_seconds - pause and 0 <= pause < span.seconds:
            reason = (
                "The clocks changed in between: the times are kept, the duration is right now."
            )
            lasted = span.seconds - pause
            self._cell(key, "duration_seconds").changed(reason, duration, lasted)
            return Times(span.start, span.end, pause)
        if not 0 <= lasting <= LONGEST_SECONDS:
            reason = "The duration is not possible; the times are kept."
            pause = pause if pause < span.seconds else span.seconds - 1
            lasted = span.seconds - pause
            self._cell(key, "duration_seconds").changed(reason, duration, lasted)
            return Times(span.start, span.end, pause)
        if lasting > span.seconds:
            reason = "The duration was rounded up, or set: the end is later, so that it is kept."
            return self._ended(key, span.start, ended, lasting, 0, reason)
        if lasting == 0:
            reason = "The duration was nothing: the break leaves a second."
        else:
            reason = "The duration was rounded down, or set: the break is such that it is kept."
        kept = span.seconds - max(lasting, 1)
        self._cell(key, "break_seconds").changed(reason, pause, kept)
        return Times(span.start, span.end, kept)

    def _ended(
        self, key: int, start: datetime, before: object, seconds: int, pause: int, reason: str
    ) -> Times:
        """Return the times of an entry that ends so long after its start, if that is possible."""
        seconds = min(max(seconds, 1), LONGEST_SECONDS)
        end = start + timedelta(seconds=seconds)
        local = end.astimezone(self.clock.zone).replace(tzinfo=None)
        self._cell(key, "end_time").changed(reason, before, local)
        return Times(start, end, pause)

    def _running(self, key: int, start: datetime, pause: int, paused_at: Stored) -> Times:
        """Return the times of a timer; an older one ends where the user's next one starts."""
        paused = self.clock.read(paused_at)
        if paused is not None and paused < start:
            self._cell(key, "paused_at").changed("It was paused before it started.", paused_at, "")
            paused = None
        if key not in self._ends:
            return Times(start, None, pause, paused)
        following = self.clock.read(self._ends[key]) or start
        end = min(filter(None, (paused, following))) if start < following else following
        seconds = (end - start) // SECOND
        reason = "A user has one timer: this older one ends where the next one starts."
        return self._ended(key, start, None, seconds, max(0, min(pause, seconds - 1)), reason)

    def _project(self, key: int, project_id: int | None, client_id: int | None) -> int:
        if project_id is not None and project_id in self.work.projects:
            return project_id
        client = client_id if client_id in self.work.clients else None
        made = self.work.without_project[client]
        self._cell(key, "project_id").changed("It has no project.", project_id, made)
        return made

    def _task(self, key: int, task_id: int | None, project_id: int) -> int | None:
        if task_id is None:
            return None
        task = self.work.tasks.get(task_id)
        if task is None:
            self._cell(key, "task_id").changed("Its task does not exist.", task_id, None)
        elif task.project_id != project_id:
            self._cell(key, "task_id").changed("Its task is of another project.", task_id, None)
        else:
            return task_id
        return None

    def _tags(self, key: int, stored: Stored) -> str:
        tags = [normal(tag.strip()) for tag in str(stored).replace("\0", "").split(",")]
        kept = [*dict.fromkeys(tag[:MAX_TAG_LENGTH].strip() for tag in tags if tag)][:MAX_TAGS]
        if len(kept) < len({*filter(None, tags)}) or any(tag not in tags for tag in kept):
            reason = f"At most {MAX_TAGS} tags of {MAX_TAG_LENGTH} characters."
            self._cell(key, "tags").changed(reason, stored, ",".join(kept))
        return ",".join(kept)

    def _bill(self, key: int, paid: Stored, invoice: Stored) -> str | None:
        """Return under what an entry is billed here: it must not be billed again."""
        if not (paid or invoice):
            return None
        reference = self._cell(key, "invoice_number").text(invoice, REFERENCE_LENGTH) or PAID
        self.references.add(reference)
        return reference

    def _price(self, user_id: int, project_id: int, times: Times, *, billable: bool) -> Price:
        if times.end is None:
            return Price()
        project = self.work.projects[project_id]
        day = times.start.astimezone(self._zones[user_id]).date()
        seconds = (times.end - times.start) // SECOND - times.break_seconds
        work = Work(user_id, project.client_id, project_id, day)
        terms = Terms(work, seconds, billable=billable, currency=service_currency(), rounding="")
        return terms.price(self.rates)

    def _cell(self, key: int, column: str) -> Noted:
        return Noted(self.report, TABLE, key, column)


def _whole(stored: Stored) -> int | None:
    """Return a number of seconds; None for what is none."""
    return int(stored) if isinstance(stored, int | float) else None


def _ends_of_older_timers(source: Source) -> Iterator[tuple[int, Stored]]:
    """Yield each running timer of a user that is not the newest, and when the next one starts."""
    timers = source.rows(
        TABLE,
        ("id", "user_id", "start_time"),
        where="end_time IS NULL",
        order="user_id, start_time, id",
    )
    before: tuple[int, int] | None = None
    for key, user_id, start in timers:
        if before and before[1] == user_id:
            yield before[0], start
        before = key, user_id


def _without_default() -> dict[str, Stored]:
    """Return what columns that came since must have, and the database does not fill in."""
    return {
        str(field.column): field.get_db_prep_save(field.get_default(), connection)
        for field in TimeEntry._meta.concrete_fields
        if field.column not in WRITTEN
        and not (field.generated or field.null or field.has_db_default())
        and field.default is not NOT_PROVIDED
    }
