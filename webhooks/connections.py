"""Connections to receivers: to a judged address, within one deadline and one amount to read.

urllib3's own timeouts are for each wait, so that a receiver that sends a byte now and then could
hold a thread for hours. Here the sockets themselves look at the attempt that is under way.
"""

import socket
import ssl
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING, cast

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from webhooks.addresses import Address
from webhooks.destinations import Destination, Refused, judge, permitted_addresses
from webhooks.resolving import Resolver

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

CONNECT_SECONDS = 3.0
ATTEMPT_SECONDS = 10.0
ANSWER_BYTES = 64 * 1024  # headers included
TRIED_ADDRESSES = 4
REUSED_SECONDS = 60.0  # then a name is asked for its addresses again


class Fault(StrEnum):
    """Why an attempt did not deliver."""

    REFUSED = "refused"  # the destination, by a rule
    NAME = "name"
    CONNECTION = "connection"
    TLS = "tls"
    TIMEOUT = "timeout"
    ANSWER = "answer"  # is not HTTP, or has too long a head
    STATUS = "status"  # is HTTP, but not 2xx


class Failed(Exception):
    """An attempt ended without an answer; the text is for the owner of the webhook."""

    def __init__(self, failure: Fault, message: str) -> None:
        super().__init__(message)
        self.failure = failure
        self.message = message


@dataclass(slots=True)
class Attempt:
    """One POST: what it may still take, and whether it began on a connection of its own."""

    destination: Destination
    resolver: Resolver
    deadline: float = field(default_factory=lambda: monotonic() + ATTEMPT_SECONDS)
    received: int = 0
    connected: bool = False

    def seconds_left(self) -> float:
        """Return the seconds until the deadline; raises Failed after it."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise too_late()
        return left

    def bytes_left(self) -> int:
        """Return how many more bytes may be read; raises Failed where it is none."""
        if self.received >= ANSWER_BYTES:
            raise Failed(
                Fault.ANSWER,
                f"The headers of the answer are longer than {ANSWER_BYTES // 1024} KiB.",
            )
        return ANSWER_BYTES - self.received


CURRENT: ContextVar[Attempt] = ContextVar("attempt")


def too_late() -> Failed:
    """Return the failure of an attempt that took too long."""
    return Failed(Fault.TIMEOUT, f"There was no answer within {ATTEMPT_SECONDS:.0f} seconds.")


class BoundedSocket(socket.socket):
    """A socket on which no wait lasts longer than the attempt under way may take."""

    def recv_into(
        self, buffer: "WriteableBuffer", nbytes: int | None = None, flags: int = 0
    ) -> int:
        attempt = CURRENT.get()
        wanted = min(nbytes or memoryview(buffer).nbytes, attempt.bytes_left())
        self.settimeout(attempt.seconds_left())
        count = super().recv_into(buffer, wanted, flags)
        attempt.received += count
        return count

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
        self.settimeout(CURRENT.get().seconds_left())
        return super().send(data, flags)

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        self.settimeout(CURRENT.get().seconds_left())
        super().sendall(data, flags)


class BoundedTLSSocket(BoundedSocket, ssl.SSLSocket):
    """The same with TLS: `SSLContext.sslsocket_class`."""


class _Judged(HTTPConnection):
    """A connection to one of the addresses that were judged, and to no other."""

    peer: Address
    opened_at: float

    def _new_conn(self) -> socket.socket:
        attempt = CURRENT.get()
        opened, self.peer = _open(attempt)
        opened.settimeout(attempt.seconds_left())  # of the TLS handshake
        self.opened_at = monotonic()
        attempt.connected = True
        return opened

    @property
    def is_connected(self) -> bool:
        """Whether an idle connection can be taken: alive, young, and still permitted."""
        return (
            super().is_connected
            and monotonic() - self.opened_at < REUSED_SECONDS
            and _permitted(self.peer)
        )


class _JudgedTLS(_Judged, HTTPSConnection):
    pass


class JudgedPool(HTTPConnectionPool):
    """Connections over http."""

    ConnectionCls = _Judged


class JudgedTLSPool(HTTPSConnectionPool):
    """Connections over https."""

    ConnectionCls = _JudgedTLS


def _permitted(address: Address) -> bool:
    try:
        judge(CURRENT.get().destination, address)
    except Refused:
        return False
    return True


def _open(attempt: Attempt) -> tuple[socket.socket, Address]:
    """Connect to the first address that lets us; those that are slow share the time."""
    until = monotonic() + min(CONNECT_SECONDS, attempt.seconds_left())
    addresses = permitted_addresses(attempt.destination, until - monotonic(), attempt.resolver)
    error: OSError | None = None
    for untried, address in _numbered(addresses[:TRIED_ADDRESSES]):
        try:
            seconds = max((until - monotonic()) / untried, 0.01)
            return _connected(address, attempt.destination.port, seconds), address
        except OSError as exception:
            error = exception
    raise Failed(Fault.CONNECTION, _words(error))


def _numbered(addresses: list[Address]) -> list[tuple[int, Address]]:
    return [(len(addresses) - position, address) for position, address in enumerate(addresses)]


def _connected(address: Address, port: int, seconds: float) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    opened = BoundedSocket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.settimeout(seconds)
        opened.connect((str(address), port))
    except BaseException:
        opened.close()
        raise
    return cast("socket.socket", opened)


def _words(error: OSError | None) -> str:
    if isinstance(error, TimeoutError):
        return f"No connection was made within {CONNECT_SECONDS:.0f} seconds."
    if isinstance(error, ConnectionRefusedError):
        return "The connection was refused."
    return "No connection could be made."
