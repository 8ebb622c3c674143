import socket
import ssl
from ipaddress import ip_address

import pytest
import trustme

from tests.webhooks.receivers import (
    OK,
    conversing,
    dripping,
    endless,
    receiving,
)
from tests.webhooks.sending import SOON, outcome, post
from webhooks.connections import Fault
from webhooks.transport import Sender


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> Sender:
    """A client that trusts an authority; each name is this machine's."""
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    return Sender(resolver=lambda *_: [ip_address("127.0.0.1")], tls=tls)


@pytest.mark.usefixtures("client")
def test_tls_is_for_the_name_and_the_connection_for_the_address(authority: trustme.CA) -> None:
    asked: list[str | None] = []
    tls = server_tls(authority, "receiver.example")
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    with receiving(tls=tls) as receiver:
        client = trusting(authority)
        for _ in range(3):
            result = post(client, receiver.url(host="receiver.example"))
            assert outcome(result) == (200, "ok", None, "")
        assert (receiver.connections, asked) == (1, ["receiver.example"])


@pytest.mark.usefixtures("client")
def test_tls_of_an_address(authority: trustme.CA) -> None:
    with receiving(tls=server_tls(authority, "127.0.0.1")) as receiver:
        assert post(trusting(authority), receiver.url()).delivered


@pytest.mark.parametrize(
    ("names", "host", "reason"),
    [
        pytest.param(
            ["other.example"],
            "receiver.example",
            "Hostname mismatch, certificate is not valid for 'receiver.example'",
            id="another name",
        ),
        pytest.param(
            ["127.0.0.1"],
            "receiver.example",
            "Hostname mismatch, certificate is not valid for 'receiver.example'",
            id="the address in place of the name",
        ),
        pytest.param(
            ["receiver.example"],
            "127.0.0.1",
            "IP address mismatch, certificate is not valid for '127.0.0.1'",
            id="a name in place of the address",
        ),
    ],
)
@pytest.mark.usefixtures("client")
def test_a_certificate_of_another_host_is_refused(
    authority: trustme.CA, names: list[str], host: str, reason: str
) -> None:
    with receiving(tls=server_tls(authority, *names)) as receiver:
        result = post(trusting(authority), receiver.url(host=host))
    assert outcome(result) == (
        None,
        "",
        Fault.TLS,
        f"The certificate was not accepted: {reason}.",
    )
    assert receiver.requests == []


def test_a_certificate_of_nobody_we_know_is_refused(authority: trustme.CA, client: Sender) -> None:
    with receiving(tls=server_tls(authority, "127.0.0.1")) as receiver:
        result = post(client, receiver.url())
    assert (result.failure, receiver.requests) == (Fault.TLS, [])
    assert result.message.startswith("The certificate was not accepted: ")


def test_a_receiver_without_tls_is_a_failure(client: Sender) -> None:
    with conversing(lambda connection: connection.sendall(OK)) as port:
        result = post(client, f"https://127.0.0.1:{port}/")
    assert outcome(result) == (None, "", Fault.TLS, "No TLS connection could be made.")


@pytest.mark.usefixtures("client", "soon")
def test_a_handshake_may_not_take_longer_than_an_attempt(client: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        result = post(client, f"https://127.0.0.1:{listener.getsockname()[1]}/")
    assert result.failure == Fault.TIMEOUT
    assert SOON <= result.seconds < SOON + 0.3


@pytest.mark.parametrize("answer", [endless, dripping], ids=["endless", "dripping"])
@pytest.mark.usefixtures("client", "soon")
def test_the_bounds_hold_with_tls(authority: trustme.CA, answer: type) -> None:
    tls = server_tls(authority, "receiver.example")
    with receiving(answer(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 100), tls) as receiver:
        result = post(trusting(authority), receiver.url(host="receiver.example"))
    assert (result.status, result.snippet[:3]) == (200, "xxx")
    assert result.seconds < SOON + 0.3
