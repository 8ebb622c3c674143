"""By what the list of tokens is filtered."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from apitokens.models import ApiTokenQuerySet
from apitokens.scopes import known_scopes

SOON = timedelta(days=14)
STATES = ("active", "expired", "revoked", "inactive user", "inert")


class TokenFilter(admin.SimpleListFilter):
    """A filter whose choices are words of ours."""

    choices_offered: tuple[tuple[str, str], ...]

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> tuple[tuple[str, str], ...]:
        """Offer the choices."""
        return self.choices_offered

    def queryset(self, request: HttpRequest, queryset: Any) -> ApiTokenQuerySet:
        """Keep what was chosen; everything if nothing was."""
        chosen = self.value()
        return queryset if chosen is None else self.keep(queryset, chosen)

    def keep(self, tokens: ApiTokenQuerySet, chosen: str) -> ApiTokenQuerySet:
        """Keep what was chosen; nothing for a choice that was not offered."""
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
    """What an administrator looks for when cleaning up."""

    title = "attention"
    parameter_name = "attention"
    choices_offered = (
        ("expiring", f"Expires within {SOON.days} days"),
        ("unused", "Never used"),
        ("endless", "Never expires"),
    )

    def keep(self, tokens: ApiTokenQuerySet, chosen: str) -> ApiTokenQuerySet:
        """Keep those that want looking after; what is over is left out."""
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
        """Offer each scope."""
        return tuple((scope, scope) for scope in known_scopes())

    def keep(self, tokens: ApiTokenQuerySet, chosen: str) -> ApiTokenQuerySet:
        """Keep the tokens that name the scope; a wider one that includes it does not count."""
        return tokens.holding(chosen)
