"""Tokens in the admin: issued and shown once, listed, revoked, and for administrators only."""

import itertools
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from apitokens.models import ApiToken, TokenUsage, digest_of
from apitokens.scopes import PRIVILEGED, Scope
from tests.admin import admin_as, errors_of, messages_of, rows_of, text_of
from tests.factories import issue_token, make_administrator, make_user
from tests.racing import at_once
from users.models import User

LIST = reverse("admin:apitokens_apitoken_changelist")
ADD = reverse("admin:apitokens_apitoken_add")
PAGES = ("rotate", "narrow", "revoke")


def change_url(token: ApiToken) -> str:
    return reverse("admin:apitokens_apitoken_change", args=[token.pk])


def page_url(token: ApiToken, page: str) -> str:
    return reverse(f"admin:apitokens_apitoken_{page}", args=[token.pk])


def revoke_url(token: ApiToken) -> str:
    return page_url(token, "revoke")


def form_data(user: User, /, **fields: Any) -> dict[str, Any]:
    """What a browser sends for a token that reads projects for a year."""
    return {
        "name": "Dashboard",
        "description": "On the wall",
        "user": user.pk,
        "scopes": ["read:projects"],
        "expires_in_days": "365",
        **fields,
    }


def code_of(response: Any, name: str) -> str:
    """The text of an element that the page offers to copy."""
    found = re.search(rf'<code id="{name}">(.*?)</code>', response.content.decode())
    assert found
    return text_of(found[1])


def call(secret: str, url: str = "/api/v1/projects") -> int:
    """The status that the API answers a secret with."""
    status: int = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}").get(url).status_code
    return status


def revoke_selected(browser: Client, *tokens: ApiToken, **more: str) -> Any:
    """The answer to the action of the list."""
    data = {"action": "revoke_selected", "_selected_action": [token.pk for token in tokens]}
    return browser.post(LIST, {**data, **more})


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
        "Reports read:reports View reports",
        "Users read:users View one's own user information",
        (
            "Everything admin:all Full administrative access (use with caution)"
            " read:* Read all resources (administrators only)"
            " write:* Write all resources (administrators only)"
            " * The same as admin:all (administrators only)"
            " For administrators' tokens only. Whoever has such a token sees or changes"
            " everybody's data: use it with extreme caution, and give it a short life."
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


@pytest.mark.parametrize("scope", list(Scope))
def test_the_example_is_a_call_that_the_token_may_make(administrator: User, scope: Scope) -> None:
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
    assert errors_of(response) == {"__all__": ["This user already has a token of that name."]}
    assert ApiToken.objects.count() == 1


def test_the_name_of_a_revoked_token_is_free_again(administrator: User, owner: User) -> None:
    token, _ = issue_token(owner, Scope.READ_TASKS, name="Dashboard")
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
            {"scopes": ["Only an administrator's token may hold admin:all, read:*."]},
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
    token, secret = issue_token(owner, Scope.READ_PROJECTS)
    before = ApiToken.objects.values().get()
    data = form_data(colleague, scopes=["read:tasks"], expires_in_days="", digest="0", prefix="0")
    response = admin_as(administrator).post(change_url(token), data)
    assert (response.status_code, response["Location"]) == (302, LIST)
    after = before | {"name": "Dashboard", "description": "On the wall"}
    assert ApiToken.objects.values().get() == after
    assert call(secret) == 200


def test_a_rename_to_a_name_in_use_is_refused(administrator: User, owner: User) -> None:
    issue_token(owner, Scope.READ_PROJECTS, name="Dashboard")
    other, _ = issue_token(owner, Scope.READ_PROJECTS, name="Wall")
    response = admin_as(administrator).post(change_url(other), {"name": "Dashboard"})
    assert errors_of(response) == {"__all__": ["This user already has a token of that name."]}


def test_a_demoted_administrators_token_can_still_be_described(administrator: User) -> None:
    boss = make_administrator("boss")
    token, _ = issue_token(boss, Scope.ADMIN_ALL, Scope.READ_TASKS, name="Old")
    User.objects.filter(pk=boss.pk).update(is_superuser=False)
    browser = admin_as(administrator)
    page = browser.get(change_url(token)).content.decode()
    assert [text_of(line) for line in re.findall(r"<li><code>.*?</li>", page)] == [
        "admin:all never used Without effect: the user is not an administrator",
        "read:tasks never used View tasks",
    ]
    response = browser.post(change_url(token), {"name": "Old", "description": "The boss's"})
    assert (response.status_code, response["Location"]) == (302, LIST)
    assert ApiToken.objects.get().description == "The boss's"


def test_the_change_page_shows_no_digest(administrator: User, owner: User) -> None:
    token, secret = issue_token(owner, Scope.READ_PROJECTS)
    page = admin_as(administrator).get(change_url(token)).content.decode()
    assert f"<code>{secret[:8]}…</code>" in page
    assert token.digest not in page


def test_the_button_revokes_for_good(administrator: User, owner: User) -> None:
    token, secret = issue_token(owner, Scope.READ_PROJECTS, name="Phone")
    browser = admin_as(administrator)
    assert call(secret) == 200
    assert f'href="{revoke_url(token)}"' in browser.get(change_url(token)).content.decode()
    response = browser.post(revoke_url(token))
    assert (response.status_code, response["Location"]) == (302, change_url(token))
    assert messages_of(response) == ["1 token revoked."]
    assert call(secret) == 401
    assert (str(LogEntry.objects.get()), LogEntry.objects.get().user) == (
        f"Changed “Phone ({token.prefix}…)” — Revoked.",
        administrator,
    )
    assert revoke_url(token) not in browser.get(change_url(token)).content.decode()


def test_revoking_again_changes_nothing(administrator: User, owner: User) -> None:
    token, _ = issue_token(owner, Scope.READ_PROJECTS)
    browser = admin_as(administrator)
    browser.post(revoke_url(token))
    before = ApiToken.objects.values().get()
    response = browser.post(revoke_url(token))
    assert messages_of(response)[-1] == "0 tokens revoked. 1 had been revoked before."
    assert ApiToken.objects.values().get() == before
    assert LogEntry.objects.count() == 1


def test_the_action_revokes_what_was_selected(administrator: User, owner: User) -> None:
    first, second, old, other = (issue_token(owner, Scope.READ_PROJECTS)[0] for _ in range(4))
    ApiToken.objects.filter(pk=old.pk).revoke(timezone.now())
    browser = admin_as(administrator)
    asked = revoke_selected(browser, first, second, old)
    assert asked.status_code == 200
    assert ApiToken.objects.filter(revoked_at=None).count() == 3
    response = revoke_selected(browser, first, second, old, confirmed="yes")
    assert (response.status_code, response["Location"]) == (302, LIST)
    assert messages_of(response) == ["2 tokens revoked. 1 had been revoked before."]
    assert ApiToken.objects.get(revoked_at=None) == other
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize("page", ["revoke", "narrow", "rotate"])
def test_what_is_done_needs_a_post_with_the_csrf_token(
    administrator: User, owner: User, page: str
) -> None:
    token, secret = issue_token(owner, Scope.READ_PROJECTS)
    before = ApiToken.objects.values().get()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(administrator)
    assert strict.post(page_url(token, page), {"overlap_hours": "0"}).status_code == 403
    assert strict.get(page_url(token, page)).status_code == 200
    assert ApiToken.objects.values().get() == before
    assert call(secret) == 200


def test_an_unknown_token_cannot_be_revoked(administrator: User) -> None:
    url = reverse("admin:apitokens_apitoken_revoke", args=[999])
    assert admin_as(administrator).post(url).status_code == 404


def test_nobody_deletes_a_token(administrator: User, owner: User) -> None:
    token, _ = issue_token(owner, Scope.READ_PROJECTS)
    browser = admin_as(administrator)
    url = reverse("admin:apitokens_apitoken_delete", args=[token.pk])
    assert browser.post(url, {"post": "yes"}).status_code == 403
    page = browser.get(LIST)
    assert [name for name, _ in page.context["action_form"].fields["action"].choices] == [
        *("", "revoke_selected", "narrow_selected")
    ]


def urls_of(token: ApiToken) -> list[tuple[str, str]]:
    """Each page of the tokens, and how it is asked for."""
    return [
        ("get", LIST),
        ("post", LIST),
        ("get", ADD),
        ("post", ADD),
        ("get", change_url(token)),
        ("post", change_url(token)),
        *((method, page_url(token, page)) for page in PAGES for method in ("get", "post")),
        ("get", reverse("admin:apitokens_apitoken_history", args=[token.pk])),
        ("get", reverse("admin:apitokens_apitoken_delete", args=[token.pk])),
        ("get", reverse("admin:app_list", args=["apitokens"])),
    ]


def test_staff_with_every_permission_are_refused(owner: User) -> None:
    token, secret = issue_token(owner, Scope.READ_PROJECTS)
    staff = make_user("stan", is_staff=True)
    staff.user_permissions.set(Permission.objects.all())
    browser = admin_as(staff)
    answers = {
        (method, url): getattr(browser, method)(url).status_code for method, url in urls_of(token)
    }
    app_list = ("get", reverse("admin:app_list", args=["apitokens"]))
    assert answers == dict.fromkeys(urls_of(token), 403) | {app_list: 404}
    assert "apitoken" not in browser.get(reverse("admin:index")).content.decode()
    assert call(secret) == 200


@pytest.mark.parametrize("username", ["nobody", "olga"])
def test_others_are_asked_to_log_in(owner: User, username: str) -> None:
    token, _ = issue_token(owner, Scope.READ_PROJECTS)
    browser = admin_as(owner) if username == owner.username else Client()
    login = reverse("admin:login")
    for method, url in urls_of(token):
        response = getattr(browser, method)(url)
        assert (response.status_code, response["Location"]) == (302, f"{login}?next={url}")


def make_token_of_each_state(boss: User) -> None:
    """A token in each state, of users named after them."""
    now = timezone.now()
    day = timedelta(days=1)
    scopes = ["write:time_entries", "read:projects", "read:tasks", "read:clients", "read:users"]
    desktop, _ = issue_token(
        make_user("active"), *scopes, name="Desktop", expires_at=now + 6.5 * day
    )
    today = now.date()
    for before, scope, calls in ((0, "a", 1000), (29, "a", 200), (29, "b", 34), (30, "a", 9)):
        TokenUsage.objects.create(
            token=desktop, day=today - before * day, scope=scope, calls=calls
        )
    issue_token(make_user("expired"), "read:tasks", name="Export", expires_at=now + day)
    issue_token(make_user("revoked"), "read:tasks", "read:users", name="Laptop")
    issue_token(make_user("inactive"), "read:clients", name="Phone")
    issue_token(boss, "admin:all", "read:tasks", name="Dashboard")
    tokens = ApiToken.objects.all()
    tokens.filter(name="Export").update(expires_at=now - day)
    tokens.filter(name="Laptop").revoke(now)
    tokens.filter(name="Phone").update(last_used_at=now - timedelta(hours=7, minutes=20))
    User.objects.filter(username="inactive").update(is_active=False)


def test_the_list_tells_what_each_token_is(administrator: User) -> None:
    make_token_of_each_state(administrator)
    prefix = {token.name: f"{token.prefix}…" for token in ApiToken.objects.all()}
    # fmt: off
    assert rows_of(admin_as(administrator).get(LIST)) == [
        ["Dashboard", prefix["Dashboard"], "ada", "admin:all read:tasks", "active", "never", "0"],
        ["Phone", prefix["Phone"], "inactive", "read:clients", "inactive user", "7 hours ago",
         "0"],
        ["Laptop", prefix["Laptop"], "revoked", "read:tasks read:users", "revoked", "never", "0"],
        ["Export", prefix["Export"], "expired", "read:tasks", "expired", "never", "0"],
        ["Desktop", prefix["Desktop"], "active", "write:time_entries read:projects +3",
         "expires in 6 days", "never", "1,234"],
    ]
    # fmt: on


def test_the_list_has_all_scopes_as_title_and_strikes_out_the_inert(administrator: User) -> None:
    boss = make_administrator("boss")
    issue_token(boss, "admin:all", "read:tasks", "read:users")
    User.objects.filter(pk=boss.pk).update(is_superuser=False)
    cell = (
        '<span title="admin:all, read:tasks, read:users"><s><code>admin:all</code></s>'
        " <code>read:tasks</code> +1</span>"
    )
    assert cell in admin_as(administrator).get(LIST).content.decode()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("state=active", ["Dashboard", "Desktop"], id="active"),
        pytest.param("state=expired", ["Export"], id="expired"),
        pytest.param("state=revoked", ["Laptop"], id="revoked"),
        pytest.param("state=inactive+user", ["Phone"], id="inactive user"),
        pytest.param("state=inert", [], id="inert"),
        pytest.param("state=other", [], id="unknown state"),
        pytest.param("attention=expiring", ["Desktop"], id="expires within 14 days"),
        pytest.param("attention=unused", ["Dashboard", "Export", "Desktop"], id="never used"),
        pytest.param("attention=endless", ["Dashboard", "Phone"], id="never expires"),
        pytest.param("attention=other", [], id="unknown attention"),
        pytest.param("scope=read:tasks", ["Dashboard", "Laptop", "Export", "Desktop"], id="scope"),
        pytest.param("scope=admin:all", ["Dashboard"], id="privileged scope"),
        pytest.param("scope=*", [], id="a scope that is a part of no other"),
        pytest.param("q=export", ["Export"], id="name"),
        pytest.param("q=inacti", ["Phone"], id="username"),
        pytest.param("q=tt_", ["Dashboard", "Phone", "Laptop", "Export", "Desktop"], id="prefix"),
    ],
)
def test_filters_and_search(administrator: User, query: str, names: list[str]) -> None:
    make_token_of_each_state(administrator)
    rows = rows_of(admin_as(administrator).get(f"{LIST}?{query}"))
    assert [row[0] for row in rows] == names


def test_every_state_can_be_filtered_by_and_is_told_as_the_model_tells_it(
    administrator: User,
) -> None:
    """Expired and revoked, of an inactive user, inert: the filter's cases are the model's."""
    now = timezone.now()
    for number, (expired, revoked, active, boss, ordinary) in enumerate(
        itertools.product([False, True], repeat=5)
    ):
        user = make_user(f"user {number}", is_active=active, is_superuser=boss)
        token, _ = issue_token(user, "read:tasks", name=f"token {number}")
        scopes = ["read:*", "admin:all", *(["write:time_entries"] if ordinary else [])]
        ApiToken.objects.filter(pk=token.pk).update(scopes=scopes)
        ApiToken.objects.filter(pk=token.pk).update(
            expires_at=now if expired else None, revoked_at=now if revoked else None
        )
    browser = admin_as(administrator)
    filtered = {
        row[0]: state
        for state in ("active", "expired", "revoked", "inactive user", "inert")
        for row in rows_of(browser.get(LIST, {"state": state}))
    }
    told = {token.name: token.state(timezone.now()) for token in ApiToken.objects.all()}
    assert filtered == told
    assert len(told) == 32


def test_filter_by_user_names_those_who_have_tokens(administrator: User, owner: User) -> None:
    make_user("carl")
    issue_token(owner, "read:tasks", name="Hers")
    issue_token(administrator, "read:tasks", name="Mine")
    browser = admin_as(administrator)
    page = browser.get(LIST, {"user__id__exact": owner.pk})
    assert [row[0] for row in rows_of(page)] == ["Hers"]
    assert sorted(label for _, label in page.context["cl"].filter_specs[2].lookup_choices) == [
        "ada",
        "olga",
    ]


def test_the_list_costs_the_same_for_one_and_for_three_hundred(
    administrator: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = admin_as(administrator)
    issue_token(make_user("user 0"), "read:tasks")
    browser.get(LIST)
    with django_assert_num_queries(6):  # session, user, users of the filter, two counts, page
        assert len(rows_of(browser.get(LIST))) == 1
    for number in range(1, 300):
        issue_token(make_user(f"user {number}"), "read:tasks")
    with django_assert_num_queries(6):
        assert len(rows_of(browser.get(LIST))) == 100
    with django_assert_num_queries(6):
        assert len(rows_of(browser.get(LIST, {"o": "-7", "scope": "read:tasks"}))) == 100


def test_privileged_scopes_are_for_administrators_tokens(administrator: User) -> None:
    data = form_data(administrator, scopes=sorted(PRIVILEGED))
    secret = code_of(admin_as(administrator).post(ADD, data), "secret")
    assert call(secret, "/api/v1/users") == 200
