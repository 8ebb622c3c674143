"""A WSGI application that does nothing: it sends bytes that the service once answered.

Each file in the folder BARE_ANSWERS is an answer as it came over the wire; its name is its path.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

THE_SERVERS_OWN = ("date", "server", "content-length")

Answer = tuple[str, list[tuple[str, str]], bytes]


def _read(wire: bytes) -> Answer:
    head, _, body = wire.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    kept = [header for header in headers if header[0].lower() not in THE_SERVERS_OWN]
    return f"{status.split(' ')[1]} OK", [*kept, ("Content-Length", str(len(body)))], body


def _answers() -> dict[str, Answer]:
    folder = os.environ.get("BARE_ANSWERS")
    files = Path(folder).iterdir() if folder else []
    return {f"/{path.name}": _read(path.read_bytes()) for path in files}


ANSWERS = _answers()


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer with what is kept for the path."""
    status, headers, body = ANSWERS[environ["PATH_INFO"]]
    start_response(status, headers)
    return [body]
