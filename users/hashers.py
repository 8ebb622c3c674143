"""The hasher of passwords that the original TimeTracker stored.

Everyone who logs in with such a password gets a hash of the preferred hasher.
"""

from time import thread_time

from django.contrib.auth.hashers import PBKDF2PasswordHasher, ScryptPasswordHasher, get_hasher

MOST_MEMORY = 132 * 32_768 * 8  # bytes, as Werkzeug allows: OpenSSL's own limit is too small
PROBED = 10_000  # iterations


class WerkzeugScryptHasher(ScryptPasswordHasher):
    """Django's, with the memory that a work factor of 32768 takes."""

    maxmem = MOST_MEMORY

    def verify(self, password: str, encoded: str) -> bool:
        """Return whether the password is right; a wrong one takes as long as with PBKDF2.

        Otherwise the time of an answer would say which accounts exist and were imported. Django
        makes up only for other iterations of the preferred hasher.
        """
        begun = thread_time()
        if super().verify(password, encoded):
            return True
        _spend_the_rest(password, str(self.decode(encoded)["salt"]), thread_time() - begun)
        return False


def _spend_the_rest(password: str, salt: str, spent: float) -> None:
    """Take as long as the preferred hasher would, of which `spent` seconds are over."""
    preferred = get_hasher()
    if not isinstance(preferred, PBKDF2PasswordHasher):
        return
    begun = thread_time()
    preferred.encode(password, salt, PROBED)
    took = thread_time() - begun
    rest = preferred.iterations - PROBED - int(spent / took * PROBED)
    if rest > 0:
        preferred.encode(password, salt, rest)
