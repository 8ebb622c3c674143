import base64

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from webhooks.sealing import Unreadable, seal, unseal
from webhooks.signatures import new_secret


def test_a_sealed_secret_is_read_again() -> None:
    secret = new_secret()
    assert unseal(seal(secret)) == secret


def test_a_sealed_secret_shows_nothing_and_is_another_each_time() -> None:
    secret = new_secret()
    sealed = {seal(secret) for _ in range(10)}
    assert len(sealed) == 10
    for text in sealed:
        assert text.isascii()
        assert len(text) < 255
        assert secret.encode() not in base64.urlsafe_b64decode(text)


def test_a_copy_of_the_database_cannot_sign(settings: Settings) -> None:
    sealed = seal(new_secret())
    settings.TOKEN_PEPPER = "another pepper of at least fifty characters, as is asked"
    with pytest.raises(Unreadable):
        unseal(sealed)


def test_another_secret_key_changes_nothing(settings: Settings) -> None:
    secret = new_secret()
    sealed = seal(secret)
    settings.SECRET_KEY = "another key of at least fifty characters, as is asked of it"
    assert unseal(sealed) == secret


def test_the_pepper_itself_is_not_the_key(settings: Settings) -> None:
    settings.TOKEN_PEPPER = base64.urlsafe_b64encode(b"x" * 32).decode()
    with pytest.raises(Unreadable):
        unseal(Fernet(settings.TOKEN_PEPPER).encrypt(b"whsec_").decode())


@pytest.mark.parametrize("change", ["cut", "flipped", "empty", "plain", "not ASCII"])
def test_what_was_changed_is_unreadable(change: str) -> None:
    secret = new_secret()
    sealed = seal(secret)
    changed = {
        "cut": sealed[:-4],
        "flipped": sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:],
        "empty": "",
        "plain": secret,
        "not ASCII": "é",
    }
    with pytest.raises(Unreadable):
        unseal(changed[change])
