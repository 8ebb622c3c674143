"""API tokens of the original, which go on working: their owners have the secrets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError

from apitokens.addresses import parse_networks
from apitokens.models import ApiToken
from apitokens.scopes import ADMIN_ALL, ALL, PRIVILEGED, READ_ALL, WRITE_ALL
from logins.tokens import SCOPES
from moving.original.clock import utc_time
from moving.original.people import People
from moving.original.report import ImportReport
from moving.original.source import Row, Source
from moving.original.texts import Noted, free_name
from values.credentials import imported_digest

TABLE = "api_tokens"
COLUMNS = (
    *("id", "user_id", "name", "description", "token_hash", "token_prefix", "scopes"),
    *("created_at", "expires_at", "last_used_at", "is_active", "ip_whitelist"),
)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
LOGIN = "App login"  # begins the names of those that the original issued for a password
# What the original's words cover of what it had; rates and webhooks are new here.
COVERED = {
    ADMIN_ALL: SCOPES,
    ALL: SCOPES,
    READ_ALL: tuple(scope for scope in SCOPES if scope.startswith("read:")),
    WRITE_ALL: tuple(scope for scope in SCOPES if scope.startswith("write:")),
}


@dataclass
class Tokens:
    """The tokens, and the names of those that may read more than before."""

    tokens: list[ApiToken] = field(default_factory=list)
    reading: list[str] = field(default_factory=list)


def read_tokens(source: Source, people: People, report: ImportReport, *, now: datetime) -> Tokens:
    """Return the tokens of users, recognised by what the original stored of their secrets."""
    found, taken = Tokens(), set[tuple[int, str]]()
    for row in source.rows(TABLE, COLUMNS):
        token = _token(row, people, report, now)
        if token is None:
            continue
        if token.revoked_at is None:
            _name_once(token, taken, report)
        if token.revoked_at is None and _reads_more(str(row[6]), token):
            found.reading.append(f"{token.name} of {token.user.username}")
        found.tokens.append(token)
    return found


def _token(row: Row, people: People, report: ImportReport, now: datetime) -> ApiToken | None:
    key, user_id, name, description, stored, prefix, scopes, *dates, is_active, networks = row
    user = people.users.get(user_id)
    if user is None:
        report.left_out(TABLE, key, "Its user does not exist.")
        return None
    if not SHA256.fullmatch(str(stored)):
        report.left_out(TABLE, key, "What is stored of its secret is no SHA-256.")
        return None
    created_at, expires_at, last_used_at = map(utc_time, dates)
    title = Noted(report, TABLE, key, "name").text(name, 100) or "API token"
    is_login = title.startswith(LOGIN)
    kept = _scopes(key, str(scopes or ""), report, keep_wild=user.is_superuser and not is_login)
    if not kept:
        report.left_out(TABLE, key, "None of its scopes exists here.", "scopes", scopes)
        return None
    token = ApiToken(
        id=key,
        user=user,
        name=title,
        description=Noted(report, TABLE, key, "description").text(description, 1000),
        scopes=kept,
        prefix=str(prefix)[:8],
        digest=imported_digest(str(stored)),
        created_at=created_at or now,
        expires_at=expires_at,
        last_used_at=last_used_at,
        revoked_at=None if is_active else now,
        from_login=is_login,
        administrator_rights=not is_login,
    )
    if is_login and user.is_superuser:
        reason = "The app of an administrator sees their own time entries only, until widened."
        report.changed(TABLE, key, reason, "administrator_rights", True, False)  # noqa: FBT003 - a value
    _restrict(token, str(networks or ""), report, now)
    return token


def _scopes(key: int, text: str, report: ImportReport, *, keep_wild: bool) -> list[str]:
    """Return the scopes that exist here; wildcards of ordinary users as what they cover."""
    named = [scope for scope in map(str.strip, text.split(",")) if scope]
    kept = dict.fromkeys(
        each
        for scope in named
        for each in ([scope] if keep_wild else COVERED.get(scope, (scope,)))
        if each in SCOPES or each in PRIVILEGED
    )
    if [*kept] != named and kept:
        reason = "Scopes that exist here; the wildcards of ordinary users are written out."
        report.changed(TABLE, key, reason, "scopes", text, ", ".join(kept))
    return [*kept]


def _restrict(token: ApiToken, text: str, report: ImportReport, now: datetime) -> None:
    """Let a token be used from its networks only; revoke it if none of them can be read."""
    words = [word for word in re.split(r"[\s,]+", text) if word]
    token.allowed_networks = [*dict.fromkeys(each for word in words for each in _networks(word))]
    if words and len(token.allowed_networks) < len({*words}):
        Noted(report, TABLE, token.pk, "allowed_networks").changed(
            "Addresses that cannot be read were ignored.", text, ", ".join(token.allowed_networks)
        )
    if words and not token.allowed_networks:
        token.revoked_at = now
        reason = "None of its addresses can be read: revoked, rather than open to all."
        report.changed(TABLE, token.pk, reason, "revoked_at", None, now)


def _networks(word: str) -> Iterator[str]:
    try:
        yield from parse_networks(word)
    except ValidationError:
        return


def _name_once(token: ApiToken, taken: set[tuple[int, str]], report: ImportReport) -> None:
    name = free_name(token.name, taken, lambda each: (token.user.pk, each))
    taken.add((token.user.pk, name))
    if name != token.name:
        reason = "Its user has another token of this name."
        report.renamed(TABLE, token.pk, reason, token.name, name)
        token.name = name


def _reads_more(before: str, token: ApiToken) -> bool:
    """Return whether a token writes what it could not read: here `write:x` includes `read:x`."""
    named = {scope.strip() for scope in before.split(",")}
    if not named.isdisjoint((ALL, ADMIN_ALL, READ_ALL)):
        return False
    writes = {scope.removeprefix("write:") for scope in token.scopes if scope.startswith("write:")}
    return any(f"read:{resource}" not in named for resource in writes)
