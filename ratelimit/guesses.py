"""Limits on guesses of passwords, counted before a password is hashed, and their security log."""

import hashlib
import logging
import unicodedata
from dataclasses import dataclass

from django.http import HttpRequest

from ratelimit import limits
from ratelimit.client_address import client_address, network_of
from ratelimit.limits import HOUR, MINUTE
from values.folding import folded

security_log = logging.getLogger("timetracker.security")


class TooManyGuesses(Exception):
    """A limit is reached; the next guess is allowed after some seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Guesses:
    """A limit on passwords that are tried, good and bad."""

    group: str
    most: int
    period: int

    def count(self, request: HttpRequest, key: str) -> None:
        """Count one more; raise TooManyGuesses over the limit."""
        usage = limits.count(request, self.group, key, self.most, self.period)
        if usage.exceeded:
            security_log.warning("Login throttled", extra={"reason": self.group})
            raise TooManyGuesses(usage.retry_after)

    def count_address(self, request: HttpRequest) -> None:
        """Count one more from the caller's address, or its IPv6 network."""
        self.count(request, network_of(client_address(request)))

    def count_account(self, request: HttpRequest, name: str) -> None:
        """Count one more for an account, whether or not it exists."""
        self.count(request, account_key(name))


OF_ADDRESS_IN_ADMIN = Guesses("admin-login", 20, 15 * MINUTE)
OF_ADDRESS_IN_APPS = Guesses("app-login", 5, MINUTE)
# In the admin and in apps together, or there would be two ways to guess. Browsers in which the
# owner has logged in to the admin stay unlimited there, or knowing a user name would be enough to
# lock its owner out.
OF_ACCOUNT = Guesses("account", 10, HOUR)
OF_OLD_PASSWORD = Guesses("old-password", 10, HOUR)  # before a new password


def account_key(name: str) -> str:
    """Return the key of a username, equal for all spellings that name the same account."""
    plain = folded(unicodedata.normalize("NFKC", name))
    return hashlib.sha256(plain.encode()).hexdigest()


def log_refused(account: int | None) -> None:
    """Log a wrong password, with the account instead of the name as it was typed.

    Many a password lands in the field for the name.
    """
    security_log.warning("Login refused", extra={"account": account})


def log_logged_in(account: int, **more: str) -> None:
    """Log a login."""
    security_log.info("Logged in", extra={"account": account, **more})
