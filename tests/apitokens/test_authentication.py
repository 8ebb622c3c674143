import logging
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apitokens import usage
from apitokens.models import ApiToken
from projects.models import Project
from tests.support.errors import error_of
from tests.support.factories import issue_token, make_project, make_user
from tests.support.racing import at_once
from users.models import User
from values.credentials import digest_of, imported_digest

PATH = "/api/v1/projects"
UNKNOWN = "tt_" + "0" * 32
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
INVALID = {
    "error": "Invalid token",
    "message": "The provided API token is invalid or expired",
    "error_code": "unauthorized",
}
MISSING = {
    "error": "Authentication required",
    "message": "Send an API token: Authorization: Bearer tt_…",
    "error_code": "unauthorized",
}
INVALID_CHALLENGE = 'Bearer realm="timetracker", error="invalid_token"'


@pytest.fixture
def secret(owner: User) -> str:
    """The secret of a good token."""
    return issue_token(owner, "read:projects")[1]


def bearer(secret: str) -> dict[str, Any]:
    """The recommended header."""
    return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"HTTP_AUTHORIZATION": "Bearer {secret}"}, id="Bearer"),
        pytest.param({"HTTP_AUTHORIZATION": "bearer {secret}"}, id="bearer"),
        pytest.param({"HTTP_AUTHORIZATION": "BEARER {secret}"}, id="BEARER"),
        pytest.param({"HTTP_AUTHORIZATION": " Bearer  {secret} "}, id="spaces around"),
        pytest.param({"HTTP_X_API_KEY": "{secret}"}, id="X-API-Key"),
        pytest.param(
            {"HTTP_AUTHORIZATION": "Bearer {secret}", "HTTP_X_API_KEY": "{secret}"},
            id="both, equal",
        ),
        pytest.param(
            {"HTTP_AUTHORIZATION": "Basic dTpw", "HTTP_X_API_KEY": "{secret}"},
            id="a proxy's Basic beside X-API-Key",
        ),
        pytest.param(
            {"HTTP_AUTHORIZATION": "", "HTTP_X_API_KEY": "{secret}"},
            id="an empty Authorization beside X-API-Key",
        ),
    ],
)
def test_a_good_token_is_accepted_in_either_header(
    client: Client, secret: str, headers: dict[str, str]
) -> None:
    sent: dict[str, Any] = {name: text.format(secret=secret) for name, text in headers.items()}
    assert client.get(PATH, **sent).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"HTTP_AUTHORIZATION": ""}, id="empty"),
        pytest.param({"HTTP_AUTHORIZATION": " "}, id="a space"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer"}, id="only Bearer"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer "}, id="Bearer and a space"),
        pytest.param({"HTTP_AUTHORIZATION": "{secret}"}, id="only the secret"),
        pytest.param({"HTTP_AUTHORIZATION": "Digest {secret}"}, id="another scheme"),
        pytest.param({"HTTP_AUTHORIZATION": "Basic {secret}"}, id="Basic"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer{secret}"}, id="no space"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer\t{secret}"}, id="a tab"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer: {secret}"}, id="a colon"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer {secret} x"}, id="three words"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer Bearer {secret}"}, id="Bearer twice"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer {secret}, Bearer {secret}"}, id="sent twice"),
        pytest.param({"HTTP_AUTHORIZATION": 'Bearer "{secret}"'}, id="in quotes"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer {secret}0"}, id="one character more"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer tt_" + "0" * 31}, id="one character less"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer tt_" + "0" * 31 + "+"}, id="a plus"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer tt_" + "0" * 31 + "é"}, id="not ASCII"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer tt_" + "\u0661" * 32}, id="Arabic digits"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer TT_" + "0" * 32}, id="TT_"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer " + "0" * 35}, id="no tt_"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer tt_" + "0" * 31 + "\x00"}, id="NUL"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer tt_" + "0" * 8000}, id="8 kB"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer tt_%"}, id="an SQL wildcard"),
        pytest.param({"HTTP_X_API_KEY": ""}, id="empty X-API-Key"),
        pytest.param({"HTTP_X_API_KEY": "Bearer {secret}"}, id="Bearer in X-API-Key"),
        pytest.param({"HTTP_X_API_KEY": "{secret}\n"}, id="newline in X-API-Key"),
        pytest.param({"HTTP_X_API_KEY": "{secret},{secret}"}, id="X-API-Key sent twice"),
        pytest.param(
            {"HTTP_AUTHORIZATION": "Bearer x", "HTTP_X_API_KEY": "x"}, id="both, equal nonsense"
        ),
        pytest.param(
            {"HTTP_AUTHORIZATION": "Basic dTpw", "HTTP_X_API_KEY": "x"}, id="Basic and nonsense"
        ),
    ],
)
def test_what_cannot_be_a_token_is_401_without_a_look_at_the_database(
    client: Client,
    secret: str,
    django_assert_num_queries: DjangoAssertNumQueries,
    headers: dict[str, str],
) -> None:
    sent: dict[str, Any] = {
        name: text.replace("{secret}", secret) for name, text in headers.items()
    }
    with django_assert_num_queries(0):
        response = client.get(PATH, **sent)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == INVALID_CHALLENGE
    assert error_of(response) == INVALID


@pytest.mark.parametrize(
    ("token_fields", "user_fields", "status"),
    [
        pytest.param({}, {}, 200, id="good"),
        pytest.param({"expires_at": timedelta(minutes=1)}, {}, 200, id="expires in a minute"),
        pytest.param({"expires_at": timedelta(seconds=-1)}, {}, 401, id="expired a second ago"),
        pytest.param({"expires_at": timedelta(days=-400)}, {}, 401, id="expired long ago"),
        pytest.param({"revoked_at": timedelta(0)}, {}, 401, id="revoked"),
        pytest.param(
            {"revoked_at": timedelta(days=-1), "expires_at": timedelta(days=1)},
            {},
            401,
            id="revoked before it expires",
        ),
        pytest.param({}, {"is_active": False}, 401, id="user inactive"),
        pytest.param({}, {"is_active": False, "is_superuser": True}, 401, id="admin inactive"),
        pytest.param({"digest": "0" * 64}, {}, 401, id="unknown"),
    ],
)
def test_the_life_of_a_token(
    client: Client,
    owner: User,
    token_fields: dict[str, Any],
    user_fields: dict[str, bool],
    status: int,
) -> None:
    token, secret = issue_token(owner, "read:projects")
    now = timezone.now()
    fields = {
        name: now + value if isinstance(value, timedelta) else value
        for name, value in token_fields.items()
    }
    ApiToken.objects.filter(pk=token.pk).update(
        digest=fields.pop("digest", token.digest), **fields
    )
    User.objects.filter(pk=owner.pk).update(is_active=True)
    User.objects.filter(pk=owner.pk).update(**{"is_active": True, **user_fields})
    response = client.get(PATH, **bearer(secret))
    assert response.status_code == status
    if status == 401:
        assert response["WWW-Authenticate"] == INVALID_CHALLENGE
        assert error_of(response) == INVALID


def test_without_a_token_401_has_a_challenge_without_an_error(client: Client, db: None) -> None:
    response = client.get(PATH)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="timetracker"'
    assert error_of(response) == MISSING


@pytest.mark.parametrize(
    ("authorization", "api_key"),
    [
        pytest.param("Bearer {secret}", UNKNOWN, id="a good and an unknown one"),
        pytest.param(f"Bearer {UNKNOWN}", "{secret}", id="an unknown and a good one"),
        pytest.param("Bearer {secret}", "", id="a good and an empty one"),
        pytest.param("Bearer", "{secret}", id="an empty and a good one"),
        pytest.param("Bearer nonsense", "rubbish", id="two malformed ones"),
    ],
)
def test_two_different_tokens_are_400(
    client: Client,
    secret: str,
    django_assert_num_queries: DjangoAssertNumQueries,
    authorization: str,
    api_key: str,
) -> None:
    headers: dict[str, Any] = {
        "HTTP_AUTHORIZATION": authorization.format(secret=secret),
        "HTTP_X_API_KEY": api_key.format(secret=secret),
    }
    with django_assert_num_queries(0):
        response = client.get(PATH, **headers)
    assert response.status_code == 400
    assert error_of(response) == {
        "error": "Send one API token, in one header only",
        "message": "Send one API token, in one header only",
        "error_code": "bad_request",
    }


@pytest.mark.parametrize("name", ["token", "api_token", "api_key", "access_token", "X-API-Key"])
def test_a_token_in_the_url_is_never_read(
    client: Client, secret: str, django_assert_num_queries: DjangoAssertNumQueries, name: str
) -> None:
    with django_assert_num_queries(0):
        response = client.get(PATH, {name: secret})
    assert response.status_code == 401
    assert error_of(response) == INVALID


def test_a_token_in_the_url_is_refused_and_told_of(
    client: Client, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "timetracker.security"):
        response = client.get(PATH, {"search": secret}, **bearer(secret))
    assert response.status_code == 401
    assert error_of(response) == INVALID
    assert [record.__dict__["reason"] for record in caplog.records] == ["token in the URL"]
    assert secret not in str([record.__dict__ for record in caplog.records])


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_a_token_in_the_body_is_never_read(client: Client, owner: User, content_type: str) -> None:
    _, secret = issue_token(owner, "write:projects")
    body = f'{{"name": "New", "access_token": "{secret}"}}'
    if content_type != "application/json":
        body = f"access_token={secret}"
    response = client.post(PATH, body, content_type=content_type)
    assert response.status_code == 401
    assert error_of(response) == MISSING


def test_a_session_opens_nothing(client: Client, administrator: User) -> None:
    client.force_login(administrator)
    response = client.get(PATH)
    assert response.status_code == 401
    assert error_of(response) == MISSING


def test_one_query_fetches_the_token_and_its_user(
    client: Client,
    owner: User,
    project: Project,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    _, secret = issue_token(owner, "read:projects")
    with django_assert_num_queries(2):  # token, project
        assert client.get(f"{PATH}/{project.pk}", **bearer(secret)).status_code == 200


# 64 of 100 secrets of the original have a hyphen or an underscore.
ORIGINALS = ["tt_" + "aB3-" * 8, "tt_" + "_x9Z" * 8, "tt_" + "aB3z" * 8]


@pytest.mark.parametrize("imported", ORIGINALS)
def test_a_token_of_the_original_works_and_is_stored_as_ours_at_its_first_use(
    client: Client,
    owner: User,
    project: Project,
    imported: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    token, secret = issue_token(owner, "read:projects")
    stored = sha256(imported.encode()).hexdigest()
    ApiToken.objects.filter(pk=token.pk).update(digest=imported_digest(stored))
    assert client.get(PATH, **bearer(secret)).status_code == 401
    for sent in (
        stored,
        f"tt_{stored}",
        f"tt_{stored[:32]}",
        f"tt_{imported_digest(stored)[:32]}",
    ):
        assert client.get(PATH, **bearer(sent)).status_code == 401
    with django_assert_num_queries(3):  # token, its digest, project
        assert client.get(f"{PATH}/{project.pk}", **bearer(imported)).status_code == 200
    token.refresh_from_db()
    assert token.digest == digest_of(imported)
    with django_assert_num_queries(2):
        assert client.get(f"{PATH}/{project.pk}", **bearer(imported)).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_first_uses_at_once_none_is_refused() -> None:
    owner, imported = make_user(), ORIGINALS[0]
    token, _ = issue_token(owner, "read:projects")
    for _ in range(5):
        digest = imported_digest(sha256(imported.encode()).hexdigest())
        ApiToken.objects.filter(pk=token.pk).update(digest=digest)
        outcomes = at_once([lambda: Client().get(PATH, **bearer(imported)).status_code] * 4)
        assert outcomes == [200] * 4


def test_an_unknown_token_costs_one_query(
    client: Client, db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert client.get(PATH, **bearer(UNKNOWN)).status_code == 401


@pytest.mark.parametrize(
    ("token_fields", "user_fields"),
    [
        pytest.param({"revoked_at": LONG_AGO}, {}, id="revoked"),
        pytest.param({"expires_at": LONG_AGO}, {}, id="expired"),
        pytest.param({"digest": "0" * 64}, {}, id="given another secret"),
        pytest.param({}, {"is_active": False}, id="user deactivated"),
    ],
)
def test_a_loss_acts_on_the_next_request(
    client: Client, owner: User, token_fields: dict[str, Any], user_fields: dict[str, Any]
) -> None:
    token, secret = issue_token(owner, "read:projects")
    assert client.get(PATH, **bearer(secret)).status_code == 200
    if token_fields:
        ApiToken.objects.filter(pk=token.pk).update(**token_fields)
    if user_fields:
        User.objects.filter(pk=owner.pk).update(**user_fields)
    assert client.get(PATH, **bearer(secret)).status_code == 401


def test_a_narrower_scope_acts_on_the_next_request(client: Client, owner: User) -> None:
    token, secret = issue_token(owner, "read:projects", "read:tasks")
    assert client.get(PATH, **bearer(secret)).status_code == 200
    ApiToken.objects.filter(pk=token.pk).update(scopes=["read:tasks"])
    response = client.get(PATH, **bearer(secret))
    assert response.status_code == 403
    assert error_of(response)["available_scopes"] == ["read:tasks"]


def test_a_demotion_acts_on_the_next_request_and_a_promotion_too(
    client: Client, administrator: User
) -> None:
    _, secret = issue_token(administrator, "admin:all", "read:tasks")
    administrators = User.objects.filter(pk=administrator.pk)
    assert client.get("/api/v1/users", **bearer(secret)).status_code == 200
    administrators.update(is_superuser=False)
    response = client.get("/api/v1/users", **bearer(secret))
    assert response.status_code == 403
    assert error_of(response) == {
        "error": "Insufficient permissions",
        "message": "This endpoint requires the 'admin:all' scope",
        "error_code": "forbidden",
        "required_scope": "admin:all",
        "available_scopes": ["read:tasks"],
    }
    administrators.update(is_superuser=True)
    assert client.get("/api/v1/users", **bearer(secret)).status_code == 200


def test_staff_are_ordinary_users_here(client: Client, owner: User) -> None:
    token, secret = issue_token(owner, "read:projects")
    ApiToken.objects.filter(pk=token.pk).update(scopes=["admin:all"])
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    response = client.get(PATH, **bearer(secret))
    assert response.status_code == 403
    assert error_of(response)["available_scopes"] == []


def test_a_refused_token_is_not_noted_as_used(client: Client, owner: User) -> None:
    token, secret = issue_token(owner, "read:projects", expires_at=LONG_AGO)
    assert client.get(PATH, **bearer(secret)).status_code == 401
    usage.buffer.flush()
    token.refresh_from_db()
    assert token.last_used_at is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"revoked_at": LONG_AGO}, "revoked", id="revoked"),
        pytest.param({"expires_at": LONG_AGO}, "expired", id="expired"),
        pytest.param({"digest": "0" * 64}, "unknown", id="unknown"),
    ],
)
def test_only_the_security_log_knows_why(
    client: Client,
    owner: User,
    caplog: pytest.LogCaptureFixture,
    fields: dict[str, Any],
    reason: str,
) -> None:
    token, secret = issue_token(owner, "read:projects")
    ApiToken.objects.filter(pk=token.pk).update(**fields)
    with caplog.at_level(logging.WARNING, "timetracker.security"):
        client.get(PATH, **bearer(secret), REMOTE_ADDR="203.0.113.9")
    (record,) = caplog.records
    assert (
        record.__dict__.items()
        >= {
            "msg": "Credentials refused",
            "reason": reason,
            "prefix": None if reason == "unknown" else secret[:8],
            "address": "203.0.113.9",
        }.items()
    )
    assert secret not in str(record.__dict__)


def test_the_log_tells_of_an_inactive_user(
    client: Client, owner: User, caplog: pytest.LogCaptureFixture
) -> None:
    _, secret = issue_token(owner, "read:projects")
    User.objects.filter(pk=owner.pk).update(is_active=False)
    with caplog.at_level(logging.WARNING, "timetracker.security"):
        client.get(PATH, **bearer(secret))
    assert [record.__dict__["reason"] for record in caplog.records] == ["inactive user"]


def test_another_pepper_makes_every_token_unknown(
    client: Client, secret: str, settings: Any
) -> None:
    settings.TOKEN_PEPPER = "another pepper of at least fifty characters, as is asked"
    response = client.get(PATH, **bearer(secret))
    assert response.status_code == 401
    assert error_of(response) == INVALID


def test_another_secret_key_leaves_tokens_alone(
    client: Client, secret: str, settings: Any
) -> None:
    settings.SECRET_KEY = "another key of at least fifty characters, as is asked of it"
    assert client.get(PATH, **bearer(secret)).status_code == 200


def test_a_write_without_a_token_changes_nothing(client: Client, db: None) -> None:
    project = make_project()
    response = client.delete(f"{PATH}/{project.pk}", **bearer(UNKNOWN))
    assert response.status_code == 401
    project.refresh_from_db()
    assert project.status == "active"
