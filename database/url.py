"""DATABASE_URL as libpq reads it, with Django's and psycopg's options beside libpq's own."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

FORM = "a URL such as postgres://… or postgresql://…"
SWITCHES = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
ADDRESS = re.compile(r"(postgres(?:ql)?://(?:[^/@]*@)?[^?]*)(?:\?(.*))?", re.DOTALL)
HIGHEST_PORT = 65_535
PLACES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}

# A host that is away: so long to connect to it, and as long to notice that it went.
SECONDS_WITHOUT_A_HOST = {
    "connect_timeout": 3,
    "tcp_user_timeout": 5_000,  # milliseconds
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 2,
}
# The only spelling of an instant that psycopg reads, whatever the server's default is.
READABLE = {"datestyle": "ISO"}


def _switch(text: str) -> bool:
    return SWITCHES[text.lower()]


def _whole_number(text: str) -> int | None:
    if text.lower() == "none":
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError
    return int(text)


# Names unknown to libpq: Django's settings and connection options.
SETTINGS: dict[str, tuple[Callable[[str], object], str]] = {
    "conn_max_age": (_whole_number, "a whole number or None"),
    "conn_health_checks": (_switch, "True or False"),
    "disable_server_side_cursors": (_switch, "True or False"),
}
OPTIONS: dict[str, tuple[Callable[[str], object], str]] = {
    "prepare_threshold": (_whole_number, "a whole number or None"),
    "server_side_binding": (_switch, "True or False"),
    "assume_role": (str, "the name of a role"),
}


def read(name: str, text: str) -> dict[str, object]:
    """Return Django's settings of the database that the variable `name` gives as `text`.

    Raises ImproperlyConfigured, which never repeats any of the text: it may hold a password,
    and where that ends cannot be said of a text that is malformed.
    """
    match = ADDRESS.fullmatch(text)
    if match is None:
        raise _refusal(name)
    pairs = [pair for pair in (match[2] or "").split("&") if pair]
    ours = [pair for pair in pairs if _name_of(pair) in {**SETTINGS, **OPTIONS}]
    libpq = _parse(name, match[1], [pair for pair in pairs if pair not in ours])
    settings: dict[str, object] = {"ENGINE": "django.db.backends.postgresql"}
    settings |= {PLACES[key]: libpq.pop(key) for key in PLACES if key in libpq}
    options: dict[str, object] = {key: value for key, value in libpq.items() if value is not None}
    for pair in ours:
        key, value = _typed(name, pair)
        if key in SETTINGS:
            settings[key.upper()] = value
        else:
            options[key] = value
    return settings | ({"OPTIONS": options} if options else {})


def served(given: Mapping[str, Any], limits: Mapping[str, int], *, pooled: bool) -> dict[str, Any]:
    """Return the settings of a server for our backend; what is given goes before our own.

    A pooler refuses limits as a connection begins (database/postgresql/limits.py), and hands what
    is kept in a session to others: prepared statements, cursors, and a role that was assumed.
    """
    options = {
        **SECONDS_WITHOUT_A_HOST,
        # To plan the joins of a page takes longer than to run them.
        "server_side_binding": True,
        "prepare_threshold": None if pooled else 1,
        **given.get("OPTIONS", {}),
    }
    if pooled and "assume_role" in options:
        raise ImproperlyConfigured(
            "assume_role cannot be used with DATABASE_POOLED: another client of the pooler would "
            "get the role. Connect as that role."
        )
    if not pooled:
        flags = [f"-c {name}={value}" for name, value in {**READABLE, **limits}.items()]
        options["options"] = " ".join([*flags, options.get("options", "")]).strip()
    return {
        # A connection for each of a server's few threads, looked at before each request: when
        # PostgreSQL is away the answer is 503 at once, and the next request tries again.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": pooled,
        **given,
        "ENGINE": "database.postgresql",
        "OPTIONS": options,
        "POOLED": pooled,
    }


def _name_of(pair: str) -> str:
    return pair.partition("=")[0].lower()


def _parse(name: str, address: str, pairs: list[str]) -> dict[str, str | int | None]:
    # Not chained: libpq's error repeats the unreadable text, which may contain a password.
    try:
        parts = conninfo_to_dict(f"{address}?{'&'.join(pairs)}" if pairs else address)
    except ProgrammingError:
        raise _refusal(name) from None
    if not _are_ports(str(parts.get("port", ""))):
        raise _refusal(name)
    return parts


def _are_ports(text: str) -> bool:
    """Return whether each of the hosts' ports can be one; an absent one is the default."""
    return all(
        not port or (re.fullmatch(r"[0-9]{1,5}", port) and 1 <= int(port) <= HIGHEST_PORT)
        for port in text.split(",")
    )


def _typed(name: str, pair: str) -> tuple[str, object]:
    key, value = _name_of(pair), unquote(pair.partition("=")[2])
    parse, accepted = {**SETTINGS, **OPTIONS}[key]
    try:
        return key, parse(value)
    except (KeyError, ValueError):
        raise ImproperlyConfigured(f"{key} in {name} must be {accepted}.") from None


def _refusal(name: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{name} must be {FORM}; its value is not shown because it may contain a password. "
        "Check the ports, the spelling of the options, and that %, @ and / in a password "
        "are written as %25, %40 and %2F."
    )
