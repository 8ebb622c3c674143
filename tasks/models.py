"""Tasks within projects."""

from collections.abc import Collection, Iterable, Sequence
from typing import Self, Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from journal.models import Change
from projects.archiving import ProjectWork
from projects.models import Project
from resources.integrity import refuse_if_used
from resources.models import ResourceQuerySet, external_id_once, within_years
from resources.refusals import Refusal
from values.options import SaveOptions
from values.text import FoldedField, NameField, ProseField
from values.wall_clock import EARLIEST, LATEST


class TaskQuerySet(ResourceQuerySet["Task"]):
    """Tasks; all users share them."""

    def with_details(self) -> Self:
        """Also fetch related rows that the API shows."""
        return self.select_related("project")


class Task(ProjectWork):
    """A task of a project, optionally assigned to a user."""

    class Status(models.TextChoices):
        """Where a task stands."""

        TODO = "todo"
        IN_PROGRESS = "in_progress"
        REVIEW = "review"
        DONE = "done"
        CANCELLED = "cancelled"

    class Priority(models.IntegerChoices):
        """How soon a task should be done."""

        LOW = 1
        MEDIUM = 2
        HIGH = 3
        URGENT = 4

    name = NameField(max_length=200)
    folded_name = FoldedField(of="name")
    description = ProseField(max_length=10_000, blank=True)
    folded_description = FoldedField(of="description")
    project = models.ForeignKey(Project, models.PROTECT, related_name="tasks")
    status = models.CharField(max_length=20, choices=Status, default=Status.TODO)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.MEDIUM)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, related_name="tasks", null=True, blank=True
    )
    due_date = models.DateField(null=True, blank=True)
    estimated_hours = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = (F("priority").desc(), F("due_date").asc(nulls_last=True), "id")
        indexes = (models.Index(fields=["-priority", "due_date", "id"], name="task_in_order"),)
        constraints = (
            external_id_once("task_external_id_once_per_user"),
            within_years(
                "due_date", "task_due_within_years", first=EARLIEST.date(), end=LATEST.date()
            ),
            # Target of the composite foreign key of time entries.
            models.UniqueConstraint(fields=("id", "project"), name="task_unique_in_project"),
            models.CheckConstraint(
                condition=Q(estimated_hours__gte=0),
                name="task_estimated_hours_not_negative",
                violation_error_message="The estimated hours cannot be negative.",
            ),
            models.CheckConstraint(
                condition=Q(status="done", completed_at__isnull=False)
                | (~Q(status="done") & Q(completed_at__isnull=True)),
                name="task_completed_when_done",
                violation_error_message="A task has a completion time if and only if it is done.",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Note when the task became done, so that the constraint can be judged."""
        super().clean()
        self.note_completion()

    def save(
        self, *, update_fields: Iterable[str] | None = None, **kwargs: Unpack[SaveOptions]
    ) -> None:
        """Save, and note when the task became done; one with time entries stays in its project."""
        if self.is_moved():
            refuse_if_used(self)
        self.note_completion()
        if update_fields is not None and "status" in update_fields:
            update_fields = {*update_fields, "completed_at"}
        super().save(update_fields=update_fields, **kwargs)

    @classmethod
    def insert(cls, rows: Sequence[Self]) -> None:
        """Insert new rows, and note when those that are done became so."""
        for row in rows:
            row.note_completion()
        super().insert(rows)

    def action(self) -> Change.Action:
        """Return the kind of change that a save makes; completing is its own kind."""
        was_done = self.stored.get("status") in (None, self.Status.DONE)
        if self.status == self.Status.DONE and not was_done:
            return Change.Action.COMPLETED
        return super().action()

    def is_moved(self) -> bool:
        """Return whether a save moves the task to another project."""
        return not self._state.adding and self.begins()

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Raise Django's ValidationError for a form that moves a task with time entries."""
        super().validate_constraints(exclude)
        if "project" not in (exclude or ()) and self.is_moved():
            try:
                refuse_if_used(self)
            except Refusal as refusal:
                raise ValidationError({"project": refusal.sentence}) from refusal

    def note_completion(self) -> None:
        """Set when the task became done, or that it is not."""
        done = self.status == self.Status.DONE
        if done != (self.completed_at is not None):
            self.completed_at = timezone.now() if done else None
