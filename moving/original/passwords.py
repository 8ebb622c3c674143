"""Password hashes of the original (Werkzeug's), as Django's hashers read them."""

import base64
import re

from users.hashers import MOST_MEMORY

SCRYPT = re.compile(r"scrypt:(\d+):(\d+):(\d+)\$([^$]+)\$([0-9a-f]{128})", re.ASCII)
PBKDF2 = re.compile(r"pbkdf2:sha256(?::(\d+))?\$([^$]+)\$([0-9a-f]{64})", re.ASCII)
# Werkzeug's number of iterations in the years in which it was not written into each hash.
UNWRITTEN = "260000"
MOST_PARALLEL = 16
MOST_ITERATIONS = 10_000_000  # so that no login takes minutes


def django_hash(stored: str) -> str | None:
    """Return a hash as Django has it; None for one that it cannot verify."""
    if match := SCRYPT.fullmatch(stored):
        factor, block, parallel, salt, digest = match.groups()
        memory = 132 * int(factor) * int(block)
        if memory > MOST_MEMORY or int(parallel) > MOST_PARALLEL:
            return None
        return f"scrypt${factor}${salt}${block}${parallel}${_base64(digest)}"
    if match := PBKDF2.fullmatch(stored):
        iterations, salt, digest = match[1] or UNWRITTEN, match[2], match[3]
        if not 0 < int(iterations) <= MOST_ITERATIONS:
            return None
        return f"pbkdf2_sha256${iterations}${salt}${_base64(digest)}"
    return None


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()
