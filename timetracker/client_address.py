"""Where a request comes from, when proxies of ours stand in between."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
IPV6_SITE_BITS = 64  # one customer's network; they choose the rest of the bits freely


def client_address(request: HttpRequest) -> Address | None:
    """Return the nearest address that is not one of TRUSTED_PROXIES; None where there is none.

    X-Forwarded-For counts only behind a trusted proxy and is read from the right, because
    whatever stands to the left of our own proxies' entries is the caller's invention.
    """
    address = _parse(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while address is not None and hops and _trusted(address):
        next_hop = _parse(hops.pop())
        if next_hop is None:
            break
        address = next_hop
    return address


def network_of(address: Address | None) -> str:
    """Return what one caller can be counted by: an IPv4 address, or an IPv6 /64."""
    if isinstance(address, IPv6Address):
        return f"{int(address) >> (128 - IPV6_SITE_BITS):x}/{IPV6_SITE_BITS}"
    return str(address)


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)
