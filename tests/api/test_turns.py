"""One token has so many requests under way, of which few work at a time; others go past."""

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.http import StreamingHttpResponse
from pytest_django import Settings

from api import turns as module
from api.exceptions import TooManyAtOnce
from api.turns import Turns, end_with
from api.viewsets import ListViewSet
from tests.support.errors import error_of
from tests.support.factories import NINE, api_as, make_entry, make_project, make_user

BULK = "/api/v1/time-entries/bulk"
REPORT = "/api/v1/reports/entries"


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads in which turns are waited for."""
    with ThreadPoolExecutor(20) as executor:
        yield executor


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """The turns of a process in which nobody has one."""
    fresh = Turns()
    monkeypatch.setattr(module, "turns", fresh)
    monkeypatch.setattr("api.views.turns", fresh)
    return fresh


def waiting(future: "Future[Any]") -> bool:
    """Return whether a turn has not come, given time to."""
    try:
        future.result(0.05)
    except TimeoutError:
        return True
    return False


def test_two_of_a_token_work_and_another_token_is_next(
    settings: Settings, turns: Turns, threads: ThreadPoolExecutor
) -> None:
    settings.THREADS = 8
    one = [threads.submit(turns.take, "hog") for _ in range(10)]
    worked = [future for future in one if not waiting(future)]
    assert len(worked) == 2
    other = turns.take("other")  # at once, although eight were there before
    worked[0].result().end()
    assert sum(not waiting(future) for future in one) == 3
    other.end()
    for _ in range(5):
        for future in one:
            if not waiting(future):
                future.result().end()
    assert all(future.done() for future in one)


def test_a_process_works_at_four_at_a_time(turns: Turns, threads: ThreadPoolExecutor) -> None:
    first = [turns.take(name) for name in "abcd"]
    fifth = threads.submit(turns.take, "e")
    assert waiting(fifth)
    first[2].end()
    fifth.result(5).end()


def test_beyond_the_bound_it_is_refused_until_one_ends(
    settings: Settings, turns: Turns, threads: ThreadPoolExecutor
) -> None:
    settings.REQUESTS_AT_ONCE = 3
    settings.THREADS = 8  # two work
    held = [turns.take("hog"), turns.take("hog")]
    third = threads.submit(turns.take, "hog")
    assert waiting(third)
    with pytest.raises(TooManyAtOnce):
        turns.take("hog")
    held[0].end()
    held[0].end()  # for the second time in vain
    third.result(5)
    held[1].end()
    turns.take("hog").end()


@pytest.mark.django_db(transaction=True)
def test_a_request_too_many_is_429(
    settings: Settings,
    turns: Turns,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.REQUESTS_AT_ONCE = 1
    began, may_end = threading.Event(), threading.Event()
    get_queryset: Callable[..., Any] = ListViewSet.get_queryset

    def slowly(view: Any) -> Any:
        began.set()
        assert may_end.wait(10)
        return get_queryset(view)

    def get() -> int:
        try:
            return int(api.get("/api/v1/projects").status_code)
        finally:
            connections.close_all()

    user = make_user()
    api, same_users = api_as(user, "read:projects"), api_as(user, "read:users")
    monkeypatch.setattr(ListViewSet, "get_queryset", slowly)
    first = threads.submit(get)
    assert began.wait(10)
    response = api.get("/api/v1/projects")
    may_end.set()
    assert response.status_code == 429
    assert response["Retry-After"] == "1"
    assert response["X-RateLimit-Remaining"] == "98"
    assert error_of(response) == {
        "error": "Rate limit exceeded",
        "message": "This token already has 1 requests in progress. Wait for one to finish.",
        "error_code": "rate_limited",
    }
    assert same_users.get("/api/v1/users/me").status_code == 200
    assert first.result(10) == 200
    assert api.get("/api/v1/projects").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/users/me", 200),
        ("/api/v1/users/me?x=1", 400),
        ("/api/v1/projects", 403),
        ("/api/v1/time-entries/1", 404),
    ],
)
def test_every_answer_gives_back_its_place(
    settings: Settings, turns: Turns, db: None, path: str, status: int
) -> None:
    settings.REQUESTS_AT_ONCE = 1
    api = api_as(make_user(), "read:users", "read:time_entries")
    assert [api.get(path).status_code for _ in range(3)] == [status] * 3


def test_so_does_one_that_fails(
    settings: Settings, turns: Turns, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REQUESTS_AT_ONCE = 1
    api = api_as(make_user(), "read:projects")
    api.raise_request_exception = False
    monkeypatch.setattr(ListViewSet, "get_queryset", lambda _: 1 / 0)
    assert [api.get("/api/v1/projects").status_code for _ in range(3)] == [500] * 3


@pytest.mark.parametrize("how", ["closed", "forgotten"])
def test_a_file_keeps_its_place_until_it_is_sent(
    settings: Settings, turns: Turns, db: None, how: str
) -> None:
    settings.REQUESTS_AT_ONCE = 1
    chunks: Iterator[str] = iter(["a", "b"])
    turn, response = turns.take("hog"), StreamingHttpResponse(chunks)
    end_with(response, turn)
    assert next(iter(response.streaming_content)) == b"a"  # type: ignore[arg-type]
    with pytest.raises(TooManyAtOnce):
        turns.take("hog")
    if how == "closed":
        response.close()
    del response
    gc.collect()
    turns.take("hog").end()


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_a_file_that_was_read_has_given_back_its_place(
    settings: Settings, turns: Turns, db: None, file_format: str
) -> None:
    settings.REQUESTS_AT_ONCE = 1
    owner = make_user()
    make_entry(owner, make_project())
    api = api_as(owner, "read:reports")
    for _ in range(3):
        response: Any = api.get(f"{REPORT}?format={file_format}")
        assert response.status_code == 200
        assert b"".join(response.streaming_content)


@pytest.mark.parametrize(("operations", "counted"), [(1, 1), (100, 1), (101, 2), (500, 5)])
def test_a_bulk_counts_for_each_hundred_begun(db: None, operations: int, counted: int) -> None:
    owner = make_user()
    entry = make_entry(owner, make_project(), NINE)
    api = api_as(owner, "write:time_entries")
    body = {"operations": [{"op": "update", "id": entry.pk, "data": {}}] * operations}
    response = api.post(BULK, body)
    assert response.status_code == 200
    assert response["X-RateLimit-Remaining"] == str(100 - counted)


def test_a_bulk_over_the_limit_is_429_and_writes_nothing(db: None, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 4
    owner = make_user()
    entry = make_entry(owner, make_project(), NINE)
    delete = {"op": "delete", "id": entry.pk}
    response = api_as(owner, "write:time_entries").post(BULK, {"operations": [delete] * 401})
    assert response.status_code == 429
    assert response["X-RateLimit-Remaining"] == "0"
    assert int(response["Retry-After"]) >= 1
    entry.refresh_from_db()
