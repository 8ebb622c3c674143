"""A dialect is a property of a token: set at login, changed in the admin, unseen by others."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apitokens import life
from apitokens.models import SERVICE, ApiToken, TokenEvent
from projects.models import Project
from registry import declared
from tests.dialects.originals import APPS, DESKTOP, EXTENSION, MOBILE, Installed
from tests.logins.logging_in import BROWSER, app_of, log_in
from tests.support.admin import admin_as
from tests.support.errors import error_of
from tests.support.factories import api_as, issue_token, make_client, make_entry, make_task
from tests.support.routes import ROUTES
from tests.support.token_pages import ADD, change_url, code_of, form_data
from timetracker.dialects.urls import urlpatterns
from users.models import User
from values.credentials import digest_of, imported_digest

INVALID = {
    "error": "Invalid token",
    "message": "The provided API token is invalid or expired",
    "error_code": "unauthorized",
}
OURS_ALONE = (
    *("timer/heartbeat", "kanban/columns", "invoices", "invoices/7", "reports/capacity"),
    *("clients/1/notes", "time-entries/1/request-approval", "time-off/requests"),
)


def speaks(name: str, user: User, *scopes: str) -> APIClient:
    """A client that sends a token with a dialect, which an administrator chose."""
    _, secret = issue_token(user, *scopes, dialect=name)
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")


@pytest.mark.parametrize("app", APPS)
def test_the_app_that_logs_in_gives_its_token_the_dialect(app: str, owner: User) -> None:
    Installed(APPS[app])
    token = ApiToken.objects.get()
    assert (token.dialect, token.from_login) == (app, True)


@pytest.mark.parametrize(
    ("agent", "origin"),
    [
        pytest.param(BROWSER, "https://time.example", id="a page"),
        pytest.param(BROWSER, "null", id="a file"),
        pytest.param("My app/1.0 Dart/3.5 (dart:io)", "", id="another app made with Dart"),
        pytest.param("curl/8.5.0", "", id="curl"),
        pytest.param("", "", id="nothing"),
        pytest.param(BROWSER, "https://chrome-extension", id="a host of that name"),
    ],
)
def test_other_apps_get_no_dialect(agent: str, origin: str, owner: User) -> None:
    headers = {"HTTP_ORIGIN": origin} if origin else {}
    assert log_in(device=agent, **headers).status_code == 200
    assert ApiToken.objects.get().dialect == ""


def test_extensions_of_all_browsers_are_recognized(owner: User) -> None:
    for scheme in ("chrome-extension", "moz-extension", "safari-web-extension"):
        Installed(replace(EXTENSION, writing={"Origin": f"{scheme}://abc"}))
    assert {token.dialect for token in ApiToken.objects.all()} == {"extension"}


def test_an_answer_to_a_login_has_what_the_app_reads_of_users(owner: User) -> None:
    user = log_in(device=DESKTOP.headers["User-Agent"]).json()["user"]
    assert user == Installed(DESKTOP).json("GET", "/api/v1/users/me")["user"]
    assert (user["display_name"], user["is_admin"]) == ("olga", False)


def test_an_app_acts_for_an_administrator_without_the_role(administrator: User) -> None:
    installed = Installed(DESKTOP, "ada")
    before = installed.json("GET", "/api/v1/users/me")["user"]
    ApiToken.objects.update(administrator_rights=True)
    after = installed.json("GET", "/api/v1/users/me")["user"]
    assert [(each["role"], each["is_admin"]) for each in (before, after)] == [
        ("admin", False),
        ("admin", True),
    ]


@pytest.mark.parametrize("name", APPS)
def test_a_token_with_a_dialect_may_come_as_token(name: str, owner: User) -> None:
    _, secret = issue_token(owner, "read:projects", dialect=name)
    for scheme in ("Token", "token", "Bearer"):
        client = APIClient(HTTP_AUTHORIZATION=f"{scheme} {secret}")
        assert client.get("/api/v1/projects").status_code == 200


def test_other_tokens_see_nothing_of_it(owner: User, project: Project) -> None:
    _, secret = issue_token(owner, "write:tasks", "write:time_entries", "read:users")
    refused = APIClient(HTTP_AUTHORIZATION=f"Token {secret}").get("/api/v1/tasks")
    assert (refused.status_code, error_of(refused)) == (401, INVALID)

    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    entry = make_entry(owner, project)
    shown = client.get(f"/api/v1/time-entries/{entry.pk}").json()["time_entry"]
    assert shown.keys().isdisjoint({"duration_formatted", "project", "source", "is_active"})
    assert client.get("/api/v1/timer/status").json() == {"active": False, "timer": None}
    assert client.get("/api/v1/users/me").json().keys() == {"user"}
    body = {"project_id": project.pk, "template_id": 3}
    assert client.post("/api/v1/timer/start", body).status_code == 400
    client.post("/api/v1/timer/start", {"project_id": project.pk})
    assert client.post("/api/v1/timer/resume").json()["error_code"] == "timer_not_paused"
    assert "enabled_modules" not in client.get("/api/v1/info").json()


@pytest.mark.parametrize("path", OURS_ALONE)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("who", ["nobody", "a bad token", "another token"])
def test_to_others_a_path_of_the_dialects_is_any_unknown_path(
    who: str, method: str, path: str, owner: User
) -> None:
    secrets = {"a bad token": "tt_" + "0" * 32}
    if who == "another token":
        secrets[who] = issue_token(owner, "write:tasks", "write:time_entries")[1]
    headers = {"Authorization": f"Bearer {secrets[who]}"} if who in secrets else {}

    def ask(path: str) -> Any:
        answer = Client().generic(method, f"/api/v1/{path}?a=b", headers=headers)
        body = answer.content.decode().replace(answer["X-Request-ID"], "…").replace(path, "…")
        shown = {name: value for name, value in answer.items() if name != "X-Request-ID"}
        shown.pop("Content-Length", None)
        return answer.status_code, body, shown

    assert ask(path) == ask("nothing/here")
    assert ask(f"{path}/") == ask("nothing/here/")


def test_the_published_api_has_none_of_it() -> None:
    assert {str(route.pattern) for route in urlpatterns}
    endpoints = Client().get("/api/v1/info").json()["endpoints"]
    assert not [name for name in endpoints if "kanban" in name or "heartbeat" in name]
    assert "kanban" not in Client().get("/api/schema").content.decode()


def test_a_changed_dialect_is_not_answered_304(owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    make_task(project)
    token, secret = issue_token(owner, "write:time_entries", "read:tasks", "read:users")
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    paths = [
        f"/api/v1/{path}"
        for path in ("time-entries", f"time-entries/{entry.pk}", "timer/status", "users/me")
    ]
    for before, after in [("", "desktop"), ("desktop", "mobile"), ("mobile", "")]:
        ApiToken.objects.filter(pk=token.pk).update(dialect=before)
        tags = {path: client.get(path)["ETag"] for path in paths}
        for dialect, status in [(before, 304), (after, 200)]:
            ApiToken.objects.filter(pk=token.pk).update(dialect=dialect)
            for path, tag in tags.items():
                assert client.get(path, HTTP_IF_NONE_MATCH=tag).status_code == status


def test_another_time_zone_is_not_answered_304_to_the_phone(owner: User, project: Project) -> None:
    path = f"/api/v1/time-entries/{make_entry(owner, project).pk}"
    phone = speaks("mobile", owner, "read:time_entries")
    tag = phone.get(path)["ETag"]
    assert phone.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 304
    User.objects.update(time_zone="Asia/Kathmandu")
    moved = phone.get(path, HTTP_IF_NONE_MATCH=tag)
    assert moved.json()["time_entry"]["start_time"] == "2024-01-15T14:45:00"


def test_an_entity_tag_of_a_dialect_conditions_a_write(owner: User, project: Project) -> None:
    path = f"/api/v1/time-entries/{make_entry(owner, project).pk}"
    phone = speaks("mobile", owner, "write:time_entries")
    tag = phone.get(path)["ETag"]
    assert phone.patch(path, {"notes": "a"}, HTTP_IF_MATCH=tag).status_code == 200
    assert phone.patch(path, {"notes": "b"}, HTTP_IF_MATCH=tag).status_code == 412


def test_a_row_of_the_phone_has_all_that_ours_has(owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    path = f"/api/v1/time-entries/{entry.pk}"
    ours = api_as(owner, "read:time_entries").get(path).json()["time_entry"]
    row = speaks("mobile", owner, "read:time_entries").get(path).json()["time_entry"]
    local = {name: str(ours[name]).removesuffix("Z") for name in ("start_time", "end_time")}
    local |= {name: str(ours[name]).removesuffix("Z") for name in ("created_at", "updated_at")}
    assert row == {
        **ours,
        **local,
        "duration_formatted": "01:00:00",
        "user": "olga",
        "project": "Site",
        "task": None,
        "client": None,
        "is_active": False,
        "source": "manual",
        "paid": False,
        "invoice_number": None,
    }


def test_what_was_shown_may_be_sent_back(owner: User, project: Project) -> None:
    app = speaks("desktop", owner, "write:time_entries", "write:projects", "write:tasks")
    rows = {
        f"time-entries/{make_entry(owner, project).pk}": "time_entry",
        f"projects/{project.pk}": "project",
        f"tasks/{make_task(project).pk}": "task",
    }
    for path, key in rows.items():
        shown = app.get(f"/api/v1/{path}").json()[key]
        answer = app.put(f"/api/v1/{path}", shown)
        assert (answer.status_code, answer.json()[key]) == (200, shown)


def test_other_bodies_are_left_alone(administrator: User, project: Project) -> None:
    """Fields of these names may mean something there: to bill for a client, say."""
    app = speaks("desktop", administrator, "admin:all")
    for path in ("billing", "webhooks", "rates"):
        answer = app.post(f"/api/v1/{path}", {"client": 1, "source": 2})
        assert {"client", "source"} <= answer.json()["errors"].keys(), path


def test_a_report_is_the_same_in_every_dialect(owner: User, project: Project) -> None:
    make_entry(owner, project)
    path = "/api/v1/reports/entries?start_date=2024-01-01&end_date=2024-01-31"
    plain = api_as(owner, "read:reports").get(path).json()
    assert speaks("mobile", owner, "read:reports").get(path).json() == plain


@pytest.mark.parametrize("name", APPS)
def test_every_route_answers_in_every_dialect(
    name: str, administrator: User, project: Project
) -> None:
    """What an answer holds under a name of ours need not be a row of ours."""
    make_task(project)
    make_client()
    make_entry(administrator, project)
    plain, app = api_as(administrator, "*"), speaks(name, administrator, "*")
    asked = [
        (method, route)
        for route, scopes in ROUTES.items()
        for method in scopes.keys() & {"GET", "POST"}
        if "<" not in route and route != "api/v1/timer/start"
    ]
    for method, route in asked:
        answers = [
            getattr(client, method.lower())(
                f"/{route}", **({} if method == "GET" else {"data": {}})
            )
            for client in (plain, app)
        ]
        assert answers[0].status_code == answers[1].status_code < 500, route
        assert answers[0].json().keys() <= answers[1].json().keys(), route


def test_an_unknown_dialect_is_none(owner: User) -> None:
    assert "klingon" not in declared.dialects()
    plain = api_as(owner, "read:users").get("/api/v1/users/me").json()
    assert speaks("klingon", owner, "read:users").get("/api/v1/users/me").json() == plain


def test_kanban_columns_want_an_id(owner: User) -> None:
    app = speaks("desktop", owner, "read:tasks")
    answer = app.get("/api/v1/kanban/columns?project_id=site")
    assert answer.json()["errors"] == {"project_id": ["Must be an id: a whole number."]}
    assert app.get("/api/v1/kanban/columns").status_code == 200
    assert app.post("/api/v1/kanban/columns", {}).status_code == 405
    assert speaks("desktop", owner, "read:users").get("/api/v1/kanban/columns").status_code == 403


def test_a_rotated_token_keeps_the_dialect(owner: User) -> None:
    token, _ = issue_token(owner, "read:projects", dialect="mobile")
    successor, _ = life.rotate(token, SERVICE, now=token.created_at)
    assert successor.dialect == "mobile"


def test_an_imported_token_learns_its_app_at_its_first_use(owner: User) -> None:
    secret = "tt_" + "a-b_" * 8
    token, _ = issue_token(owner, "read:time_entries")
    stored = imported_digest(sha256(secret.encode()).hexdigest())
    ApiToken.objects.filter(pk=token.pk).update(digest=stored)
    phone = Installed.__new__(Installed)
    phone.app, phone.token = MOBILE, secret
    assert phone.json("GET", "/api/v1/timer/status")["idle_timeout_minutes"] == 30
    token.refresh_from_db()
    assert (token.dialect, token.digest) == ("mobile", digest_of(secret))

    ApiToken.objects.filter(pk=token.pk).update(dialect="")  # an administrator knows better
    assert "idle_notified" not in phone.json("GET", "/api/v1/timer/status")


def test_the_admin_shows_and_changes_it(administrator: User, owner: User) -> None:
    admin = admin_as(administrator)
    app = app_of(device=MOBILE.headers["User-Agent"])
    token = ApiToken.objects.get()
    page = admin.get(change_url(token)).content.decode()
    assert '<option value="mobile" selected>Mobile app</option>' in page
    data = {"name": token.name, "description": "", "allowed_networks": "", "dialect": "desktop"}
    assert admin.post(change_url(token), data).status_code == 302
    token.refresh_from_db()
    assert token.dialect == "desktop"
    [event] = TokenEvent.objects.filter(token=token, action=TokenEvent.Action.CHANGED)
    assert "dialect: mobile → desktop" in event.detail
    assert app.get("/api/v1/users/me").json()["user"]["display_name"] == "olga"


def test_the_admin_issues_a_token_with_one(administrator: User, owner: User) -> None:
    response = admin_as(administrator).post(ADD, form_data(owner, dialect="extension"))
    secret = code_of(response, "secret")
    assert ApiToken.objects.get().dialect == "extension"
    client = APIClient(HTTP_AUTHORIZATION=f"Token {secret}")
    assert client.get("/api/v1/projects").status_code == 200


def test_the_admin_offers_only_known_ones(administrator: User, owner: User) -> None:
    response = admin_as(administrator).post(ADD, form_data(owner, dialect="klingon"))
    assert "klingon is not one of the available choices" in response.content.decode()
    assert not ApiToken.objects.exists()
