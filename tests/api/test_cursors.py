"""Going on by a cursor: every list, in its own order, whatever is written meanwhile."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from projects.models import Project
from tests.support.errors import error_of
from tests.support.factories import (
    NINE,
    api_as,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from users.models import User

NOT_OURS = "Must be a next_cursor of the same list with the same filters."


@pytest.fixture
def api(administrator: User) -> APIClient:
    """An administrator, who sees everything; a little of everything, in no order."""
    project = make_project("Site", client=make_client())
    for name in ("B", "a", "C", "Ä", "d"):
        make_project(name)
        make_client(name)
        make_user(name)
    days = [None, date(2024, 2, 1), date(2024, 1, 1), None, date(2024, 1, 1)]
    for number, (priority, day) in enumerate((p, d) for p in (2, 4, 1) for d in days):
        make_task(project, f"T{number}", priority=priority, due_date=day)
    for number in range(13):
        make_entry(administrator, project, NINE + timedelta(microseconds=number // 3))
    return api_as(administrator, "*")


def follow(api: APIClient, path: str, per_page: int) -> list[list[int]]:
    """The ids of each page, the first by its number and the others by cursors."""
    key = path.split("?")[0].strip("/").replace("-", "_")
    sign = "&" if "?" in path else "?"
    pages, cursor = [], ""
    while True:
        response = api.get(f"/api/v1{path}{sign}per_page={per_page}{cursor}")
        assert response.status_code == 200, response.content
        pages.append([row["id"] for row in response.json()[key]])
        told = response.json()["pagination"]
        assert (told["next_cursor"] is not None) == told["has_next"]
        if not told["has_next"]:
            return pages
        cursor = f"&cursor={quote(told['next_cursor'])}"


@pytest.mark.parametrize("per_page", [1, 2, 3, 5, 50])
@pytest.mark.parametrize(
    "path",
    ["/projects", "/clients", "/tasks", "/users", "/time-entries", "/tasks?status=todo&search=t"],
)
def test_cursors_lead_through_a_list_as_pages_do(api: APIClient, path: str, per_page: int) -> None:
    key = path.split("?")[0].strip("/").replace("-", "_")
    listed = [row["id"] for row in api.get(f"/api/v1{path}").json()[key]]
    pages = follow(api, path, per_page)
    assert [pk for page in pages for pk in page] == listed
    assert [len(page) for page in pages[:-1]] == [per_page] * (len(pages) - 1)


def test_a_page_after_a_cursor_has_no_number_and_no_total(api: APIClient) -> None:
    first = api.get("/api/v1/projects?per_page=4").json()["pagination"]
    second = api.get(f"/api/v1/projects?per_page=4&cursor={first['next_cursor']}")
    assert list(second.json()) == ["projects", "pagination"]
    assert second.json()["pagination"] == {"per_page": 4, "has_next": False, "next_cursor": None}


def test_what_is_written_meanwhile_shifts_nothing(api: APIClient, administrator: User) -> None:
    first = api.get("/api/v1/time-entries?per_page=5").json()
    rest = api.get("/api/v1/time-entries?per_page=50&page=1").json()["time_entries"][5:]
    make_entry(administrator, Project.objects.all()[0], datetime(2025, 1, 1, tzinfo=UTC))
    api.delete(f"/api/v1/time-entries/{first['time_entries'][-1]['id']}")
    cursor = first["pagination"]["next_cursor"]
    assert api.get(f"/api/v1/time-entries?cursor={cursor}").json()["time_entries"] == rest


def test_a_page_after_a_cursor_is_one_query_and_no_count(api: APIClient) -> None:
    first = api.get("/api/v1/time-entries?per_page=5").json()["pagination"]
    with CaptureQueriesContext(connection) as captured:
        api.get(f"/api/v1/time-entries?per_page=5&cursor={first['next_cursor']}")
    assert len(captured) == 3  # token, tag, page
    assert not [query for query in captured if "COUNT(" in query["sql"].upper()]


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("x", id="a word"),
        pytest.param("W10", id="no signature"),
        pytest.param("W10:", id="an empty signature"),
        pytest.param("WyJTaXRlIiwxXQ:pA0s2BHoAXXgVkCqnQ7Mh1N2xWUgYfqkL8rD3eJtZSs", id="forged"),
        pytest.param("%00", id="NUL"),
        pytest.param("%C3%A9:%C3%A9", id="letters"),
        pytest.param(":" * 500, id="colons"),
    ],
)
def test_what_is_no_cursor_is_400(api: APIClient, cursor: str) -> None:
    response = api.get(f"/api/v1/projects?cursor={cursor}")
    assert response.status_code == 400
    assert error_of(response)["errors"] == {"cursor": [NOT_OURS]}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/clients?per_page=2", id="another list"),
        pytest.param("/projects?per_page=2&search=a", id="a filter more"),
    ],
)
def test_a_cursor_is_for_its_list_and_filters(api: APIClient, path: str) -> None:
    given = api.get("/api/v1/projects?per_page=2").json()["pagination"]["next_cursor"]
    response = api.get(f"/api/v1{path}&cursor={given}")
    assert response.status_code == 400
    assert error_of(response)["errors"] == {"cursor": [NOT_OURS]}


def test_page_and_cursor_are_not_both_given(api: APIClient) -> None:
    given = api.get("/api/v1/projects?per_page=2").json()["pagination"]["next_cursor"]
    response = api.get(f"/api/v1/projects?page=2&cursor={given}")
    assert response.status_code == 400
    assert error_of(response)["errors"] == {"cursor": ["Send page or cursor, not both."]}


def test_a_cursor_shows_no_more_than_its_reader_may_see(api: APIClient, owner: User) -> None:
    given = api.get("/api/v1/time-entries?per_page=5").json()["pagination"]["next_cursor"]
    theirs = api_as(owner, "read:time_entries").get(f"/api/v1/time-entries?cursor={given}")
    assert theirs.json()["time_entries"] == []
