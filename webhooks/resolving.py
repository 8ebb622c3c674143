"""Addresses of a host name, within a time."""

import socket
from collections.abc import Callable
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread

from webhooks.addresses import Address

# From a name in ASCII and seconds to addresses; raises Unresolved.
Resolver = Callable[[str, float], list[Address]]


class Unresolved(Exception):
    """A name has no address, or none was found in time."""


def resolve(name: str, seconds: float) -> list[Address]:
    """Ask the machine's resolver, as any other program here does.

    The system resolver takes no timeout, so it is left behind in a thread of its own; that ends
    when the resolver gives up, by default after 10 to 30 seconds.
    """
    answer: SimpleQueue[list[Address]] = SimpleQueue()
    Thread(target=lambda: answer.put(_ask(name)), name="resolve", daemon=True).start()
    try:
        found = answer.get(timeout=max(seconds, 0))
    except Empty:
        raise Unresolved from None
    if not found:
        raise Unresolved
    return found


def _ask(name: str) -> list[Address]:
    try:
        # As bytes: of a text, Python would encode the name again, by older rules.
        found = socket.getaddrinfo(name.encode(), None, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(ip_address(sockaddr[0]) for *_, sockaddr in found))
    except (OSError, ValueError):
        return []
