"""Tokens in the admin: issued and shown once, and described."""

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from pytest_django import Settings

from apitokens.models import ApiToken
from apitokens.scopes import PRIVILEGED, known_scopes
from tests.support.admin import admin_as, errors_of, messages_of, text_of
from tests.support.factories import issue_token, make_administrator
from tests.support.racing import at_once
from tests.support.token_pages import ADD, LIST, call, change_url, code_of, form_data, revoke_url
from users.models import User
from values.credentials import digest_of


def test_the_documented_address_leads_to_the_list(administrator: User) -> None:
    response = admin_as(administrator).get("/admin/api-tokens", follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    assert response.status_code == 200
    assert "Create token" in re.findall(r'class="addlink">\s*(.*?)\s*<', response.content.decode())


def test_a_token_from_the_form_opens_the_api(administrator: User, owner: User) -> None:
    before = timezone.now()
    response = admin_as(administrator).post(ADD, form_data(owner))
    assert response.status_code == 200
    secret = code_of(response, "secret")
    token = ApiToken.objects.get()
    assert token.expires_at
    assert before <= token.expires_at - timedelta(days=365) <= timezone.now()
    assert (token.name, token.description, token.user, token.scopes, token.revoked_at) == (
        "Dashboard",
        "On the wall",
        owner,
        ["read:projects"],
        None,
    )
    assert (token.prefix, token.digest) == (secret[:8], digest_of(secret))
    assert call(secret) == 200
    assert call(secret, "/api/v1/tasks") == 403


def test_the_form_offers_every_scope_with_its_sentence(administrator: User) -> None:
    response = admin_as(administrator).get(ADD)
    groups = re.findall(
        r'<fieldset class="scope-group.*?">(.*?)</fieldset>', response.content.decode(), re.DOTALL
    )
    assert [text_of(group) for group in groups] == [
        "Projects read:projects View projects write:projects Create, update and archive projects",
        (
            "Time entries read:time_entries View time entries and the timer"
            " write:time_entries Create, update and delete time entries; the timer"
        ),
        "Tasks read:tasks View tasks write:tasks Create, update and delete tasks",
        "Clients read:clients View clients write:clients Create, update and delete clients",
        (
            "Rates read:rates View hourly rates"
            " write:rates Create, update and delete hourly rates (administrators)"
        ),
        (
            "Webhooks read:webhooks View webhooks and their deliveries"
            " write:webhooks Create, update, delete, test and replay webhooks"
        ),
        "Reports read:reports View reports",
        "Users read:users View one's own user information",
        (
            "Everything admin:all Full administrative access (use with caution)"
            " read:* Read all resources (administrators only)"
            " write:* Write all resources (administrators only)"
            " * Same as admin:all (administrators only)"
            " Only for administrators' tokens. Anyone who has such a token can read or change"
            " everyone's data: use it with extreme caution and set a short lifetime."
        ),
    ]
    assert response.context["adminform"].form["expires_in_days"].value() == 365
    assert '<input type="submit" value="Create token"' in response.content.decode()


def test_the_page_with_the_secret_is_kept_by_nobody(administrator: User, owner: User) -> None:
    response = admin_as(administrator).post(ADD, form_data(owner))
    assert response["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert response["Referrer-Policy"] == "no-referrer"
    assert messages_of(response) == []


def test_the_secret_is_nowhere_but_on_its_page(
    administrator: User, owner: User, caplog: pytest.LogCaptureFixture
) -> None:
    browser = admin_as(administrator)
    with caplog.at_level(logging.DEBUG):
        secret = code_of(browser.post(ADD, form_data(owner)), "secret")
    tables = [model for model in apps.get_models() if model._meta.managed]
    rows = [list(model._default_manager.values()) for model in tables]
    kept = [
        *rows,
        dict(browser.session),
        browser.cookies.output(),
        [record.getMessage() + str(record.__dict__) for record in caplog.records],
        [browser.get(url).content.decode() for url in (LIST, change_url(ApiToken.objects.get()))],
    ]
    assert LogEntry.objects.get().object_repr == f"Dashboard ({secret[:8]}…)"
    assert digest_of(secret) in str(rows)
    assert secret[len("tt_") + 5 :] not in str(kept)


@pytest.mark.parametrize("scope", list(known_scopes()))
def test_the_example_is_a_call_that_the_token_may_make(administrator: User, scope: str) -> None:
    data = form_data(administrator, scopes=[scope])
    response = admin_as(administrator).post(ADD, data)
    example = code_of(response, "example")
    found = re.fullmatch(r'curl -H "Authorization: Bearer (\w+)" http://testserver(/\S+)', example)
    assert found
    assert found[1] == code_of(response, "secret")
    assert call(found[1], found[2]) == 200


def test_the_example_has_the_public_address(
    administrator: User, owner: User, settings: Settings
) -> None:
    settings.BASE_URL = "https://time.example.com"
    response = admin_as(administrator).post(ADD, form_data(owner))
    assert code_of(response, "example") == (
        f'curl -H "Authorization: Bearer {code_of(response, "secret")}"'
        " https://time.example.com/api/v1/projects"
    )


def test_reloading_the_page_issues_no_second_token(administrator: User, owner: User) -> None:
    browser = admin_as(administrator)
    assert code_of(browser.post(ADD, form_data(owner)), "secret")
    response = browser.post(ADD, form_data(owner))
    assert errors_of(response) == {"__all__": ["This user already has a token with this name."]}
    assert ApiToken.objects.count() == 1


def test_the_name_of_a_revoked_token_is_free_again(administrator: User, owner: User) -> None:
    token, _ = issue_token(owner, "read:tasks", name="Dashboard")
    browser = admin_as(administrator)
    browser.post(revoke_url(token))
    assert call(code_of(browser.post(ADD, form_data(owner)), "secret")) == 200


@pytest.mark.django_db(transaction=True)
def test_racing_submits_issue_one_token() -> None:
    administrator = make_administrator()
    browsers = [admin_as(administrator) for _ in range(4)]
    posts = [lambda b=b: b.post(ADD, form_data(administrator)) for b in browsers]
    answers = at_once(posts)
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sum(b'id="secret"' in answer.content for answer in answers) == 1
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        pytest.param({"name": ""}, {"name": ["This field is required."]}, id="no name"),
        pytest.param({"user": ""}, {"user": ["This field is required."]}, id="no user"),
        pytest.param(
            {"user": "", "scopes": ["*"]},
            {"user": ["This field is required."]},
            id="no user, privileged scope",
        ),
        pytest.param({"scopes": []}, {"scopes": ["Select at least one scope."]}, id="no scope"),
        pytest.param(
            {"scopes": ["admin:all", "read:*"]},
            {"scopes": ["Only administrators' tokens may have admin:all, read:*."]},
            id="privileged scopes of an ordinary user",
        ),
        pytest.param(
            {"expires_in_days": "0"},
            {"expires_in_days": ["Ensure this value is greater than or equal to 1."]},
            id="no day",
        ),
        pytest.param(
            {"expires_in_days": "3651"},
            {"expires_in_days": ["Ensure this value is less than or equal to 3650."]},
            id="too many days",
        ),
        pytest.param(
            {"expires_in_days": "a year"},
            {"expires_in_days": ["Enter a whole number."]},
            id="no number",
        ),
    ],
)
def test_the_form_says_at_the_field_what_is_wrong(
    administrator: User, owner: User, fields: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    response = admin_as(administrator).post(ADD, form_data(owner, **fields))
    assert errors_of(response) == errors
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(("days", "life"), [("1", 1), ("3650", 3650), ("", None)])
def test_expiry(administrator: User, owner: User, days: str, life: int | None) -> None:
    before = timezone.now()
    admin_as(administrator).post(ADD, form_data(owner, expires_in_days=days))
    expires_at = ApiToken.objects.get().expires_at
    if life is None:
        assert expires_at is None
    else:
        assert expires_at
        assert before <= expires_at - timedelta(days=life) <= timezone.now()


def test_nothing_but_name_and_description_can_be_changed(
    administrator: User, owner: User, colleague: User
) -> None:
    token, secret = issue_token(owner, "read:projects")
    before = ApiToken.objects.values().get()
    data = form_data(colleague, scopes=["read:tasks"], expires_in_days="", digest="0", prefix="0")
    response = admin_as(administrator).post(change_url(token), data)
    assert (response.status_code, response["Location"]) == (302, LIST)
    named = {"name": "Dashboard", "folded_name": "dashboard"}
    after = before | named | {"description": "On the wall"}
    assert ApiToken.objects.values().get() == after
    assert call(secret) == 200


def test_a_rename_to_a_name_in_use_is_refused(administrator: User, owner: User) -> None:
    issue_token(owner, "read:projects", name="Dashboard")
    other, _ = issue_token(owner, "read:projects", name="Wall")
    response = admin_as(administrator).post(change_url(other), {"name": "Dashboard"})
    assert errors_of(response) == {"__all__": ["This user already has a token with this name."]}


def test_a_demoted_administrators_token_can_still_be_described(administrator: User) -> None:
    boss = make_administrator("boss")
    token, _ = issue_token(boss, "admin:all", "read:tasks", name="Old")
    User.objects.filter(pk=boss.pk).update(is_superuser=False)
    browser = admin_as(administrator)
    page = browser.get(change_url(token)).content.decode()
    assert [text_of(line) for line in re.findall(r"<li><code>.*?</li>", page)] == [
        "admin:all never used No effect: the user is not an administrator",
        "read:tasks never used View tasks",
    ]
    response = browser.post(change_url(token), {"name": "Old", "description": "The boss's"})
    assert (response.status_code, response["Location"]) == (302, LIST)
    assert ApiToken.objects.get().description == "The boss's"


def test_the_change_page_shows_no_digest(administrator: User, owner: User) -> None:
    token, secret = issue_token(owner, "read:projects")
    page = admin_as(administrator).get(change_url(token)).content.decode()
    assert f"<code>{secret[:8]}…</code>" in page
    assert token.digest not in page


def test_privileged_scopes_are_for_administrators_tokens(administrator: User) -> None:
    data = form_data(administrator, scopes=sorted(PRIVILEGED))
    secret = code_of(admin_as(administrator).post(ADD, data), "secret")
    assert call(secret, "/api/v1/users") == 200
