"""Rotating, narrowing and revoking: what the old and the new secret open, and what is recorded."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from apitokens import life, usage
from apitokens.models import ApiToken, Performer, TokenEvent
from tests.support.factories import issue_token, make_user
from tests.support.racing import at_once
from users.models import User

ADA = Performer("ada", "192.0.2.1")
NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def events(token: ApiToken) -> list[tuple[str, str, str | None]]:
    """What was done to a token, by whom and from where, after it was issued."""
    rows = TokenEvent.objects.filter(token=token).exclude(action="issued", actor="the service")
    return [(event.action, event.actor, event.address) for event in rows]


def make_used(token: ApiToken, *scopes: str) -> None:
    """Let calls that need these scopes be counted for a token."""
    for scope in scopes:
        usage.buffer.note(token.pk, [scope], None, allowed=True)
    usage.buffer.flush()


def test_a_successor_has_the_same_rights_and_length_of_life(owner: User) -> None:
    old, _ = issue_token(
        owner,
        "read:tasks",
        "read:users",
        name="Script",
        description="At home",
        allowed_networks=["10.0.0.0/8"],
        expires_at=NOON + 90 * DAY,
    )
    ApiToken.objects.filter(pk=old.pk).update(created_at=NOON)
    now = NOON + 30 * DAY
    new, secret = life.rotate(old, ADA, now=now)
    old.refresh_from_db()
    assert new.digest != old.digest
    assert secret.startswith(new.prefix)
    assert (new.name, new.description, new.user) == ("Script", "At home", owner)
    assert (new.scopes, new.allowed_networks) == (["read:tasks", "read:users"], ["10.0.0.0/8"])
    assert (new.expires_at, new.rotated_from) == (now + 90 * DAY, old)
    assert (old.replaced_at, old.expires_at, old.revoked_at) == (now, now + DAY, None)
    assert events(old) == [("rotated", "ada", "192.0.2.1")]
    assert events(new) == [("issued", "ada", "192.0.2.1")]


@pytest.mark.parametrize(
    ("expires", "overlap", "until"),
    [
        pytest.param(None, 2 * DAY, 2 * DAY, id="a token without an end"),
        pytest.param(9 * DAY, 2 * DAY, 2 * DAY, id="the overlap ends first"),
        pytest.param(DAY, 2 * DAY, DAY, id="the token ends first"),
        pytest.param(-DAY, 2 * DAY, -DAY, id="expired before"),
    ],
)
def test_the_old_token_opens_the_api_for_the_overlap(
    owner: User, expires: timedelta | None, overlap: timedelta, until: timedelta
) -> None:
    old, _ = issue_token(owner, "read:tasks", expires_at=NOON + expires if expires else None)
    new, _ = life.rotate(old, ADA, now=NOON, overlap=overlap)
    old.refresh_from_db()
    assert (old.expires_at, old.revoked_at) == (NOON + until, None)
    assert (new.expires_at is None) is (expires is None)


def test_a_compromised_token_ends_at_once(owner: User) -> None:
    old, _ = issue_token(owner, "read:tasks")
    life.rotate(old, ADA, now=NOON, overlap=timedelta(0))
    old.refresh_from_db()
    assert (old.revoked_at, old.state(NOON)) == (NOON, "revoked")


def test_a_token_is_rotated_once_and_a_revoked_one_never(owner: User) -> None:
    rotated, _ = issue_token(owner, "read:tasks", name="One")
    revoked, _ = issue_token(owner, "read:tasks", name="Two", revoked_at=NOON)
    life.rotate(rotated, ADA, now=NOON)
    for token, words in ((rotated, "rotated"), (revoked, "revoked")):
        with pytest.raises(ValidationError, match=f"This token has already been {words}."):
            life.rotate(token, ADA, now=NOON)
    assert ApiToken.objects.count() == 3


def test_a_demoted_users_privileged_token_is_not_rotated(administrator: User) -> None:
    token, _ = issue_token(administrator, "admin:all")
    User.objects.update(is_superuser=False)
    with pytest.raises(ValidationError, match="Only administrators' tokens may have admin:all"):
        life.rotate(token, ADA, now=NOON)
    token.refresh_from_db()
    assert token.replaced_at is None


def test_racing_rotations_issue_one_successor(transactional_db: None) -> None:
    token, _ = issue_token(make_user("olga"), "read:tasks")

    def rotate() -> bool:
        try:
            life.rotate(token, ADA, now=timezone.now())
        except ValidationError:
            return False
        return True

    assert sorted(at_once([rotate] * 4)) == [False, False, False, True]
    assert ApiToken.objects.count() == 2


def test_revoking_tells_which_were_in_force(owner: User) -> None:
    one, two = (issue_token(owner, "read:tasks", name=name)[0] for name in ("One", "Two"))
    life.revoke(ApiToken.objects.filter(pk=one.pk), ADA, now=NOON)
    assert life.revoke(ApiToken.objects.filter(user=owner), ADA, now=NOON + DAY) == [two]
    one.refresh_from_db()
    assert one.revoked_at == NOON
    assert events(one) == events(two) == [("revoked", "ada", "192.0.2.1")]


@pytest.mark.parametrize(
    ("scopes", "used", "kept"),
    [
        pytest.param(
            ["read:tasks", "read:users", "write:projects"],
            ["read:tasks"],
            ["read:tasks"],
            id="what was never used goes",
        ),
        pytest.param(["write:tasks"], ["read:tasks"], ["read:tasks"], id="only reads"),
        pytest.param(
            ["admin:all"],
            ["write:time_entries", "read:projects"],
            ["read:projects", "write:time_entries"],
            id="the least in place of everything",
        ),
        pytest.param(["read:*", "*"], ["admin:all"], ["admin:all"], id="needs everything"),
    ],
)
def test_narrowing_leaves_what_was_really_used(
    administrator: User, scopes: list[str], used: list[str], kept: list[str]
) -> None:
    token, _ = issue_token(administrator, *scopes)
    make_used(token, *used)
    assert life.narrow(token, ADA) == kept
    token.refresh_from_db()
    assert token.scopes == kept
    assert events(token) == [("narrowed", "ada", "192.0.2.1")]
    event = TokenEvent.objects.get(action="narrowed")
    assert event.detail == f"{', '.join(scopes)} → {', '.join(kept)}"


def test_what_was_refused_or_taken_away_is_not_given_by_narrowing(owner: User) -> None:
    token, _ = issue_token(owner, "read:tasks", "read:clients")
    make_used(token, "read:tasks", "read:projects")  # the second before it was narrowed
    usage.buffer.note(token.pk, ["read:users"], None, allowed=False)
    usage.buffer.flush()
    assert life.narrow(token, ADA) == ["read:tasks"]


@pytest.mark.parametrize(
    ("used", "words"),
    [
        pytest.param([], "has never been used", id="never used"),
        pytest.param(["read:tasks", "read:users"], "already uses all", id="uses all"),
    ],
)
def test_nothing_to_narrow_is_said(owner: User, used: list[str], words: str) -> None:
    token, _ = issue_token(owner, "read:users", "read:tasks")
    make_used(token, *used)
    with pytest.raises(ValidationError, match=words):
        life.narrow(token, ADA)
    assert events(token) == []
