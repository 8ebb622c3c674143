"""The life of a token as an administrator sees it."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from apitokens.models import ApiToken, Performer, TokenEvent, TokenUsage
from tests.browser.visitor import Visitor
from tests.logins.logging_in import app_of
from tests.support.factories import issue_token, make_user
from users.models import User


def make_tokens(administrator: User) -> ApiToken:
    """Tokens in every state, and one of them with a month of use."""
    now, day = timezone.now(), timedelta(days=1)
    olga, carl = make_user("olga"), make_user("carl")
    by = Performer("ada", "203.0.113.7")
    timer = ["read:projects", "read:time_entries", "write:time_entries", "read:tasks"]
    tokens: list[tuple[str, User, list[str], dict[str, Any]]] = [
        ("Backup", administrator, ["admin:all"], {"expires_at": now + 30 * day}),
        ("Phone", carl, timer, {"revoked_at": now - day}),
        ("Invoices", olga, ["read:projects", "read:clients"], {"expires_at": now - day}),
        ("Wall display", carl, ["read:reports"], {"expires_at": now + 6.5 * day}),
        ("Desktop timer", olga, [*timer, "write:projects"], {"expires_at": now + 365 * day}),
    ]
    for name, user, scopes, fields in tokens:
        token, _ = ApiToken.issue(by, user=user, name=name, scopes=scopes, **fields)
    for number in range(30):
        TokenUsage.objects.create(
            token=token,
            day=now.date() - number * day,
            scope="write:time_entries" if number % 2 else "read:projects",
            calls=(number * 37) % 90 + 10,
        )
    TokenUsage.objects.create(
        token=token, day=now.date() - 3 * day, scope="read:users", refused=12
    )
    used = {"last_used_at": now - timedelta(hours=7, minutes=5), "last_address": "203.0.113.7"}
    ApiToken.objects.filter(pk=token.pk).update(**used)
    return token


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("changelist", id="list"),
        pytest.param("change", id="token"),
        pytest.param("rotate", id="rotate"),
        pytest.param("narrow", id="narrow"),
        pytest.param("revoke", id="revoke"),
    ],
)
def test_pages_of_tokens_fit_and_can_be_used_by_everybody(
    visitor: Visitor, administrator: User, page: str
) -> None:
    token = make_tokens(administrator)
    visitor.log_in(administrator)
    of_one = [] if page == "changelist" else [token.pk]
    visitor.open(reverse(f"admin:apitokens_apitoken_{page}", args=of_one))
    visitor.look(f"tokens-{page}")


def status_of(visitor: Visitor, secret: str, path: str = "/api/v1/projects") -> int:
    """What the API answers a secret with."""
    headers = {"Authorization": f"Bearer {secret}"}
    return visitor.page.request.get(visitor.address + path, headers=headers).status


def test_issue_a_token_and_use_it(visitor: Visitor, administrator: User, owner: User) -> None:
    visitor.log_in(administrator)
    visitor.open("/admin/api-tokens")
    page = visitor.page
    page.get_by_role("link", name="Create token").click()
    page.get_by_label("Name").fill("Phone")
    page.get_by_role("combobox", name="User").click()
    page.locator(".select2-search__field").fill("olg")
    page.get_by_role("option", name="olga").click()
    page.get_by_label("Mobile timer app").check()
    expect(page.get_by_label("write:time_entries")).to_be_checked()
    page.get_by_label("read:tasks").uncheck()
    expect(page.get_by_label("Mobile timer app")).not_to_be_checked()
    page.get_by_role("button", name="Create token").click()

    secret = page.locator("#secret").inner_text()
    page.get_by_role("button", name="Copy token").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    visitor.look("tokens-created")
    assert status_of(visitor, secret) == 200
    assert status_of(visitor, secret, "/api/v1/clients") == 403
    token = ApiToken.objects.get()
    assert (token.user, token.scopes) == (
        owner,
        ["read:projects", "read:time_entries", "write:time_entries"],
    )
    page.get_by_role("link", name="Back to the API tokens").click()
    expect(page.get_by_role("row", name="Phone")).to_contain_text("just now")


def test_a_wrong_form_says_what_is_wrong(
    visitor: Visitor, administrator: User, owner: User
) -> None:
    visitor.log_in(administrator)
    visitor.open(reverse("admin:apitokens_apitoken_add"))
    visitor.page.get_by_label("Admin access").check()
    visitor.page.get_by_label("Allowed networks").fill("home")
    visitor.page.get_by_role("button", name="Create token").click()
    expect(visitor.page.get_by_text("“home” is neither an address")).to_be_visible()
    visitor.look("tokens-form")


def test_revoke_a_token_and_be_refused(visitor: Visitor, administrator: User, owner: User) -> None:
    token, secret = issue_token(owner, "read:projects", name="Phone")
    assert status_of(visitor, secret) == 200
    visitor.log_in(administrator)
    visitor.open(reverse("admin:apitokens_apitoken_change", args=[token.pk]))
    visitor.page.get_by_role("link", name="Revoke").click()
    visitor.page.get_by_role("button", name="Revoke token").click()
    expect(visitor.page.get_by_text("1 token revoked.")).to_be_visible()
    assert status_of(visitor, secret) == 401


def test_rotate_a_token_and_change_over(
    visitor: Visitor, administrator: User, owner: User
) -> None:
    token, old = issue_token(owner, "read:projects", name="Phone")
    visitor.log_in(administrator)
    visitor.open(reverse("admin:apitokens_apitoken_change", args=[token.pk]))
    visitor.page.get_by_role("link", name="Rotate").click()
    visitor.page.get_by_role("button", name="Rotate token").click()
    new = visitor.page.locator("#secret").inner_text()
    assert [status_of(visitor, secret) for secret in (old, new)] == [200, 200]

    visitor.open(reverse("admin:apitokens_apitoken_changelist"))
    visitor.page.get_by_role("link", name="Phone").first.click()
    visitor.page.get_by_role("link", name="Rotate").click()
    visitor.page.get_by_label("the secret may be compromised").check()
    visitor.page.get_by_role("button", name="Rotate token").click()
    newest = visitor.page.locator("#secret").inner_text()
    assert [status_of(visitor, secret) for secret in (new, newest)] == [401, 200]


def test_an_app_login_is_shown_and_widened(
    visitor: Visitor, administrator: User, owner: User
) -> None:
    app_of("ada")
    visitor.log_in(administrator)
    visitor.open(reverse("admin:apitokens_apitoken_changelist"))
    visitor.look("tokens-app-login-list")
    visitor.page.get_by_role("link", name="App login: Firefox on Linux").click()
    visitor.look("tokens-app-login")
    box = visitor.page.get_by_label("Administrator rights")
    expect(box).not_to_be_checked()
    box.check()
    visitor.page.get_by_role("button", name="Save", exact=True).click()
    assert ApiToken.objects.get().administrator_rights
    event = TokenEvent.objects.get(action="changed")
    assert event.detail == "administrator rights: False → True"
