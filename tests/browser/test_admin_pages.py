"""The admin's skin on Django's own kinds of page: the login, the index, a list, a form."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.support.factories import make_entry, make_project
from users.models import User


def test_log_in_by_the_form(visitor: Visitor, administrator: User) -> None:
    visitor.open("/admin/")
    visitor.page.get_by_label("Username").fill("ada")
    visitor.page.get_by_label("Password").fill("pass-word-1")
    visitor.page.get_by_role("button", name="Log in").click()
    expect(visitor.page.get_by_role("heading", name="Administration")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "page"),
    [
        pytest.param("login", "admin:login", id="login"),
        pytest.param("index", "admin:index", id="index"),
        pytest.param("users", "admin:users_user_changelist", id="wide list"),
        pytest.param("entry", "admin:timeentries_timeentry_add", id="form with every field"),
        pytest.param("group", "admin:auth_group_add", id="form with a choice of many"),
    ],
)
def test_pages_fit_and_can_be_used_by_everybody(
    visitor: Visitor, administrator: User, name: str, page: str
) -> None:
    make_entry(administrator, make_project())
    if name != "login":
        visitor.log_in(administrator)
    visitor.open(reverse(page))
    visitor.look(name)
