"""Passwords that the original TimeTracker stored, hashed as Werkzeug does."""

import base64
from hashlib import pbkdf2_hmac, scrypt
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, identify_hasher
from pytest_django import Settings

from tests.logins.logging_in import RIGHT, log_in
from tests.support.factories import make_user
from timetracker import settings as ours
from users.hashers import MOST_MEMORY, WerkzeugScryptHasher
from users.models import User

SALT = "qQ4r8Wc1Zt0aXk2B"
SCRYPT = scrypt(
    RIGHT.encode(), salt=SALT.encode(), n=32_768, r=8, p=1, maxmem=MOST_MEMORY, dklen=64
)
BY_SCRYPT = f"scrypt$32768${SALT}$8$1${base64.b64encode(SCRYPT).decode()}"
PBKDF2 = pbkdf2_hmac("sha256", RIGHT.encode(), SALT.encode(), 6000)
BY_PBKDF2 = f"pbkdf2_sha256$6000${SALT}${base64.b64encode(PBKDF2).decode()}"


@pytest.fixture
def iterations(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[int]:
    """The iterations of every PBKDF2 that is computed; the real hashers are in use."""
    settings.PASSWORD_HASHERS = ours.PASSWORD_HASHERS
    made, encode = [], PBKDF2PasswordHasher.encode

    def record(
        hasher: PBKDF2PasswordHasher, password: Any, salt: str, iterations: int | None = None
    ) -> str:
        made.append(iterations or hasher.iterations)
        return encode(hasher, password, salt, iterations)

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", record)
    return made


@pytest.mark.django_db
@pytest.mark.parametrize(
    "encoded", [pytest.param(BY_SCRYPT, id="scrypt"), pytest.param(BY_PBKDF2, id="pbkdf2")]
)
def test_an_imported_password_logs_in_and_is_hashed_as_ours(
    encoded: str, iterations: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 20_000)
    owner = make_user("olga")
    User.objects.filter(pk=owner.pk).update(password=encoded)
    assert log_in("olga", "pass-word-2").status_code == 401
    assert User.objects.get().password == encoded
    assert log_in("olga", RIGHT).status_code == 200
    upgraded = User.objects.get().password
    assert upgraded.startswith("pbkdf2_sha256$20000$")
    assert log_in("olga", RIGHT).status_code == 200
    assert User.objects.get().password == upgraded


@pytest.mark.usefixtures("iterations")
def test_the_hasher_of_an_imported_password_is_known() -> None:
    assert isinstance(identify_hasher(BY_SCRYPT), WerkzeugScryptHasher)


def test_a_wrong_password_takes_as_long_as_for_an_account_that_is_unknown(
    iterations: list[int],
) -> None:
    """What scrypt has taken of that time is not spent again."""
    assert not WerkzeugScryptHasher().verify("pass-word-2", BY_SCRYPT)
    probed, rest = iterations
    assert probed == 10_000
    assert 0 < rest < PBKDF2PasswordHasher.iterations - probed


def test_a_right_password_waits_for_nothing(iterations: list[int]) -> None:
    assert WerkzeugScryptHasher().verify(RIGHT, BY_SCRYPT)
    assert iterations == []
