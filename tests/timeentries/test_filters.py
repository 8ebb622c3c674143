"""What narrows a list of time entries, and what it refuses."""

from datetime import UTC, datetime, timedelta

import pytest

from projects.models import Project
from tests.support.answers import invalid, refusal
from tests.support.factories import (
    NINE,
    api_as,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from timeentries.models import TimeEntry
from users.models import User

PATH = "/api/v1/time-entries"
DAY = timedelta(days=1)
MARCH = datetime(2024, 3, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ID = "Must be an id: a whole number."
ACCEPTED_DATE = "Must be a date such as 2024-01-15, or a time: 2024-01-15T14:30:00Z."


@pytest.fixture
def ids(owner: User, colleague: User) -> dict[str, int]:
    """Four entries of the owner, a timer and a colleague's entry; the ids that queries name."""
    client = make_client("Acme")
    site, app = make_project("Site", client=client), make_project("App", billable=False)
    task = make_task(site)
    make_entry(owner, site, NINE, task=task, notes="Kick-off", tags="design,Urgent")
    make_entry(owner, site, NINE + DAY, notes="a kick in the code", tags="design review")
    make_entry(owner, app, NINE + 2 * DAY, notes="100% done", billable=False, tags="urgent")
    make_entry(owner, app, NINE + 3 * DAY, notes="call", billable=True, tags="re,design")
    make_entry(owner, app, NINE + 4 * DAY, lasting=None, notes="running", tags="urgent")
    make_entry(colleague, site, NINE, notes="theirs", tags="design")
    TimeEntry.objects.update(updated_at=MARCH.replace(month=2))
    TimeEntry.objects.filter(notes="call").update(updated_at=MARCH)
    return {
        "SITE": site.pk,
        "APP": app.pk,
        "TASK": task.pk,
        "CLIENT": client.pk,
        "OWNER": owner.pk,
        "COLLEAGUE": colleague.pk,
    }


K, C, D, A, R = "Kick-off", "a kick in the code", "100% done", "call", "running"


@pytest.mark.parametrize(
    ("query", "notes"),
    [
        pytest.param({}, [A, D, C, K], id="nothing: own, finished, newest first"),
        pytest.param({"include_active": "true"}, [R, A, D, C, K], id="timers too"),
        pytest.param({"include_active": "false"}, [A, D, C, K], id="no timers"),
        pytest.param({"project_id": "SITE"}, [C, K], id="project"),
        pytest.param({"project_id": "999999"}, [], id="a project that is not there"),
        pytest.param({"task_id": "TASK"}, [K], id="task"),
        pytest.param({"client_id": "CLIENT"}, [C, K], id="client"),
        pytest.param({"user_id": "OWNER"}, [A, D, C, K], id="oneself"),
        pytest.param({"billable": "true"}, [A, C, K], id="billable"),
        pytest.param({"billable": "false"}, [D], id="not billable"),
        pytest.param({"tag": "design"}, [A, K], id="first or last tag, not a part of one"),
        pytest.param({"tag": "design review"}, [C], id="tag with a space"),
        pytest.param({"tag": "urgent"}, [D], id="tag of this case"),
        pytest.param({"tag": "Urgent"}, [K], id="tag of that case"),
        pytest.param({"tag": "urg"}, [], id="a part of a tag"),
        pytest.param({"tag": "%"}, [], id="percent sign is no wildcard"),
        pytest.param({"tag": "design,Urgent"}, [], id="two tags are no tag"),
        pytest.param({"search": "KICK"}, [C, K], id="notes"),
        pytest.param({"search": "0%"}, [D], id="percent sign is itself"),
        pytest.param({"search": "design"}, [], id="tags are not searched"),
        pytest.param({"search": "site"}, [], id="the project's name is not searched"),
        pytest.param({"updated_since": "2024-03-01T00:00:00Z"}, [A], id="since"),
        pytest.param({"updated_since": "2024-03-01T00:00:00.000001Z"}, [], id="since just later"),
        pytest.param({"start_date": "2024-01-17"}, [A, D], id="from a day"),
        pytest.param({"end_date": "2024-01-16"}, [C, K], id="to the end of a day"),
        pytest.param({"start_date": "2024-01-16", "end_date": "2024-01-16"}, [C], id="one day"),
        pytest.param({"start_date": "2024-01-16T09:00:00Z"}, [A, D, C], id="from that instant"),
        pytest.param({"start_date": "2024-01-16T09:00:00.000001Z"}, [A, D], id="from just later"),
        pytest.param({"end_date": "2024-01-16T09:00:00Z"}, [C, K], id="to that instant"),
        pytest.param({"end_date": "2024-01-16T08:59:59.999999Z"}, [K], id="to just before"),
        pytest.param({"start_date": "2024-01-16T11:00:00+02:00"}, [A, D, C], id="with an offset"),
        pytest.param({"start_date": "2024-01-16T09:00:00"}, [A, D, C], id="without an offset"),
        pytest.param(
            {"project_id": "SITE", "search": "kick", "end_date": "2024-01-15"}, [K], id="several"
        ),
    ],
)
def test_list_keeps(
    owner: User, ids: dict[str, int], query: dict[str, str], notes: list[str]
) -> None:
    query = {name: str(ids.get(text, text)) for name, text in query.items()}
    response = api_as(owner, "read:time_entries").get(PATH, query)
    assert response.status_code == 200
    assert [entry["notes"] for entry in response.json()["time_entries"]] == notes


@pytest.mark.parametrize(
    ("query", "notes"),
    [
        pytest.param({"user_id": "COLLEAGUE"}, ["theirs"], id="a colleague's"),
        pytest.param({"user_id": "OWNER", "project_id": "SITE"}, [C, K], id="the owner's"),
        pytest.param({"user_id": "999999"}, [], id="nobody's"),
        pytest.param({"tag": "design"}, [A, "theirs", K], id="everyone's"),
    ],
)
def test_administrator_keeps(
    administrator: User, ids: dict[str, int], query: dict[str, str], notes: list[str]
) -> None:
    query = {name: str(ids.get(text, text)) for name, text in query.items()}
    response = api_as(administrator, "read:time_entries").get(PATH, query)
    assert response.status_code == 200
    assert [entry["notes"] for entry in response.json()["time_entries"]] == notes


@pytest.mark.parametrize("user_id", ["COLLEAGUE", "999999"])
def test_another_users_entries_are_for_administrators(
    owner: User, ids: dict[str, int], user_id: str
) -> None:
    api = api_as(owner, "write:time_entries")
    response = api.get(PATH, {"user_id": str(ids.get(user_id, user_id))})
    assert response.status_code == 403
    assert response.json() == refusal(
        response, "forbidden", "You can only access your own time entries."
    )


@pytest.mark.parametrize(
    ("zone", "day", "first", "last"),
    [
        pytest.param(
            "", "2024-01-31", "2024-01-31T00:00:00", "2024-01-31T23:59:59.999999", id="server"
        ),
        pytest.param(
            "Asia/Kolkata",
            "2024-01-15",
            "2024-01-14T18:30:00",
            "2024-01-15T18:29:59.999999",
            id="half an hour beside",
        ),
        pytest.param(
            "Europe/Berlin",
            "2024-03-31",
            "2024-03-30T23:00:00",
            "2024-03-31T21:59:59.999999",
            id="23 hours",
        ),
        pytest.param(
            "Europe/Berlin",
            "2024-10-27",
            "2024-10-26T22:00:00",
            "2024-10-27T22:59:59.999999",
            id="25 hours",
        ),
        pytest.param(
            "America/Sao_Paulo",
            "2018-11-04",
            "2018-11-04T03:00:00",
            "2018-11-05T01:59:59.999999",
            id="midnight is skipped",
        ),
        pytest.param(
            "America/Havana",
            "2024-11-03",
            "2024-11-03T04:00:00",
            "2024-11-04T04:59:59.999999",
            id="midnight comes twice",
        ),
    ],
)
def test_a_date_is_the_whole_local_day(
    project: Project, zone: str, day: str, first: str, last: str
) -> None:
    user = make_user(time_zone=zone)
    first_instant = datetime.fromisoformat(first).replace(tzinfo=UTC)
    last_instant = datetime.fromisoformat(last).replace(tzinfo=UTC)
    make_entry(user, project, first_instant - MICROSECOND, notes="before")
    make_entry(user, project, first_instant, notes="first")
    make_entry(user, project, last_instant, notes="last")
    make_entry(user, project, last_instant + MICROSECOND, notes="after")
    api = api_as(user, "read:time_entries")

    def notes(**query: str) -> list[str]:
        response = api.get(PATH, query)
        assert response.status_code == 200
        return [entry["notes"] for entry in response.json()["time_entries"]]

    assert notes(start_date=day, end_date=day) == ["last", "first"]
    assert notes(start_date=day) == ["after", "last", "first"]
    assert notes(end_date=day) == ["last", "first", "before"]


def test_an_entry_belongs_to_the_day_of_its_start(owner: User, project: Project) -> None:
    evening = datetime(2024, 1, 15, 23, tzinfo=UTC)
    make_entry(owner, project, evening, lasting=timedelta(hours=2))
    api = api_as(owner, "read:time_entries")
    next_day = api.get(PATH, {"start_date": "2024-01-16"})
    assert next_day.json()["time_entries"] == []
    same_day = api.get(PATH, {"end_date": "2024-01-15"})
    assert len(same_day.json()["time_entries"]) == 1


def test_a_time_without_an_offset_is_in_the_users_zone(project: Project) -> None:
    user = make_user(time_zone="Europe/Berlin")
    make_entry(user, project, NINE)
    api = api_as(user, "read:time_entries")
    response = api.get(PATH, {"start_date": "2024-01-15T10:00:00"})
    assert len(response.json()["time_entries"]) == 1
    response = api.get(PATH, {"start_date": "2024-01-15T10:00:01"})
    assert response.json()["time_entries"] == []


def test_a_plus_sign_that_nobody_escaped_is_an_offset(owner: User, project: Project) -> None:
    make_entry(owner, project, NINE)
    api = api_as(owner, "read:time_entries")
    response = api.get(f"{PATH}?start_date=2024-01-15T10:00:00+01:00")
    assert response.status_code == 200
    assert len(response.json()["time_entries"]) == 1


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param({"project_id": "site"}, ID, id="project"),
        pytest.param({"task_id": "1.5"}, ID, id="task"),
        pytest.param({"client_id": "-1"}, ID, id="client"),
        pytest.param({"user_id": "me"}, ID, id="user"),
        pytest.param({"billable": "maybe"}, "Must be true or false.", id="billable"),
        pytest.param({"billable": "1"}, "Must be true or false.", id="number for billable"),
        pytest.param({"include_active": "yes"}, "Must be true or false.", id="include_active"),
        pytest.param({"start_date": "yesterday"}, ACCEPTED_DATE, id="start_date"),
        pytest.param(
            {"start_date": "2024-13-01"}, "Must be a date such as 2024-01-15.", id="month"
        ),
        pytest.param({"end_date": "2024-02-30"}, "Must be a date such as 2024-01-15.", id="day"),
        pytest.param(
            {"start_date": "1969-12-31"}, "Must be a time in the years 1970 to 2200.", id="early"
        ),
        pytest.param(
            {"end_date": "2201-01-01"}, "Must be a time in the years 1970 to 2200.", id="late"
        ),
        pytest.param(
            {"updated_since": "soon"},
            "Must be a date and time such as 2024-01-15T14:30:00Z.",
            id="updated_since",
        ),
        pytest.param(
            {"tag": ""}, "Must not be empty. Send a value or omit the parameter.", id="empty tag"
        ),
        pytest.param(
            {"search": " \t"}, "Must not be empty. Send a value or omit the parameter.", id="blank"
        ),
        pytest.param(
            {"start": "2024-01-01"}, "Unknown parameter. Did you mean 'start_date'?", id="a slip"
        ),
    ],
)
def test_list_refuses(owner: User, query: dict[str, str], sentence: str) -> None:
    response = api_as(owner, "read:time_entries").get(PATH, query)
    assert response.status_code == 400
    assert response.json() == invalid(response, **dict.fromkeys(query, sentence))


@pytest.mark.django_db
def test_a_skipped_wall_clock_time_is_refused() -> None:
    api = api_as(make_user(time_zone="Europe/Berlin"), "read:time_entries")
    response = api.get(PATH, {"start_date": "2024-03-31T02:30:00"})
    assert response.status_code == 400
    assert response.json() == invalid(
        response,
        start_date="This time does not exist in Europe/Berlin: the clocks skip it.",
    )


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param("2024-01-16", "2024-01-15", id="days"),
        pytest.param("2024-01-15T09:00:01Z", "2024-01-15T09:00:00Z", id="instants"),
        pytest.param("2024-01-16", "2024-01-15T23:59:59Z", id="a day and an instant"),
    ],
)
def test_a_range_that_ends_before_it_starts_is_refused(owner: User, start: str, end: str) -> None:
    api = api_as(owner, "read:time_entries")
    response = api.get(PATH, {"start_date": start, "end_date": end})
    assert response.status_code == 400
    assert response.json() == invalid(
        response, start_date="start_date must not be after end_date."
    )


def test_a_range_may_be_one_instant(owner: User, project: Project) -> None:
    make_entry(owner, project, NINE)
    api = api_as(owner, "read:time_entries")
    nine = "2024-01-15T09:00:00Z"
    response = api.get(PATH, {"start_date": nine, "end_date": nine})
    assert response.status_code == 200
    assert len(response.json()["time_entries"]) == 1
