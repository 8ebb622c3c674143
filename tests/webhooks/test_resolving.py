import socket
import time
from ipaddress import ip_address
from typing import Any

import pytest

from webhooks.resolving import Unresolved, resolve

FOUND = [
    (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2606:4700::1111", 0, 0, 0)),
    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0)),
    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0)),
]


def test_this_machine_is_found() -> None:
    assert set(resolve("localhost", 3)) <= {ip_address("127.0.0.1"), ip_address("::1")}


def test_all_addresses_are_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def found(host: bytes, port: None, **_options: object) -> list[Any]:
        asked.append((host, port))
        return FOUND

    monkeypatch.setattr(socket, "getaddrinfo", found)
    assert resolve("receiver.example", 3) == [
        ip_address("2606:4700::1111"),
        ip_address("1.1.1.1"),
    ]
    assert asked == [(b"receiver.example", None)]


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "not known"),
        socket.gaierror(socket.EAI_AGAIN, "later"),
        OSError("no files left"),
        UnicodeError("label too long"),
    ],
)
def test_what_is_not_found_is_unresolved(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Unresolved):
        resolve("receiver.example", 3)


def test_a_resolver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> list[Any]:
        time.sleep(0.5)
        return FOUND

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    with pytest.raises(Unresolved):
        resolve("receiver.example", 0.1)
    assert time.monotonic() - started < 0.3
    time.sleep(0.5)  # its thread ends before the next test
