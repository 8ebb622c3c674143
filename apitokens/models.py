"""Tokens: who may call the API, until when and for what."""

import hashlib
import hmac
import secrets
import string
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from apitokens.scopes import PRIVILEGED, Scope, effective

SECRET_PREFIX = "tt_"  # noqa: S105 - the public part
SECRET_RANDOM_LENGTH = 32
SECRET_ALPHABET = string.digits + string.ascii_letters
PREFIX_LENGTH = 8
LAST_USED_EVERY = timedelta(minutes=1)


def new_secret() -> str:
    """Return a fresh secret: `tt_` and 32 random characters (190 bits)."""
    random = "".join(secrets.choice(SECRET_ALPHABET) for _ in range(SECRET_RANDOM_LENGTH))
    return SECRET_PREFIX + random


def digest_of(secret: str) -> str:
    """Return what is stored of a secret: its HMAC-SHA256 with the pepper, in hex.

    With the pepper outside the database, whoever can write to the database still cannot mint
    a token.
    """
    pepper = settings.TOKEN_PEPPER.encode()
    return hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Tokens, as the admin handles many of them."""

    def revoke(self, now: datetime) -> int:
        """Revoke those that are not revoked yet, for good; return how many."""
        return self.filter(revoked_at=None).update(revoked_at=now)


class ApiToken(models.Model):
    """A secret that authenticates as a user, limited to scopes. Only its digest is stored."""

    name = models.CharField(max_length=100)
    description = models.TextField(max_length=1000, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    scopes = models.JSONField(default=list)
    prefix = models.CharField(max_length=PREFIX_LENGTH, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    LONGEST_LIFE_DAYS = 3650

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        ordering = ("-created_at", "-id")
        constraints = (
            # Also what keeps a reloaded form from issuing a second token.
            models.UniqueConstraint(
                "user",
                "name",
                condition=Q(revoked_at__isnull=True),
                name="api_token_name_unique_per_user",
                violation_error_message="This user already has a token of that name.",
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
        if unknown := sorted(set(self.scopes) - set(Scope.values)):
            known = ", ".join(Scope.values)
            raise ValidationError(
                {"scopes": f"Unknown: {', '.join(unknown)}. Known scopes are: {known}."}
            )
        privileged = sorted(PRIVILEGED.intersection(self.scopes))
        if privileged and self.user_id and not self._is_of_administrator():
            raise ValidationError(
                {"scopes": f"Only an administrator's token may hold {', '.join(privileged)}."}
            )

    @classmethod
    def issue(cls, **fields: object) -> tuple[Self, str]:
        """Store a new token and return it with its secret, which nobody can read again.

        Raises Django's ValidationError if the fields break a rule.
        """
        token = cls(**fields)
        secret = token.set_secret()
        token.full_clean()
        token.save(force_insert=True)
        return token, secret

    def set_secret(self) -> str:
        """Give the token a fresh secret and return it."""
        secret = new_secret()
        self.prefix, self.digest = secret[:PREFIX_LENGTH], digest_of(secret)
        return secret

    def effective_scopes(self) -> list[str]:
        """Return the scopes that count now, in the order they were given."""
        return effective(self.scopes, administrator=self._is_of_administrator())

    def state(self, now: datetime) -> str:
        """Return `revoked`, `expired`, `inactive user` or `active`."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "active" if self.user.is_active else "inactive user"

    def usable(self, now: datetime) -> bool:
        """Return whether the token opens the API at `now`."""
        return self.state(now) == "active"

    def note_use(self, now: datetime) -> None:
        """Remember the last use, at most once a minute: a read should not write each time."""
        if self.last_used_at is None or now - self.last_used_at >= LAST_USED_EVERY:
            ApiToken.objects.filter(pk=self.pk).update(last_used_at=now)

    def _is_of_administrator(self) -> bool:
        return self.user.is_active and self.user.is_superuser
