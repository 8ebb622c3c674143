"""The journal: a row for each write, and the numbering of the feed."""

import secrets
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from users.models import User

EPOCH_LENGTH = 16


def new_epoch() -> str:
    """Return a value that no earlier cursor contains."""
    return secrets.token_hex(EPOCH_LENGTH // 2)


class ChangeQuerySet(models.QuerySet["Change"]):
    """The journal, as readers need it."""

    def waiting(self) -> Self:
        """Keep changes without a sequence number."""
        return self.filter(seq=None)

    def visible_to(self, user: "User") -> Self:
        """Keep the changes of rows that the user could see before or can see after."""
        if user.is_superuser:
            return self
        shared = Q(owner_before=None, owner_after=None)
        return self.filter(shared | Q(owner_before=user.pk) | Q(owner_after=user.pk))


class Change(models.Model):
    """One write to one row, with its actor and time (UTC).

    It is written in the transaction of the write, after the row itself, whose lock is held by
    then: the ids of one row's changes are in the order of its commits. Across rows they are
    not, which is why readers follow `seq` (journal/numbering.py).
    """

    class Action(models.TextChoices):
        """Kinds of changes."""

        CREATED = "created"
        UPDATED = "updated"
        ARCHIVED = "archived"
        COMPLETED = "completed"
        DELETED = "deleted"
        TIMER_STARTED = "timer_started"
        TIMER_STOPPED = "timer_stopped"

    seq = models.BigIntegerField("sequence", null=True, editable=False)
    type = models.CharField(max_length=30)
    object_id = models.BigIntegerField("id of the row")
    action = models.CharField(max_length=20, choices=Action)
    fields = models.JSONField("changed fields", default=list)
    owner_before = models.BigIntegerField(null=True)
    owner_after = models.BigIntegerField(null=True)
    project_before = models.BigIntegerField(null=True)
    project_after = models.BigIntegerField(null=True)
    # No constraint and no index: the journal outlives users and tokens, and stays cheap to write.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        related_name="+",
        null=True,
        db_constraint=False,
        db_index=False,
    )
    token = models.ForeignKey(
        "apitokens.ApiToken",
        models.DO_NOTHING,
        related_name="+",
        null=True,
        db_constraint=False,
        db_index=False,
        verbose_name="API token",
    )
    request_id = models.CharField("request", max_length=64)
    changed_at = models.DateTimeField()

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["type", "object_id"], name="change_of_row"),
            models.Index(fields=["id"], condition=Q(seq__isnull=True), name="change_waiting"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["seq"], condition=Q(seq__isnull=False), name="change_seq_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.type.replace('_', ' ')} {self.object_id} {self.get_action_display()}"

    def is_visible_to(self, user: "User") -> bool:
        """Return whether `visible_to` keeps this change; without a query."""
        owners = {self.owner_before, self.owner_after}
        return user.is_superuser or owners == {None} or user.pk in owners


class Feed(models.Model):
    """How far the journal is numbered. Its only row is the lock for numbering.

    `pruned_through` is the last deleted number. `epoch` is in every cursor: changing it expires
    all cursors.
    """

    last_seq = models.BigIntegerField(default=0)
    pruned_through = models.BigIntegerField(default=0)
    epoch = models.CharField(max_length=EPOCH_LENGTH, default=new_epoch)

    ONLY = 1
    waiting = False  # whether committed changes have no number yet, as far as was looked

    def __str__(self) -> str:
        return f"numbered to {self.last_seq}"

    @classmethod
    def current(cls) -> "Feed":
        """Return the row as it is now."""
        return cls.objects.get_or_create(pk=cls.ONLY)[0]

    @classmethod
    def locked(cls) -> "Feed":
        """Return the row, locked until the transaction ends."""
        return cls.objects.select_for_update().get_or_create(pk=cls.ONLY)[0]
