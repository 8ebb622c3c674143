import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django import Settings

from apitokens.models import (
    ApiToken,
    AppendOnlyError,
    Performer,
    TokenEvent,
    new_secret,
)
from tests.support.factories import issue_token
from users.models import User
from values.credentials import digest_of

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def test_a_secret_is_tt_and_32_letters_and_digits() -> None:
    secrets = {new_secret() for _ in range(200)}
    assert len(secrets) == 200
    assert all(re.fullmatch(r"tt_[0-9A-Za-z]{32}", secret) for secret in secrets)
    used = set("".join(secret[3:] for secret in secrets))
    assert len(used) == 62


def test_a_digest_is_the_hmac_of_the_secret_with_the_pepper(settings: Settings) -> None:
    settings.TOKEN_PEPPER = "pepper"
    expected = hmac.new(b"pepper", b"tt_secret", hashlib.sha256).hexdigest()
    assert digest_of("tt_secret") == expected
    settings.TOKEN_PEPPER = "other"
    assert digest_of("tt_secret") != expected


def test_only_digest_and_prefix_of_a_secret_are_stored(owner: User) -> None:
    token, secret = issue_token(owner, "read:projects")
    assert (token.prefix, token.digest) == (secret[:8], digest_of(secret))
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM apitokens_apitoken")
        (row,) = cursor.fetchall()
    assert secret not in str(row)
    assert secret[8:] not in str(row)
    assert secret not in str(token.__dict__)
    assert str(token) == f"{token.name} ({secret[:8]}…)"


def test_two_tokens_of_one_digest_cannot_be(owner: User, colleague: User) -> None:
    token, _ = issue_token(owner, "read:projects")
    twin = ApiToken(user=colleague, name="Twin", scopes=["read:projects"], digest=token.digest)
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


def test_a_name_is_taken_once_per_user_in_the_database(owner: User, colleague: User) -> None:
    token, _ = issue_token(owner, "read:projects", name="Script")

    def add(user: User, digest: str, **fields: Any) -> None:
        ApiToken.objects.create(
            user=user, name="Script", scopes=token.scopes, digest=digest, **fields
        )

    with pytest.raises(IntegrityError), transaction.atomic():
        add(owner, "1")
    add(owner, "2", revoked_at=NOON)
    add(owner, "3", revoked_at=NOON)
    add(colleague, "4")
    assert ApiToken.objects.count() == 4


def test_a_taken_name_is_refused_with_a_sentence_until_it_is_revoked(owner: User) -> None:
    given = {"user": owner, "name": "Script", "scopes": ["read:projects"]}
    ApiToken.issue(**given)
    with pytest.raises(ValidationError) as refusal:
        ApiToken.issue(**given)
    assert refusal.value.messages == ["This user already has a token with this name."]
    ApiToken.objects.update(revoked_at=NOON)
    ApiToken.issue(**given)
    assert ApiToken.objects.count() == 2


KNOWN = (
    "read:projects, write:projects, read:time_entries, write:time_entries, read:tasks, "
    "write:tasks, read:clients, write:clients, read:rates, write:rates, read:webhooks, "
    "write:webhooks, read:reports, "
    "read:users, admin:all, read:*, "
    "write:*, *"
)


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        pytest.param(
            {"scopes": []},
            {"scopes": ["This field cannot be blank.", "Select at least one scope."]},
            id="no scope",
        ),
        pytest.param(
            {"scopes": ["read:projects", "read:rockets", "fly"]},
            {"scopes": [f"Unknown scopes: fly, read:rockets. Accepted: {KNOWN}."]},
            id="unknown scopes",
        ),
        pytest.param(
            {"scopes": ["READ:PROJECTS"]},
            {"scopes": [f"Unknown scopes: READ:PROJECTS. Accepted: {KNOWN}."]},
            id="capitals",
        ),
        pytest.param(
            {"scopes": ["admin:all"]},
            {"scopes": ["Only administrators' tokens may have admin:all."]},
            id="admin:all",
        ),
        pytest.param(
            {"scopes": ["read:projects", "write:*", "*", "read:*"]},
            {"scopes": ["Only administrators' tokens may have *, read:*, write:*."]},
            id="wildcards",
        ),
        pytest.param({"name": ""}, {"name": ["This field cannot be blank."]}, id="no name"),
        pytest.param(
            {"name": "x" * 101},
            {"name": ["Ensure this value has at most 100 characters (it has 101)."]},
            id="a long name",
        ),
    ],
)
def test_what_must_not_be_issued_is_refused(
    owner: User, fields: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    given = {"user": owner, "name": "Script", "scopes": ["read:projects"]}
    with pytest.raises(ValidationError) as refusal:
        ApiToken.issue(**given | fields)
    assert refusal.value.message_dict == errors
    assert ApiToken.objects.count() == 0


@pytest.mark.parametrize(
    ("flags", "allowed"),
    [
        pytest.param({"is_superuser": True}, True, id="superuser"),
        pytest.param({"is_staff": True}, False, id="staff alone"),
        pytest.param({"is_superuser": True, "is_active": False}, False, id="inactive superuser"),
        pytest.param({}, False, id="user"),
    ],
)
@pytest.mark.parametrize("scope", ["admin:all", "read:*", "write:*", "*"])
def test_privileged_scopes_are_for_active_superusers(
    owner: User, flags: dict[str, bool], scope: str, *, allowed: bool
) -> None:
    for name, value in flags.items():
        setattr(owner, name, value)
    owner.save()
    token = ApiToken(user=owner, name="Script", scopes=["read:tasks", scope])
    assert token.effective_scopes() == (["read:tasks", scope] if allowed else ["read:tasks"])
    if allowed:
        token.clean()
    else:
        with pytest.raises(ValidationError, match="Only administrators' tokens may have"):
            token.clean()


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        pytest.param({}, "active", id="without an end"),
        pytest.param({"expires_at": NOON + MOMENT}, "active", id="before its end"),
        pytest.param({"expires_at": NOON}, "expired", id="at its end"),
        pytest.param({"expires_at": NOON - MOMENT}, "expired", id="after its end"),
        pytest.param({"revoked_at": NOON}, "revoked", id="revoked"),
        pytest.param(
            {"revoked_at": NOON, "expires_at": NOON}, "revoked", id="revoked and expired"
        ),
        pytest.param({"user": User(is_active=False)}, "inactive user", id="user inactive"),
        pytest.param({"scopes": ["admin:all", "*"]}, "inert", id="nothing that counts"),
        pytest.param({"scopes": ["admin:all", "read:tasks"]}, "active", id="some that count"),
    ],
)
def test_a_token_is_active_until_a_reason_says_otherwise(
    fields: dict[str, Any], state: str
) -> None:
    token = ApiToken(**{"user": User(is_active=True), "scopes": ["read:tasks"]} | fields)
    assert token.state(NOON) == state
    assert token.usable(NOON) is (state in ("active", "inert"))


def test_revoking_keeps_the_first_moment(owner: User) -> None:
    one, other = issue_token(owner, "read:projects")[0], issue_token(owner, "read:projects")[0]
    assert ApiToken.objects.filter(pk=one.pk).revoke(NOON) == 1
    assert ApiToken.objects.all().revoke(NOON + MOMENT) == 1
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.revoked_at, other.revoked_at) == (NOON, NOON + MOMENT)


def test_the_newest_token_comes_first(owner: User) -> None:
    made = [issue_token(owner, "read:projects")[0].pk for _ in range(3)]
    ApiToken.objects.update(created_at=NOON)
    assert list(ApiToken.objects.values_list("pk", flat=True)) == made[::-1]


def test_what_happened_to_a_token_is_neither_changed_nor_deleted(owner: User) -> None:
    token, _ = ApiToken.issue(
        Performer("ada", "192.0.2.1"),
        user=owner,
        name="Script",
        scopes=["read:tasks", "read:users"],
    )
    event = TokenEvent.objects.get()
    assert (event.action, event.actor, event.address) == ("issued", "ada", "192.0.2.1")
    assert (event.token_name, event.detail) == (str(token), "read:tasks, read:users")
    for forbidden in (
        event.save,
        event.delete,
        TokenEvent.objects.all().delete,
        lambda: TokenEvent.objects.update(actor="nobody"),
    ):
        with pytest.raises(AppendOnlyError):
            forbidden()


def test_the_database_too_refuses_to_change_an_event(owner: User) -> None:
    issue_token(owner, "read:tasks")
    statements = ["UPDATE apitokens_tokenevent SET actor = 'nobody'"]
    if connection.vendor == "postgresql":  # SQLite empties tables by DELETE
        statements.append("DELETE FROM apitokens_tokenevent")
    for statement in statements:
        with (
            pytest.raises(DatabaseError, match="Events of tokens are only added"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert TokenEvent.objects.get().actor == "the service"


def test_a_record_outlives_its_token(owner: User) -> None:
    token, _ = issue_token(owner, "read:tasks")
    owner.delete()
    assert TokenEvent.objects.get().token_id == token.pk
