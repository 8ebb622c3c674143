"""Where webhooks may be sent: judged when an address is saved and whenever one is connected to.

The client is handed the parts that were judged here, never the text: two readers of one URL may
disagree on which host it names.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Literal

import idna
from django.conf import settings

from webhooks.addresses import Address, special_kind
from webhooks.resolving import Resolver, Unresolved, resolve

MAX_URL = 2000  # characters
MAX_HOST = 253
RESOLVE_SECONDS = 3.0
DEFAULT_PORTS = {"https": 443, "http": 80}
FIRST_FREE_PORT = 1024  # below it, other services than HTTP would be spoken to

URL = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?]*)(?P<target>.*)", re.IGNORECASE)
AUTHORITY = re.compile(
    r"(\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:]+))(:(?P<port>[0-9]{1,5}))?", re.ASCII
)
# Underscores are not of DNS, but of the names that Docker gives.
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# What the C library would read as an address: 127.1, 0x7f000001, 2130706433, 0177.0.0.1
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
NOT_IN_TARGET = re.compile(r'[^!-~]|["<>\\^`{|}]')

Rule = Literal[
    "length", "characters", "scheme", "credentials", "fragment", "host", "port", "address", "name"
]


class Refused(Exception):
    """A destination that a rule refuses; the text says what would be accepted.

    The text never says what a name resolved to: it would show the inner network to callers.
    """

    def __init__(self, rule: Rule, message: str) -> None:
        super().__init__(message)
        self.rule: Rule = rule
        self.message = message


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL in the parts that a request needs."""

    scheme: str
    host: str  # lower case and ASCII; an IPv6 address without its brackets
    port: int
    target: str
    address: Address | None  # where the host is one and not a name

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 0xFFFF:
            raise Refused("port", "The port must be 443 or from 1024 to 65535.")


def check(url: str, resolver: Resolver = resolve) -> None:
    """Raise Refused unless webhooks may be sent to a URL as things are now."""
    permitted_addresses(parse(url), RESOLVE_SECONDS, resolver)


def parse(url: str) -> Destination:
    """Return the parts of a URL; raises Refused where it is not of the form we accept."""
    match = URL.fullmatch(_readable(url))
    if match is None:
        raise Refused("scheme", "The URL must begin with https:// and a host.")
    scheme, authority, target = match["scheme"].lower(), match["authority"], match["target"]
    if "@" in authority:
        raise Refused(
            "credentials",
            "The URL must not contain a user name or a password: each request is signed.",
        )
    if NOT_IN_TARGET.search(target):
        raise Refused("characters", "Characters after the host must be percent-encoded ASCII.")
    parts = AUTHORITY.fullmatch(authority)
    if parts is None:
        raise Refused("host", "The host must be a name or an address, with or without a port.")
    if parts["ipv6"]:
        address: Address | None = _ipv6(parts["ipv6"])
        host = str(address)
    else:
        host = _ascii(parts["name"])
        address = _ipv4(host)
    port = int(parts["port"] or DEFAULT_PORTS[scheme])
    path = target if target.startswith("/") else f"/{target}"
    return Destination(scheme, host, port, path, address)


def permitted_addresses(
    destination: Destination, seconds: float, resolver: Resolver = resolve
) -> list[Address]:
    """Return all addresses of a destination; raises Refused if any of them is not permitted."""
    if not settings.WEBHOOK_ALLOWED_NETWORKS:
        _judge_form(destination)  # no address could excuse it, so none is asked for
    addresses = [destination.address] if destination.address else []
    try:
        addresses = addresses or resolver(destination.host, seconds)
    except Unresolved:
        raise Refused("name", "The host name could not be resolved.") from None
    for address in addresses:
        judge(destination, address)
    return addresses


def judge(destination: Destination, address: Address) -> None:
    """Raise Refused unless a request may go to an address of a destination."""
    if any(address in network for network in settings.WEBHOOK_ALLOWED_NETWORKS):
        return
    kind = special_kind(address)
    if kind and destination.address:
        raise Refused("address", f"The host must be public; {address} is {kind} address.")
    if kind:
        raise Refused("address", "The host must be public, with all of its addresses.")
    _judge_form(destination)


def _judge_form(destination: Destination) -> None:
    if destination.scheme != "https":
        raise Refused("scheme", "The URL must begin with https://.")
    if destination.port != DEFAULT_PORTS["https"] and destination.port < FIRST_FREE_PORT:
        raise Refused("port", "The port must be 443 or from 1024 to 65535.")


def _readable(url: str) -> str:
    if len(url) > MAX_URL:
        raise Refused("length", f"The URL must have at most {MAX_URL} characters.")
    if not url.isprintable() or " " in url or "\\" in url:
        raise Refused(
            "characters",
            "The URL must not contain spaces, backslashes or non-printable characters.",
        )
    if "#" in url:
        raise Refused("fragment", "The URL must not contain a fragment (#…).")
    return url


def _ascii(name: str) -> str:
    """Return a host in lower case, and as DNS knows it: bücher.example, xn--bcher-kva.example."""
    try:
        host = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise Refused("host", "The host must be a valid international name.") from None
    if host.endswith("."):
        raise Refused("host", "The host must not end with a dot.")
    if len(host) > MAX_HOST or not all(LABEL.fullmatch(label) for label in host.split(".")):
        raise Refused(
            "host",
            f"The host must be labels of 1 to 63 letters, digits and hyphens, at most {MAX_HOST}"
            " characters in all.",
        )
    return host


def _ipv4(host: str) -> Address | None:
    """Return the address that a host is; None of a name."""
    if not NUMBER.fullmatch(host.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(host)
    except AddressValueError:
        raise Refused(
            "host", "An IPv4 address must be four decimal numbers from 0 to 255, as in 8.8.4.4."
        ) from None


def _ipv6(text: str) -> Address:
    try:
        return IPv6Address(text)
    except AddressValueError:
        raise Refused(
            "host", "An IPv6 address must be in brackets, as in [2606:4700::1111]."
        ) from None
