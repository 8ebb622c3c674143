"""Every caller makes every call there is: the routes come from the URL conf."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.urls import get_resolver
from pytest_django import Settings
from rest_framework.test import APIClient

from apitokens.models import ApiToken
from projects.models import FavoriteProject
from tests.support.authorisation import CALLERS, Call, Caller, calls, expected
from tests.support.errors import error_of
from tests.support.examples import RESOURCES, change_of, make_row, path_of, smallest_body_of
from tests.support.factories import NINE, make_entry, make_project, make_user
from tests.support.routes import LOGINS, METHODS, NOT_THE_API, PUBLIC, REPORTS, ROUTES, WITH_BODY
from users.models import User

pytestmark = pytest.mark.same_on_both

MISSING = 999_999
EACH = timedelta(hours=7.5)  # lasts the example of a time entry

# One of each kind, for `make test`: each makes 400 calls, and `test_every_endpoint` asks every
# operation about every scope.
FAST = (
    *("none", "revoked", "user: no scope", "user: write:time_entries", "user: all of these"),
    *("demoted: *", "admin: no scope", "admin: read:time_entries", "admin: *"),
)


def make_caller(caller: Caller) -> tuple[User, str | None]:
    """The user of a caller, and what is sent as token; an administrator may have been one."""
    user = make_user(
        "olga", is_superuser=caller.administrator, is_staff=caller.name.startswith("staff")
    )
    # Not issue(): it would refuse what a demoted user's token still holds.
    token = ApiToken(user=user, name="token", scopes=list(caller.scopes))
    secret: str | None = token.set_secret()
    match caller.name:
        case "none":
            secret = None
        case "malformed":
            secret = "tt_"
        case "unknown":
            secret = f"tt_{32 * '0'}"
        case "expired":
            token.expires_at = NINE
        case "revoked":
            token.revoked_at = NINE
        case "inactive":
            User.objects.filter(pk=user.pk).update(is_active=False)
    token.save()
    return user, secret


class Office:
    """What a call can be about: rows of the caller's, of a colleague's, and none."""

    def __init__(self, user: User) -> None:
        colleague = make_user("carl")
        self.project = make_project("Work")
        self.users = {"own": user.pk, "other's": colleague.pk, "missing": MISSING}
        self.rows: dict[str, list[Any]] = {}
        self.bodies: dict[str, dict[str, Any]] = {
            "api/v1/timer/start": {"project_id": self.project.pk},
            "api/v1/billing": {"reference": "A", "start_date": "2024-01-01"},
            "api/v1/auth/login": {"username": user.get_username(), "password": "pass-word-1"},
        }
        for viewset in RESOURCES.values():
            path = path_of(viewset).strip("/")
            own, other = make_row(viewset, user, 2), make_row(viewset, colleague, 3)
            self.rows[f"{path}/<id>"] = [own, other]
            body = smallest_body_of(viewset, user, 4)
            self.bodies[path] = self.bodies[f"{path}/by-external-id/<id>"] = body
            self.bodies[f"{path}/<id>"] = change_of(viewset)
            self.bodies[f"{path}/bulk"] = {"operations": [{"op": "create", "data": body}]}
        favorites = "api/v1/users/me/favorites/projects"
        self.rows[f"{favorites}/<id>"] = marked = [make_project(name) for name in ("One", "Two")]
        for project in marked:  # both the caller's: another's are not there
            FavoriteProject.objects.create(user=user, project=project)
        self.bodies[favorites] = {"project_id": self.project.pk}
        make_entry(colleague, self.project, lasting=EACH)
        make_entry(colleague, self.project, lasting=None)  # counts for nobody

    def path(self, call: Call) -> str:
        """The path and the query of a call."""
        own, other = self.rows.get(call.route, (None, None))
        row = {"own": own, "other's": other}.get(call.whose)
        query = []
        if call.user_id and call.method not in WITH_BODY:
            query.append(f"user_id={self.users[call.user_id]}")
        if call.route == "api/v1/reports/weekly":
            query.append(f"week={NINE.date()}")
        elif call.route in REPORTS:
            query.append("start_date=2024-01-01&end_date=2024-01-31")
        path = call.route.replace("<id>", str(row.pk if row else MISSING))
        return f"/{path}?{'&'.join(query)}"

    def body(self, call: Call) -> str:
        """The body of a call: good but for what the call says."""
        if call.method not in WITH_BODY:
            return ""
        if call.body == "unreadable":
            return "{"
        data: dict[str, Any] = {} if call.body == "good" else {"nonsense": 1}
        if call.user_id:
            data["user_id"] = self.users[call.user_id]
        return json.dumps(data | self.bodies.get(call.route, {}))


def answer(api: APIClient, office: Office, call: Call, address: str) -> str:
    """Send a call and return its answer as `expected` words it; what it wrote is undone."""
    with transaction.atomic():
        response = api.generic(
            call.method,
            office.path(call),
            office.body(call),
            "application/json",
            REMOTE_ADDR=address,
        )
        transaction.set_rollback(True)
    if call.method == "HEAD":
        return str(response.status_code)
    if response.status_code >= 400:
        error = error_of(response)
        return f"{response.status_code} {error.get('required_scope') or error['error_code']}"
    return f"{response.status_code}{counted(response, call)}"


def counted(response: Any, call: Call) -> str:
    """How many entries a list or a report counts, where that tells whose they are."""
    if call.method != "GET":
        return ""
    match call.route:
        case "api/v1/time-entries" | "api/v1/reports/entries":
            return f" of {response.json()['pagination']['total']}"
        case "api/v1/reports/summary":
            return f" of {response.json()['summary']['total_entries']}"
        case "api/v1/reports/weekly":
            return f" of {timedelta(seconds=response.json()['weekly']['total_seconds']) // EACH}"
    return ""


def test_every_route_has_its_row() -> None:
    patterns = (str(entry.pattern).strip("^$") for entry in get_resolver().url_patterns)
    routes = {re.sub(r"\(\?P<\w+>.*?[}+]\)", "<id>", pattern) for pattern in patterns}

    assert routes == {*ROUTES, *LOGINS, *PUBLIC, *NOT_THE_API}


@pytest.mark.django_db
@pytest.mark.parametrize("route", PUBLIC)
def test_a_public_route_needs_no_token_and_minds_no_bad_one(route: str) -> None:
    for api in (APIClient(), APIClient(HTTP_AUTHORIZATION="Bearer nobody")):
        answers = {method: api.generic(method, f"/{route}").status_code for method in METHODS}

        refused = dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), 405)
        assert answers == {"GET": 200, "HEAD": 200, "OPTIONS": 200} | refused


@pytest.mark.django_db
@pytest.mark.parametrize(
    "caller",
    [
        pytest.param(caller, id=caller.name, marks=() if caller.name in FAST else pytest.mark.slow)
        for caller in CALLERS
    ],
)
def test_every_call_is_answered_as_the_contract_decides(
    caller: Caller, settings: Settings
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_HOUR = 100_000
    user, secret = make_caller(caller)
    office = Office(user)
    api = APIClient() if secret is None else APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")

    # Each from another address: one address may send only 30 bad tokens a minute.
    answers = {
        str(call): answer(api, office, call, f"192.0.2.{number % 32}")
        for number, call in enumerate(calls())
    }

    assert answers == {str(call): expected(caller, call) for call in calls()}
