"""The address of a Redis that sentinels watch: they know which one is the master now."""

import re
from typing import NamedTuple
from urllib.parse import unquote

SCHEME = "redis+sentinel"
FORM = f"{SCHEME}://:password@one:26379,two:26379/name/0"
URL = re.compile(
    rf"{re.escape(SCHEME)}://(?:(?P<user>[^:@/]*):(?P<password>[^@/]*)@)?"
    r"(?P<hosts>[^/@?#]+)/(?P<name>[^/?#]+)(?:/(?P<database>[0-9]{1,3}))?"
)
HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
PORT, HIGHEST_PORT = 26_379, 65_535


class Watched(NamedTuple):
    """Where the sentinels are, and which of their masters is meant."""

    sentinels: list[tuple[str, int]]
    name: str
    options: dict[str, str | int]  # of a connection to the master


def read(url: str) -> Watched:
    """Return what a URL says; ValueError for one that is not of `FORM`."""
    match = URL.fullmatch(url)
    if match is None:
        raise ValueError(FORM)
    given = {"username": match["user"], "password": match["password"]}
    options: dict[str, str | int] = {key: unquote(text) for key, text in given.items() if text}
    options["db"] = int(match["database"] or 0)
    return Watched([_host(each) for each in match["hosts"].split(",")], match["name"], options)


def _host(text: str) -> tuple[str, int]:
    match = HOST.fullmatch(text)
    port = int((match and match["port"]) or PORT)
    if match is None or not 1 <= port <= HIGHEST_PORT:
        raise ValueError(FORM)
    return match["host"].strip("[]"), port
