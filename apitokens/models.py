"""API tokens, their usage and their history."""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NoReturn, Self, Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import BigIntegerField, Case, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Cast, Coalesce

from apitokens.addresses import admits
from apitokens.scopes import PRIVILEGED, effective, known_scopes
from ratelimit.client_address import Address
from values.credentials import digest_of, random_text
from values.options import SaveOptions
from values.text import DerivingMixin, FoldedField, NameField

if TYPE_CHECKING:  # models can be imported only once all apps are known
    from django.contrib.auth.models import AbstractUser

SECRET_PREFIX = "tt_"  # noqa: S105 - the public part
PREFIX_LENGTH = 8
LATELY = timedelta(days=30)
USABLE = ("active", "inert")  # an inert token is known, and may do nothing: 403, not 401


def new_secret() -> str:
    """Return a fresh secret: `tt_` and 32 random characters (190 bits)."""
    return SECRET_PREFIX + random_text()


@dataclass(frozen=True)
class Performer:
    """The person or program that acts on a token, and its address."""

    name: str
    address: str | None = None


SERVICE = Performer("the service")


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Tokens, as the admin handles many of them."""

    def revoke(self, now: datetime) -> int:
        """Revoke those that are not revoked yet, for good; return how many."""
        return self.filter(revoked_at=None).update(revoked_at=now)

    def in_state(self, state: str, now: datetime) -> "ApiTokenQuerySet":
        """Keep the tokens for which `ApiToken.state` is one of these; the cases mirror its own."""
        has_ordinary = Q()
        for scope in known_scopes().keys() - PRIVILEGED.keys():
            has_ordinary |= Q(scopes_text__contains=f'"{scope}"')
        cases = Case(
            When(revoked_at__isnull=False, then=Value("revoked")),
            When(expires_at__lte=now, then=Value("expired")),
            When(user__is_active=False, then=Value("inactive user")),
            When(
                Q(user__is_superuser=True, administrator_rights=True) | has_ordinary,
                then=Value("active"),
            ),
            default=Value("inert"),
        )
        return self._with_text().alias(state_now=cases).filter(state_now=state)

    def logins(self, user: models.Model) -> "ApiTokenQuerySet":
        """Keep the app logins of a user that have not ended otherwise than by time."""
        return self.filter(user=user.pk, from_login=True, revoked_at=None, replaced_at=None)

    def holding(self, scope: str) -> "ApiTokenQuerySet":
        """Keep those that were given a scope by its name."""
        return self._with_text().filter(Q(scopes_text__contains=f'"{scope}"'))

    def _with_text(self) -> "ApiTokenQuerySet":
        """Add the scopes as JSON text: SQLite cannot look into JSON with `contains`."""
        return self.alias(scopes_text=Cast("scopes", models.TextField()))

    def with_calls(self, now: datetime) -> "ApiTokenQuerySet":
        """Add `calls`, the number of calls on the last 30 days (UTC), today's included."""
        days = TokenUsage.objects.filter(
            token=OuterRef("pk"), day__gt=now.astimezone(UTC).date() - LATELY
        )
        calls = days.order_by().values("token").annotate(calls=Sum("calls")).values("calls")
        counted = {"calls": Coalesce(Subquery(calls), 0, output_field=BigIntegerField())}
        return self.annotate(**counted)


class ApiToken(DerivingMixin):
    """A secret that authenticates as a user, limited to scopes. Only its digest is stored."""

    calls: int  # of the last 30 days, by `with_calls`
    keeps: list[str]  # the scopes that it needs, where a page asks whether to narrow it
    secret: str  # of a new token, on its way to the page that shows it
    position: str | None = None  # of the primary as it authenticated, if there is a replica

    name = NameField(max_length=100)
    folded_name = FoldedField(of="name")
    description = models.TextField(max_length=1000, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    scopes = models.JSONField(default=list)
    prefix = models.CharField(max_length=PREFIX_LENGTH, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    replaced_at = models.DateTimeField(null=True, blank=True, editable=False)
    rotated_from = models.OneToOneField(
        "self", models.SET_NULL, null=True, blank=True, editable=False, related_name="rotated_to"
    )
    allowed_networks = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField()), blank=True
    )
    # Issued for a password, by logins.
    from_login = models.BooleanField("app login", default=False, db_default=False, editable=False)
    administrator_rights = models.BooleanField(
        default=True,
        db_default=True,
        help_text=(
            "If the user is an administrator: the app also sees and changes other people's time"
            " entries and reports, within its scopes."
        ),
    )
    dialect = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        help_text=(
            "Of apps that were written for the original TimeTracker. It is set when they log in."
        ),
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_address = models.GenericIPAddressField(null=True, blank=True, editable=False)

    LONGEST_LIFE_DAYS = 3650

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        ordering = ("-created_at", "-id")
        constraints = (
            # Also prevents a resubmitted form from issuing a second token.
            models.UniqueConstraint(
                "user",
                "name",
                condition=Q(revoked_at__isnull=True, replaced_at__isnull=True),
                name="api_token_name_unique_per_user",
                violation_error_message="This user already has a token with this name.",
            ),
            # A webhook has its owner's rights, not those of the token that created it. So a token
            # that may create one must have its owner's rights too.
            models.CheckConstraint(
                condition=Q(administrator_rights=True) | Q(from_login=True),
                name="api_token_without_rights_is_from_login",
                violation_error_message=(
                    "Only the token of an app login can be without administrator rights."
                ),
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def clean(self) -> None:
        """Refuse unknown scopes, none at all, and privileged ones for an ordinary user.

        Only when it is issued: later a user may have been demoted, and the token keeps its name.
        """
        super().clean()
        if not self._state.adding:
            return
        if not self.scopes:
            raise ValidationError({"scopes": "Select at least one scope."})
        if unknown := sorted(set(self.scopes) - known_scopes().keys()):
            known = ", ".join(known_scopes())
            raise ValidationError(
                {"scopes": f"Unknown scopes: {', '.join(unknown)}. Accepted: {known}."}
            )
        privileged = sorted(PRIVILEGED.keys() & {*self.scopes})
        if privileged and self.user_id and not self._is_of_administrator():
            raise ValidationError(
                {"scopes": f"Only administrators' tokens may have {', '.join(privileged)}."}
            )

    @classmethod
    @transaction.atomic
    def issue(cls, by: Performer = SERVICE, /, **fields: object) -> tuple[Self, str]:
        """Store a new token and return it with its secret, which nobody can read again.

        Raises Django's ValidationError if the fields break a rule.
        """
        token = cls(**fields)
        secret = token.set_secret()
        token.full_clean()
        token.save(force_insert=True)
        token.note_issue(by)
        return token, secret

    def note_issue(self, by: Performer) -> None:
        """Record that the token was issued, with its scopes."""
        TokenEvent.record(self, TokenEvent.Action.ISSUED, by, ", ".join(self.scopes))

    def set_secret(self) -> str:
        """Give the token a fresh secret and return it."""
        secret = new_secret()
        self.prefix, self.digest = secret[:PREFIX_LENGTH], digest_of(secret)
        return secret

    def acting_user(self) -> "AbstractUser":
        """Return the user as the token acts for them: an ordinary one without the rights."""
        user: AbstractUser = self.user
        if user.is_superuser and not self.administrator_rights:
            user = copy(user)
            user.is_superuser = False
        return user

    def effective_scopes(self) -> list[str]:
        """Return the scopes that count now, in the order they were given."""
        return effective(self.scopes, administrator=self._is_of_administrator())

    def state(self, now: datetime) -> str:
        """Return `revoked`, `expired`, `inactive user`, `inert` (no scope counts) or `active`."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        if not self.user.is_active:
            return "inactive user"
        return "active" if self.effective_scopes() else "inert"

    def usable(self, now: datetime) -> bool:
        """Return whether the token authenticates its user at `now`."""
        return self.state(now) in USABLE

    def admits(self, address: Address | None) -> bool:
        """Return whether the token may be used from an address; from any, without a list."""
        return not self.allowed_networks or admits(self.allowed_networks, address)

    def _is_of_administrator(self) -> bool:
        return self.administrator_rights and self.user.is_active and self.user.is_superuser


class TokenUsage(models.Model):
    """How many calls of a token needed a scope on a day (UTC), and how many lacked it."""

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="usage", db_index=False)
    day = models.DateField()
    scope = models.CharField(max_length=40)
    calls = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    # Whether any had it: also one that is not counted yet, or counts for another scope.
    used = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("token", "day", "scope"), name="token_usage_once_per_day_and_scope"
            ),
        )

    def __str__(self) -> str:
        return f"{self.calls} calls for {self.scope} on {self.day}"


class AppendOnlyError(TypeError):
    """Token events cannot be changed or deleted."""


class TokenEventQuerySet(models.QuerySet["TokenEvent"]):
    """Events, which are only added and read."""

    def update(self, **kwargs: object) -> NoReturn:
        """Refuse: raises AppendOnlyError."""
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        """Refuse: raises AppendOnlyError."""
        raise AppendOnlyError


class TokenEvent(models.Model):
    """An event in the history of a token, with actor and address; append-only.

    The database refuses an UPDATE too, and PostgreSQL a DELETE. Names instead of references, so
    that the record outlives the token and the people.
    """

    class Action(models.TextChoices):
        """The kinds of events."""

        ISSUED = "issued"
        CHANGED = "changed"
        ROTATED = "rotated"
        REVOKED = "revoked"
        NARROWED = "narrowed"

    token = models.ForeignKey(
        ApiToken, models.DO_NOTHING, related_name="events", db_constraint=False
    )
    token_name = models.CharField(max_length=120)
    action = models.CharField(max_length=20)
    detail = models.TextField(blank=True)
    actor = models.CharField(max_length=150)
    address = models.GenericIPAddressField(null=True)
    happened_at = models.DateTimeField(auto_now_add=True)

    objects = TokenEventQuerySet.as_manager()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.token_name} {self.action}"

    def save(
        self, *, update_fields: Iterable[str] | None = None, **kwargs: Unpack[SaveOptions]
    ) -> None:
        """Add the event; raises AppendOnlyError for one that is there already."""
        if not self._state.adding:
            raise AppendOnlyError
        super().save(update_fields=update_fields, **kwargs)

    def delete(self, *args: object, **kwargs: object) -> NoReturn:
        """Refuse: raises AppendOnlyError."""
        raise AppendOnlyError

    @classmethod
    def record(cls, token: ApiToken, action: Action, by: Performer, detail: str = "") -> None:
        """Add an event, in the transaction of the action."""
        cls.objects.create(
            token=token,
            token_name=str(token),
            action=action,
            detail=detail,
            actor=by.name,
            address=by.address,
        )
