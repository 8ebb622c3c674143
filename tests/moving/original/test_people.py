"""Users and tokens of the original."""

from typing import Any

import pytest

from apitokens.models import ApiToken, TokenEvent
from logins.tokens import SCOPES
from tests.moving.original.conftest import Import
from tests.support.original import SECRET, token_row
from users.models import User

pytestmark = pytest.mark.django_db

OLGA = {"username": "olga", "email": "olga@example.com", "full_name": "Olga Maria Lund"}
ADA = {"username": "ada", "role": "admin"}


def test_a_user_is_who_they_were(run_import: Import) -> None:
    times = {"created_at": "2022-05-01 10:00:00", "last_login": "2024-01-01 08:30:00"}
    imported = run_import({"users": [{**OLGA, **times, "id": 7, "timezone": "Asia/Tokyo"}]})
    olga = User.objects.get()
    assert (olga.pk, olga.username, olga.email) == (7, "olga", "olga@example.com")
    assert (olga.first_name, olga.last_name) == ("Olga", "Maria Lund")
    assert olga.folded_names == "olga\nolga\nmaria lund\nolga@example.com"
    assert (olga.is_active, olga.is_superuser, olga.time_zone) == (True, False, "Asia/Tokyo")
    assert olga.date_joined.isoformat() == "2022-05-01T10:00:00+00:00"
    assert f"{olga.last_login}" == "2024-01-01 08:30:00+00:00"
    assert imported.notes == []


@pytest.mark.parametrize(
    ("fields", "expected", "reasons"),
    [
        pytest.param({}, {"time_zone": "Europe/Rome"}, [], id="the zone of the original"),
        pytest.param(
            {"timezone": "Mars/Olympus"},
            {"time_zone": "Europe/Rome"},
            ["This time zone is unknown."],
            id="unknown zone",
        ),
        pytest.param(
            {"email": "olga at home"},
            {"email": ""},
            ["This is not an email address."],
            id="no email address",
        ),
        pytest.param({"is_active": False}, {"is_active": False}, [], id="inactive"),
        pytest.param(
            {"role": "manager"}, {"is_superuser": False, "is_staff": False}, [], id="manager"
        ),
        pytest.param(
            {"role": "admin"}, {"is_superuser": True, "is_staff": True}, [], id="administrator"
        ),
        pytest.param(
            {"client_portal_enabled": True, "client_id": 1},
            {"is_active": False},
            ["A user of the client portal would see all clients and projects: deactivated."],
            id="of a portal",
        ),
        pytest.param(
            {"client_portal_enabled": True, "client_id": 1, "role": "admin"},
            {"is_active": True},
            [],
            id="an administrator who looks into a portal",
        ),
        pytest.param({"client_portal_enabled": True}, {"is_active": True}, [], id="of no client"),
    ],
)
def test_what_a_user_may_do(
    run_import: Import, fields: dict[str, Any], expected: dict[str, Any], reasons: list[str]
) -> None:
    imported = run_import({"users": [{**OLGA, **fields}]}, "--yes")
    olga = User.objects.get()
    assert {name: getattr(olga, name) for name in expected} == expected
    assert imported.reasons == reasons


@pytest.mark.parametrize("role", ["admin", "super_admin"])
def test_a_role_of_the_other_table_makes_an_administrator_too(
    run_import: Import, role: str
) -> None:
    roles = {"roles": [{"name": role}], "user_roles": [{"user_id": 1, "role_id": 1}]}
    run_import({"users": [OLGA, {"username": "carl"}], **roles})
    assert [user.is_superuser for user in User.objects.order_by("pk")] == [True, False]


def test_names_that_differ_in_case_only_become_different(run_import: Import) -> None:
    names = ["olga", "Olga", " OLGA ", "olga-2", ""]
    imported = run_import({"users": [{"username": name} for name in names]})
    found = [*User.objects.order_by("pk").values_list("username", flat=True)]
    assert found == ["olga", "olga-2", "olga-3", "olga-2-2", "user-5"]
    assert [note[1:3] for note in imported.notes] == [(str(key), "renamed") for key in range(2, 6)]


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        pytest.param(
            None,
            "There is no password (OIDC, LDAP, or none). Set one, or issue a token.",
            id="none",
        ),
        pytest.param(
            "md5$1$2",
            "The password is hashed in a way that cannot be verified here. Set another.",
            id="unknown",
        ),
    ],
)
def test_who_has_no_password_that_counts_is_named(
    run_import: Import, stored: str | None, reason: str
) -> None:
    imported = run_import({"users": [{**OLGA, "password_hash": stored}]})
    assert not User.objects.get().has_usable_password()
    assert imported.notes == [("users", "1", "left out", reason, "password", "", "")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"scopes": "read:projects, write:tasks"}, ["read:projects", "write:tasks"]),
        pytest.param({"scopes": "read:*"}, [s for s in SCOPES if s.startswith("read:")]),
        pytest.param({"scopes": "write:*"}, [s for s in SCOPES if s.startswith("write:")]),
        pytest.param({"scopes": "admin:all"}, [*SCOPES]),
        pytest.param({"scopes": "*"}, [*SCOPES]),
        pytest.param({"scopes": "read:invoices,read:tasks,read:rates"}, ["read:tasks"]),
        pytest.param({"scopes": "admin:all", "user_id": 2}, ["admin:all"]),
        pytest.param({"scopes": "read:*,read:tasks", "user_id": 2}, ["read:*", "read:tasks"]),
        pytest.param({"scopes": "admin:all", "user_id": 2, "name": "App login - ada"}, [*SCOPES]),
    ],
)
def test_scopes_are_those_that_exist_here(
    run_import: Import, fields: dict[str, Any], expected: list[str]
) -> None:
    run_import({"users": [OLGA, ADA], "api_tokens": [token_row(SECRET, **fields)]}, "--yes")
    token = ApiToken.objects.get()
    assert token.scopes == expected
    assert token.effective_scopes() == expected
    [event] = TokenEvent.objects.all()
    assert (event.action, event.actor) == ("issued", "import_timetracker")
    assert event.detail == f"Imported with the scopes {', '.join(expected)}"


def test_a_token_of_an_app_is_one(run_import: Import) -> None:
    tokens = [token_row(SECRET, name="App login - ada", scopes="read:tasks", user_id=2)]
    imported = run_import({"users": [OLGA, ADA], "api_tokens": tokens})
    token = ApiToken.objects.get()
    assert (token.from_login, token.administrator_rights) == (True, False)
    assert imported.reasons == [
        "The app of an administrator sees their own time entries only, until widened."
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"scopes": "read:invoices"}, "None of its scopes exists here.", id="scopes"),
        pytest.param({"scopes": None}, "None of its scopes exists here.", id="no scopes"),
        pytest.param({"user_id": 9}, "Its user does not exist.", id="user"),
        pytest.param(
            {"token_hash": "abc"}, "What is stored of its secret is no SHA-256.", id="secret"
        ),
    ],
)
def test_a_token_that_could_do_nothing_is_left_out(
    run_import: Import, fields: dict[str, Any], reason: str
) -> None:
    imported = run_import({"users": [OLGA], "api_tokens": [token_row(SECRET) | fields]})
    assert ApiToken.objects.count() == 0
    assert [note[:4] for note in imported.notes] == [("api_tokens", "1", "left out", reason)]


@pytest.mark.parametrize(
    ("addresses", "networks", "is_revoked"),
    [
        pytest.param("192.0.2.7, 10.0.0.0/8", ["192.0.2.7/32", "10.0.0.0/8"], False, id="good"),
        pytest.param("192.0.2.7,office", ["192.0.2.7/32"], False, id="one bad"),
        pytest.param("office", [], True, id="all bad"),
        pytest.param("", [], False, id="none"),
    ],
)
def test_a_token_is_never_open_to_more_addresses(
    run_import: Import, addresses: str, networks: list[str], *, is_revoked: bool
) -> None:
    token = token_row(SECRET, ip_whitelist=addresses)
    run_import({"users": [OLGA], "api_tokens": [token]})
    found = ApiToken.objects.get()
    assert (found.allowed_networks, found.revoked_at is not None) == (networks, is_revoked)


def test_tokens_of_a_user_have_names_of_their_own(run_import: Import) -> None:
    tokens = [
        token_row("tt_1", name="Phone"),
        token_row("tt_2", name="Phone"),
        token_row("tt_3", name="Phone", user_id=2),
        token_row("tt_4", name="Phone", is_active=False),
    ]
    run_import({"users": [OLGA, ADA], "api_tokens": tokens})
    found = [(token.name, token.revoked_at is None) for token in ApiToken.objects.order_by("pk")]
    assert found == [("Phone", True), ("Phone (2)", True), ("Phone", True), ("Phone", False)]
