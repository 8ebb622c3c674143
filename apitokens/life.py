"""Rotation, narrowing and revocation of tokens; each records an event."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

from apitokens.models import ApiToken, ApiTokenQuerySet, Performer, TokenEvent
from apitokens.scopes import narrowed
from apitokens.usage import required_scopes

USUAL_OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=30)


@transaction.atomic
def rotate(
    token: ApiToken, by: Performer, *, now: datetime, overlap: timedelta = USUAL_OVERLAP
) -> tuple[ApiToken, str]:
    """Issue a successor with the same rights and length of life; return it with its secret.

    The old token opens the API for the overlap, but never longer than before; without an overlap
    it is revoked. Raises Django's ValidationError for a token that has a successor or was
    revoked, and for scopes that its user may not hold any more.
    """
    old = _locked(token)
    if old.revoked_at or old.replaced_at:
        done = "revoked" if old.revoked_at else "rotated"
        raise ValidationError(f"This token has already been {done}.")
    life = old.expires_at - old.created_at if old.expires_at else None
    _end(old, by, now=now, overlap=overlap)
    successor, secret = ApiToken.issue(
        by,
        user=old.user,
        name=old.name,
        description=old.description,
        scopes=old.scopes,
        allowed_networks=old.allowed_networks,
        from_login=old.from_login,
        administrator_rights=old.administrator_rights,
        dialect=old.dialect,
        expires_at=now + life if life else None,
        rotated_from=old,
    )
    return successor, secret


def _end(old: ApiToken, by: Performer, *, now: datetime, overlap: timedelta) -> None:
    old.replaced_at = now
    if overlap:
        old.expires_at = min(now + overlap, old.expires_at or now + overlap)
        detail = f"The old secret is valid until {old.expires_at:%Y-%m-%d %H:%M} UTC."
    else:
        old.revoked_at = now
        detail = "The old secret is no longer valid."
    old.save(update_fields=["replaced_at", "expires_at", "revoked_at"])
    TokenEvent.record(old, TokenEvent.Action.ROTATED, by, detail)


@transaction.atomic
def revoke(
    tokens: ApiTokenQuerySet, by: Performer, *, now: datetime, why: str = ""
) -> list[ApiToken]:
    """Revoke those in force, for good; return them."""
    # In the order of ids, as in `usage`, so that they cannot deadlock.
    in_force = list(
        tokens.filter(revoked_at=None)
        .order_by("pk")
        .select_related("user")
        .select_for_update(of=("self",))
    )
    ApiToken.objects.filter(pk__in=[token.pk for token in in_force]).revoke(now)
    for token in in_force:
        TokenEvent.record(token, TokenEvent.Action.REVOKED, by, why)
    return in_force


def least_scopes(token: ApiToken) -> list[str]:
    """Return the least scopes that serve every call the token has made, as far as written."""
    return narrowed(token.effective_scopes(), required_scopes(token))


@transaction.atomic
def narrow(token: ApiToken, by: Performer) -> list[str]:
    """Remove unused scopes from a token; return the remaining ones.

    Raises Django's ValidationError for a token that was never used or uses all its scopes.
    """
    token = _locked(token)
    before, after = token.scopes, least_scopes(token)
    if not after:
        raise ValidationError(
            "This token cannot be narrowed: it has never been used, or its scopes have no effect."
        )
    if set(after) == set(before):
        raise ValidationError("This token already uses all of its scopes.")
    token.scopes = after
    token.save(update_fields=["scopes"])
    detail = f"{', '.join(before)} → {', '.join(after)}"
    TokenEvent.record(token, TokenEvent.Action.NARROWED, by, detail)
    return after


def _locked(token: ApiToken) -> ApiToken:
    return ApiToken.objects.select_related("user").select_for_update(of=("self",)).get(pk=token.pk)
