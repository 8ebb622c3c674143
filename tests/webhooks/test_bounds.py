import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.webhooks.names import finds
from tests.webhooks.receivers import (
    Answer,
    always,
    dripping,
    endless,
    once,
    receiving,
    silent,
    slow,
)
from tests.webhooks.sending import HEADERS, SOON, outcome, post
from webhooks import connections
from webhooks.connections import Fault
from webhooks.transport import Sender


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(silent, id="silence"),
        pytest.param(dripping(b"", b"H"), id="a letter now and then"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), id="headers"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="interim answers"),
        pytest.param(slow(SOON + 0.3), id="late"),
    ],
)
@pytest.mark.usefixtures("soon")
def test_no_answer_may_take_longer_than_an_attempt(client: Sender, answer: Answer) -> None:
    with receiving(answer) as receiver:
        result = post(client, receiver.url())
    assert (result.status, result.failure) == (None, Fault.TIMEOUT)
    assert SOON <= result.seconds < SOON + 0.3


@pytest.mark.parametrize(
    ("head", "drop", "kept"),
    [
        pytest.param(b"Content-Length: 999\r\n\r\n", b"x", "xxx", id="length"),
        pytest.param(b"\r\n", b"x", "xxx", id="until the end"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", "xxx", id="chunks"),
    ],
)
@pytest.mark.usefixtures("soon")
def test_a_body_that_drips_is_cut_and_its_status_counts(
    client: Sender, head: bytes, drop: bytes, kept: str
) -> None:
    with receiving(dripping(b"HTTP/1.1 200 OK\r\n" + head, drop)) as receiver:
        result = post(client, receiver.url())
    assert (result.status, result.failure) == (200, None)
    assert result.snippet.startswith(kept)
    assert SOON <= result.seconds < SOON + 0.3


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"\r\n", id="until the end"),
        pytest.param(b"Content-Length: 99999999999\r\n\r\n", id="length"),
        pytest.param(b"Content-Encoding: gzip\r\n\r\n", id="said to be gzip"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n", id="one chunk"),
    ],
)
def test_an_endless_body_is_cut(client: Sender, head: bytes) -> None:
    with receiving(endless(b"HTTP/1.1 500 X\r\n" + head, b"x" * 65536)) as receiver:
        result = post(client, receiver.url())
        assert post(client, receiver.url()).status == 500
        assert receiver.connections == 2  # what is left of it is not taken for an answer
    assert (result.status, result.snippet) == (500, "x" * 2048)
    assert result.seconds < 3


def test_a_body_of_just_the_limit_keeps_its_connection(client: Sender) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    length = connections.ANSWER_BYTES - len(head % 10000)
    with receiving(head % length + b"x" * length) as receiver:
        assert post(client, receiver.url()).snippet == "x" * 2048
        assert post(client, receiver.url()).delivered
        assert receiver.connections == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(
            endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 1000 + b"\r\n"),
            "The headers of the answer are longer than 64 KiB.",
            id="endless headers",
        ),
        pytest.param(
            endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
            "The connection ended without a valid answer.",
            id="many headers",
        ),
        pytest.param(
            endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000),
            "The headers of the answer are longer than 64 KiB.",
            id="endless header",
        ),
        pytest.param(
            endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            "The headers of the answer are longer than 64 KiB.",
            id="endless interim answers",
        ),
        pytest.param(
            endless(b"", b"x" * 1000),
            "The headers of the answer are longer than 64 KiB.",
            id="no lines",
        ),
        pytest.param(
            always(b"SSH-2.0-OpenSSH_9.2\r\n"),
            "The connection ended without a valid answer.",
            id="not HTTP",
        ),
        pytest.param(
            always(b"HTTP/1.1 999999 OK\r\n\r\n"),
            "The connection ended without a valid answer.",
            id="no status",
        ),
        pytest.param(
            once(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            "The connection ended without a valid answer.",
            id="two lengths",
        ),
    ],
)
def test_a_bad_head_is_a_failure(client: Sender, answer: Answer, message: str) -> None:
    with receiving(answer) as receiver:
        result = post(client, receiver.url())
    assert outcome(result) == (None, "", Fault.ANSWER, message)
    assert result.seconds < 3


@pytest.mark.usefixtures("soon")
def test_a_receiver_that_does_not_read_is_given_up(client: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        result = client.post(url, b"x" * 50_000_000, HEADERS)
    assert result.failure == Fault.TIMEOUT
    assert SOON <= result.seconds < SOON + 0.5


@contextmanager
def black_hole(port: int = 0, host: str = "127.0.0.1") -> Iterator[int]:
    """A port whose queue is full: connections to it are neither made nor refused."""
    with socket.socket() as listener:
        listener.bind((host, port))
        listener.listen(0)
        with socket.create_connection(listener.getsockname()):
            yield listener.getsockname()[1]


def test_an_address_that_takes_no_connection_ends_after_three_seconds(client: Sender) -> None:
    with black_hole() as port:
        result = post(client, f"http://127.0.0.1:{port}/")
    message = "No connection was made within 3 seconds."
    assert outcome(result) == (None, "", Fault.CONNECTION, message)
    assert 2.9 < result.seconds < 3.5


@pytest.mark.usefixtures("client")
def test_several_addresses_share_the_three_seconds() -> None:
    client = Sender(resolver=finds("127.0.0.2", "127.0.0.1"))
    with receiving() as receiver, black_hole(receiver.port, "127.0.0.2"):
        result = post(client, receiver.url(host="receiver.example"))
    client.close()
    assert outcome(result) == (200, "ok", None, "")
    assert 1.4 < result.seconds < 2.5


def test_a_slow_receiver_delays_no_other(client: Sender) -> None:
    with receiving(slow(2)) as sluggish, receiving() as receiver:
        thread = threading.Thread(target=post, args=(client, sluggish.url()))
        thread.start()
        started = time.monotonic()
        for _ in range(50):
            assert post(client, receiver.url()).delivered
        assert time.monotonic() - started < 1.5
        thread.join(5)
