from typing import Any

import pytest
from rest_framework.test import APIClient

from projects.models import Project
from tests.support.errors import error_of
from tests.support.factories import api_as, issue_token, make_project
from users.models import User

PATH = "/api/v1/projects"


@pytest.fixture
def api(owner: User) -> APIClient:
    """The owner, who may read projects."""
    return api_as(owner, "read:projects")


@pytest.fixture
def seven(db: None) -> list[int]:
    """The ids of seven projects, two of one name, in the order of the list."""
    projects = [make_project(name) for name in ("A", "B", "C", "C", "D", "E", "F")]
    return [project.pk for project in projects]


def page(number: int, per_page: int, total: int, pages: int, **neighbours: int) -> dict[str, Any]:
    """What an answer says of its page; `next_page` and `prev_page` where there are any."""
    return {
        "page": number,
        "per_page": per_page,
        "total": total,
        "pages": pages,
        "has_next": "next_page" in neighbours,
        "has_prev": "prev_page" in neighbours,
        "next_page": neighbours.get("next_page"),
        "prev_page": neighbours.get("prev_page"),
    }


def pagination_of(response: Any) -> dict[str, Any]:
    """What an answer says of its page, after a look at the cursor: there is one to go on with."""
    pagination: dict[str, Any] = response.json()["pagination"]
    assert (pagination.pop("next_cursor") is not None) == pagination["has_next"]
    return pagination


@pytest.mark.parametrize(
    ("query", "rows", "pagination"),
    [
        pytest.param("", slice(0, 7), page(1, 50, 7, 1), id="defaults"),
        pytest.param("?page=1", slice(0, 7), page(1, 50, 7, 1), id="page 1"),
        pytest.param("?per_page=3", slice(0, 3), page(1, 3, 7, 3, next_page=2), id="first"),
        pytest.param(
            "?per_page=3&page=2",
            slice(3, 6),
            page(2, 3, 7, 3, next_page=3, prev_page=1),
            id="middle",
        ),
        pytest.param(
            "?page=3&per_page=3", slice(6, 7), page(3, 3, 7, 3, prev_page=2), id="last, not full"
        ),
        pytest.param("?per_page=7", slice(0, 7), page(1, 7, 7, 1), id="exactly one page"),
        pytest.param(
            "?per_page=6", slice(0, 6), page(1, 6, 7, 2, next_page=2), id="one left over"
        ),
        pytest.param("?per_page=1&page=7", slice(6, 7), page(7, 1, 7, 7, prev_page=6), id="ones"),
        pytest.param("?per_page=100", slice(0, 7), page(1, 100, 7, 1), id="the most"),
        pytest.param("?per_page=101", slice(0, 7), page(1, 100, 7, 1), id="more than the most"),
        pytest.param("?per_page=999999999", slice(0, 7), page(1, 100, 7, 1), id="all"),
        pytest.param("?perPage=3", slice(0, 3), page(1, 3, 7, 3, next_page=2), id="perPage"),
        pytest.param("?perPage=500", slice(0, 7), page(1, 100, 7, 1), id="perPage over the most"),
        pytest.param("?page=2", slice(0, 0), page(2, 50, 7, 1, prev_page=1), id="past the end"),
        pytest.param(
            "?page=9&per_page=3", slice(0, 0), page(9, 3, 7, 3, prev_page=3), id="far past the end"
        ),
        pytest.param(
            "?page=999999999999999999",
            slice(0, 0),
            page(999_999_999_999_999_999, 50, 7, 1, prev_page=1),
            id="astronomically past the end",
        ),
    ],
)
def test_a_page_holds_its_rows_and_its_place(
    api: APIClient, seven: list[int], query: str, rows: slice, pagination: dict[str, Any]
) -> None:
    response = api.get(f"{PATH}{query}")
    assert response.status_code == 200
    assert list(response.json()) == ["projects", "pagination"]
    assert [project["id"] for project in response.json()["projects"]] == seven[rows]
    assert pagination_of(response) == pagination


@pytest.mark.parametrize(
    ("query", "pagination"),
    [
        pytest.param("", page(1, 50, 0, 0), id="first page"),
        pytest.param("?page=3", page(3, 50, 0, 0, prev_page=1), id="past the end"),
    ],
)
def test_an_empty_list_has_no_pages(
    api: APIClient, query: str, pagination: dict[str, Any]
) -> None:
    response = api.get(f"{PATH}{query}")
    assert response.status_code == 200
    assert response.json()["projects"] == []
    assert pagination_of(response) == pagination


def test_a_page_holds_a_hundred_rows_at_most(api: APIClient) -> None:
    Project.objects.bulk_create([Project(name=f"P{number:03}") for number in range(101)])
    response = api.get(f"{PATH}?per_page=1000")
    assert len(response.json()["projects"]) == 100
    assert pagination_of(response) == page(1, 100, 101, 2, next_page=2)


def test_a_page_holds_fifty_rows_unless_asked(api: APIClient) -> None:
    Project.objects.bulk_create([Project(name=f"P{number:03}") for number in range(51)])
    response = api.get(PATH)
    assert len(response.json()["projects"]) == 50
    assert pagination_of(response) == page(1, 50, 51, 2, next_page=2)


@pytest.mark.parametrize("per_page", [1, 2, 3, 5])
def test_pages_of_equal_names_neither_overlap_nor_leave_out(api: APIClient, per_page: int) -> None:
    made = [make_project("Same").pk for _ in range(11)]
    read: list[int] = []
    number: int | None = 1
    while number:
        answer = api.get(f"{PATH}?page={number}&per_page={per_page}").json()
        read += [project["id"] for project in answer["projects"]]
        number = answer["pagination"]["next_page"]
    assert read == made


def test_the_total_counts_what_the_filters_keep(api: APIClient, seven: list[int]) -> None:
    Project.objects.filter(pk__in=seven[:3]).update(status="archived")
    response = api.get(f"{PATH}?status=archived&per_page=2")
    assert pagination_of(response) == page(1, 2, 3, 2, next_page=2)


NOT_A_NUMBER = "Must be a whole number, 1 or greater."


@pytest.mark.parametrize("name", ["page", "per_page", "perPage"])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("0", NOT_A_NUMBER, id="zero"),
        pytest.param("00", NOT_A_NUMBER, id="zeros"),
        pytest.param("-1", NOT_A_NUMBER, id="negative"),
        pytest.param("1.5", NOT_A_NUMBER, id="fraction"),
        pytest.param("1e1", NOT_A_NUMBER, id="exponent"),
        pytest.param("1_0", NOT_A_NUMBER, id="underscore"),
        pytest.param("abc", NOT_A_NUMBER, id="word"),
        pytest.param("last", NOT_A_NUMBER, id="last"),
        pytest.param("%201", NOT_A_NUMBER, id="space"),
        pytest.param("1%0A", NOT_A_NUMBER, id="newline"),
        pytest.param("%D9%A1", NOT_A_NUMBER, id="Arabic digit"),
        pytest.param("1%00", NOT_A_NUMBER, id="NUL"),
        pytest.param("9" * 20, NOT_A_NUMBER, id="too many digits"),
        pytest.param("", "Must not be empty. Send a value or omit the parameter.", id="empty"),
    ],
)
def test_what_is_no_page_is_400(api: APIClient, name: str, text: str, sentence: str) -> None:
    response = api.get(f"{PATH}?{name}={text}")
    assert response.status_code == 400
    assert error_of(response) == {
        "error": f"{name}: {sentence}",
        "message": f"{name}: {sentence}",
        "error_code": "validation_error",
        "errors": {name: [sentence]},
    }


def test_two_pages_at_once_are_400(api: APIClient) -> None:
    response = api.get(f"{PATH}?page=1&page=2")
    assert response.status_code == 400
    assert error_of(response)["errors"] == {"page": ["Send this parameter only once."]}


@pytest.mark.parametrize(
    ("token", "asked", "shown"),
    [
        pytest.param({"from_login": True}, 200, 200, id="an app may ask for 200"),
        pytest.param({"from_login": True}, 1000, 200, id="an app gets no more"),
        pytest.param({}, 200, 100, id="others get 100"),
        pytest.param({"from_login": True}, 100, 100, id="an app gets what it asks for"),
    ],
)
@pytest.mark.parametrize("spelling", ["per_page", "perPage"])
def test_a_page_of_an_app_login_is_larger(
    owner: User, spelling: str, token: dict[str, bool], asked: int, shown: int
) -> None:
    Project.objects.bulk_create(
        Project(name=f"Site {number:03}", sort_name=f"{number:03}") for number in range(205)
    )
    _, secret = issue_token(owner, "read:projects", **token)
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    answer = api.get(PATH, {spelling: asked}).json()
    assert (len(answer["projects"]), answer["pagination"]["per_page"]) == (shown, shown)
    cursor = answer["pagination"]["next_cursor"]
    rest = api.get(PATH, {spelling: asked, "cursor": cursor}).json()["projects"]
    names = [project["name"] for project in [*answer["projects"], *rest]]
    assert names == [f"Site {number:03}" for number in range(min(205, 2 * shown))]


def test_the_tag_of_a_page_is_of_its_size(owner: User) -> None:
    """The same query of the same user shows an app more than another program."""
    tags = set()
    for from_login in (True, False):
        _, secret = issue_token(owner, "read:projects", from_login=from_login)
        api = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
        tags.add(api.get(f"{PATH}?per_page=200")["ETag"])
    assert len(tags) == 2
