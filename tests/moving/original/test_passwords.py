"""Hashes that Werkzeug 3.1 made of `pass-word-1`, and what is none of its."""

import pytest
from django.contrib.auth.hashers import check_password
from pytest_django import Settings

from moving.original.passwords import django_hash
from tests.support.original import PBKDF2, SCRYPT
from timetracker import settings as ours

SMALL = (
    "scrypt:16384:8:1$Kgzog94JMGZSkuRg$e22e324a088174f355dd7113c39d3b50c5ffc5641fa353df7cc1f25349"
    "fb0f032b51437edb7284a73b8bf161093b239f610555ddebb18434c65f6df819798a9e"
)


@pytest.mark.parametrize("stored", [SCRYPT, PBKDF2, SMALL], ids=["scrypt", "pbkdf2", "small"])
def test_a_password_is_still_the_password(stored: str, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ours.PASSWORD_HASHERS
    encoded = django_hash(stored) or ""
    assert check_password("pass-word-1", encoded)
    assert not check_password("pass-word-2", encoded)


def test_iterations_that_are_not_written_are_those_of_then() -> None:
    encoded = django_hash(PBKDF2.replace(":1000", ""))
    assert encoded is not None
    assert encoded.startswith("pbkdf2_sha256$260000$")


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param("", id="empty"),
        pytest.param("plain", id="no hash"),
        pytest.param(PBKDF2.replace("sha256", "sha1"), id="SHA-1"),
        pytest.param(PBKDF2.replace("1000", "0"), id="no iterations"),
        pytest.param(PBKDF2.replace("1000", "1000000000"), id="minutes of iterations"),
        pytest.param(SCRYPT.replace("32768", "1048576"), id="a gigabyte of memory"),
        pytest.param(SCRYPT.replace(":1$", ":4096$"), id="minutes of lanes"),
        pytest.param(SCRYPT[:-1], id="cut off"),
    ],
)
def test_what_cannot_be_verified_is_none(stored: str) -> None:
    assert django_hash(stored) is None
