"""Addresses from which a token may be used, in CIDR notation (RFC 4632, RFC 4291)."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network

from django.core.exceptions import ValidationError

from ratelimit.client_address import Address

Network = IPv4Network | IPv6Network
MOST_NETWORKS = 50
IPV4_MAPPED = IPv6Network("::ffff:0:0/96")


def parse_networks(text: str) -> list[str]:
    """Return the distinct networks in a text, separated by lines or commas.

    Raises Django's ValidationError that names the invalid word and suggests a correction.
    """
    words = re.split(r"[\s,]+", text.strip()) if text.strip() else []
    networks = list(dict.fromkeys(str(_parse(word)) for word in words))
    if len(networks) > MOST_NETWORKS:
        raise ValidationError(f"Enter at most {MOST_NETWORKS} networks.")
    return networks


def admits(networks: Iterable[str], address: Address | None) -> bool:
    """Return whether a network contains the address; none contains an unknown address."""
    return address is not None and any(address in _network(network) for network in networks)


@lru_cache(maxsize=1000)
def _network(text: str) -> Network:
    return ip_network(text)


def _parse(word: str) -> Network:
    try:
        meant = ip_interface(word.replace("%", "no zone")).network
    except ValueError:
        raise ValidationError(
            f"“{word}” is neither an address such as 203.0.113.7 nor a network such as"
            " 10.0.0.0/8 or 2001:db8::/32."
        ) from None
    if "/" in word and meant != _strict(word):
        raise ValidationError(f"“{word}” has host bits set; did you mean {meant}?")
    if isinstance(meant, IPv6Network) and meant.subnet_of(IPV4_MAPPED):
        mapped = meant.network_address.ipv4_mapped
        return ip_network(f"{mapped}/{meant.prefixlen - IPV4_MAPPED.prefixlen}")
    return meant


def _strict(word: str) -> Network | None:
    try:
        return ip_network(word)
    except ValueError:
        return None
