"""Logins at the same time, and while the account changes."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Thread
from typing import Any, ClassVar

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from apitokens.models import ApiToken
from logins.tokens import MOST_LIVE
from tests.logins.logging_in import RIGHT, SCOPES, log_in
from tests.support.factories import issue_token, make_user
from tests.support.racing import at_once
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def change_password() -> None:
    user = User.objects.get()
    user.set_password("n3w-pass-word")
    user.save()


def rehash_password() -> None:
    user = User.objects.get()
    user.set_password(RIGHT)
    User.objects.update(password=user.password)


def deactivate() -> None:
    User.objects.update(is_active=False)


class InterruptedHasher(MD5PasswordHasher):
    """A hasher that does something else in the meantime, once, on a connection of its own."""

    interruption: ClassVar[Callable[[], None] | None] = None

    def verify(self, password: str, encoded: str) -> bool:
        """Do it after the password was found to be right."""
        right = super().verify(password, encoded)
        act, InterruptedHasher.interruption = InterruptedHasher.interruption, None
        if act:
            thread = Thread(target=_alone, args=(act,))
            thread.start()
            thread.join()
        return right


def _alone(act: Callable[[], None]) -> None:
    try:
        act()
    finally:
        connections.close_all()


@pytest.mark.parametrize(
    ("interruption", "status"),
    [
        pytest.param(change_password, 401, id="password changed"),
        pytest.param(deactivate, 401, id="deactivated"),
        pytest.param(rehash_password, 200, id="another login stored a new hash"),
    ],
)
def test_what_happens_while_a_password_is_hashed_counts(
    settings: Settings, interruption: Any, status: int
) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.InterruptedHasher"]
    make_user("olga")
    InterruptedHasher.interruption = interruption
    assert log_in().status_code == status
    assert ApiToken.objects.filter(revoked_at=None).count() == (status == 200)


def test_logins_at_once_each_have_a_token_and_keep_to_the_limit() -> None:
    owner = make_user("olga")
    tomorrow = timezone.now() + timedelta(days=1)
    for number in range(MOST_LIVE - 1):
        issue_token(owner, *SCOPES, name=f"{number}", from_login=True, expires_at=tomorrow)
    answers = at_once([partial(log_in, address=f"192.0.2.{number}") for number in range(4)])
    assert [answer.status_code for answer in answers] == [200] * 4
    live = ApiToken.objects.filter(from_login=True, revoked_at=None)
    assert live.count() == MOST_LIVE
    assert live.filter(name__startswith="App login").count() == 4
    assert len({token.name for token in live}) == MOST_LIVE


def test_a_password_that_is_changed_beside_logins_leaves_none_of_them() -> None:
    make_user("olga")
    logins = [partial(log_in, address=f"192.0.2.{number}") for number in range(4)]
    calls: list[Callable[[], Any]] = [*logins, change_password]
    at_once(calls)
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    assert log_in("olga", "n3w-pass-word").status_code == 200


def test_more_logins_at_once_than_may_wait_are_429(settings: Settings) -> None:
    settings.REQUESTS_AT_ONCE = 0
    make_user("olga")
    response = log_in()
    assert (response.status_code, response["Retry-After"]) == (429, "1")
    settings.REQUESTS_AT_ONCE = 1
    assert [log_in().status_code for _ in range(3)] == [200] * 3
