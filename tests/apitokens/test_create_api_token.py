from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apitokens.models import ApiToken
from tests.support.factories import issue_token
from users.models import User


def create(*arguments: str) -> tuple[str, str]:
    """What the command writes on standard output and on standard error."""
    output, errors = StringIO(), StringIO()
    call_command("create_api_token", *arguments, stdout=output, stderr=errors, no_color=True)
    return output.getvalue(), errors.getvalue()


def test_the_secret_stands_alone_on_standard_output(client: Client, owner: User) -> None:
    output, errors = create("--user", "olga", "--name", "Script", "--scope", "read:projects")
    secret = output.removesuffix("\n")
    assert output == f"{secret}\n"
    assert errors == f"Issued Script ({secret[:8]}…) for olga; expires: never.\n"
    response = client.get("/api/v1/projects", HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert response.status_code == 200


def test_the_token_is_what_was_asked_for(owner: User) -> None:
    create(
        *("--user", "olga", "--name", "Script", "--description", "For the night"),
        *("--scope", "write:tasks", "--scope", "read:projects", "--scope", "write:tasks"),
    )
    token = ApiToken.objects.get()
    assert (token.user, token.name, token.description) == (owner, "Script", "For the night")
    assert token.scopes == ["write:tasks", "read:projects"]
    assert (token.expires_at, token.revoked_at, token.last_used_at) == (None, None, None)


@pytest.mark.parametrize("days", [1, 30, 3650])
def test_a_token_expires_after_its_days(owner: User, days: int) -> None:
    before = timezone.now()
    _, errors = create(
        *("--user", "olga", "--name", "Script", "--scope", "read:projects"),
        *("--expires-in-days", str(days)),
    )
    expires_at = ApiToken.objects.get().expires_at
    assert expires_at is not None
    assert before <= expires_at - timedelta(days=days) <= timezone.now()
    assert errors.endswith(f"expires: {expires_at:%Y-%m-%d %H:%M} UTC.\n")


def test_an_administrator_may_hold_everything(administrator: User) -> None:
    create("--user", "ada", "--name", "Backup", "--scope", "admin:all")
    assert ApiToken.objects.get().effective_scopes() == ["admin:all"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--user", "nobody"], "User 'nobody' not found.", id="no such user"),
        pytest.param(["--scope", "*"], "Only administrators' tokens may have *.", id="a wildcard"),
        pytest.param(
            ["--scope", "fly"],
            "Unknown scopes: fly. Accepted: read:projects, write:projects, read:time_entries, "
            "write:time_entries, read:tasks, write:tasks, read:clients, write:clients, "
            "read:rates, write:rates, read:webhooks, write:webhooks, read:reports, "
            "read:users, admin:all, read:*, write:*, *.",
            id="no such scope",
        ),
        pytest.param(
            ["--name", "Taken"], "This user already has a token with this name.", id="a taken name"
        ),
        pytest.param(["--name", ""], "This field cannot be blank.", id="no name"),
        pytest.param(
            ["--expires-in-days", "0"],
            "--expires-in-days must be between 1 and 3650.",
            id="no days",
        ),
        pytest.param(
            ["--expires-in-days", "-1"],
            "--expires-in-days must be between 1 and 3650.",
            id="days gone by",
        ),
        pytest.param(
            ["--expires-in-days", "3651"],
            "--expires-in-days must be between 1 and 3650.",
            id="too many days",
        ),
        pytest.param(
            ["--expires-in-days", "soon"],
            "Error: argument --expires-in-days: invalid int value: 'soon'",
            id="a word for days",
        ),
    ],
)
def test_a_mistake_is_said_and_nothing_is_issued(
    owner: User, arguments: list[str], message: str
) -> None:
    issue_token(owner, "read:projects", name="Taken")
    good = ["--user", "olga", "--name", "Script", "--scope", "read:projects"]
    with pytest.raises(CommandError) as refusal:
        create(*good, *arguments)
    assert str(refusal.value) == message
    assert ApiToken.objects.count() == 1


def test_a_scope_or_a_preset_is_required(owner: User) -> None:
    with pytest.raises(CommandError, match="Select at least one scope"):
        create("--user", "olga", "--name", "Script")


@pytest.mark.parametrize("missing", ["--user", "--name"])
def test_user_and_name_are_required(db: None, missing: str) -> None:
    given = {"--user": "olga", "--name": "Script", "--scope": "read:projects"}
    del given[missing]
    with pytest.raises(CommandError) as refusal:
        create(*(word for pair in given.items() for word in pair))
    assert str(refusal.value) == f"Error: the following arguments are required: {missing}"
