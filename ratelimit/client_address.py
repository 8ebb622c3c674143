"""Where a request comes from, when proxies of ours stand in between."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
WITH_PORT = re.compile(
    r"\[(?P<ipv6>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\](:\d{1,5})?|(?P<ipv4>[0-9.]+):\d{1,5}", re.ASCII
)
IPV6_SITE_BITS = 64  # one customer's network; they choose the rest of the bits freely


def client_address(request: HttpRequest) -> Address | None:
    """Return the nearest address that is not one of TRUSTED_PROXIES; None where it is unknown.

    X-Forwarded-For counts only behind a trusted proxy and is read from the right, because
    whatever stands to the left of our own proxies' entries is the caller's invention. A hop that
    cannot be read is nobody's address: least of all that of the proxy which passed it on. So is
    an empty header, by which granian stands for bytes outside ASCII.
    """
    address = _parse(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    hops = [] if forwarded is None else forwarded.split(",")
    while address is not None and hops and _trusted(address):
        address = _parse(_without_port(hops.pop().strip()))
    return address


def comes_from_proxy(request: HttpRequest) -> bool:
    """Return whether one of TRUSTED_PROXIES sent a request."""
    address = _parse(request.META.get("REMOTE_ADDR", ""))
    return address is not None and _trusted(address)


def network_of(address: Address | None) -> str:
    """Return the network that a caller is counted by: an IPv4 address, or an IPv6 /64."""
    if isinstance(address, IPv6Address):
        return f"{int(address) >> (128 - IPV6_SITE_BITS):x}/{IPV6_SITE_BITS}"
    return str(address)


@lru_cache(maxsize=1000)  # callers come again
def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _without_port(hop: str) -> str:
    """Return a hop as nginx writes it; Azure's and IIS's proxies add the port."""
    match = WITH_PORT.fullmatch(hop)
    return hop if match is None else match["ipv6"] or match["ipv4"]


def _trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)
