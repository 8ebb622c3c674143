"""Secrets at rest: a copy of the database cannot sign.

They are encrypted by a key that is derived from TOKEN_PEPPER, which is kept for good.
SECRET_KEY may be changed at any time, at the price of sessions alone.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"timetracker webhook secrets 1"


class Unreadable(Exception):
    """A secret was sealed with another TOKEN_PEPPER, or somebody changed it."""


def seal(secret: str) -> str:
    """Return a secret as it is stored: ASCII, each time another."""
    return _fernet(settings.TOKEN_PEPPER).encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Return a stored secret; raises Unreadable."""
    try:
        return _fernet(settings.TOKEN_PEPPER).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


@lru_cache(maxsize=4)
def _fernet(pepper: str) -> Fernet:
    # The pepper is random and long, as the settings see to: it needs no salt and no slow hash.
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(pepper.encode())
    return Fernet(base64.urlsafe_b64encode(key))
