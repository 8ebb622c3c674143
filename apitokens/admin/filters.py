"""Filters of the token list."""

from datetime import timedelta
from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apitokens.models import ApiToken, ApiTokenQuerySet
from apitokens.scopes import known_scopes

SOON = timedelta(days=14)
STATES = ("active", "expired", "revoked", "inactive user", "inert")


class TokenFilter(admin.SimpleListFilter):
    """A filter with predefined choices."""

    choices_offered: tuple[tuple[str, str], ...]

    def lookups(self, request: HttpRequest, model_admin: object) -> tuple[tuple[str, str], ...]:
        return self.choices_offered

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
        """Apply the choice, if any."""
        chosen = self.value()
        if chosen is None:
            return queryset
        return self.keep(cast("ApiTokenQuerySet", queryset), chosen)

    def keep(self, tokens: ApiTokenQuerySet, chosen: str) -> ApiTokenQuerySet:
        """Keep the matching tokens; none for an unknown choice."""
        raise NotImplementedError


class StateFilter(TokenFilter):
    """The states of ApiToken.state."""

    title = "state"
    parameter_name = "state"
    choices_offered = tuple((state, state.capitalize()) for state in STATES)

    def keep(self, tokens: ApiTokenQuerySet, chosen: str) -> ApiTokenQuerySet:
        """Keep the tokens of a state."""
        return tokens.in_state(chosen, timezone.now())


class AttentionFilter(TokenFilter):
    """Tokens that an administrator may want to clean up."""

    title = "attention"
    parameter_name = "attention"
    choices_offered = (
        ("expiring", f"Expires within {SOON.days} days"),
        ("unused", "Never used"),
        ("endless", "Never expires"),
    )

    def keep(self, tokens: ApiTokenQuerySet, chosen: str) -> ApiTokenQuerySet:
        """Keep matching tokens that are not revoked."""
        now = timezone.now()
        kept = {
            "expiring": tokens.filter(expires_at__gt=now, expires_at__lte=now + SOON),
            "unused": tokens.filter(last_used_at=None),
            "endless": tokens.filter(expires_at=None),
        }
        return kept.get(chosen, tokens.none()).filter(revoked_at=None)


class ScopeFilter(TokenFilter):
    """Tokens that were given a scope."""

    title = "scope"
    parameter_name = "scope"

    def lookups(self, *_: object) -> tuple[tuple[str, str], ...]:
        return tuple((scope, scope) for scope in known_scopes())

    def keep(self, tokens: ApiTokenQuerySet, chosen: str) -> ApiTokenQuerySet:
        """Keep the tokens that name the scope; a wider one that includes it does not count."""
        return tokens.holding(chosen)
