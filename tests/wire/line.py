"""A connection on which a test says what it wants, byte by byte."""

import json
import socket
import time
from http.client import HTTPResponse
from typing import Any, Self

SECONDS = 20


class Reply:
    """An answer: its status, its headers and its body, read to the end."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def __getitem__(self, name: str) -> str:
        return self.headers.get(name, "")

    def json(self) -> dict[str, Any]:
        """Return the body as what it says it is."""
        assert self["Content-Type"] == "application/json", self.body
        answer: dict[str, Any] = json.loads(self.body)
        return answer

    def refusal(self) -> tuple[int, str]:
        """Return status and code of an error in the one shape."""
        body = self.json()
        assert {"error", "message", "error_code", "request_id"} <= set(body)
        assert body["request_id"] == self["X-Request-ID"]
        return self.status, body["error_code"]


class Lent:
    """The reader of a connection, which http.client would close after an answer."""

    def __init__(self, connection: socket.socket) -> None:
        self.reader = connection.makefile("rb")

    def makefile(self, *_: object) -> "Lent":
        return self

    def close(self) -> None:
        """Stay open: the next answer may be read already."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reader, name)


class Line:
    """A connection to a server of the loopback address."""

    def __init__(self, port: int, token: str = "") -> None:
        self.token = token
        self._socket = socket.create_connection(("127.0.0.1", port), SECONDS)
        self._lent = Lent(self._socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lent.reader.close()
        self._socket.close()

    def say(self, *parts: bytes, pause: float = 0.05) -> None:
        """Send bytes, each part for itself."""
        for number, part in enumerate(parts):
            if number:
                time.sleep(pause)
            self._socket.sendall(part)

    def hear(self, method: str = "GET") -> Reply:
        """Return the next answer."""
        response = HTTPResponse(self._lent, method=method)  # type: ignore[arg-type]
        response.begin()
        return Reply(response)

    def ask(
        self,
        start: str,
        *headers: str | bytes,
        body: bytes | None = None,
        host: str | None = "localhost",
        parts: tuple[bytes, ...] = (),
    ) -> Reply:
        """Send a request with our token, such as `GET /api/v1/projects`, and return its answer."""
        version = "" if " HTTP/" in start else " HTTP/1.1"
        lines = [(start + version).encode("latin-1")]
        lines += [] if host is None else [f"Host: {host}".encode()]
        lines += [f"Authorization: Bearer {self.token}".encode()] if self.token else []
        lines += [line.encode() if isinstance(line, str) else line for line in headers]
        lines += [] if body is None else [f"Content-Length: {len(body)}".encode()]
        self.say(b"\r\n".join([*lines, b"", body or b""]), *parts)
        return self.hear(start.partition(" ")[0])

    def is_closed(self) -> bool:
        """Return whether the server has ended the connection."""
        self._socket.settimeout(1)
        try:
            return self._lent.reader.read1(1) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True
