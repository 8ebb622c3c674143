import logging
import socket
import threading
from ipaddress import ip_address, ip_network

import pytest
from pytest_django import Settings

from tests.webhooks.names import finds
from tests.webhooks.receivers import (
    OK,
    conversing,
    once,
    receiving,
)
from tests.webhooks.sending import HEADERS, outcome, post
from webhooks import connections
from webhooks.addresses import Address
from webhooks.connections import Fault
from webhooks.transport import Sender

HTTP = "http://receiver.example:{}/hook"


def test_a_post_arrives_whole_and_its_answer_is_kept(client: Sender, settings: Settings) -> None:
    with receiving() as receiver:
        result = post(client, receiver.url("/hook?a=b"))
    assert outcome(result) == (200, "ok", None, "")
    assert result.delivered
    assert 0 < result.seconds < 3
    assert receiver.requests == [
        b"POST /hook?a=b HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        b"Accept-Encoding: identity\r\n"
        b"Content-Length: 9\r\n"
        b"Content-Type: application/json\r\n"
        b"User-Agent: TimeTracker/%s\r\n"
        b"webhook-id: msg_1\r\n"
        b'\r\n{"seq":1}' % (receiver.port, settings.APP_VERSION.encode())
    ]


def test_no_url_is_logged(client: Sender, soon: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with receiving(b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n") as receiver:
        assert post(client, receiver.url("/secret")).delivered
    assert caplog.records == []


def test_a_path_with_two_slashes_names_no_other_host(client: Sender) -> None:
    with receiving() as receiver:
        assert post(client, receiver.url("//other.example/../x")).delivered
    assert receiver.requests[0].startswith(b"POST //other.example/../x HTTP/1.1\r\n")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_delivered(client: Sender, status: int) -> None:
    length = b"" if status == 204 else b"Content-Length: 0\r\n"
    with receiving(b"HTTP/1.1 %d X\r\n%s\r\n" % (status, length)) as receiver:
        assert outcome(post(client, receiver.url())) == (status, "", None, "")


@pytest.mark.parametrize("status", [101, 103, 400, 404, 410, 429, 500, 503, 599])
def test_everything_else_is_a_failure(client: Sender, status: int) -> None:
    with receiving(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status) as receiver:
        result = post(client, receiver.url())
    message = f"The receiver answered {status}; 200 to 299 is expected."
    assert outcome(result) == (status, "", Fault.STATUS, message)


def test_what_may_follow_an_interim_answer_is_not_the_next_ones(client: Sender) -> None:
    with receiving(b"HTTP/1.1 103 Early Hints\r\n\r\n") as receiver:
        assert [post(client, receiver.url()).status for _ in range(2)] == [103, 103]
        assert receiver.connections == 2


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(client: Sender, status: int) -> None:
    with receiving() as other:
        to = f"Location: {other.url()}\r\nRefresh: 0; url={other.url()}".encode()
        answer = b"HTTP/1.1 %d X\r\n%s\r\nContent-Length: 0\r\n\r\n" % (status, to)
        with receiving(answer) as receiver:
            result = post(client, receiver.url())
    assert (result.status, result.failure) == (status, Fault.STATUS)
    assert result.message == f"The receiver answered {status}; redirects are not followed."
    assert (len(receiver.requests), other.connections) == (1, 0)


def test_no_proxy_of_the_environment_is_asked(
    client: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        assert post(client, receiver.url()).delivered
    assert (proxy.connections, receiver.connections) == (0, 1)


def test_one_connection_serves_many_attempts(client: Sender) -> None:
    with receiving() as receiver:
        assert [post(client, receiver.url()).status for _ in range(20)] == [200] * 20
        assert receiver.connections == 1


def test_a_connection_is_given_up_after_a_minute(
    client: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver:
        post(client, receiver.url())
        monkeypatch.setattr(connections, "REUSED_SECONDS", 0.0)
        post(client, receiver.url())
        assert receiver.connections == 2


def test_a_kept_connection_is_judged_again(client: Sender, settings: Settings) -> None:
    with receiving() as receiver:
        assert post(client, receiver.url()).delivered
        settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.2/32")]
        result = post(client, receiver.url())
        assert len(receiver.requests) == 1
    assert outcome(result) == (
        None,
        "",
        Fault.REFUSED,
        "The host must be public; 127.0.0.1 is a loopback address.",
    )


def test_a_connection_that_closes_when_it_is_taken_is_replaced(client: Sender) -> None:
    def first_only(_receiver: object, connection: socket.socket, _request: bytes) -> None:
        connection.sendall(OK)
        connection.recv(65536)  # of the next request, which gets no answer
        connection.shutdown(socket.SHUT_RDWR)

    with receiving(first_only) as receiver:
        assert post(client, receiver.url()).delivered
        assert post(client, receiver.url()).delivered
        assert receiver.connections == 2


def test_a_new_connection_that_closes_is_not_tried_again(client: Sender) -> None:
    with receiving(once(b"")) as receiver:
        result = post(client, receiver.url())
        assert receiver.connections == 1
    assert outcome(result) == (
        None,
        "",
        Fault.ANSWER,
        "The connection ended without a valid answer.",
    )


def test_an_answer_before_the_body_was_read_counts(client: Sender) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 413 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with conversing(refuse) as port:
        result = client.post(f"http://127.0.0.1:{port}/", b"x" * 1_000_000, HEADERS)
    assert (result.status, result.failure) == (413, Fault.STATUS)


def test_a_closed_port_is_a_failure(client: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = post(client, f"http://127.0.0.1:{port}/")
    assert outcome(result) == (None, "", Fault.CONNECTION, "The connection was refused.")


@pytest.mark.usefixtures("client")
def test_the_next_address_is_tried() -> None:
    client = Sender(resolver=finds("127.0.0.9", "127.0.0.1"))
    with receiving() as receiver:
        assert post(client, HTTP.format(receiver.port)).delivered
    client.close()


def test_the_address_that_was_judged_is_the_one_connected_to(settings: Settings) -> None:
    """A name that changes its address between two look-ups: there is only one."""
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    answers = iter(["127.0.0.1", "127.0.0.2", "169.254.169.254"])
    asked = []

    def rebinding(name: str, _seconds: float) -> list[Address]:
        asked.append(name)
        return [ip_address(next(answers))]

    client = Sender(resolver=rebinding)
    with receiving() as receiver:
        url = HTTP.format(receiver.port)
        assert post(client, url).delivered
        assert post(client, url).delivered
        assert asked == ["receiver.example"]
        client.close()
        assert outcome(post(client, url)) == (
            None,
            "",
            Fault.REFUSED,
            "The host must be public, with all of its addresses.",
        )
        assert outcome(post(client, url))[2] == Fault.REFUSED
        assert len(asked) == 3
        assert (receiver.connections, len(receiver.requests)) == (1, 2)
    assert b"Host: receiver.example:%d\r\n" % receiver.port in receiver.requests[0]


def test_nothing_is_sent_when_one_of_the_addresses_is_refused(settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    client = Sender(resolver=finds("127.0.0.1", "10.0.0.1"))
    with receiving() as receiver:
        assert post(client, HTTP.format(receiver.port)).failure == Fault.REFUSED
        assert receiver.connections == 0


def test_what_was_saved_is_judged_again_when_it_is_sent(settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    with receiving() as receiver:
        result = post(Sender(), receiver.url())
        assert receiver.connections == 0
    assert outcome(result) == (None, "", Fault.REFUSED, "The URL must begin with https://.")


def test_a_name_that_is_not_found_is_a_failure() -> None:
    result = post(Sender(resolver=finds()), "https://receiver.example/")
    assert outcome(result) == (None, "", Fault.NAME, "The host name could not be resolved.")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(b"120", 120), (b"0", 0), (b"999999", 86400), (b"-1", None), (b"soon", None)],
)
def test_a_pause_that_is_asked_for_is_told(
    client: Sender, header: bytes, seconds: int | None
) -> None:
    answer = b"HTTP/1.1 503 X\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n" % header
    with receiving(answer) as receiver:
        assert post(client, receiver.url()).retry_after == seconds


def test_many_threads_share_a_client(client: Sender) -> None:
    statuses: list[int | None] = []

    def send() -> None:
        statuses.extend(post(client, receiver.url()).status for _ in range(40))

    with receiving() as receiver:
        threads = [threading.Thread(target=send) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert receiver.connections <= 16
    assert statuses == [200] * 640
