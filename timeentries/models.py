"""Time logged on projects and tasks."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Self, Unpack

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, StrIndex
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual
from django.utils import timezone

from books.periods import PeriodIsOpen
from journal.journaled import ABSENT
from journal.models import Change
from projects.archiving import ProjectWork
from projects.models import Project
from rates.models import Rate
from resources.models import ResourceQuerySet, external_id_once, within_years
from resources.refusals import Refusal
from tasks.models import Task
from timeentries.billed import NAME as BILLED_STAYS
from timeentries.billed import BilledStays
from timeentries.breaks import break_until, longest_break, seconds_worked
from timeentries.constraints import CompositeForeignKey, WholeSeconds
from timeentries.pricing import CAUSES, COLUMNS, price
from timeentries.totals import total_from_tallies
from users.models import User
from values.folding import normal
from values.money import AmountField, CurrencyField
from values.options import Deconstructed, SaveOptions
from values.text import FoldedField, ProseField

LONGEST_ENTRY_DAYS = 366
LONGEST_SECONDS = LONGEST_ENTRY_DAYS * 86_400


class TimeEntryQuerySet(ResourceQuerySet["TimeEntry"]):
    """Time entries; everyone has their own, administrators see all."""

    def visible_to(self, user: User) -> Self:
        """Keep the user's own entries; an administrator sees everyone's."""
        return self if user.is_superuser else self.filter(user=user)

    def with_details(self) -> Self:
        """Also fetch related rows that the API shows."""
        return self.select_related("user", "project__client", "task")

    def exact_count(self) -> int:
        """Return the number of entries, from the tallies if possible."""
        total = total_from_tallies(self)
        return self.count() if total is None else total

    def running(self) -> Self:
        """Keep the timers."""
        return self.filter(end_time=None)

    def finished(self) -> Self:
        """Keep the entries that have an end."""
        return self.filter(end_time__isnull=False)

    def tagged(self, tag: str) -> Self:
        """Keep the entries that carry a tag, its case included."""
        if "," in tag:
            return self.none()
        listed = Concat(Value(","), "tags", Value(","), output_field=models.TextField())
        return self.alias(at=StrIndex(listed, Value(f",{normal(tag)},"))).filter(at__gt=0)


class BillableField(models.BooleanField[bool | None, bool | None]):
    """Whether time is billed; of a new entry that leaves it open, as its project is."""

    def pre_save(self, model_instance: Any, add: bool) -> bool:  # noqa: FBT001 - Django's
        if getattr(model_instance, self.attname) is None:
            setattr(model_instance, self.attname, model_instance.project.billable)
        return bool(getattr(model_instance, self.attname))

    def deconstruct(self) -> Deconstructed:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.BooleanField", args, kwargs


class TimeEntry(ProjectWork):
    """A stretch of work from `start_time` to before `end_time`; without an end it is a timer."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="time_entries", db_index=False
    )
    # The composite indexes below serve user, project and task too.
    project = models.ForeignKey(
        Project, models.PROTECT, related_name="time_entries", db_index=False
    )
    task = models.ForeignKey(
        Task, models.PROTECT, related_name="time_entries", null=True, blank=True, db_index=False
    )
    start_time = models.DateTimeField()
    end_time = models.DateTimeField(null=True, blank=True)
    break_seconds = models.IntegerField(
        default=0,
        db_default=0,  # processes of the previous release write while it is migrated
        validators=[MinValueValidator(0), MaxValueValidator(LONGEST_SECONDS)],
        help_text="Seconds of breaks, which do not count as work.",
    )
    # Since when a timer is paused. Only the timer sets it, but it is edited: of a closed period
    # no timer is paused, and the journal names it.
    paused_at = models.DateTimeField(null=True, blank=True)
    notes = ProseField(max_length=10_000, blank=True)
    folded_notes = FoldedField(of="notes")
    tags = ProseField(blank=True, help_text="Separated by commas.")
    folded_tags = FoldedField(of="tags")
    billable = BillableField(default=None, blank=True)
    duration_seconds = models.GeneratedField(
        expression=WholeSeconds("start_time", "end_time") - F("break_seconds"),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )
    # What it was worth when it was last priced: timeentries/pricing.py.
    hourly_rate = models.DecimalField(max_digits=10, decimal_places=2, null=True, editable=False)
    currency = CurrencyField(null=True, editable=False)
    rounded_seconds = models.BigIntegerField(null=True, editable=False)
    amount = AmountField(null=True, editable=False)
    # By its reference, which lists can then show without a join.
    bill = models.ForeignKey(
        "billing.Bill",
        models.PROTECT,
        to_field="reference",
        related_name="entries",
        null=True,
        editable=False,
        db_index=False,
    )
    # It stays where the rate is deleted.
    rate = models.ForeignKey(
        Rate,
        models.DO_NOTHING,
        related_name="+",
        null=True,
        editable=False,
        db_constraint=False,
        db_index=False,
    )

    objects = TimeEntryQuerySet.as_manager()
    owner_attribute = "user_id"
    unplaced: Refusal | None = None  # why a new entry found no time on its day: placing.py

    class Meta:
        verbose_name = "time entry"
        verbose_name_plural = "time entries"
        ordering = ("-start_time", "-id")
        indexes = (
            models.Index(fields=["-start_time", "-id"], name="time_entry_newest"),
            # With the end, so that finished ones are counted without reading rows.
            models.Index(
                fields=["user", "-start_time", "-id", "end_time"],
                name="time_entry_newest_of_user",
            ),
            models.Index(
                fields=["project", "-start_time", "-id", "end_time"],
                name="time_entry_newest_of_project",
            ),
            models.Index(fields=["task", "-start_time", "-id"], name="time_entry_newest_of_task"),
            models.Index(
                fields=["bill"], condition=Q(bill__isnull=False), name="time_entry_billed"
            ),
            # All that a sum or a count of a range needs, so that no row is read for it.
            models.Index(
                fields=[
                    *("start_time", "project", "duration_seconds", "billable"),
                    *("rounded_seconds", "currency", "amount", "bill"),
                ],
                condition=Q(end_time__isnull=False),
                name="time_entry_summed_up",
            ),
        )
        constraints = (
            external_id_once("time_entry_external_id_once_per_user"),
            within_years("start_time", "time_entry_starts_within_years"),
            within_years("end_time", "time_entry_ends_within_years"),
            models.CheckConstraint(
                condition=Q(end_time__isnull=True) | Q(end_time__gt=F("start_time")),
                name="time_entry_ends_after_it_starts",
                violation_error_message="The end must be after the start.",
            ),
            models.CheckConstraint(
                condition=Q(end_time__isnull=True)
                # Backwards, because whole seconds are rounded down: not a microsecond more.
                | Q(GreaterThanOrEqual(WholeSeconds("end_time", "start_time"), -LONGEST_SECONDS)),
                name="time_entry_lasts_at_most_366_days",
                violation_error_message="A time entry must not last more than 366 days.",
            ),
            models.CheckConstraint(
                condition=Q(break_seconds__gte=0),
                name="time_entry_break_not_negative",
                violation_error_message="The break cannot be negative.",
            ),
            models.CheckConstraint(
                condition=Q(break_seconds=0)
                | Q(end_time__isnull=True)
                | Q(GreaterThan(WholeSeconds("start_time", "end_time"), F("break_seconds"))),
                name="time_entry_break_is_shorter",
                violation_error_message="The break must be shorter than the time entry.",
            ),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True) | Q(end_time__isnull=True),
                name="time_entry_paused_only_while_it_runs",
                violation_error_message="Only a running timer can be paused.",
            ),
            models.CheckConstraint(
                condition=Q(start_time__lte=F("paused_at")) | Q(paused_at__isnull=True),
                name="time_entry_starts_before_its_pause",
                violation_error_message="The start must not be after the pause.",
            ),
            models.UniqueConstraint(
                "user",
                condition=Q(end_time__isnull=True),
                name="time_entry_one_timer_per_user",
                violation_error_code="timer_already_running",
                violation_error_message="A timer is already running. Stop it first.",
            ),
            models.CheckConstraint(
                condition=Q(amount=None)
                | Q(
                    hourly_rate__isnull=False,
                    currency__isnull=False,
                    rounded_seconds__isnull=False,
                    end_time__isnull=False,
                    billable=True,
                ),
                name="time_entry_amount_has_its_rate",
                violation_error_message="An amount needs an end, a rate and billable time.",
            ),
            CompositeForeignKey(
                fields=("task", "project"),
                to_fields=("id", "project"),
                name="time_entry_task_is_of_its_project",
                violation_error_message="This task belongs to another project.",
            ),
            PeriodIsOpen(instant="start_time", name="time_entry_period_is_open"),
            BilledStays(name=BILLED_STAYS),
        )

    def __str__(self) -> str:
        return f"{self.project} from {timezone.localtime(self.start_time):%Y-%m-%d %H:%M}"

    @classmethod
    def insert(cls, rows: Sequence[Self]) -> None:
        """Insert new entries with their prices."""
        for refusal in filter(None, (row.unplaced for row in rows)):
            raise refusal
        price(rows)
        super().insert(rows)

    def save(
        self, *, update_fields: Iterable[str] | None = None, **kwargs: Unpack[SaveOptions]
    ) -> None:
        """Save, and price the entry if what its price depends on changed."""
        self._end_pause()
        if update_fields is not None and self.end_time and self.stored.get("paused_at"):
            update_fields = {*update_fields, "break_seconds", "paused_at"}
        if any(self.stored.get(name, ABSENT) != getattr(self, name) for name in CAUSES):
            price([self])
            if update_fields is not None:
                update_fields = {*update_fields, *COLUMNS}
        super().save(update_fields=update_fields, **kwargs)

    def refusal(self) -> Refusal | None:
        """Return why a new entry is refused that the database would accept."""
        return super().refusal() or self.unplaced

    def begins(self) -> bool:
        """Return whether a save adds the entry to its project, or starts it again there."""
        is_reopened = self.active and self.stored.get("end_time") is not None
        return super().begins() or is_reopened

    def action(self) -> Change.Action:
        """Return the kind of change that a save makes, such as starting a timer."""
        was_active = not self._state.adding and self.stored.get("end_time") is None
        if self.active and not was_active:
            return Change.Action.TIMER_STARTED
        if was_active and not self.active:
            return Change.Action.TIMER_STOPPED
        return super().action()

    def clean(self) -> None:
        """End the pause of a timer that a form ends, before its rules are judged."""
        super().clean()
        self._end_pause()

    def _end_pause(self) -> None:
        """End the pause with the entry; breaks that are changed as well are all of its breaks."""
        if self.end_time is None or self.paused_at is None:
            return
        if self.break_seconds == self.stored.get("break_seconds"):
            total = break_until(self.end_time, self.paused_at, self.break_seconds)
            self.break_seconds = min(total, longest_break(self.start_time, self.end_time))
        self.paused_at = None

    def seconds_at(self, now: datetime) -> int:
        """Return the seconds worked until now, or until the end or the pause."""
        end = self.end_time or self.paused_at or now
        return seconds_worked(self.start_time, end, self.break_seconds)

    @property
    def active(self) -> bool:
        """Whether the timer runs, or is paused."""
        return self.end_time is None
