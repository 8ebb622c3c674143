"""Login throttling and security log of the admin."""

import hashlib
import logging
import unicodedata
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from ratelimit import limits as rate_limit
from ratelimit.client_address import client_address, network_of
from staff.passwords import OwnPasswordChangeForm

LOGINS = 20  # of one address, good and bad
LOGINS_PERIOD = 15 * rate_limit.MINUTE
# Of one account by browsers in which its owner has never logged in. Those in which it has stay
# unlimited, or knowing a user name would be enough to lock its owner out.
STRANGERS_LOGINS = 10
STRANGERS_PERIOD = rate_limit.HOUR
OLD_PASSWORDS = 10  # of one user, before a new password
OLD_PASSWORDS_PERIOD = rate_limit.HOUR
KNOWN_BROWSER = "known_browser"  # a signed cookie that names the account
KNOWN_BROWSER_AGE = 180 * 24 * rate_limit.HOUR

security_log = logging.getLogger("timetracker.security")


class LoginForm(AdminAuthenticationForm):
    """Django's, with a limit on attempts."""

    def clean(self) -> dict[str, Any]:
        """Refuse further attempts after too many from an address or for an account."""
        request: HttpRequest = self.request  # type: ignore[assignment]
        name = str(self.cleaned_data.get("username", ""))
        address = network_of(client_address(request))
        _count(request, "admin-login", address, LOGINS, LOGINS_PERIOD)
        if not is_known_browser(request, name):
            _count(request, "admin-account", _key(name), STRANGERS_LOGINS, STRANGERS_PERIOD)
        try:
            cleaned = super().clean()
        except ValidationError:
            # Not the name as it was typed: many a password lands in that field.
            user = get_user_model().objects.filter(username=name).first()
            security_log.warning("Login refused", extra={"account": user and user.pk})
            raise
        if user := self.get_user():  # none where a name or a password was left out
            security_log.info("Logged in", extra={"account": user.pk})
        return cleaned


class PasswordChangeForm(OwnPasswordChangeForm):
    """With a limit on guesses of the old password, for example by a session thief."""

    def clean_old_password(self) -> str:
        """Refuse further attempts after too many."""
        key = f"user:{self.user.pk}"
        _count(self.request, "old-password", key, OLD_PASSWORDS, OLD_PASSWORDS_PERIOD)
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
    return known == _key(name)


def remember_browser(response: HttpResponse, name: str) -> None:
    """Mark the browser as known to the account's owner, with a signed cookie."""
    response.set_signed_cookie(
        KNOWN_BROWSER,
        _key(name),
        salt=KNOWN_BROWSER,
        max_age=KNOWN_BROWSER_AGE,
        path=reverse("admin:index"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def _key(name: str) -> str:
    """Return the throttling key of a username, equal for all its spellings."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return hashlib.sha256(folded.encode()).hexdigest()


def _count(request: HttpRequest, group: str, key: str, limit: int, period: int) -> None:
    usage = rate_limit.count(request, group, key, limit, period)
    if not usage.exceeded:
        return
    security_log.warning("Login throttled", extra={"reason": group})
    minutes = usage.retry_after // rate_limit.MINUTE + 1
    raise ValidationError(f"Too many attempts. Try again in {minutes} minutes.")
