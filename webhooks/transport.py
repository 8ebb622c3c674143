"""One POST to a receiver: to a permitted address, once, and within ten seconds."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from django.conf import settings
from urllib3 import BaseHTTPResponse, PoolManager
from urllib3 import exceptions as urllib3_errors
from urllib3.exceptions import HTTPError, SSLError

from webhooks.answers import SNIPPET_BYTES, pause, snippet
from webhooks.connections import (
    CURRENT,
    Attempt,
    BoundedTLSSocket,
    Failed,
    Fault,
    JudgedPool,
    JudgedTLSPool,
    too_late,
)
from webhooks.destinations import Destination, Refused, parse
from webhooks.resolving import Resolver, resolve

HOSTS = 256  # whose connections are kept
CONNECTIONS = 64  # to one host; more are made and not kept


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an attempt."""

    seconds: float
    status: int | None = None  # None where no answer came
    snippet: str = ""  # of the answer's body, for the owner: never trusted, always escaped
    failure: Fault | None = None  # None is delivered
    message: str = ""
    retry_after: int | None = None  # seconds from now, where the receiver asked for a pause

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it."""
        return self.failure is None


class Sender:
    """Sends, from any number of threads, and keeps connections for the next time.

    It follows no redirect, asks no proxy of the environment and keeps no cookie.
    """

    def __init__(self, *, resolver: Resolver = resolve, tls: ssl.SSLContext | None = None) -> None:
        tls = tls or ssl.create_default_context()
        tls.sslsocket_class = BoundedTLSSocket
        self._resolver = resolver
        self._pools = PoolManager(num_pools=HOSTS, maxsize=CONNECTIONS, ssl_context=tls)
        self._pools.pool_classes_by_scheme = {"http": JudgedPool, "https": JudgedTLSPool}
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"TimeTracker/{settings.APP_VERSION}",
        }

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Result:
        """Send a body; a failure of any kind is in the result."""
        started = monotonic()
        try:
            return self._send(parse(url), body, {**self._headers, **headers}, started)
        except Refused as refused:
            failure = Fault.NAME if refused.rule == "name" else Fault.REFUSED
            error = Failed(failure, refused.message)
        except Failed as failed:
            error = failed
        except HTTPError as exception:
            error = _failed(exception)
        return Result(monotonic() - started, failure=error.failure, message=error.message)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pools.clear()

    def _send(
        self, destination: Destination, body: bytes, headers: dict[str, str], started: float
    ) -> Result:
        attempt = Attempt(destination, self._resolver)
        token = CURRENT.set(attempt)
        try:
            response = self._answer(attempt, body, headers)
            text = _read(response)
        finally:
            CURRENT.reset(token)
        status = response.status
        taken = 200 <= status < 300
        return Result(
            seconds=monotonic() - started,
            status=status,
            snippet=text,
            failure=None if taken else Fault.STATUS,
            message="" if taken else _words(status),
            retry_after=pause(response.headers.get("Retry-After"), time.time()),
        )

    def _answer(self, attempt: Attempt, body: bytes, headers: dict[str, str]) -> BaseHTTPResponse:
        """Return an answer whose body is unread.

        A kept connection may be closed by its receiver just when it is taken. Then nothing was
        answered, and the next one is tried; the last of them is a new one.
        """
        destination = attempt.destination
        host = f"[{destination.host}]" if ":" in destination.host else destination.host
        pool = self._pools.connection_from_host(host, destination.port, destination.scheme)
        while True:
            try:
                return pool.urlopen(
                    "POST",
                    destination.target,
                    body,
                    headers,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
            except urllib3_errors.TimeoutError:
                raise
            except HTTPError:
                if attempt.connected or attempt.received:
                    raise


def _read(response: BaseHTTPResponse) -> str:
    """Return the beginning of a body, as far as it comes: the status has decided already.

    One that is read to its end gives back its connection; else it is closed.
    """
    body = b""
    try:
        # After 1xx another answer may follow, which must not be taken for the next one's.
        while response.status >= 200 and (part := response.read1(SNIPPET_BYTES)):
            body += part[: SNIPPET_BYTES - len(body)]
    except (Failed, HTTPError):
        pass
    finally:
        response.close()
    return snippet(body)


def _failed(exception: HTTPError) -> Failed:
    if isinstance(exception, urllib3_errors.TimeoutError) or any(
        isinstance(cause, TimeoutError)
        for cause in exception.args  # while it was sent
    ):
        return too_late()
    if isinstance(exception, SSLError):
        cause = exception.args[0] if exception.args else None
        reason = getattr(cause, "verify_message", "")
        if reason:
            return Failed(Fault.TLS, f"The certificate was not accepted: {reason.rstrip('.')}.")
        return Failed(Fault.TLS, "No TLS connection could be made.")
    return Failed(Fault.ANSWER, "The connection ended without a valid answer.")


def _words(status: int) -> str:
    if 300 <= status < 400:
        return f"The receiver answered {status}; redirects are not followed."
    return f"The receiver answered {status}; 200 to 299 is expected."
