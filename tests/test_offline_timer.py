"""The documented offline client, in one process: tests/faults/offline.py kills it for real."""

import importlib.util
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.racing import at_once
from tests.servers import ROOT

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
    """The refusals of what is queued."""
    return [refusal for (refusal,) in store.execute("SELECT refusal FROM queue")]


def test_it_is_short_enough_to_be_read() -> None:
    assert len(PATH.read_text().splitlines()) < 150


def test_it_sends_the_same_with_the_same_key_until_there_is_an_answer(
    client: Any, store: sqlite3.Connection
) -> None:
    cut = httpx.RemoteProtocolError("cut off")
    service, asked = api(
        cut, httpx.Response(503, headers={"Retry-After": "7"}), httpx.Response(201)
    )

    client.send(service, store)

    assert waiting(store) == []
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 1
    assert len({request.content for request in asked}) == 1
    assert client.waited[0] <= 0.2
    assert client.waited[1] == 7


def test_what_is_refused_is_kept_with_the_reason(client: Any, store: sqlite3.Connection) -> None:
    why = {"message": "This project is archived.", "error_code": "project_archived"}
    service, asked = api(httpx.Response(409, json=why))

    client.send(service, store)
    client.send(service, store)

    assert waiting(store) == ["This project is archived."]
    assert len(asked) == 1


def test_a_bad_token_ends_it_and_loses_nothing(client: Any, store: sqlite3.Connection) -> None:
    service, _ = api(httpx.Response(401, json={"message": "The token is expired"}))

    with pytest.raises(SystemExit, match="The token is expired"):
        client.send(service, store)

    assert waiting(store) == [None]


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
        httpx.Response(410, json={}),
        httpx.Response(200, json={**NOTHING_NEW, **third}),
    )

    client.follow(service, store)
    assert store.execute("SELECT id FROM copy").fetchall() == [(2,)]
    client.follow(service, store)
    assert store.execute("SELECT id FROM copy").fetchall() == [(3,)]

    assert [request.url.params.get("cursor") for request in asked] == [None, "1", "2", None]
    assert waiting(store) == [None]


def test_two_stops_at_once_end_one_hour(client: Any, tmp_path: Path) -> None:
    for number in range(10):
        path = tmp_path / f"{number}.sqlite3"
        with closing(sqlite3.connect(path)) as database:
            database.executescript(client.TABLES)
            client.start(database, 7, "Site visit")

            ended = at_once([partial(stopped, client, path)] * 4)

            assert sorted(ended) == [False, False, False, True]
            assert waiting(database) == [None]


def stopped(client: Any, path: Path) -> bool:
    """Whether it was this stop that ended the hour."""
    with closing(sqlite3.connect(path, timeout=30)) as database:
        try:
            client.stop(database)
        except SystemExit:
            return False
    return True
