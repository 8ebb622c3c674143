"""What is measured: each operation of the service, and the requests that ask for it."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

API = "/api/v1"
LAST_DAY = date(2025, 12, 31)  # of the data
DEEP = 100_000  # entries
BULK = 500  # operations
HALF_A_YEAR, YEAR, MONTH = 182, 365, 30  # days
DAYS = 3 * 365


@dataclass(frozen=True)
class Cast:
    """Whom requests come from and which ids they name (benchmarks/data.py prints it)."""

    administrators: list[str]
    users: list[str]
    timers: int
    projects: list[int]
    first_entry: int
    entries: int


# Request `n` of connection `number`; the same numbers make the same request every time.
Build = Callable[[Cast, Random, int], bytes]
# What is measured instead of a request, made from it and its answer.
Then = Callable[[bytes, bytes], bytes]


@dataclass(frozen=True)
class Operation:
    """One line of the table: a request, and the milliseconds of CPU that it may cost (issue 5)."""

    key: str
    title: str
    build: Build
    at_most: float | None = None
    status: int = 200
    then: Then | None = None


def request(method: str, path: str, token: str, body: dict[str, Any] | None = None) -> bytes:
    """Return a request of HTTP/1.1 as it goes over the wire."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {API}{path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Accept: application/json",
    ]
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def _administrator(cast: Cast, number: int) -> str:
    return cast.administrators[number % len(cast.administrators)]


def _newest(cast: Cast, _: Random, number: int) -> bytes:
    return request("GET", "/time-entries?per_page=50", _administrator(cast, number))


def _filtered(cast: Cast, random: Random, number: int) -> bytes:
    project = random.choice(cast.projects)
    path = f"/time-entries?project_id={project}&{_range(random, HALF_A_YEAR)}&per_page=50"
    return request("GET", path, _administrator(cast, number))


def _one(cast: Cast, random: Random, number: int) -> bytes:
    entry = cast.first_entry + random.randrange(cast.entries // 2)
    return request("GET", f"/time-entries/{entry}", _administrator(cast, number))


def _status(cast: Cast, _: Random, number: int) -> bytes:
    token = cast.users[len(cast.users) - 1 - number % cast.timers]
    return request("GET", "/timer/status", token)


def _post(cast: Cast, random: Random, number: int) -> bytes:
    body = _entry(cast, random)
    return request("POST", "/time-entries", cast.users[number % len(cast.users)], body)


def _entry(cast: Cast, random: Random) -> dict[str, Any]:
    start = datetime(2025, 11, 1, 9, tzinfo=UTC) + timedelta(minutes=random.randrange(60_000))
    return {
        "project_id": random.choice(cast.projects),
        "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{start + timedelta(minutes=50):%Y-%m-%dT%H:%M:%SZ}",
        "notes": "Reviewed the week and planned the next one",
        "tags": "planning,internal",
    }


def _start(cast: Cast, random: Random, number: int) -> bytes:
    body = {"project_id": random.choice(cast.projects), "notes": "On the phone"}
    return request("POST", "/timer/start", cast.users[number], body)


def _stop(cast: Cast, _: Random, number: int) -> bytes:
    return request("POST", "/timer/stop", cast.users[number])


def _summary(days: int) -> Build:
    def build(cast: Cast, random: Random, number: int) -> bytes:
        path = f"/reports/summary?{_range(random, days)}"
        return request("GET", path, _administrator(cast, number))

    return build


def _range(random: Random, days: int) -> str:
    last = LAST_DAY - timedelta(days=random.randrange(DAYS - days))
    return f"start_date={last - timedelta(days=days - 1)}&end_date={last}"


def _deep(cast: Cast, _: Random, number: int) -> bytes:
    return request("GET", f"/time-entries?page={DEEP // 50}", _administrator(cast, number))


def _changes(cast: Cast, _: Random, number: int) -> bytes:
    return request("GET", "/changes?cursor=now", _administrator(cast, number))


def _bulk(cast: Cast, random: Random, number: int) -> bytes:
    rows = [{"op": "create", "data": _entry(cast, random)} for _ in range(BULK)]
    body = {"mode": "atomic", "operations": rows}
    return request("POST", "/time-entries/bulk", cast.users[number % len(cast.users)], body)


def _if_changed(request: bytes, answer: bytes) -> bytes:
    """Return the request for what has changed since an answer."""
    tag = re.search(rb"(?i)\r\netag: *([^\r]*)", answer)
    return _with_header(request, b"If-None-Match: " + tag[1]) if tag else request


def _from_cursor(request: bytes, answer: bytes) -> bytes:
    """Return the request for what comes after an answer."""
    cursor = re.search(rb'"next_cursor":"([^"]*)"', answer)
    return re.sub(rb"(cursor|page)=[^& ]*", b"cursor=" + cursor[1], request) if cursor else request


def _with_header(request: bytes, header: bytes) -> bytes:
    return request.replace(b"\r\n\r\n", b"\r\n" + header + b"\r\n\r\n", 1)


NEWEST = Operation("newest", "page of 50 newest, as administrator", _newest, 3.5)
POST = Operation("post", "POST an entry", _post, 3, 201)
OPERATIONS = (
    NEWEST,
    Operation("filtered", "page of 50, project and half a year", _filtered, 3.5),
    Operation("one", "one entry", _one, 1.9),
    Operation("status", "timer status", _status, 1.9),
    POST,
    Operation("summary30", "summary of 30 days, as administrator", _summary(MONTH), 11),
    Operation("summary365", "summary of a year, as administrator", _summary(YEAR)),
)
# These take turns: who has a timer can only stop it.
START = Operation("start", "timer start", _start, 3, 201)
STOP = Operation("stop", "timer stop", _stop, 3)
# What else a client may ask for; left out where the service does not answer it so.
EXTRAS = (
    Operation("newest304", "page of 50 newest, unchanged", _newest, None, 304, _if_changed),
    Operation("one304", "one entry, unchanged", _one, None, 304, _if_changed),
    Operation("status304", "timer status, unchanged", _status, None, 304, _if_changed),
    Operation("deep", f"page of 50 by cursor, behind {DEEP:,}", _deep, then=_from_cursor),
    Operation("changes", "feed of changes, nothing new", _changes, then=_from_cursor),
    Operation("bulk", f"bulk, {BULK} entries", _bulk),
)
