"""A token's life in the admin: issued for a purpose, watched, rotated, narrowed, revoked."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from apitokens import usage
from apitokens.models import ApiToken, TokenEvent, TokenUsage
from apitokens.scopes import presets
from tests.support.admin import admin_as, errors_of, messages_of, text_of
from tests.support.factories import issue_token, make_user
from tests.support.token_pages import ADD, LIST, call, change_url, code_of, form_data, page_url
from users.models import User

NEEDS_NOTHING = (
    "This token cannot be narrowed: it has never been used, or its scopes have no effect."
)


def make_used(token: ApiToken, *scopes: str) -> None:
    """Let calls be counted that the service has not written yet."""
    for scope in scopes:
        usage.buffer.note(token.pk, [scope], None, allowed=True)


def events_of(token: ApiToken) -> list[tuple[str, str, str | None, str]]:
    """What was done to a token, without its issue by a test."""
    events = TokenEvent.objects.filter(token=token).exclude(actor="the service")
    return [(event.action, event.actor, event.address, event.detail) for event in events]


def part_of(response: Any, heading: str) -> str:
    """The words of a section of the page."""
    found = re.search(rf"<h2>{heading}</h2>(.*?)</section>", response.content.decode(), re.DOTALL)
    assert found
    return text_of(found[1])


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.key)
def test_a_purpose_stands_for_its_scopes_without_a_script(
    administrator: User, preset: Any
) -> None:
    data = form_data(administrator, preset=preset.key, scopes=[])
    assert code_of(admin_as(administrator).post(ADD, data), "secret")
    assert ApiToken.objects.get().scopes == [*preset.scopes]


def test_what_is_ticked_counts_more_than_the_purpose(administrator: User) -> None:
    data = form_data(administrator, preset="full-user", scopes=["read:tasks"])
    admin_as(administrator).post(ADD, data)
    assert ApiToken.objects.get().scopes == ["read:tasks"]


def test_admin_access_is_refused_for_an_ordinary_user(administrator: User, owner: User) -> None:
    data = form_data(owner, preset="admin", scopes=[])
    assert errors_of(admin_as(administrator).post(ADD, data)) == {
        "scopes": ["Only administrators' tokens may have admin:all."]
    }


def test_the_page_of_a_privileged_token_warns(administrator: User, owner: User) -> None:
    browser = admin_as(administrator)
    warned = browser.post(ADD, form_data(administrator, scopes=["admin:all", "read:*"]))
    assert "admin:all, read:* give access to everyone's data" in text_of(warned.content.decode())
    other = browser.post(ADD, form_data(owner))
    assert "everybody's data" not in other.content.decode()


def test_networks_are_read_and_named_if_they_are_none(administrator: User, owner: User) -> None:
    browser = admin_as(administrator)
    refused = browser.post(ADD, form_data(owner, allowed_networks="10.0.0.1/8"))
    assert errors_of(refused) == {
        "allowed_networks": ["“10.0.0.1/8” has host bits set; did you mean 10.0.0.0/8?"]
    }
    networks = "10.0.0.0/8\r\n2001:db8::1"
    secret = code_of(browser.post(ADD, form_data(owner, allowed_networks=networks)), "secret")
    assert ApiToken.objects.get().allowed_networks == ["10.0.0.0/8", "2001:db8::1/128"]
    assert call(secret) == 401


def test_issue_and_changes_are_recorded(administrator: User, owner: User) -> None:
    browser = admin_as(administrator)
    browser.post(ADD, form_data(owner), REMOTE_ADDR="192.0.2.9")
    token = ApiToken.objects.get()
    form = {"name": "Dashboard", "description": "On the wall", "allowed_networks": ""}
    browser.post(change_url(token), form)
    form |= {"name": "Board", "description": "In the hall", "allowed_networks": "10.0.0.0/8"}
    browser.post(change_url(token), form)
    browser.post(change_url(token), form | {"allowed_networks": "10.0.0.0/8\r\n"})
    assert events_of(token) == [
        ("issued", "ada", "192.0.2.9", "read:projects"),
        (
            *("changed", "ada", "127.0.0.1"),
            "name: Dashboard → Board; allowed networks: anywhere → 10.0.0.0/8; description",
        ),
    ]
    page = text_of(browser.get(change_url(token)).content.decode())
    assert "changed by ada from 127.0.0.1 name: Dashboard → Board" in page


def test_the_page_tells_what_the_token_is_used_for(administrator: User, owner: User) -> None:
    token, _ = issue_token(owner, "write:tasks", "read:users", name="Script")
    today = timezone.now().date()
    for before, scope, calls, refused in (
        (0, "read:tasks", 7, 0),
        (2, "read:tasks", 20, 0),
        (2, "read:clients", 0, 5),
        (40, "read:reports", 0, 3),
    ):
        TokenUsage.objects.create(
            token=token,
            day=today - timedelta(days=before),
            scope=scope,
            calls=calls,
            refused=refused,
        )
    page = admin_as(administrator).get(change_url(token))
    assert part_of(page, "Calls in the last 30 days").startswith(
        "27 calls, 5 refused for a missing scope; at most 25 in a day. Days are in UTC."
    )
    titles = re.findall(r"<title>(\d.*?)</title>", page.content.decode())
    assert len(titles) == 30
    assert [title for title in titles if not title.endswith(": 0 calls")] == [
        f"{today - timedelta(days=2)}: 20 calls, 5 refused",
        f"{today}: 7 calls",
    ]
    assert part_of(page, "Scopes") == (
        "Never used: read:users. Narrow removes them."
        " write:tasks used Create, update and delete tasks"
        " read:users never used View one's own user information"
        " Refused for missing read:clients (5 times), read:reports (3 times)."
    )


def test_an_unused_token_says_so(administrator: User, owner: User) -> None:
    token, _ = issue_token(owner, "read:tasks")
    page = admin_as(administrator).get(change_url(token))
    assert part_of(page, "Calls in the last 30 days") == "0 calls. Days are in UTC."
    assert part_of(page, "Scopes").startswith("None of the scopes has ever been used.")
    assert page_url(token, "narrow") not in page.content.decode()


def test_list_and_page_show_calls_that_were_just_made(administrator: User, owner: User) -> None:
    token, _ = issue_token(owner, "read:tasks")
    browser = admin_as(administrator)
    make_used(token, "read:tasks")
    assert "just now" in browser.get(LIST).content.decode()
    make_used(token, "read:tasks")
    assert "2 calls;" in text_of(browser.get(change_url(token)).content.decode())


@pytest.mark.parametrize(
    ("hours", "old_status", "words"),
    [
        pytest.param("24", 200, "which is valid until", id="a day"),
        pytest.param("0", 401, "revoked", id="compromised"),
    ],
)
def test_rotating_shows_the_new_secret_once(
    administrator: User, owner: User, hours: str, old_status: int, words: str
) -> None:
    old, secret = issue_token(owner, "read:projects", name="Script")
    browser = admin_as(administrator)
    assert call(secret) == 200
    assert browser.get(page_url(old, "rotate")).context["form"]["overlap_hours"].value() == 24
    response = browser.post(page_url(old, "rotate"), {"overlap_hours": hours})
    new = code_of(response, "secret")
    assert (call(secret), call(new)) == (old_status, 200)
    assert f"Replaces{old}, {words}" in text_of(response.content.decode())
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    assert str(LogEntry.objects.get()) == f"Changed “{old}” — Rotated."

    again = browser.post(page_url(old, "rotate"), {"overlap_hours": hours})
    done = "rotated" if hours == "24" else "revoked"
    assert again.context["form"].non_field_errors() == [f"This token has already been {done}."]
    assert ApiToken.objects.count() == 2
    successor = ApiToken.objects.get(rotated_from=old)
    assert f"Replaced by {successor.prefix}…" in text_of(
        browser.get(change_url(old)).content.decode()
    )
    assert f"Replaces {old.prefix}…" in text_of(
        browser.get(change_url(successor)).content.decode()
    )


@pytest.mark.parametrize("hours", ["", "2", "-1", "x"])
def test_another_overlap_is_refused(administrator: User, owner: User, hours: str) -> None:
    token, _ = issue_token(owner, "read:projects")
    response = admin_as(administrator).post(page_url(token, "rotate"), {"overlap_hours": hours})
    assert list(response.context["form"].errors) == ["overlap_hours"]
    assert ApiToken.objects.count() == 1


def test_narrowing_asks_first(administrator: User, owner: User) -> None:
    token, secret = issue_token(owner, "write:projects", "read:users", name="Script")
    assert call(secret) == 200
    browser = admin_as(administrator)
    asked = browser.get(page_url(token, "narrow")).content.decode()
    assert "<del><code>write:projects</code></del>" in asked
    assert "<ins><code>read:projects</code></ins>" in asked
    token.refresh_from_db()
    assert token.scopes == ["write:projects", "read:users"]
    response = browser.post(page_url(token, "narrow"))
    assert (response.status_code, response["Location"]) == (302, change_url(token))
    assert messages_of(response) == [f"{token} keeps read:projects."]
    assert (call(secret), call(secret, "/api/v1/users/me")) == (200, 403)
    assert events_of(token)[0][:3] == ("narrowed", "ada", "127.0.0.1")
    assert str(LogEntry.objects.get()) == f"Changed “{token}” — Narrowed."


def test_the_action_narrows_what_was_selected(administrator: User, owner: User) -> None:
    used, unused = (issue_token(owner, "read:tasks", "read:users")[0] for _ in range(2))
    make_used(used, "read:tasks")
    browser = admin_as(administrator)
    data = {"action": "narrow_selected", "_selected_action": [used.pk, unused.pk]}
    asked = text_of(browser.post(LIST, data).content.decode())
    assert (
        f"{unused.name} {unused.prefix}… of olga has never been used; it will not change" in asked
    )
    response = browser.post(LIST, data | {"confirmed": "yes"})
    assert (response.status_code, response["Location"]) == (302, LIST)
    assert messages_of(response) == [
        f"{used} keeps read:tasks.",
        f"{unused}: {NEEDS_NOTHING}",
    ]


def test_revoking_one_asks_about_all_of_the_user(administrator: User, owner: User) -> None:
    one, two, three = (issue_token(owner, "read:tasks", name=name)[0] for name in "ABC")
    other, _ = issue_token(make_user("carl"), "read:tasks")
    browser = admin_as(administrator)
    asked = text_of(browser.get(page_url(one, "revoke")).content.decode())
    assert f"olga has 2 other tokens that are not revoked: {three}, {two}." in asked
    response = browser.post(page_url(one, "revoke"), {"all": "Revoke all tokens of olga"})
    assert messages_of(response) == ["3 tokens revoked."]
    assert ApiToken.objects.get(revoked_at=None) == other
    assert [events_of(token) for token in (one, two, three)] == [
        [("revoked", "ada", "127.0.0.1", "")]
    ] * 3


@pytest.mark.parametrize("page", ["rotate", "narrow", "revoke"])
def test_an_unknown_token_has_no_pages(administrator: User, page: str) -> None:
    url = page_url(ApiToken(pk=999), page)
    browser = admin_as(administrator)
    assert (browser.get(url).status_code, browser.post(url).status_code) == (404, 404)
