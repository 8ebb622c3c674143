"""Tokens in a shell: listed, rotated, revoked, narrowed."""

import getpass
import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apitokens import usage
from apitokens.models import ApiToken, TokenEvent
from tests.support.factories import issue_token, make_user
from users.models import User

COMMANDS = (
    *("create_api_token", "list_api_tokens", "rotate_api_token"),
    *("revoke_api_token", "narrow_api_token"),
)


def run(command: str, *arguments: str) -> tuple[str, str]:
    """What a command writes on standard output and on standard error."""
    output, errors = StringIO(), StringIO()
    call_command(command, *arguments, stdout=output, stderr=errors, no_color=True)
    return output.getvalue(), errors.getvalue()


def make_used(token: ApiToken, scope: str, calls: int) -> None:
    """Let calls be counted."""
    for _ in range(calls):
        usage.buffer.note(token.pk, [scope], None, allowed=True)
    usage.buffer.flush()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command(command, "--help")
    assert ended.value.code == 0
    words = capsys.readouterr().out
    assert "API token" in words
    assert "options:" in words


def test_create_with_a_preset_and_networks(owner: User) -> None:
    run(
        *("create_api_token", "--user", "olga", "--name", "Wall", "--preset", "dashboard"),
        *("--scope", "read:users", "--scope", "read:projects"),
        *("--allow-from", "10.0.0.0/8", "--allow-from", "2001:db8::1"),
    )
    token = ApiToken.objects.get()
    assert token.scopes == [*("read:projects", "read:time_entries", "read:reports", "read:users")]
    assert token.allowed_networks == ["10.0.0.0/8", "2001:db8::1/128"]
    assert TokenEvent.objects.get().actor == f"{getpass.getuser()} (manage.py)"


def test_create_refuses_what_is_no_network(owner: User) -> None:
    with pytest.raises(CommandError, match="“home” is neither an address"):
        run(
            *("create_api_token", "--user", "olga", "--name", "Wall", "--preset", "dashboard"),
            *("--allow-from", "home"),
        )


def test_list_tells_state_use_and_scopes(owner: User, administrator: User) -> None:
    now = timezone.now()
    used, _ = issue_token(owner, "read:tasks", "read:users", name="Script")
    make_used(used, "read:tasks", 3)
    old, _ = issue_token(
        administrator, "admin:all", name="Old one", expires_at=now - timedelta(days=1)
    )
    output, _ = run("list_api_tokens")
    today, yesterday = f"{now:%Y-%m-%d}", f"{now - timedelta(days=1):%Y-%m-%d}"
    lines = [line.split("  ") for line in output.splitlines()]
    assert [[cell.strip() for cell in line if cell.strip()] for line in lines] == [
        ["id", "prefix", "user", "name", "state", "expires", "last used", "30 days", "scopes"],
        [
            str(old.pk),
            old.prefix,
            "ada",
            "Old one",
            "expired",
            yesterday,
            "never",
            "0",
            "admin:all",
        ],
        [
            *(str(used.pk), used.prefix, "olga", "Script", "active", "never", today, "3"),
            "read:tasks read:users",
        ],
    ]


def test_list_is_filtered_and_printed_as_json(owner: User, administrator: User) -> None:
    token, _ = issue_token(owner, "read:tasks", name="Script", allowed_networks=["10.0.0.0/8"])
    issue_token(owner, "read:tasks", name="Gone", revoked_at=timezone.now())
    issue_token(administrator, "read:tasks")
    output, _ = run("list_api_tokens", "--user", "olga", "--state", "active", "--json")
    assert json.loads(output) == [
        {
            "id": token.pk,
            "prefix": token.prefix,
            "user": "olga",
            "name": "Script",
            "state": "active",
            "expires_at": None,
            "last_used_at": None,
            "calls_in_30_days": 0,
            "scopes": ["read:tasks"],
            "allowed_networks": ["10.0.0.0/8"],
        }
    ]


def test_list_costs_one_query(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        issue_token(make_user(f"user {number}"), "read:tasks")
    with django_assert_num_queries(1):
        run("list_api_tokens")


@pytest.mark.parametrize(
    ("arguments", "hours"),
    [
        pytest.param([], 24, id="a day"),
        pytest.param(["--overlap-hours", "2"], 2, id="as long as told"),
    ],
)
def test_rotate_prints_the_new_secret_alone(owner: User, arguments: list[str], hours: int) -> None:
    old, _ = issue_token(owner, "read:tasks", name="Script")
    before = timezone.now()
    output, errors = run("rotate_api_token", old.prefix, *arguments)
    old.refresh_from_db()
    assert old.expires_at
    assert before <= old.expires_at - timedelta(hours=hours) <= timezone.now()
    new = ApiToken.objects.get(rotated_from=old)
    assert output.startswith(new.prefix)
    assert len(output) == 36
    assert errors == (f"Issued {new} for olga; {old} remains valid for at most {hours} hours.\n")


def test_rotate_of_a_compromised_token_revokes_it(owner: User) -> None:
    old, _ = issue_token(owner, "read:tasks", name="Script")
    _, errors = run("rotate_api_token", str(old.pk), "--compromised")
    old.refresh_from_db()
    assert old.revoked_at
    assert errors.endswith(f"{old} is revoked.\n")


@pytest.mark.parametrize("hours", ["0", "-1", "721"])
def test_rotate_refuses_other_overlaps(owner: User, hours: str) -> None:
    token, _ = issue_token(owner, "read:tasks")
    with pytest.raises(CommandError, match="--overlap-hours must be between 1 and 720"):
        run("rotate_api_token", str(token.pk), "--overlap-hours", hours)


def test_rotate_says_why_not(owner: User) -> None:
    token, _ = issue_token(owner, "read:tasks", revoked_at=timezone.now())
    with pytest.raises(CommandError, match="This token has already been revoked"):
        run("rotate_api_token", str(token.pk))


def test_revoke_some_and_all_of_a_user(owner: User, administrator: User) -> None:
    one, two, three = (issue_token(owner, "read:tasks", name=name)[0] for name in "ABC")
    kept, _ = issue_token(administrator, "read:tasks")
    output, _ = run("revoke_api_token", one.prefix)
    assert output == f"Revoked {one} of olga.\n"
    output, _ = run("revoke_api_token", "--user", "olga")
    assert output == f"Revoked {two} of olga.\nRevoked {three} of olga.\n"
    output, _ = run("revoke_api_token", "--user", "olga")
    assert output == "Nothing to revoke: no matching token is active.\n"
    assert list(ApiToken.objects.filter(revoked_at=None)) == [kept]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param(["revoke_api_token"], "Specify either tokens or --user.", id="nothing"),
        pytest.param(
            ["revoke_api_token", "1", "--user", "olga"], "Specify either tokens or", id="both"
        ),
        pytest.param(["revoke_api_token", "--user", "x"], "User 'x' not found", id="no user"),
        pytest.param(
            ["revoke_api_token", "tt_xxxxx"], "Token 'tt_xxxxx' not found", id="no prefix"
        ),
        pytest.param(["narrow_api_token", "4711"], "Token '4711' not found", id="no id"),
        pytest.param(["rotate_api_token", "tt_twins"], "Use one of their ids", id="two"),
    ],
)
def test_what_is_meant_must_be_clear(owner: User, command: list[str], words: str) -> None:
    for name in ("One", "Two"):
        token, _ = issue_token(owner, "read:tasks", name=name)
        ApiToken.objects.filter(pk=token.pk).update(prefix="tt_twins")
    with pytest.raises(CommandError, match=words):
        run(*command)
    assert ApiToken.objects.filter(revoked_at=None).count() == 2


def test_narrow_shows_and_does(owner: User) -> None:
    token, _ = issue_token(owner, "write:tasks", "read:users", name="Script")
    assert run("narrow_api_token", token.prefix, "--dry-run")[0] == (
        "has    write:tasks read:users\nneeds  ?\n"
    )
    make_used(token, "read:tasks", 1)
    assert run("narrow_api_token", token.prefix, "--dry-run")[0] == (
        "has    write:tasks read:users\nneeds  read:tasks\n"
    )
    assert run("narrow_api_token", token.prefix)[0] == f"{token} keeps read:tasks.\n"
    with pytest.raises(CommandError, match="This token already uses all of its scopes"):
        run("narrow_api_token", token.prefix)
