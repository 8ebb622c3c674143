"""Login throttling and security log of the admin."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from ratelimit import guesses
from ratelimit.limits import HOUR, MINUTE
from staff.passwords import OwnPasswordChangeForm

KNOWN_BROWSER = "known_browser"  # a signed cookie that names the account
KNOWN_BROWSER_AGE = 180 * 24 * HOUR

security_log = logging.getLogger("timetracker.security")


class LoginForm(AdminAuthenticationForm):
    """Django's, with a limit on attempts."""

    request: HttpRequest

    def clean(self) -> dict[str, object]:
        """Refuse further attempts after too many from an address or for an account."""
        request = self.request
        name = str(self.cleaned_data.get("username", ""))
        with _limits_as_errors():
            guesses.OF_ADDRESS_IN_ADMIN.count_address(request)
            if not is_known_browser(request, name):
                guesses.OF_ACCOUNT.count_account(request, name)
        try:
            cleaned = super().clean()
        except ValidationError:
            user = get_user_model().objects.filter(username=name).first()
            guesses.log_refused(user and user.pk)
            raise
        if user := self.get_user():  # none where a name or a password was left out
            guesses.log_logged_in(user.pk)
        return cleaned


class PasswordChangeForm(OwnPasswordChangeForm):
    """With a limit on guesses of the old password, for example by a session thief."""

    def clean_old_password(self) -> str:
        """Refuse further attempts after too many."""
        with _limits_as_errors():
            guesses.OF_OLD_PASSWORD.count(self.request, f"user:{self.user.pk}")
        try:
            old: str = super().clean_old_password()
        except ValidationError:
            security_log.warning("Old password refused", extra={"account": self.user.pk})
            raise
        return old


def is_known_browser(request: HttpRequest, name: str) -> bool:
    """Return whether the account's owner has logged in from this browser."""
    try:
        known = request.get_signed_cookie(
            KNOWN_BROWSER, salt=KNOWN_BROWSER, max_age=KNOWN_BROWSER_AGE
        )
    except (BadSignature, KeyError):
        return False
    return known == guesses.account_key(name)


def remember_browser(response: HttpResponse, name: str) -> None:
    """Mark the browser as known to the account's owner, with a signed cookie."""
    response.set_signed_cookie(
        KNOWN_BROWSER,
        guesses.account_key(name),
        salt=KNOWN_BROWSER,
        max_age=KNOWN_BROWSER_AGE,
        path=reverse("admin:index"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


@contextmanager
def _limits_as_errors() -> Iterator[None]:
    try:
        yield
    except guesses.TooManyGuesses as limit:
        minutes = limit.retry_after // MINUTE + 1
        raise ValidationError(f"Too many attempts. Try again in {minutes} minutes.") from None
