"""The summary: whole answers for whom, of when, of what."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from projects.models import Project
from tests.support.answers import instant, invalid, refusal
from tests.support.factories import NINE, api_as, make_entry, make_project, make_user
from users.models import User
from values.instants import hours

PATH = "/api/v1/reports/summary"
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
JANUARY = {"start_date": "2024-01-01", "end_date": "2024-01-31"}
JANUARY_BOUNDS = {"start_date": "2024-01-01T00:00:00Z", "end_date": "2024-01-31T23:59:59Z"}


def unpriced(seconds: float) -> dict[str, Any]:
    """Time without a rounding and without a rate."""
    rounded = int(seconds)
    return {"rounded_seconds": rounded, "rounded_hours": hours(rounded), "amounts": []}


NOTHING = {
    "total_hours": 0.0,
    "billable_hours": 0.0,
    "total_entries": 0,
    **unpriced(0),
    "by_project": [],
}


def of_project(project: Project, seconds: float, entries: int) -> dict[str, Any]:
    """A project's line of the report; it has no estimate and no rate."""
    return {
        "project_id": project.pk,
        "project_name": project.name,
        "hours": hours(int(seconds)),
        "entries": entries,
        **unpriced(seconds),
        "estimated_hours": None,
        "estimate_used": None,
    }


def test_summary_as_documented(owner: User, colleague: User) -> None:
    redesign, app, other = make_project("Website Redesign"), make_project("App"), make_project()
    make_entry(owner, redesign, NINE, 80 * HOUR)
    make_entry(owner, redesign, NINE, 5.5 * HOUR, billable=False)
    make_entry(owner, app, NINE, 75 * HOUR)
    make_entry(owner, app, NINE, None)
    make_entry(owner, app, NINE.replace(month=2))
    make_entry(colleague, other)
    response = api_as(owner, "read:reports").get(PATH, JANUARY)
    assert response.status_code == 200
    assert response.json() == {
        "summary": {
            **JANUARY_BOUNDS,
            "total_hours": 160.5,
            "billable_hours": 155.0,
            "total_entries": 3,
            **unpriced(160.5 * 3600),
            "by_project": [of_project(redesign, 85.5 * 3600, 2), of_project(app, 75 * 3600, 1)],
        }
    }


def test_an_empty_range_is_all_zeros(owner: User) -> None:
    response = api_as(owner, "read:reports").get(PATH, JANUARY)
    assert response.status_code == 200
    assert response.json() == {"summary": {**JANUARY_BOUNDS, **NOTHING}}


def test_projects_of_equal_time_are_ordered_by_id(owner: User) -> None:
    last, first, second = make_project("B"), make_project("C"), make_project("A")
    make_entry(owner, last, lasting=HOUR - SECOND)
    make_entry(owner, second)
    make_entry(owner, first, lasting=30 * MINUTE)
    make_entry(owner, first, lasting=30 * MINUTE)
    response = api_as(owner, "read:reports").get(PATH, JANUARY)
    assert response.json()["summary"]["by_project"] == [
        of_project(first, 3600, 2),
        of_project(second, 3600, 1),
        of_project(last, 3599, 1),
    ]


def test_hours_are_rounded_once_at_the_end(owner: User) -> None:
    projects = [make_project(f"Project {number}") for number in range(3)]
    for project in projects:
        make_entry(owner, project, lasting=20 * MINUTE)
    response = api_as(owner, "read:reports").get(PATH, JANUARY)
    assert response.json() == {
        "summary": {
            **JANUARY_BOUNDS,
            "total_hours": 1.0,
            "billable_hours": 1.0,
            "total_entries": 3,
            **unpriced(3600),
            "by_project": [of_project(project, 1200, 1) for project in projects],
        }
    }


@pytest.mark.parametrize(
    ("lasting", "rounded"),
    [
        pytest.param(17 * SECOND, 0.0, id="below half"),
        pytest.param(18 * SECOND, 0.01, id="half is up"),
        pytest.param(HOUR + 54 * SECOND, 1.02, id="half is up to an even digit"),
        pytest.param(HOUR + 90 * SECOND, 1.03, id="half is up to an odd digit"),
        pytest.param(timedelta(microseconds=999_999), 0.0, id="no whole second"),
    ],
)
def test_hours_have_two_decimals(
    owner: User, project: Project, lasting: timedelta, rounded: float
) -> None:
    make_entry(owner, project, lasting=lasting)
    response = api_as(owner, "read:reports").get(PATH, JANUARY)
    assert response.json()["summary"]["total_hours"] == rounded
    [of_it] = response.json()["summary"]["by_project"]
    assert of_it == of_project(project, lasting // SECOND, 1)
    assert of_it["hours"] == rounded


@pytest.fixture
def ids(owner: User, colleague: User) -> dict[str, int]:
    """Hours of the owner in two projects and of the colleague in one; the ids in queries."""
    site, app = make_project("Site"), make_project("App")
    make_entry(owner, site, lasting=HOUR)
    make_entry(owner, app, lasting=2 * HOUR)
    make_entry(colleague, site, lasting=4 * HOUR)
    return {"SITE": site.pk, "APP": app.pk, "OWNER": owner.pk, "COLLEAGUE": colleague.pk}


@pytest.mark.parametrize(
    ("who", "query", "total"),
    [
        pytest.param("owner", {}, 3.0, id="own"),
        pytest.param("owner", {"project_id": "SITE"}, 1.0, id="own, a project"),
        pytest.param("owner", {"user_id": "OWNER"}, 3.0, id="own by name"),
        pytest.param("owner", {"project_id": "999999"}, 0.0, id="a project that is not there"),
        pytest.param("administrator", {}, 7.0, id="everyone's"),
        pytest.param("administrator", {"project_id": "SITE"}, 5.0, id="everyone's, a project"),
        pytest.param("administrator", {"user_id": "COLLEAGUE"}, 4.0, id="a colleague's"),
        pytest.param(
            "administrator", {"user_id": "OWNER", "project_id": "APP"}, 2.0, id="both filters"
        ),
        pytest.param("administrator", {"user_id": "999999"}, 0.0, id="nobody's"),
    ],
)
def test_summary_is_about(
    owner: User,
    administrator: User,
    ids: dict[str, int],
    who: str,
    query: dict[str, str],
    total: float,
) -> None:
    query = {name: str(ids.get(text, text)) for name, text in query.items()}
    user = administrator if who == "administrator" else owner
    response = api_as(user, "read:reports").get(PATH, JANUARY | query)
    assert response.status_code == 200
    summary = response.json()["summary"]
    assert summary["total_hours"] == total
    assert sum(project["hours"] for project in summary["by_project"]) == total


@pytest.mark.parametrize("user_id", ["COLLEAGUE", "999999"])
def test_a_colleagues_summary_is_for_administrators(
    owner: User, ids: dict[str, int], user_id: str
) -> None:
    api = api_as(owner, "read:reports")
    response = api.get(PATH, {"user_id": str(ids.get(user_id, user_id))})
    assert response.status_code == 403
    assert response.json() == refusal(
        response, "forbidden", "You can only access your own time entries."
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "query", "bounds"),
    [
        pytest.param("", JANUARY, JANUARY_BOUNDS, id="days in UTC"),
        pytest.param(
            "Europe/Berlin",
            {"start_date": "2024-03-31", "end_date": "2024-10-27"},
            {"start_date": "2024-03-30T23:00:00Z", "end_date": "2024-10-27T22:59:59Z"},
            id="days over both changes of the clocks",
        ),
        pytest.param(
            "Asia/Kolkata",
            {"start_date": "2024-01-15T09:00:00", "end_date": "2024-01-15T10:00:00.5Z"},
            {"start_date": "2024-01-15T03:30:00Z", "end_date": "2024-01-15T10:00:00.500000Z"},
            id="instants",
        ),
        pytest.param(
            "",
            {"end_date": "2024-03-01"},
            {"start_date": "2024-02-01T00:00:00Z", "end_date": "2024-03-01T23:59:59Z"},
            id="the 30 days before an end",
        ),
        pytest.param(
            "Europe/Berlin",
            {"end_date": "2024-04-01"},
            {"start_date": "2024-03-02T23:00:00Z", "end_date": "2024-04-01T21:59:59Z"},
            id="30 days with one of 23 hours",
        ),
    ],
)
def test_bounds_come_back_as_used(
    zone: str, query: dict[str, str], bounds: dict[str, str]
) -> None:
    response = api_as(make_user(time_zone=zone), "read:reports").get(PATH, query)
    assert response.status_code == 200
    assert response.json() == {"summary": {**bounds, **NOTHING}}


@pytest.mark.django_db
@pytest.mark.parametrize("zone_name", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_without_dates_it_is_about_the_last_30_local_days(zone_name: str) -> None:
    zone = ZoneInfo(zone_name)  # none of these ever changes its clocks
    api = api_as(make_user(time_zone=zone_name), "read:reports")
    response = api.get(PATH)
    assert response.status_code == 200
    today = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    assert response.json() == {
        "summary": {
            "start_date": instant(today - timedelta(days=29)),
            "end_date": instant(today + timedelta(days=1) - SECOND),
            **NOTHING,
        }
    }


def test_from_a_start_on_it_goes_to_the_end_of_today(owner: User, project: Project) -> None:
    make_entry(owner, project)
    response = api_as(owner, "read:reports").get(PATH, {"start_date": "2024-01-01"})
    assert response.status_code == 200
    today = datetime.now(UTC).replace(hour=23, minute=59, second=59, microsecond=0)
    assert response.json() == {
        "summary": {
            "start_date": "2024-01-01T00:00:00Z",
            "end_date": instant(today),
            "total_hours": 1.0,
            "billable_hours": 1.0,
            "total_entries": 1,
            **unpriced(3600),
            "by_project": [of_project(project, 3600, 1)],
        }
    }


def test_a_day_counts_from_its_first_to_its_last_microsecond(
    owner: User, project: Project
) -> None:
    first, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
    microsecond = timedelta(microseconds=1)
    make_entry(owner, project, first - microsecond, HOUR)
    make_entry(owner, project, first, 2 * HOUR)
    make_entry(owner, project, end - microsecond, 4 * HOUR)
    make_entry(owner, project, end, 8 * HOUR)
    response = api_as(owner, "read:reports").get(PATH, JANUARY)
    assert response.json()["summary"]["total_hours"] == 6.0


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        pytest.param(
            {"start_date": "2024-02-01", "end_date": "2024-01-31"},
            {"start_date": "start_date must not be after end_date."},
            id="a range that ends before it starts",
        ),
        pytest.param(
            {"start_date": "2199-01-01"},
            {"start_date": "start_date must not be after end_date, which defaults to today."},
            id="a start in the future without an end",
        ),
        pytest.param(
            {"timezone": "localtime"},
            {"timezone": "Must be an IANA time zone name such as Europe/Berlin."},
            id="the zone of the machine",
        ),
        pytest.param(
            {"timezone": "Factory"},
            {"timezone": "Must be an IANA time zone name such as Europe/Berlin."},
            id="a zone that was never set",
        ),
        pytest.param(
            {"project_id": "1_000"},
            {"project_id": "Must be an id: a whole number."},
            id="underscore",
        ),
        pytest.param(
            {"project_id": "\u0661"},
            {"project_id": "Must be an id: a whole number."},
            id="Arabic-Indic digit",
        ),
        pytest.param(
            {"start_date": "January"},
            {"start_date": "Must be a date such as 2024-01-15, or a time: 2024-01-15T14:30:00Z."},
            id="word for a date",
        ),
        pytest.param(
            {"project_id": "site"}, {"project_id": "Must be an id: a whole number."}, id="project"
        ),
        pytest.param({"user_id": "me"}, {"user_id": "Must be an id: a whole number."}, id="user"),
        pytest.param(
            {"project": "1"},
            {"project": "Unknown parameter. Did you mean 'project_id'?"},
            id="a slip",
        ),
        pytest.param(
            {"page": "1"},
            {
                "page": "Unknown parameter. Accepted: billable, billed, billing_reference, "
                "client_id, end_date, format, group_by, project_id, start_date, tag, task_id, "
                "timezone, user_id."
            },
            id="there are no pages",
        ),
    ],
)
def test_summary_refuses(owner: User, query: dict[str, str], errors: dict[str, str]) -> None:
    response = api_as(owner, "read:reports").get(PATH, query)
    assert response.status_code == 400
    assert response.json() == invalid(response, **errors)


def test_summary_costs_the_same_for_one_and_for_twenty(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api = api_as(owner, "read:reports")
    make_entry(owner, make_project("Project 0"))
    api.get(PATH, JANUARY)
    with django_assert_num_queries(2):  # token, totals
        assert len(api.get(PATH, JANUARY).json()["summary"]["by_project"]) == 1
    for number in range(1, 20):
        make_entry(owner, make_project(f"Project {number}"))
    with django_assert_num_queries(2):
        assert len(api.get(PATH, JANUARY).json()["summary"]["by_project"]) == 20
