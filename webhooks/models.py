"""Webhooks, the deliveries of each, and how far each has come."""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Self, Unpack

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.text import Truncator

from journal.actor import current_actor
from journal.models import Change
from journal.numbering import numbered_feed
from resources.locks import lock
from resources.models import Resource, ResourceQuerySet, external_id_once
from resources.refusals import Refusal
from users.models import User
from values.instants import format_instant
from values.options import SaveOptions
from values.text import FoldedField, NameField
from webhooks.destinations import MAX_URL
from webhooks.sealing import Unreadable, seal, unseal
from webhooks.signatures import new_secret

MOST_OF_A_USER = 20
MOST_OLD_SECRETS = 4
OLD_SECRETS_SIGN_FOR = timedelta(hours=24)
HINT_CHARACTERS = 4
SHOWN_CHARACTERS = 80  # in lists; a URL may have 2,000
BY_OWNER = "Its owner deactivated the webhook."
BY_ADMINISTRATOR = "An administrator deactivated the webhook."
TOO_MANY = (
    f"A user may have at most {MOST_OF_A_USER} webhooks. Delete one that is no longer needed."
)

TOO_MANY_SECRETS = (
    f"This webhook was rotated {MOST_OLD_SECRETS} times within 24 hours, and all of its secrets"
    " still sign. It can be rotated again at {}."
)


class WebhookQuerySet(ResourceQuerySet["Webhook"]):
    """Webhooks; each is its owner's."""

    def visible_to(self, user: User) -> Self:
        """Keep the user's own; administrators see all."""
        return self if user.is_superuser else self.filter(user=user)

    def with_details(self) -> Self:
        """Fetch what a webhook's API representation reads, in the same query."""
        return self.select_related("user")


class Webhook(Resource):
    """Where a user's events are sent, and which.

    What the sender notes (`last_delivered_at`, `last_failed_at`) is no change of the webhook: it
    counts up no version and is in no journal.
    """

    to_send: int  # by the admin's queryset: the deliveries that wait, and those that failed
    to_retry: int

    user = models.ForeignKey(  # on the wire its owner
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="webhooks", editable=False
    )
    url = models.CharField("URL", max_length=MAX_URL)
    description = NameField(max_length=200, blank=True)
    folded_description = FoldedField(of="description")
    events = models.JSONField(default=list)
    project_ids = models.JSONField("projects", default=list, blank=True)
    active = models.BooleanField(default=True)
    disabled_reason = models.TextField(null=True, editable=False)  # noqa: DJ001 - null: never
    disabled_at = models.DateTimeField(null=True, editable=False)
    last_delivered_at = models.DateTimeField(null=True, editable=False)
    last_failed_at = models.DateTimeField(null=True, editable=False)
    sealed_secret = models.TextField(editable=False)
    secret_hint = models.CharField(max_length=HINT_CHARACTERS + 1, editable=False)
    # `[{"sealed", "until"}]`, the newest first: each signs as well until that instant.
    old_secrets = models.JSONField(default=list, editable=False)

    objects = WebhookQuerySet.as_manager()
    owner_attribute = "user_id"
    shown_secret = ""  # in the instance that got it, and nowhere else

    class Meta:
        ordering = ("id",)
        constraints = (external_id_once("webhook_external_id_once_per_user"),)

    def __str__(self) -> str:
        return Truncator(self.description or self.url).chars(SHOWN_CHARACTERS)

    @classmethod
    def insert(cls, rows: Sequence[Self]) -> None:
        """Insert new rows, each with a secret of its own, unless their owner has enough."""
        with transaction.atomic(savepoint=False):
            for row in rows:
                row.prepare()
            super().insert(rows)
            for row in rows:
                row.begin()

    def save(
        self, *, update_fields: Iterable[str] | None = None, **kwargs: Unpack[SaveOptions]
    ) -> None:
        """Save; one that is activated again begins with what is written from now on."""
        is_new, was_active = self._state.adding, self.stored.get("active")
        is_activated = self.active and was_active is False
        is_deactivated = was_active is True and not self.active
        with transaction.atomic(savepoint=False):
            if is_new:
                self.prepare()
            if is_activated or is_deactivated:
                self._note_reason()
                if update_fields is not None:
                    update_fields = {*update_fields, "disabled_reason", "disabled_at"}
            super().save(update_fields=update_fields, **kwargs)
            if is_new or is_activated:
                self.begin()
            elif is_deactivated:
                self.end(self.disabled_reason or BY_OWNER)

    def _note_reason(self) -> None:
        """Say why it is not active, unless it is, or its owner knows."""
        if self.active:
            self.disabled_reason = self.disabled_at = None
        elif self.disabled_reason is None and current_actor().user_id != self.user_id:
            self.disabled_reason, self.disabled_at = BY_ADMINISTRATOR, timezone.now()

    def prepare(self) -> None:
        """Give a new webhook its secret; raise a Refusal if its owner has enough of them.

        Those of one owner come one after another: the owner's row is locked.
        """
        lock(User, pk=self.user_id)
        if Webhook.objects.filter(user=self.user_id).count() >= MOST_OF_A_USER:
            raise Refusal(TOO_MANY, "too_many_webhooks")
        self.renew_secret()

    def begin(self) -> None:
        """Send what is written from now on."""
        feed = numbered_feed()
        # What is committed and has no number yet gets the next ones.
        last = feed.last_seq + (Change.objects.waiting().count() if feed.waiting else 0)
        begun = dict.fromkeys(("wake_at", "failing_since", "paused_until"))
        begun |= {"position": last, "passed": last, "last_error": ""}
        Queue.objects.update_or_create(webhook=self, defaults=begun)

    def end(self, reason: str) -> None:
        """Send nothing more of what waits, not even after another activation.

        There may be a million of it: the sender gives it up, in steps.
        """
        queue = Queue.objects.select_for_update().get(webhook=self)
        Ending.objects.create(webhook=self, activation=queue.activation, reason=reason)
        Queue.objects.filter(pk=queue.pk).update(activation=F("activation") + 1, wake_at=None)

    def renew_secret(self) -> None:
        """Take a new secret, which `shown_secret` has in clear; does not save."""
        self.shown_secret = new_secret()
        self.sealed_secret = seal(self.shown_secret)
        self.secret_hint = f"…{self.shown_secret[-HINT_CHARACTERS:]}"

    def rotate_secret(self, now: datetime) -> None:
        """Take a new secret, beside which the old ones sign for a day; does not save.

        Whoever lost the answer to a rotation rotates again, and verifies with an old secret until
        then. Raises a Refusal where that happens too often.
        """
        old = self._old_secrets_at(now)
        if len(old) >= MOST_OLD_SECRETS:
            oldest = min(each["until"] for each in old)
            raise Refusal(TOO_MANY_SECRETS.format(oldest), "too_many_secrets")
        until = format_instant(now + OLD_SECRETS_SIGN_FOR)
        self.old_secrets = [{"sealed": self.sealed_secret, "until": until}, *old]
        self.renew_secret()

    def secrets_at(self, now: datetime) -> list[str]:
        """Return the secrets that sign, the newest first; raises sealing.Unreadable.

        An old one that cannot be read is the reason why it was rotated, and does not sign.
        """
        found = [unseal(self.sealed_secret)]
        for old in self._old_secrets_at(now):
            with suppress(Unreadable):
                found.append(unseal(old["sealed"]))
        return found

    def _old_secrets_at(self, now: datetime) -> list[dict[str, str]]:
        return [each for each in self.old_secrets if datetime.fromisoformat(each["until"]) > now]

    @classmethod
    def disable(cls, pk: int, reason: str) -> bool:
        """Stop sending, and keep the reason; return False if it was not active any more."""
        with transaction.atomic():
            webhook = cls.objects.select_for_update().filter(pk=pk, active=True).first()
            if webhook is None:
                return False
            webhook.active = False
            webhook.disabled_reason, webhook.disabled_at = reason, timezone.now()
            webhook.save(update_fields=["active", "disabled_reason", "disabled_at", "updated_at"])
        return True


class Queue(models.Model):
    """How far a webhook has come, and who is sending its events.

    Its row is the lock of those who put deliveries into it and of those who take them out.
    A failed delivery up to `passed` was overtaken, and has only its own retries. One beyond it is
    held: where the receiver failed, nothing later is sent before it.

    It stays behind when its webhook is deleted, until the sender has deleted the deliveries.
    """

    webhook = models.OneToOneField(
        Webhook, models.DO_NOTHING, primary_key=True, related_name="queue", db_constraint=False
    )
    # Counts deactivations. Only deliveries with the same number are sent.
    activation = models.IntegerField(default=0, db_default=0)
    position = models.BigIntegerField()  # the last number of the feed that it has deliveries of
    passed = models.BigIntegerField(default=0)  # the last number that the receiver answered for
    wake_at = models.DateTimeField(null=True)  # when the next delivery is due; null: none waits
    paused_until = models.DateTimeField(null=True)  # after a failure
    failing_since = models.DateTimeField(null=True)  # the first failure since the last success
    attempts = models.JSONField(default=dict)  # of the last 24 hours (webhooks/health.py)
    last_error = models.TextField(blank=True)  # of the last attempt that failed
    slow = models.BooleanField(default=False)  # whether the last answer took its time
    lease = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["wake_at"], condition=Q(wake_at__isnull=False), name="webhook_queue_due"
            ),
        )

    def __str__(self) -> str:
        return f"up to {self.position}"


class Ending(models.Model):
    """What waited for a webhook when it was deactivated, until the sender has given it up."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="endings")
    activation = models.IntegerField()
    reason = models.TextField()

    def __str__(self) -> str:
        return self.reason


def new_message_id() -> str:
    """Return the `webhook-id` of a new delivery."""
    return f"msg_{secrets.token_hex(16)}"


class DeliveryQuerySet(ResourceQuerySet["Delivery"]):
    """Deliveries, as those who see their webhook see them."""


class Delivery(models.Model):
    """One event for one webhook, and each attempt to send it.

    `attempts` holds `{"at", "milliseconds", "status", "error", "answer"}` of each, the oldest
    first (attempts.py). The text of an answer is a stranger's.
    """

    class State(models.TextChoices):
        """What has become of it."""

        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"  # and will be tried again
        GIVEN_UP = "given_up", "Given up"

    webhook = models.ForeignKey(  # there may be a million: the sender deletes them, in steps
        Webhook,
        models.DO_NOTHING,
        related_name="deliveries",
        db_index=False,
        db_constraint=False,
    )
    activation = models.IntegerField(default=0, db_default=0)  # of the queue when it came
    message_id = models.CharField(max_length=40, default=new_message_id)
    event = models.CharField(max_length=40)
    seq = models.BigIntegerField(null=True)  # in the feed; a test has none
    object_id = models.BigIntegerField("id of the row", null=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)  # since it was last put into the queue
    next_attempt_at = models.DateTimeField(null=True)  # of one that failed
    attempts = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["webhook", "-id"], name="delivery_newest_of_webhook"),
            models.Index(
                fields=["webhook", "activation", "seq", "id"],
                condition=Q(state="waiting"),
                name="delivery_waiting",
            ),
            models.Index(
                fields=["webhook", "activation", "next_attempt_at"],
                condition=Q(state="failed"),
                name="delivery_failed",
            ),
            models.Index(
                fields=["webhook", "activation", "seq"],
                condition=Q(state="failed"),
                name="delivery_failed_in_order",
            ),
            models.Index(fields=["created_at"], name="delivery_oldest"),
        )
        constraints = (
            models.UniqueConstraint(fields=["webhook", "seq"], name="delivery_once_per_change"),
        )

    def __str__(self) -> str:
        return f"{self.event} {self.message_id}"

    def end(self) -> None:
        """Try no more, unsaved: it is given up, unless it had been delivered before."""
        was_delivered = self.delivered_at is not None
        self.state = self.State.DELIVERED if was_delivered else self.State.GIVEN_UP
        self.next_attempt_at = None
