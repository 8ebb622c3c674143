"""`/books`: everybody reads it, administrators write it."""

from datetime import date
from typing import Any

import pytest

from books.models import Books, UserBound, ZoneBound
from journal.models import Change
from tests.support.errors import error_of
from tests.support.factories import api_as, close_books
from users.models import User

URL = "/api/v1/books"


def through(day: str | None) -> dict[str, Any]:
    return {"closed_through": day}


def test_the_books_are_open_at_first(owner: User) -> None:
    response = api_as(owner, "read:time_entries").get(URL)
    assert (response.status_code, response.json()) == (200, {"books": through(None)})


def test_an_administrator_closes_and_opens_them(administrator: User, owner: User) -> None:
    api, reader = api_as(administrator, "write:time_entries"), api_as(owner, "read:time_entries")
    for day in ("2024-01-31", "2024-02-29", "2023-12-31", None):
        response = api.put(URL, through(day))
        message = "Books updated successfully"
        assert (response.status_code, response.json()) == (
            200,
            {"message": message, "books": through(day)},
        )
        assert reader.get(URL).json() == {"books": through(day)}
    assert not UserBound.objects.exists()
    assert not ZoneBound.objects.exists()


@pytest.mark.parametrize("scopes", [["write:time_entries"], ["read:time_entries"]])
def test_nobody_else_does(owner: User, scopes: list[str]) -> None:
    response = api_as(owner, *scopes).put(URL, through("2024-01-31"))
    assert response.status_code == 403
    assert Books.current().closed_through is None


def test_the_refusal_says_who_does(owner: User) -> None:
    response = api_as(owner, "write:time_entries").put(URL, {"nonsense": 1})
    assert error_of(response) == {
        "error": "Access denied",
        "message": "Only administrators may close or open the books.",
        "error_code": "forbidden",
    }


def test_staff_are_no_administrators(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    response = api_as(owner, "write:time_entries").put(URL, through("2024-01-31"))
    assert response.status_code == 403


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        (through("2024-02-30"), "closed_through", "Must be a date such as 2024-01-15."),
        (through("2024-01-31T00:00:00Z"), "closed_through", "Must be a date such as 2024-01-15."),
        (through(""), "closed_through", "Must be a date such as 2024-01-15."),
        (
            through("1969-12-31"),
            "closed_through",
            "Must be a time in the years 1970 to 2200.",
        ),
        (
            through("2201-01-01"),
            "closed_through",
            "Must be a time in the years 1970 to 2200.",
        ),
        ({"closed_through": 20240131}, "closed_through", "Must be a string such as 2024-01-15."),
        ({"closed_through": True}, "closed_through", "Must be a string such as 2024-01-15."),
        ({"closed_until": "2024-01-31"}, "closed_until", None),
    ],
)
def test_a_bad_day_changes_nothing(
    administrator: User, body: dict[str, Any], field: str, sentence: str | None
) -> None:
    close_books("2023-12-31")
    response = api_as(administrator, "*").put(URL, body)
    assert response.status_code == 400
    (words,) = error_of(response)["errors"][field]
    assert sentence is None or words == sentence
    assert Books.current().closed_through == date(2023, 12, 31)


@pytest.mark.parametrize("day", ["1970-01-01", "2200-12-31"])
def test_every_day_that_we_know_can_be_closed(administrator: User, day: str) -> None:
    assert api_as(administrator, "*").put(URL, through(day)).status_code == 200


@pytest.mark.parametrize("body", [{}, through("2024-01-31")])
def test_the_same_day_again_changes_nothing(administrator: User, body: dict[str, Any]) -> None:
    api = api_as(administrator, "*")
    first = api.put(URL, through("2024-01-31"))
    second = api.put(URL, body)
    assert (second.status_code, second.json()) == (200, first.json())
    assert second["ETag"] == first["ETag"]
    assert Change.objects.filter(type="books").count() == 1


def test_the_journal_says_who_closed_them(administrator: User) -> None:
    api_as(administrator, "*").put(URL, through("2024-01-31"))
    change = Change.objects.get(type="books")
    assert (change.action, change.fields, change.user, change.object_id) == (
        Change.Action.UPDATED,
        ["closed_through"],
        administrator,
        Books.ONLY,
    )
    assert change.token_id is not None


def test_the_feed_has_no_books(administrator: User) -> None:
    api = api_as(administrator, "*")
    cursor = api.get("/api/v1/changes", {"cursor": "now"}).json()["next_cursor"]
    api.put(URL, through("2024-01-31"))
    assert api.get("/api/v1/changes", {"cursor": cursor}).json()["changes"] == []


def test_who_saw_another_day_closes_nothing(administrator: User) -> None:
    api = api_as(administrator, "*")
    tag = api.get(URL)["ETag"]
    assert api.get(URL, HTTP_IF_NONE_MATCH=tag).status_code == 304
    close_books("2024-01-31")
    response = api.put(URL, through("2024-02-29"), HTTP_IF_MATCH=tag)
    assert response.status_code == 412
    assert Books.current().closed_through == date(2024, 1, 31)
    assert api.get(URL, HTTP_IF_NONE_MATCH=tag).status_code == 200
    current = error_of(response)["etag"]
    response = api.put(URL, through("2024-02-29"), HTTP_IF_MATCH=current)
    assert response.status_code == 200


def test_a_repeated_request_closes_once(administrator: User) -> None:
    api = api_as(administrator, "*")
    first = api.put(URL, through("2024-01-31"), HTTP_IDEMPOTENCY_KEY="january")
    close_books(None)
    second = api.put(URL, through("2024-01-31"), HTTP_IDEMPOTENCY_KEY="january")
    assert second.content == first.content
    assert Books.current().closed_through is None
