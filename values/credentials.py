"""Secrets that are shown once: random text, of which only a digest is stored."""

import hashlib
import hmac
import secrets
import string

from django.conf import settings

RANDOM_LENGTH = 32
ALPHABET = string.digits + string.ascii_letters


def random_text() -> str:
    """Return 32 random characters (190 bits)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))


def digest_of(secret: str) -> str:
    """Return the digest that is stored for a secret: its HMAC-SHA256 with the pepper, in hex.

    With the pepper outside the database, write access to the database does not suffice to mint
    a secret.
    """
    pepper = settings.TOKEN_PEPPER.encode()
    return hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()


def imported_digest(stored: str) -> str:
    """Return the digest of a secret of which only the SHA-256 is known, in hex.

    That is what the original TimeTracker stored. Someone who has read it there cannot send it
    here: it is no token, and not what is stored here either.
    """
    return digest_of(stored)
