"""Signatures of what we send, as in Standard Webhooks 1.0."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
NEW_BYTES = 32
FEWEST_BYTES, MOST_BYTES = 24, 64


def new_secret() -> str:
    """Return a secret that no other webhook has."""
    return PREFIX + base64.b64encode(secrets.token_bytes(NEW_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Return the bytes that a secret signs with; raises ValueError where it is none."""
    refused = ValueError(
        f"Must be {PREFIX} and the base64 of {FEWEST_BYTES} to {MOST_BYTES} random bytes."
    )
    if not secret.startswith(PREFIX):
        raise refused
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise refused from None
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise refused
    return key


def signed_headers(
    message_id: str, timestamp: int, body: bytes, keys: Sequence[str]
) -> dict[str, str]:
    """Return the three headers of an attempt at `timestamp` (Unix seconds).

    While a secret is rotated `keys` holds the new and the old ones; a receiver knows one of them.
    """
    if not keys or "." in message_id:
        raise ValueError("Needs a secret, and an id without a dot: dots part what is signed.")
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    digests = (hmac.digest(key_of(secret), signed, "sha256") for secret in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            f"v1,{base64.b64encode(digest).decode()}" for digest in digests
        ),
    }
