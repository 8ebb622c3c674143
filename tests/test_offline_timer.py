"""The documented offline client, in one process: tests/faults/offline.py kills it for real."""

import importlib.util
import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.clock import Clock
from tests.support.racing import at_once
from tests.support.servers import ROOT

PATH = ROOT / "docs" / "examples" / "offline_timer.py"
NOTHING_NEW = {"changes": [], "next_cursor": "2", "has_more": False}


def loaded() -> Any:
    """The script as a module."""
    found = importlib.util.spec_from_file_location("offline_timer", PATH)
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script, whose waits are noted instead of waited."""
    module = loaded()
    module.waited = []
    monkeypatch.setattr(module.time, "sleep", module.waited.append)
    return module


@pytest.fixture
def store(client: Any) -> sqlite3.Connection:
    """A store with one hour that waits."""
    database = sqlite3.connect(":memory:")
    database.executescript(client.TABLES)
    client.start(database, 7, "Site visit")
    client.stop(database)
    return database


def api(*answers: httpx.Response | Exception) -> tuple[httpx.Client, list[httpx.Request]]:
    """A service that gives these answers, and what it was asked."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = answers[len(asked) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    transport = httpx.MockTransport(answer)
    return httpx.Client(base_url="http://service", transport=transport), asked


def waiting(store: sqlite3.Connection) -> list[Any]:
    """The notes of what is queued."""
    return [json.loads(body)["notes"] for (body,) in store.execute("SELECT body FROM queue")]


def test_it_is_short_enough_to_be_read() -> None:
    assert len(PATH.read_text().splitlines()) < 150


def test_it_sends_the_same_with_the_same_key_until_there_is_an_answer(
    client: Any, store: sqlite3.Connection
) -> None:
    cut = httpx.RemoteProtocolError("cut off")
    broken = httpx.DecodingError("not gzip")
    busy = httpx.Response(503, headers={"Retry-After": "7"})
    service, asked = api(cut, broken, busy, httpx.Response(201, json={"time_entry": {}}))

    client.send(service, store)

    assert waiting(store) == []
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 1
    assert len({request.content for request in asked}) == 1
    assert client.waited[0] <= 0.2
    assert client.waited[2] == 7


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("Mon, 15 Jan 2024 10:00:30 GMT", 29.75, id="date"),
        pytest.param("Mon, 15 Jan 2024 09:00:00 GMT", -3600.25, id="past"),
        pytest.param("99999999999", 3600.0, id="for ever"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0, id="until the last day"),
        pytest.param("-1", 0.0, id="negative"),
        pytest.param("soon", 0.0, id="word"),
        pytest.param("", 0.0, id="empty"),
        pytest.param(None, 0.0, id="none"),
    ],
)
@pytest.mark.usefixtures("clock")
def test_it_waits_as_long_as_it_is_asked_to(client: Any, asked: Any, seconds: float) -> None:
    headers = {} if asked is None else {"Retry-After": asked}
    assert client.retry_after(httpx.Response(503, headers=headers)) == seconds


def test_a_date_to_come_back_at_is_kept(client: Any, clock: Clock) -> None:
    busy = httpx.Response(429, headers={"Retry-After": "Mon, 15 Jan 2024 10:00:30 GMT"})
    service, _ = api(busy, httpx.Response(200, json=NOTHING_NEW))

    assert client.request(service, "GET", "/api/v1/changes") == NOTHING_NEW

    assert client.waited == [29.75]


@pytest.mark.parametrize("status", [401, 403])
def test_a_bad_token_ends_it_and_loses_nothing(
    client: Any, store: sqlite3.Connection, status: int
) -> None:
    refused = {"message": "The token is expired", "error_code": "unauthorized"}
    service, _ = api(httpx.Response(status, json=refused))

    with pytest.raises(SystemExit, match=r"The token is expired\. Nothing is lost"):
        client.send(service, store)

    assert waiting(store) == ["Site visit"]


PORTAL = "<html>Please accept our terms.</html>"
ELSE = [
    pytest.param(httpx.Response(200, html=PORTAL), id="portal"),
    pytest.param(httpx.Response(201, json={"ok": True}), id="JSON of another"),
    pytest.param(httpx.Response(201, json=["time_entry"]), id="list"),
    pytest.param(httpx.Response(204), id="empty"),
    pytest.param(httpx.Response(302, headers={"Location": "http://portal"}), id="redirect"),
    pytest.param(httpx.Response(401, html=PORTAL), id="401"),
    pytest.param(httpx.Response(403, html=PORTAL), id="403"),
    pytest.param(httpx.Response(403, json={"message": "Forbidden"}), id="403 of a gateway"),
    pytest.param(httpx.Response(413, html=PORTAL), id="413"),
    pytest.param(httpx.Response(400, content=b"\xff\xfe\xff"), id="bytes"),
]


@pytest.mark.parametrize("answer", ELSE)
def test_a_proxy_takes_no_hour_and_holds_up_none(
    client: Any,
    store: sqlite3.Connection,
    capsys: pytest.CaptureFixture[str],
    answer: httpx.Response,
) -> None:
    client.start(store, 7, "Behind it")
    client.stop(store)
    service, asked = api(answer, httpx.Response(201, json={"time_entry": {}}))

    client.send(service, store)

    assert waiting(store) == ["Site visit"]
    assert len(asked) == 2
    told = (
        f"Rejected: The response ({answer.status_code}) did not come from the service. Sync "
        "again later. "
    )
    assert capsys.readouterr().out.startswith(told)


@pytest.mark.parametrize("answer", ELSE)
def test_a_proxy_has_no_news(
    client: Any, store: sqlite3.Connection, answer: httpx.Response
) -> None:
    service, _ = api(answer)

    with pytest.raises(SystemExit, match=rf"\({answer.status_code}\).* Nothing is lost"):
        client.follow(service, store)


def told(kind: str, pk: int, data: dict[str, Any] | None) -> dict[str, Any]:
    """A change."""
    return {"type": kind, "id": pk, "op": "upsert" if data else "delete", "data": data}


def test_it_follows_page_by_page_and_begins_again_when_the_cursor_expired(
    client: Any, store: sqlite3.Connection
) -> None:
    first = {"changes": [told("client", 1, {"id": 1})], "next_cursor": "1", "has_more": True}
    second = {"changes": [told("client", 1, None), told("client", 2, {"id": 2})]}
    third = {"changes": [told("client", 3, {"id": 3})]}
    service, asked = api(
        httpx.Response(200, json=first),
        httpx.Response(200, json={**NOTHING_NEW, **second}),
        httpx.Response(410, json={"error_code": "cursor_expired"}),
        httpx.Response(200, json={**NOTHING_NEW, **third}),
    )

    client.follow(service, store)
    assert store.execute("SELECT id FROM copy").fetchall() == [(2,)]
    client.follow(service, store)
    assert store.execute("SELECT id FROM copy").fetchall() == [(3,)]

    assert [request.url.params.get("cursor") for request in asked] == [None, "1", "2", None]
    assert waiting(store) == ["Site visit"]


def test_two_stops_at_once_end_one_hour(client: Any, tmp_path: Path) -> None:
    for number in range(10):
        path = tmp_path / f"{number}.sqlite3"
        with closing(sqlite3.connect(path)) as database:
            database.executescript(client.TABLES)
            client.start(database, 7, "Site visit")

            ended = at_once([partial(stopped, client, path)] * 4)

            assert sorted(ended) == [False, False, False, True]
            assert waiting(database) == ["Site visit"]


def stopped(client: Any, path: Path) -> bool:
    """Whether it was this stop that ended the hour."""
    with closing(sqlite3.connect(path, timeout=30)) as database:
        try:
            client.stop(database)
        except SystemExit:
            return False
    return True
