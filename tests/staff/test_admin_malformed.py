"""No input to a page of the admin, however malformed, is a failure of ours."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.forms import MultiWidget
from django.test import Client as Browser
from django.urls import reverse

from tests.support.admin import admin_as, as_shown, url
from tests.support.factories import (
    issue_token,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from tests.support.token_pages import ADD, PAGES, form_data

MODELS = [*admin.site._registry]  # noqa: SLF001
WRITTEN = ["User", "Group", "Client", "Project", "Task", "TimeEntry", "ApiToken"]
ILL = {
    "30 digits": "9" * 30,
    "5000 digits": "9" * 5000,
    "a zero byte": "a\0b",
    "words": "abc",
    "a late year": "99999-12-31",
}
FAST = ("5000 digits", "a zero byte")  # what Python and PostgreSQL refuse themselves
ill = pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=name, marks=() if name in FAST else pytest.mark.slow)
        for name, value in ILL.items()
    ],
)
OF_LISTS = ("action", "_selected_action", "select_across", "index", "confirmed", "post")
QUERIES = ("q", "p", "o", "all", "_popup", "_to_field", "id", "id__in", "pk", "person", "state")


@pytest.fixture
def browser(db: None) -> Browser:
    browser = admin_as(make_administrator())
    browser.raise_request_exception = False
    return browser


def rows() -> dict[str, Any]:
    """A row of each model that is written in the admin."""
    person, client = make_user("olga"), make_client()
    project = make_project(client=client)
    token, _ = issue_token(person, "read:tasks")
    made: list[Model] = [
        person,
        Group.objects.create(name="Office"),
        client,
        project,
        token,
    ]
    made += [make_task(project), make_entry(person, project, tags="a,b")]
    return {type(row).__name__: row for row in made}


def names_of(response: Any) -> list[str]:
    """The names of what a form sends."""
    names = ["_shown", "_popup", "_to_field", "_save", "initial"]
    for bound in response.context["adminform"].form:
        if isinstance(bound.field.widget, MultiWidget):
            names += (f"{bound.html_name}_{place}" for place in (0, 1))
        else:
            names.append(bound.html_name)
    return names


@ill
@pytest.mark.parametrize("name", WRITTEN)
def test_a_form(browser: Browser, name: str, value: str) -> None:
    made = rows()
    row = made[name]
    add, change = url(type(row), "add"), url(type(row), "change", row.pk)
    shown = browser.get(change)
    failed = {
        (change, field): browser.post(change, as_shown(shown) | {field: value}).status_code
        for field in names_of(shown)
    }
    filled = form_data(made["User"]) if add == ADD else {}
    failed |= {
        (add, field): browser.post(add, filled | {field: value}).status_code
        for field in names_of(browser.get(add))
    }
    assert [pair for pair, status in failed.items() if status >= 500] == []


@ill
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_list_and_an_address(browser: Browser, model: type[Model], value: str) -> None:
    page = url(model, "changelist")
    data = {"action": "delete_selected", "_selected_action": "1", "index": "0"}
    answers = {name: browser.post(page, data | {name: value}) for name in OF_LISTS}
    answers |= {f"?{name}": browser.get(page, {name: value}) for name in QUERIES}
    for end in ("change/", "delete/", "history/", "password/", "rotate/", "narrow/", "revoke/"):
        answers[end] = browser.get(f"{page}{value}/{end}".replace("\0", "%00"))
        answers[f"{end} sent"] = browser.post(f"{page}{value}/{end}".replace("\0", "%00"))
    assert [name for name, answer in answers.items() if answer.status_code >= 500] == []


def test_a_large_selection(browser: Browser) -> None:
    data = {"action": "delete_selected", "_selected_action": ["9" * 18] * 900}
    for model in MODELS:
        assert browser.post(url(model, "changelist"), data).status_code < 500, model


@ill
def test_pages_beside_the_lists(browser: Browser, value: str) -> None:
    token = rows()["ApiToken"]
    answers = {}
    for page in PAGES:
        address = reverse(f"admin:apitokens_apitoken_{page}", args=[token.pk])
        answers[page] = browser.post(address, {"overlap_hours": value, "all": value})
    asked = {"app_label": "tasks", "model_name": "task", "field_name": "project"}
    for name in (*asked, "term", "page"):
        answers[name] = browser.get("/admin/autocomplete/", {**asked, name: value})
    password = reverse("admin:auth_user_password_change", args=[token.user_id])
    for name in ("password1", "password2", "usable_password"):
        answers[name] = browser.post(password, {name: value})
    for name in ("old_password", "new_password1"):
        answers[name] = browser.post("/admin/password_change/", {name: value})
    for name in ("username", "password", "next"):
        answers[name] = browser.post("/admin/login/", {name: value})
    assert [name for name, answer in answers.items() if answer.status_code >= 500] == []
