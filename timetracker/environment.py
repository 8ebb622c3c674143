"""Typed readers of environment variables; a bad value stops the service from starting."""

import os
import re
import secrets
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from database import url as database_url
from ratelimit import sentinels
from values.currencies import currencies
from values.wall_clock import zone_names

T = TypeVar("T")
Network = IPv4Network | IPv6Network

SECRET_MIN_LENGTH = 50
SECRET_MIN_CHARACTERS = 8  # different ones; 50 random digits have 10, nearly always
HIGHEST_PORT = 65_535
WIDEST = 7  # bits: fc00::/7 is all of the private addresses of IPv6
# As a browser sends it, of web pages and of extensions; `null` of files.
ORIGIN = re.compile(r"null|[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]_-]+", re.ASCII)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def _read(
    name: str, default: T, parse: Callable[[str], T], accepted: str, *, secret: bool = False
) -> T:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        return parse(text)
    except (KeyError, ValueError):
        # Without its cause, which would repeat the text in the traceback.
        shown = "" if secret else f"; it is {text!r}"
        raise ImproperlyConfigured(f"{name} must be {accepted}{shown}.") from None


def boolean(name: str, *, default: bool = False) -> bool:
    """Whether a switch is on; off by default."""
    return _read(
        name,
        default=default,
        parse=lambda text: database_url.SWITCHES[text.lower()],
        accepted="on or off",
    )


def positive_integer(name: str, default: int) -> int:
    """Return a whole number of at least 1."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
            raise ValueError(text)
        return int(text)

    return _read(name, default, parse, "a whole number from 1 to 999999999")


def names(name: str, default: list[str]) -> list[str]:
    """Return the comma-separated words of a variable."""
    return _read(
        name,
        default,
        lambda text: [word.strip() for word in text.split(",") if word.strip()],
        "names separated by commas",
    )


def origins(name: str) -> list[str]:
    """Return the origins whose pages may call the API: `*` by default, no `none`."""

    def parse(text: str) -> list[str]:
        words = [word.strip().lower() for word in text.split(",")]
        if words in (["*"], ["none"]):
            return [word for word in words if word == "*"]
        if not all(ORIGIN.fullmatch(word) for word in words):
            raise ValueError(text)
        return words

    accepted = "*, none, or origins separated by commas, such as https://app.example.com"
    return _read(name, ["*"], parse, accepted)


def networks(name: str) -> list[Network]:
    """Return the IP networks of a variable, for instance `10.0.0.0/8,::1`."""
    return _read(
        name,
        [],
        lambda text: [ip_network(word.strip()) for word in text.split(",") if word.strip()],
        "addresses or networks separated by commas, such as 10.0.0.0/8",
    )


def proxies(name: str) -> list[Network]:
    """Return the networks of trusted proxies, which can claim any client address."""
    why = "any host in it could forge client addresses. List your proxies."
    return _bounded(name, "trust", why)


def receivers(name: str) -> list[Network]:
    """Return the networks to which webhooks may be sent although they are not public."""
    why = "users could send requests to all that is in it. List the networks of receivers."
    return _bounded(name, "allow", why)


def _bounded(name: str, verb: str, why: str) -> list[Network]:
    found = networks(name)
    for network in found:
        if network.prefixlen < WIDEST:
            raise ImproperlyConfigured(
                f"{name} must not {verb} a network as wide as {network}: {why}"
            )
    return found


def listener(name: str) -> tuple[str, int] | None:
    """Return the IP address and the port of `127.0.0.1:9464`, or nothing."""

    def parse(text: str) -> tuple[str, int]:
        host, _, port = text.rpartition(":")
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= HIGHEST_PORT:
            raise ValueError(text)
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        return str(ip_address(bare)), int(port)

    return _read(
        name, None, parse, "an IP address and a port such as 127.0.0.1:9464 or [::1]:9464"
    )


def time_zone(name: str, default: str) -> str:
    """Return the name of an IANA time zone."""

    def parse(text: str) -> str:
        if text not in zone_names():
            raise ValueError(text)
        return text

    return _read(name, default, parse, "an IANA time zone name such as Europe/Berlin")


def currency(name: str, default: str) -> str:
    """Return a currency of ISO 4217."""

    def parse(text: str) -> str:
        if text not in currencies():
            raise ValueError(text)
        return text

    return _read(name, default, parse, "a currency code of ISO 4217 such as EUR")


def log_level(name: str) -> str:
    """Return one of Python's log levels; INFO by default."""
    return _read(
        name,
        "INFO",
        lambda text: LOG_LEVELS[LOG_LEVELS.index(text.upper())],
        f"one of {', '.join(LOG_LEVELS)}",
    )


def base_url(name: str) -> str:
    """Return the public address of the service without a path, or nothing.

    A bad one is not repeated, here and in `url`: it may hold a password.
    """

    def parse(text: str) -> str:
        if not re.fullmatch(r"https?://[^/\s?#@]+", text.rstrip("/")):
            raise ValueError(text)
        return text.rstrip("/")

    return _read(name, "", parse, "a URL such as https://time.example.com", secret=True)


def url(name: str, *schemes: str) -> str:
    """Return a URL of one of the schemes, or nothing."""

    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or "://" not in text or parts.port == 0:
            raise ValueError(text)
        return text

    accepted = " or ".join(f"{scheme}://…" for scheme in schemes)
    return _read(name, "", parse, f"a URL such as {accepted}", secret=True)


def redis(name: str) -> str:
    """Return the URL of a Redis or of its sentinels, or nothing."""
    if not os.environ.get(name, "").strip().startswith(sentinels.SCHEME):
        return url(name, "redis", "rediss", "unix")
    return _read(
        name,
        "",
        lambda text: sentinels.read(text) and text,
        f"a URL such as {sentinels.FORM}",
        secret=True,
    )


def database(name: str) -> dict[str, Any]:
    """Return Django's settings of the PostgreSQL server that a URL names; empty without one."""
    text = os.environ.get(name, "").strip()
    return database_url.read(name, text) if text else {}


def replica(name: str, *, has_server: bool) -> dict[str, Any]:
    """Return Django's settings of a standby of DATABASE_URL's server; empty without one."""
    found = database(name)
    if found and not has_server:
        raise ImproperlyConfigured(
            f"{name} needs DATABASE_URL: the PostgreSQL server that it is a replica of. SQLite "
            "has no replicas."
        )
    return found


def secret(name: str, directory: Path, *, required: bool) -> str:
    """Return a secret from the environment, or from a file made on the first run (mode 0600).

    A server's secrets must be given (`required`): two machines that each made
    their own would refuse each other's tokens.
    """
    value = os.environ.get(name, "")
    if not value and required:
        raise ImproperlyConfigured(
            f"{name} is required with DATABASE_URL: at least {SECRET_MIN_LENGTH} random "
            "characters."
        )
    value = value or _secret_of_first_run(directory / name.lower())
    if len(value) < SECRET_MIN_LENGTH:
        raise ImproperlyConfigured(f"{name} must have at least {SECRET_MIN_LENGTH} characters.")
    if len(set(value)) < SECRET_MIN_CHARACTERS or value in (value + value)[1:-1]:
        raise ImproperlyConfigured(
            f"{name} must be random, not repetitive. Generate one with: openssl rand -hex 40"
        )
    return value


def two_secrets(secret_key: str, token_pepper: str) -> None:
    """Refuse the same secret for both purposes: leaking one would leak both."""
    if secret_key == token_pepper:
        raise ImproperlyConfigured(
            "SECRET_KEY must differ from TOKEN_PEPPER. Change SECRET_KEY: that only ends "
            "sessions, whereas a new pepper invalidates every token."
        )


def _secret_of_first_run(path: Path) -> str:
    if not path.exists():
        _write_secret(path, secrets.token_urlsafe(64))
    if path.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{path} is readable by other users. Set its mode to 0600.")
    return path.read_text()


def _write_secret(path: Path, value: str) -> None:
    """Write a file whole or not at all; of two processes that try at once the first one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
