from datetime import UTC, datetime, timedelta

import pytest
from django.test import RequestFactory
from pytest_django import Settings
from rest_framework.test import APIClient

from projects.models import Project
from tests.support.errors import error_of
from tests.support.factories import api_as, make_entry, make_project, make_task
from timeentries.filters import TimeEntryFilter
from timeentries.models import TimeEntry
from users.models import User

PATH = "/api/v1/time-entries"
ID = "Must be an id: a whole number."
SWITCH = "Must be true or false."
SPAN = "Must be a date such as 2024-01-15, or a time: 2024-01-15T14:30:00Z."
INSTANT = "Must be a date and time such as 2024-01-15T14:30:00Z."
YEARS = "Must be a time in the years 1970 to 2200."
NUL = "Null characters are not allowed."

PROJECT_STATUS = "Must be one or more of: active, archived, on_hold; separated by commas."
TASK_STATUS = (
    "Must be one or more of: todo, in_progress, review, done, cancelled, active, open; separated"
    " by commas."
)


@pytest.fixture
def api(owner: User) -> APIClient:
    """The owner, who may read everything that has filters."""
    return api_as(
        owner, "read:time_entries", "read:projects", "read:tasks", "read:clients", "read:reports"
    )


def starts_of(api: APIClient, query: str) -> list[str]:
    """When the listed entries start, oldest first."""
    response = api.get(f"{PATH}{query}")
    assert response.status_code == 200
    return sorted(entry["start_time"] for entry in response.json()["time_entries"])


@pytest.mark.parametrize(
    ("path", "name", "text", "sentence"),
    [
        pytest.param("time-entries", "project_id", "abc", ID, id="a word for an id"),
        pytest.param("time-entries", "task_id", "-1", ID, id="a negative id"),
        pytest.param("time-entries", "client_id", "1.5", ID, id="half an id"),
        pytest.param("time-entries", "user_id", "me", ID, id="me for an id"),
        pytest.param("time-entries", "project_id", "1,2", ID, id="two ids"),
        pytest.param("time-entries", "project_id", "1_0", ID, id="an id with an underscore"),
        pytest.param("time-entries", "project_id", "%D9%A1", ID, id="an Arabic digit"),
        pytest.param("time-entries", "project_id", "%201", ID, id="a space and an id"),
        pytest.param("time-entries", "project_id", "1%0A", ID, id="an id and a newline"),
        pytest.param("time-entries", "project_id", "1%00", ID, id="an id and NUL"),
        pytest.param("time-entries", "project_id", "9" * 19, ID, id="an id of 19 digits"),
        pytest.param("time-entries", "project_id", "null", ID, id="null for an id"),
        pytest.param("time-entries", "billable", "maybe", SWITCH, id="neither true nor false"),
        pytest.param("time-entries", "billable", "1", SWITCH, id="1 for true"),
        pytest.param("time-entries", "billable", "True", SWITCH, id="Python's True"),
        pytest.param("time-entries", "include_active", "yes", SWITCH, id="yes for true"),
        pytest.param("time-entries", "start_date", "yesterday", SPAN, id="a word for a date"),
        pytest.param("time-entries", "end_date", "15.01.2024", SPAN, id="a German date"),
        pytest.param("time-entries", "end_date", "2024-1-5", SPAN, id="a short date"),
        pytest.param("time-entries", "start_date", "1969-12-31", YEARS, id="too early"),
        pytest.param("time-entries", "end_date", "9999-12-31", YEARS, id="too late"),
        pytest.param("time-entries", "start_date", "0001-01-01", YEARS, id="year 1"),
        pytest.param("time-entries", "updated_since", "2024-01-15", INSTANT, id="a bare date"),
        pytest.param("time-entries", "updated_since", "now", INSTANT, id="a word for an instant"),
        pytest.param("time-entries", "search", "a%00b", NUL, id="NUL in a search"),
        pytest.param("time-entries", "tag", "a%00b", NUL, id="NUL in a tag"),
        pytest.param("projects", "status", "done", PROJECT_STATUS, id="choice"),
        pytest.param(
            "projects",
            "status",
            "Active",
            PROJECT_STATUS,
            id="a choice in capitals",
        ),
        pytest.param(
            "tasks",
            "status",
            "closed",
            TASK_STATUS,
            id="a task's status",
        ),
        pytest.param("projects", "client_id", "x", ID, id="a project's client"),
        pytest.param("clients", "updated_since", "x", INSTANT, id="a client's change"),
        pytest.param("reports/summary", "start_date", "x", SPAN, id="a report's date"),
        pytest.param("reports/summary", "project_id", "x", ID, id="a report's project"),
    ],
)
def test_a_value_that_cannot_be_understood_is_400(
    api: APIClient, path: str, name: str, text: str, sentence: str
) -> None:
    response = api.get(f"/api/v1/{path}?{name}={text}")
    assert response.status_code == 400
    assert error_of(response) == {
        "error": f"{name}: {sentence}",
        "message": f"{name}: {sentence}",
        "error_code": "validation_error",
        "errors": {name: [sentence]},
    }


@pytest.mark.parametrize(
    ("query", "name", "sentence"),
    [
        pytest.param("start_dat=2024-01-01", "start_dat", "Did you mean 'start_date'?", id="slip"),
        pytest.param(
            "startDate=2024-01-01", "startDate", "Did you mean 'start_date'?", id="camel"
        ),
        pytest.param("project=1", "project", "Did you mean 'project_id'?", id="without _id"),
        pytest.param(
            "zzz=1",
            "zzz",
            "Accepted: billable, billed, billing_reference, client_id, cursor, end_date, "
            "external_id, "
            "include_active, page, perPage, "
            "per_page, project_id, search, start_date, tag, task_id, updated_since, user_id.",
            id="nothing like it",
        ),
        pytest.param("project_id__in=1", "project_id__in", "Did you mean 'project_id'?", id="ORM"),
    ],
)
def test_an_unknown_parameter_is_400_with_what_was_meant(
    api: APIClient, query: str, name: str, sentence: str
) -> None:
    response = api.get(f"{PATH}?{query}")
    assert response.status_code == 400
    assert error_of(response) == {
        "error": f"{name}: Unknown parameter. {sentence}",
        "message": f"{name}: Unknown parameter. {sentence}",
        "error_code": "validation_error",
        "errors": {name: [f"Unknown parameter. {sentence}"]},
    }


def test_every_bad_parameter_is_named(api: APIClient) -> None:
    response = api.get(f"{PATH}?zz_id=1&billable=&tag=a&tag=b")
    assert response.status_code == 400
    assert error_of(response)["errors"] | {"zz_id": []} == {
        "zz_id": [],
        "billable": ["Must not be empty. Send a value or omit the parameter."],
        "tag": ["Send this parameter only once."],
    }
    response = api.get(f"{PATH}?billable=x&project_id=y")
    assert error_of(response)["errors"] == {"billable": [SWITCH], "project_id": [ID]}


def test_a_single_row_takes_no_parameters(api: APIClient, owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    response = api.get(f"{PATH}/{entry.pk}?billable=true")
    assert response.status_code == 400
    assert error_of(response)["errors"] == {
        "billable": ["Unknown parameter. No parameters are accepted here."]
    }


@pytest.fixture
def around_january(owner: User, project: Project) -> None:
    """Entries that start around the first and the last midnight of January 2024 in UTC."""
    for start in (
        datetime(2023, 12, 31, 23, 0, tzinfo=UTC),
        datetime(2023, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 31, 22, 59, 59, tzinfo=UTC),
        datetime(2024, 1, 31, 23, 0, tzinfo=UTC),
        datetime(2024, 1, 31, 23, 59, 59, 500_000, UTC),
        datetime(2024, 2, 1, tzinfo=UTC),
    ):
        make_entry(owner, project, start)


ALL = [
    "2023-12-31T23:00:00Z",
    "2023-12-31T23:59:59.999999Z",
    "2024-01-01T00:00:00Z",
    "2024-01-31T22:59:59Z",
    "2024-01-31T23:00:00Z",
    "2024-01-31T23:59:59.500000Z",
    "2024-02-01T00:00:00Z",
]


@pytest.mark.parametrize(
    ("zone", "query", "expected"),
    [
        pytest.param("", "", ALL, id="no dates"),
        pytest.param("", "?start_date=2024-01-01", ALL[2:], id="from a day on"),
        pytest.param("", "?end_date=2024-01-31", ALL[:6], id="to the end of a day"),
        pytest.param("", "?start_date=2024-01-01&end_date=2024-01-31", ALL[2:6], id="a month"),
        pytest.param("", "?start_date=2024-01-31&end_date=2024-01-31", ALL[3:6], id="one day"),
        pytest.param(
            "Europe/Berlin",
            "?start_date=2024-01-01&end_date=2024-01-31",
            ALL[:4],
            id="local month",
        ),
        pytest.param("", "?start_date=2024-01-31T23:00:00Z", ALL[4:], id="from an instant on"),
        pytest.param("", "?start_date=2024-01-31T23:00:00.000001Z", ALL[5:], id="a moment later"),
        pytest.param("", "?end_date=2024-01-31T23:00:00Z", ALL[:5], id="to an instant, inclusive"),
        pytest.param("", "?end_date=2024-01-31T22:59:59.999999Z", ALL[:4], id="a moment earlier"),
        pytest.param(
            "",
            "?start_date=2024-01-31T23:00:00Z&end_date=2024-01-31T23:00:00Z",
            ALL[4:5],
            id="one",
        ),
        pytest.param(
            "Europe/Berlin", "?start_date=2024-02-01T00:00:00", ALL[4:], id="a local instant"
        ),
        pytest.param(
            "Europe/Berlin", "?start_date=2024-01-31T23:00:00Z", ALL[4:], id="Z whatever the zone"
        ),
        pytest.param(
            "", "?start_date=2024-02-01T01:00:00%2B02:00", ALL[4:], id="an offset, escaped"
        ),
        pytest.param("", "?start_date=2024-02-01T01:00:00+02:00", ALL[4:], id="a bare plus"),
        pytest.param("", "?start_date=2024-02-01T01:00+02:00", ALL[4:], id="plus, no seconds"),
        pytest.param(
            "",
            "?start_date=2024-01-31T23:59:59&end_date=2024-01-31",
            ALL[5:6],
            id="instant and day",
        ),
    ],
)
@pytest.mark.usefixtures("around_january")
def test_dates_select_entries_by_their_start(
    api: APIClient, owner: User, zone: str, query: str, expected: list[str]
) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone=zone)
    assert starts_of(api, query) == expected


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param("2024-02-01", "2024-01-31", id="days"),
        pytest.param("2024-01-31T12:00:01Z", "2024-01-31T12:00:00Z", id="instants"),
        pytest.param("2024-02-01T00:00:00Z", "2024-01-31", id="an instant after a day"),
        pytest.param("2024-02-01", "2024-01-31T23:59:59Z", id="a day after an instant"),
        pytest.param("2024-01-31T12:00:00-01:00", "2024-01-31T12:30:00Z", id="by offset"),
    ],
)
@pytest.mark.parametrize("path", [PATH, "/api/v1/reports/summary"])
def test_a_range_that_ends_before_it_starts_is_400(
    api: APIClient, path: str, start: str, end: str
) -> None:
    response = api.get(path, {"start_date": start, "end_date": end})
    assert response.status_code == 400
    assert error_of(response) == {
        "error": "start_date: start_date must not be after end_date.",
        "message": "start_date: start_date must not be after end_date.",
        "error_code": "validation_error",
        "errors": {"start_date": ["start_date must not be after end_date."]},
    }


@pytest.mark.usefixtures("around_january")
def test_a_day_that_never_was_holds_nothing(api: APIClient, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Pacific/Apia")
    assert starts_of(api, "?start_date=2011-12-30&end_date=2011-12-30") == []


def test_a_skipped_local_time_is_400(api: APIClient, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Europe/Berlin")
    response = api.get(f"{PATH}?start_date=2024-03-31T02:30:00")
    assert response.status_code == 400
    assert error_of(response)["errors"] == {
        "start_date": ["This time does not exist in Europe/Berlin: the clocks skip it."]
    }


def test_each_user_has_their_own_days(
    api: APIClient, owner: User, colleague: User, project: Project
) -> None:
    User.objects.filter(pk=colleague.pk).update(time_zone="Asia/Tokyo")
    for user in (owner, colleague):
        make_entry(user, project, datetime(2024, 1, 15, 16, tzinfo=UTC))
    theirs = api_as(colleague, "read:time_entries")
    assert len(starts_of(api, "?start_date=2024-01-15&end_date=2024-01-15")) == 1
    assert starts_of(theirs, "?start_date=2024-01-15&end_date=2024-01-15") == []
    assert len(starts_of(theirs, "?start_date=2024-01-16&end_date=2024-01-16")) == 1


def test_two_users_who_ask_at_once_have_their_own_days(rf: RequestFactory) -> None:
    asked = []
    for zone in ("UTC", "Asia/Tokyo"):
        request = rf.get("/", {"start_date": "2024-01-15"})
        request.user = User(time_zone=zone)
        filters = TimeEntryFilter(request.GET, TimeEntry.objects.all(), request=request)
        asked.append(filters.form)
    starts = [form.cleaned_data["start_date"].first.hour for form in asked if form.is_valid()]
    assert starts == [0, 15]


def test_the_servers_zone_is_the_default(
    api: APIClient, owner: User, project: Project, settings: Settings
) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    make_entry(owner, project, datetime(2024, 1, 15, 16, tzinfo=UTC))
    assert starts_of(api, "?start_date=2024-01-15&end_date=2024-01-15") == []
    assert len(starts_of(api, "?start_date=2024-01-16&end_date=2024-01-16")) == 1


def test_updated_since_includes_its_instant(api: APIClient, owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    changed = datetime(2024, 1, 20, 12, 0, 0, 250_000, UTC)
    TimeEntry.objects.filter(pk=entry.pk).update(updated_at=changed)
    for since, found in (
        (changed, 1),
        (changed + timedelta(microseconds=1), 0),
        (changed - timedelta(microseconds=1), 1),
    ):
        assert len(starts_of(api, f"?updated_since={since:%Y-%m-%dT%H:%M:%S.%fZ}")) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("ECOLE", [], id="another letter"),
        pytest.param("ÉCOLE", ["École du Nord"], id="case"),
        pytest.param("école", ["École du Nord"], id="case beyond ASCII"),
        pytest.param("du", ["École du Nord"], id="a part"),
        pytest.param("100%25", ["100% wool"], id="a percent sign is no wildcard"),
        pytest.param("_", ["under_score"], id="an underscore is no wildcard"),
        pytest.param("%5C", ["back\\slash"], id="a backslash is itself"),
        pytest.param("blue", ["under_score"], id="in the description"),
        pytest.param("active", [], id="not in the status"),
    ],
)
def test_a_search_is_a_part_whatever_its_case(api: APIClient, text: str, found: list[str]) -> None:
    for name in ("100% wool", "back\\slash", "École du Nord"):
        make_project(name)
    make_project("under_score", description="The blue one")
    response = api.get(f"/api/v1/projects?search={text}")
    assert response.status_code == 200
    assert [project["name"] for project in response.json()["projects"]] == found


def test_filters_narrow_each_other(api: APIClient, owner: User, project: Project) -> None:
    task, other = make_task(project), make_project("Shop")
    wanted = make_entry(owner, project, task=task, tags="a,b", notes="Call")
    make_entry(owner, project, task=task, tags="a,b", notes="Call", billable=False)
    make_entry(owner, project, tags="a,b", notes="Call")
    make_entry(owner, project, task=task, tags="ab", notes="Call")
    make_entry(owner, project, task=task, tags="a,b", notes="Mail")
    make_entry(owner, other, tags="a,b", notes="Call")
    one_of_each = f"project_id={project.pk}&task_id={task.pk}&user_id={owner.pk}"
    response = api.get(f"{PATH}?{one_of_each}&billable=true&tag=b&search=call")
    assert [entry["id"] for entry in response.json()["time_entries"]] == [wanted.pk]


def test_an_id_that_nothing_has_finds_nothing(
    api: APIClient, owner: User, project: Project
) -> None:
    make_entry(owner, project)
    for name in ("project_id", "task_id", "client_id"):
        assert starts_of(api, f"?{name}=999999999999999999") == []
