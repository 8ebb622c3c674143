"""Receivers on real sockets, good and bad ones."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[["Receiver", socket.socket, bytes], None]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Receiver:
    """A server on 127.0.0.1: the requests it read, and how many connections brought them."""

    listener: socket.socket
    port: int
    answer: Answer
    tls: ssl.SSLContext | None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/hook", *, host: str = "127.0.0.1") -> str:
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.converse, args=(connection,), daemon=True).start()

    def converse(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            secured = (
                self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            )
            with secured:
                while request := read_request(secured):
                    self.requests.append(request)
                    self.answer(self, secured, request)


@contextmanager
def receiving(
    answer: Answer | bytes = OK, tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[Receiver]:
    """Serve what a function or the same bytes answer to each request, on any free port."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        script = always(answer) if isinstance(answer, bytes) else answer
        receiver = Receiver(listener, listener.getsockname()[1], script, tls)
        thread = threading.Thread(target=receiver.serve, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


@contextmanager
def conversing(script: Callable[[socket.socket], None]) -> Iterator[int]:
    """Let a function have the first connection to a port."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            script(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


def read_request(connection: socket.socket) -> bytes:
    """Return a request, head and body; nothing where the caller has gone."""
    text = b""
    while b"\r\n\r\n" not in text:
        part = connection.recv(65536)
        if not part:
            return b""
        text += part
    head, _, body = text.partition(b"\r\n\r\n")
    (length,) = (
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def always(text: bytes) -> Answer:
    """Answer the same to each request, and keep the connection."""

    def answer(_receiver: Receiver, connection: socket.socket, _request: bytes) -> None:
        connection.sendall(text)

    return answer


def once(text: bytes) -> Answer:
    """Answer, and close the connection."""

    def answer(_receiver: Receiver, connection: socket.socket, _request: bytes) -> None:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_RDWR)

    return answer


def dripping(text: bytes, drop: bytes, pause: float = 0.05) -> Answer:
    """Begin with a text, then send a drop now and then until nobody listens."""

    def answer(receiver: Receiver, connection: socket.socket, _request: bytes) -> None:
        connection.sendall(text)
        while not receiver.over.wait(pause):
            connection.sendall(drop)

    return answer


def endless(text: bytes, more: bytes) -> Answer:
    """Begin with a text, and never stop."""

    def answer(receiver: Receiver, connection: socket.socket, _request: bytes) -> None:
        connection.sendall(text)
        while not receiver.over.is_set():
            connection.sendall(more)

    return answer


def silent(receiver: Receiver, _connection: socket.socket, _request: bytes) -> None:
    """Take a request and say nothing."""
    receiver.over.wait(30)


def slow(seconds: float, text: bytes = OK) -> Answer:
    """Answer after a while."""

    def answer(_receiver: Receiver, connection: socket.socket, _request: bytes) -> None:
        time.sleep(seconds)
        connection.sendall(text)

    return answer
