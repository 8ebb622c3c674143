"""Exchanging a password for a token, and what such a token may do."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from apitokens.models import ApiToken, TokenEvent
from logins.devices import device_of
from logins.tokens import MOST_LIVE
from projects.models import Project
from tests.logins.logging_in import LOGIN, RIGHT, SCOPES, WRONG, app_of, log_in
from tests.support.clock import Clock
from tests.support.errors import error_of
from tests.support.factories import api_as, issue_token, make_entry, make_user
from tests.test_schema import assert_as_documented
from users.models import User
from values.credentials import digest_of


def count_of(calls: list[tuple[str, str]]) -> list[int]:
    """How many passwords are hashed and how many queries are made for each name and password."""
    counts = []
    for number, (name, password) in enumerate(calls):
        with CaptureQueriesContext(connection) as captured:
            assert log_in(name, password, address=f"192.0.2.{number}").status_code == 401
        counts.append(len(captured))
    return counts


def test_a_password_gives_a_token(owner: User) -> None:
    before = timezone.now()
    response = log_in()
    body = response.json()
    token = ApiToken.objects.get()
    assert response.status_code == 200
    assert_as_documented(response)
    assert token.expires_at
    assert body == {
        "token": body["token"],
        "expires_at": token.expires_at.isoformat().replace("+00:00", "Z"),
        "scopes": SCOPES,
        "user": {
            "id": owner.pk,
            "username": "olga",
            "email": "olga@example.com",
            "full_name": "",
            "role": "user",
            "time_zone": "UTC",
            "active": True,
        },
    }
    assert digest_of(body["token"]) == token.digest
    assert before <= token.expires_at - timedelta(days=90) <= timezone.now()
    assert (token.user, token.scopes, token.from_login, token.administrator_rights) == (
        owner,
        SCOPES,
        True,
        False,
    )
    assert re.fullmatch(r"App login: Firefox on Linux, \d{4}-\d\d-\d\d \d\d:\d\d UTC", token.name)
    assert response["Cache-Control"] == "no-store"


def test_the_token_opens_what_an_app_needs(owner: User, project: Project) -> None:
    app = app_of()
    assert app.get("/api/v1/users/me").json() == {"user": log_in().json()["user"]}
    assert app.get("/api/v1/timer/status").json() == {"active": False, "timer": None}
    assert app.post("/api/v1/timer/start", {"project_id": project.pk}).status_code == 201
    for path in ("webhooks", "rates", "users"):
        assert app.get(f"/api/v1/{path}").status_code == 403


def test_a_login_is_in_the_tokens_history_and_the_users_last_login(owner: User) -> None:
    before = timezone.now()
    log_in(address="203.0.113.7")
    [event] = TokenEvent.objects.all()
    assert (event.action, event.actor, event.address) == ("issued", "olga", "203.0.113.7")
    owner.refresh_from_db()
    assert owner.last_login
    assert before <= owner.last_login


def test_credentials_in_the_headers_are_not_minded(owner: User) -> None:
    assert log_in(HTTP_AUTHORIZATION="Bearer stale").status_code == 200
    _, secret = issue_token(owner, "read:projects")
    assert log_in(HTTP_X_API_KEY=secret).status_code == 200


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("olga", "wrong", id="wrong password"),
        pytest.param("olga", RIGHT + " ", id="a blank more"),
        pytest.param("olga", RIGHT.upper(), id="another case"),
        pytest.param("nobody", RIGHT, id="unknown user"),
        pytest.param("ines", RIGHT, id="inactive"),
        pytest.param("uwe", RIGHT, id="no usable password"),
        pytest.param("uwe", "!", id="the mark of no password"),
    ],
)
def test_every_refusal_has_the_same_words(owner: User, name: str, password: str) -> None:
    make_user("ines", is_active=False)
    without = make_user("uwe")
    without.set_unusable_password()
    without.save()
    response = log_in(name, password)
    assert response.status_code == 401
    assert error_of(response) == WRONG
    assert response["WWW-Authenticate"] == 'Bearer realm="timetracker"'
    assert_as_documented(response)
    assert not ApiToken.objects.exists()


def test_every_refusal_hashes_one_password_and_makes_as_many_queries(
    owner: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    hashed: list[int] = []

    def encode(hasher: PBKDF2PasswordHasher, password: str, salt: str, iterations: Any = 0) -> str:
        hashed.append(iterations or hasher.iterations)
        return f"pbkdf2_sha256${iterations or hasher.iterations}${salt}$made"

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", encode)
    for name in ("olga", "ines", "uwe"):
        user = make_user(name) if name != "olga" else owner
        user.set_password("another")
        user.password = user.password.replace("made", "not that")
        if name == "uwe":
            user.set_unusable_password()
        user.is_active = name != "ines"
        user.save()
    hashed.clear()

    counts = count_of([(name, "guess") for name in ("olga", "ines", "uwe", "nobody", "OLGA")])

    assert len(hashed) == 5
    assert len({*hashed}) == 1
    # The security log names the account where there is one, after the answer is known.
    assert len({*counts}) == 1


@pytest.mark.parametrize("name", ["OLGA", " olga ", "Olga"])
def test_the_case_of_a_name_does_not_matter(owner: User, name: str) -> None:
    assert log_in(name).json()["user"]["username"] == "olga"


def test_a_name_beyond_ascii_is_found_as_people_write_it(db: None) -> None:
    make_user("İstanbul")
    for name in ("istanbul", "İSTANBUL"):
        assert log_in(name).status_code == 200
    make_user("josé")
    assert log_in("jose").status_code == 401
    assert log_in("JOSE\u0301").status_code == 200


def test_of_two_names_that_differ_in_case_only_the_exact_one_counts(owner: User) -> None:
    make_user("Olga")
    assert [log_in(name).status_code for name in ("olga", "Olga", "OLGA")] == [200, 200, 401]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        pytest.param({"username": "olga"}, {"password": ["This field is required."]}, id="one"),
        pytest.param(
            {"username": "olga", "password": 12345678},
            {"password": ["Must be a string."]},
            id="number",
        ),
        pytest.param(
            {"username": "olga", "password": RIGHT, "remember": True},
            {"remember": ["Unknown field. Accepted: password, username."]},
            id="unknown",
        ),
        pytest.param(
            {"username": "olga", "password": "x" * 1001},
            {"password": ["Ensure this field has no more than 1000 characters."]},
            id="long",
        ),
    ],
)
def test_a_wrong_body_is_400(owner: User, body: dict[str, Any], errors: dict[str, Any]) -> None:
    response = APIClient().post(LOGIN, body)
    assert response.status_code == 400
    assert error_of(response)["errors"] == errors


@pytest.mark.parametrize("body", ["[]", '"olga"', "{", "null"])
def test_a_body_of_another_kind_is_400(db: None, body: str) -> None:
    response = APIClient().generic("POST", LOGIN, body, content_type="application/json")
    assert response.status_code == 400


def test_a_password_in_the_address_is_refused(owner: User) -> None:
    body = {"username": "olga", "password": RIGHT}
    response = APIClient().post(f"{LOGIN}?password=x", body)
    assert response.status_code == 400
    assert list(error_of(response)["errors"]) == ["password"]


def test_an_address_has_five_logins_a_minute(owner: User, clock: Clock) -> None:
    make_user("carl")
    for number in range(5):
        assert log_in(f"user {number}", "wrong").status_code == 401
    refused = log_in("carl")
    assert refused.status_code == 429
    assert_as_documented(refused)
    assert 1 <= int(refused["Retry-After"]) <= 61
    assert "Too many login attempts." in error_of(refused)["message"]
    assert log_in("carl", address="192.0.2.2").status_code == 200
    clock.now += 61
    assert log_in("carl").status_code == 200


def test_a_malformed_login_counts_for_its_address(owner: User, clock: Clock) -> None:
    for _ in range(5):
        assert APIClient(REMOTE_ADDR="192.0.2.1").post(LOGIN, {}).status_code == 400
    assert log_in().status_code == 429


def test_an_account_has_ten_logins_an_hour_from_anywhere(owner: User, clock: Clock) -> None:
    for number in range(10):
        assert log_in("olga", "wrong", address=f"198.51.100.{number}").status_code == 401
    for name in ("olga", "OLGA", "\uff4flga"):
        refused = log_in(name, address=f"203.0.113.{len(name)}{ord(name[0]) % 100}")
        assert refused.status_code == 429
        assert 1 <= int(refused["Retry-After"]) <= 3601
    clock.now += 3601
    assert log_in().status_code == 200


def test_an_unknown_account_has_the_same_limit(db: None, clock: Clock) -> None:
    answers = [
        log_in("nobody", "wrong", address=f"198.51.100.{number}").status_code
        for number in range(11)
    ]
    assert answers == [401] * 10 + [429]


def test_a_throttled_login_hashes_nothing(
    owner: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        log_in("olga", "wrong")
    monkeypatch.setattr("logins.tokens.authenticate", None)
    assert log_in().status_code == 429


def test_the_limits_of_tokens_do_not_count_logins(owner: User, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    assert app_of().get("/api/v1/users/me").status_code == 200
    assert app_of().get("/api/v1/users/me").status_code == 200


def test_turned_off_it_is_404(owner: User, settings: Settings) -> None:
    app = app_of()
    settings.APP_LOGIN = False
    response = log_in()
    assert response.status_code == 404
    assert_as_documented(response)
    assert error_of(response)["message"] == (
        "Logging in with a password is turned off here. Use an API token."
    )
    assert APIClient().get(LOGIN).status_code == 404
    # What has been issued stays, and can be given back.
    assert app.get("/api/v1/users/me").status_code == 200
    assert app.post("/api/v1/auth/logout").status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method_is_405_and_counts_for_nothing(
    owner: User, clock: Clock, method: str
) -> None:
    for _ in range(6):
        response = APIClient(REMOTE_ADDR="192.0.2.1").generic(method, LOGIN)
        assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")
    assert log_in().status_code == 200


def test_an_idempotency_key_keeps_no_token(owner: User) -> None:
    first, second = (log_in(HTTP_IDEMPOTENCY_KEY="once").json()["token"] for _ in range(2))
    assert first != second


def test_two_logins_of_one_device_have_names_of_their_own(owner: User, clock: Clock) -> None:
    digests = [digest_of(log_in().json()["token"]) for _ in range(3)]
    names = [ApiToken.objects.get(digest=digest).name for digest in digests]
    ApiToken.objects.filter(name=names[0]).update(revoked_at=timezone.now())
    log_in()
    assert [name.removeprefix(names[0]) for name in names] == ["", " (2)", " (3)"]
    assert ApiToken.objects.filter(name=names[0]).count() == 2


def test_beyond_twenty_logins_the_oldest_ends(owner: User, clock: Clock) -> None:
    now = timezone.now()
    issue_token(owner, "read:projects", name="by an administrator")
    issue_token(owner, *SCOPES, name="expired", from_login=True, expires_at=now)
    secrets = [
        issue_token(
            owner, *SCOPES, name=f"{number}", from_login=True, expires_at=now + timedelta(1)
        )
        for number in range(MOST_LIVE)
    ]
    log_in()
    ended = ApiToken.objects.exclude(revoked_at=None)
    assert [token.name for token in ended] == ["0"]
    live = ApiToken.objects.filter(from_login=True, revoked_at=None, expires_at__gt=now)
    assert live.count() == MOST_LIVE
    event = TokenEvent.objects.get(token=secrets[0][0], action="revoked")
    assert (event.actor, event.detail) == ("the service", "More than 20 logins.")


def test_an_administrators_app_sees_only_their_own(
    administrator: User, owner: User, project: Project
) -> None:
    own, other = make_entry(administrator, project), make_entry(owner, project)
    app = app_of("ada")
    listed = app.get("/api/v1/time-entries").json()["time_entries"]
    assert [entry["id"] for entry in listed] == [own.pk]
    summary = app.get("/api/v1/reports/summary?start_date=2024-01-01&end_date=2024-01-31")
    assert summary.json()["summary"]["total_entries"] == 1
    changed = {"notes": "changed"}
    assert app.patch(f"/api/v1/time-entries/{other.pk}", changed).status_code == 403
    assert app.patch(f"/api/v1/time-entries/{own.pk}", changed).status_code == 200
    assert app.get(f"/api/v1/time-entries?user_id={owner.pk}").status_code == 403
    assert app.put("/api/v1/books", {"closed_through": "2024-01-31"}).status_code == 403
    assert app.post("/api/v1/billing", {"reference": "A"}).status_code == 403
    assert app.get("/api/v1/users").status_code == 403
    # It says who the user is all the same.
    assert app.get("/api/v1/users/me").json()["user"]["role"] == "admin"


def test_an_administrator_can_widen_an_app(
    administrator: User, owner: User, project: Project
) -> None:
    other = make_entry(owner, project)
    app = app_of("ada")
    path = f"/api/v1/time-entries/{other.pk}"
    first = app.get("/api/v1/time-entries")
    assert app.get(path).status_code == 403
    ApiToken.objects.update(administrator_rights=True)
    assert app.get(path).status_code == 200
    assert app.get("/api/v1/users").status_code == 403  # its scopes stay
    again = app.get("/api/v1/time-entries", HTTP_IF_NONE_MATCH=first["ETag"])
    assert again.status_code == 200


def test_an_app_of_another_user_gains_nothing_by_these_rights(
    owner: User, colleague: User, project: Project
) -> None:
    entry, app = make_entry(colleague, project), app_of()
    ApiToken.objects.update(administrator_rights=True)
    assert app.get(f"/api/v1/time-entries/{entry.pk}").status_code == 403


def test_the_other_tokens_of_an_administrator_are_as_before(
    administrator: User, owner: User, project: Project
) -> None:
    other = make_entry(owner, project)
    app_of("ada")
    api = api_as(administrator, "read:time_entries")
    assert api.get(f"/api/v1/time-entries/{other.pk}").status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        pytest.param("Dart/3.5 (dart:io)", "Mobile app", id="phone"),
        pytest.param(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " timetracker-desktop/5.11.0 Chrome/120.0.0.0 Electron/28.3.3 Safari/537.36",
            "Desktop app on Windows",
            id="desktop",
        ),
        pytest.param(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like"
            " Gecko) Version/17.0 Safari/605.1.15",
            "Safari on macOS",
            id="Safari",
        ),
        pytest.param(
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
            "Chrome on Android",
            id="Chrome",
        ),
        pytest.param(
            "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
            "Firefox on Linux",
            id="Firefox",
        ),
        pytest.param("curl/8.5.0", "curl", id="curl"),
        pytest.param("", "Unknown app", id="nothing"),
        pytest.param("<script>", "Unknown app", id="markup"),
        pytest.param("a" * 5000, "a" * 30, id="long"),
        pytest.param("é/1", "Unknown app", id="not ASCII"),
    ],
)
def test_a_device_has_a_short_name(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device
