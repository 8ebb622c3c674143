"""Guessing a password in the admin: of an address, of an account, and of one's own session."""

import re

import pytest
from django.test import Client as Browser
from django.urls import reverse
from pytest_django import Settings

from ratelimit.guesses import OF_ACCOUNT, OF_ADDRESS_IN_ADMIN, OF_OLD_PASSWORD
from staff.login import KNOWN_BROWSER
from tests.support.admin import admin_as
from tests.support.clock import Clock
from tests.support.factories import make_administrator
from users.models import User

pytestmark = pytest.mark.django_db

RIGHT = "pass-word-1"
TOO_MANY = r"Too many attempts\. Try again in [0-9]+ minutes\."


@pytest.fixture
def ada() -> User:
    """An administrator."""
    return make_administrator("ada")


def log_in(browser: Browser, password: str, name: str = "ada", address: str = "192.0.2.1") -> str:
    """Try to log in and return the error, or nothing."""
    login = reverse("admin:login")
    sent = {"username": name, "password": password}
    response = browser.post(login, sent, REMOTE_ADDR=address)
    if response.status_code == 302:
        return ""
    error: str = response.context["form"].non_field_errors()[0]
    return error


def guess_everywhere(count: int, name: str = "ada") -> list[str]:
    """Guess a password, each time from another address."""
    return [log_in(Browser(), "wrong", name, f"198.51.100.{number}") for number in range(count)]


def test_an_address_has_so_many_logins(ada: User, clock: Clock) -> None:
    make_administrator("bob")
    for number in range(OF_ADDRESS_IN_ADMIN.most):
        assert "correct username" in log_in(Browser(), "wrong", f"user {number}")
    assert re.fullmatch(TOO_MANY, log_in(Browser(), RIGHT))
    assert log_in(Browser(), RIGHT, address="192.0.2.2") == ""


def test_an_account_has_so_many_guesses_from_anywhere(ada: User, clock: Clock) -> None:
    for error in guess_everywhere(OF_ACCOUNT.most):
        assert "correct username" in error
    assert re.fullmatch(TOO_MANY, log_in(Browser(), RIGHT))
    assert re.fullmatch(TOO_MANY, log_in(Browser(), RIGHT, "\uff21da"))
    clock.now += 3601
    assert log_in(Browser(), RIGHT) == ""


def test_an_unknown_account_is_no_different(ada: User, clock: Clock) -> None:
    assert set(guess_everywhere(OF_ACCOUNT.most, "nobody")) == set(guess_everywhere(1))
    assert re.fullmatch(TOO_MANY, log_in(Browser(), "wrong", "nobody"))


def test_its_owner_is_not_kept_out_of_a_known_browser(ada: User, clock: Clock) -> None:
    known, stranger = Browser(), Browser()
    assert log_in(known, RIGHT) == ""
    known.post(reverse("admin:logout"))
    guess_everywhere(OF_ACCOUNT.most + 1)
    assert log_in(known, RIGHT) == ""
    stranger.cookies[KNOWN_BROWSER] = "forged:1:2"
    assert re.fullmatch(TOO_MANY, log_in(stranger, RIGHT))


def test_a_known_browser_of_one_account_is_a_stranger_to_another(ada: User, clock: Clock) -> None:
    make_administrator("bob")
    browser = Browser()
    assert log_in(browser, RIGHT, "bob") == ""
    guess_everywhere(OF_ACCOUNT.most)
    assert re.fullmatch(TOO_MANY, log_in(browser, RIGHT))


def test_what_makes_a_browser_known_is_the_admins_alone(ada: User) -> None:
    browser = Browser()
    log_in(browser, RIGHT)
    cookie = browser.cookies[KNOWN_BROWSER]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/admin/", True, "Strict")
    assert "ada" not in cookie.value


def test_the_old_password_has_so_many_guesses(ada: User, clock: Clock) -> None:
    browser = admin_as(ada)
    sent = {
        "old_password": "wrong",
        "new_password1": "n3w-pass-word",
        "new_password2": "n3w-pass-word",
    }
    path = reverse("admin:password_change")
    for _ in range(OF_OLD_PASSWORD.most):
        errors = browser.post(path, sent).context["form"].errors["old_password"]
        assert "entered incorrectly" in errors[0]
    refused = browser.post(path, sent | {"old_password": RIGHT}).context["form"].errors
    assert re.fullmatch(TOO_MANY, refused["old_password"][0])
    clock.now += 3601
    assert browser.post(path, sent | {"old_password": RIGHT}).status_code == 302
    ada.refresh_from_db()
    assert ada.check_password("n3w-pass-word")


def test_a_session_lasts_a_working_day(ada: User, settings: Settings) -> None:
    browser = Browser()
    log_in(browser, RIGHT)
    assert browser.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 12 * 3600


@pytest.mark.parametrize("data", [{}, {"username": "ada"}, {"password": "x"}])
def test_a_login_that_leaves_something_out_is_asked_again(
    administrator: User, data: dict[str, str]
) -> None:
    assert Browser().post("/admin/login/", data).status_code == 200
