"""What a time entry's fields take, and what they refuse."""

from datetime import UTC, datetime
from typing import Any

import pytest

from projects.models import Project
from resources.refusals import Vanished
from tests.support.answers import invalid
from tests.support.expected import hour
from tests.support.factories import NINE, api_as, make_entry, make_project, make_task, make_user
from timeentries.models import TimeEntry
from timeentries.serializers import TimeEntrySerializer
from users.models import User

PATH = "/api/v1/time-entries"
STRING = "Must be a string."
NULL = "This field may not be null."
ID = "Must be an id: a whole number."
SWITCH = "Must be true or false."
INSTANT = "Must be a date and time such as 2024-01-15T14:30:00Z."
INSTANT_STRING = "Must be a string such as 2024-01-15T14:30:00Z."
YEARS = "Must be a time in the years 1970 to 2200."
END = "The end must be after the start."
TAGS = 'Must be "design,urgent" or ["design", "urgent"].'
LONG_TAG = "Must be at most 50 tags of at most 50 characters each."
DENIED = "You can only log time for yourself."


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        pytest.param("project_id", None, NULL, id="null for project"),
        pytest.param("project_id", 1.5, ID, id="fraction for project"),
        pytest.param("project_id", True, ID, id="boolean for project"),
        pytest.param("project_id", "", ID, id="empty project"),
        pytest.param("task_id", "", ID, id="empty task"),
        pytest.param(
            "project_id", 999999, "There is no project with the id 999999.", id="no such project"
        ),
        pytest.param("task_id", "Draft", ID, id="name for task"),
        pytest.param("task_id", 1.5, ID, id="fraction for task"),
        pytest.param("task_id", 999999, "There is no task with the id 999999.", id="no such task"),
        pytest.param("start_time", None, NULL, id="null for start"),
        pytest.param("start_time", "", INSTANT, id="empty start"),
        pytest.param("start_time", 1705309200, INSTANT_STRING, id="number for start"),
        pytest.param("start_time", "2024-01-15", INSTANT, id="date for start"),
        pytest.param("start_time", "2024-02-30T09:00:00Z", INSTANT, id="a day that is not"),
        pytest.param("start_time", "2024-01-15T25:00:00Z", INSTANT, id="an hour that is not"),
        pytest.param("start_time", "1969-12-31T23:59:59Z", YEARS, id="too early"),
        pytest.param("end_time", "2201-01-01T00:00:00Z", YEARS, id="too late"),
        pytest.param("end_time", "soon", INSTANT, id="word for end"),
        pytest.param("end_time", False, INSTANT_STRING, id="boolean for end"),
        pytest.param("end_time", "2024-01-15T09:00:00Z", END, id="end at the start"),
        pytest.param("end_time", "2024-01-15T08:59:59.999999Z", END, id="end before the start"),
        pytest.param(
            "end_time",
            "2025-01-15T09:00:01Z",
            "A time entry must not last more than 366 days.",
            id="a second too long",
        ),
        pytest.param("notes", 5, STRING, id="number for notes"),
        pytest.param(
            "notes",
            "x" * 10_001,
            "Ensure this field has no more than 10000 characters.",
            id="long notes",
        ),
        pytest.param("tags", 5, TAGS, id="number for tags"),
        pytest.param("tags", [5], TAGS, id="number in tags"),
        pytest.param("tags", ["a", None], TAGS, id="null in tags"),
        pytest.param("tags", {"a": "b"}, TAGS, id="object for tags"),
        pytest.param("tags", ["a,b"], "A tag must not contain a comma.", id="comma in a tag"),
        pytest.param("tags", "x" * 51, LONG_TAG, id="long tag"),
        pytest.param("tags", ["x" * 51], LONG_TAG, id="long tag in an array"),
        pytest.param("billable", "yes", SWITCH, id="yes for billable"),
        pytest.param("billable", 0, SWITCH, id="number for billable"),
        pytest.param("billable", None, NULL, id="null for billable"),
        pytest.param("user_id", None, NULL, id="null for user"),
        pytest.param("porject_id", 1, "Unknown field. Did you mean 'project_id'?", id="a slip"),
        pytest.param("note", "x", "Unknown field. Did you mean 'notes'?", id="another slip"),
    ],
)
def test_field_refuses(
    owner: User, project: Project, field: str, value: Any, sentence: str
) -> None:
    api = api_as(owner, "write:time_entries")
    response = api.post(PATH, hour(project, **{field: value}))
    assert response.status_code == 400
    assert response.json() == invalid(response, **{field: sentence})
    assert TimeEntry.objects.count() == 0


def test_project_and_start_are_required(owner: User) -> None:
    response = api_as(owner, "write:time_entries").post(PATH, {})
    assert response.status_code == 400
    required = "This field is required."
    assert response.json() == invalid(response, project_id=required, start_time=required)


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        pytest.param("notes", "x" * 10_000, "x" * 10_000, id="10 000 characters"),
        pytest.param("notes", " as\n it is ", " as\n it is ", id="notes as they are"),
        pytest.param("notes", "", "", id="no notes"),
        pytest.param("task_id", None, None, id="no task"),
        pytest.param("tags", "design,urgent", "design,urgent", id="tags as a string"),
        pytest.param("tags", ["design", "urgent"], "design,urgent", id="tags as an array"),
        pytest.param("tags", " design ,, urgent,design , ", "design,urgent", id="tidied string"),
        pytest.param("tags", [" design ", "", "urgent", "design"], "design,urgent", id="array"),
        pytest.param("tags", "Design,design", "Design,design", id="case makes a tag another"),
        pytest.param("tags", "code review", "code review", id="tag with a space"),
        pytest.param("tags", "", "", id="no tags"),
        pytest.param("tags", [], "", id="no tags in an array"),
        pytest.param("tags", "ü" * 50, "ü" * 50, id="tag of 50 characters"),
        pytest.param("billable", False, False, id="not billable"),
        pytest.param("billable", True, True, id="billable"),
    ],
)
def test_field_takes(owner: User, project: Project, field: str, value: Any, stored: Any) -> None:
    api = api_as(owner, "write:time_entries")
    response = api.post(PATH, hour(project, **{field: value}))
    assert response.status_code == 201
    assert getattr(TimeEntry.objects.get(), field) == stored
    if field == "tags":
        shown = response.json()["time_entry"]
        assert (shown["tags"], shown["tag_list"]) == (stored, stored.split(",") if stored else [])


@pytest.mark.parametrize(
    ("zone", "text", "instant"),
    [
        pytest.param("", "2024-01-15T09:00:00Z", NINE, id="UTC"),
        pytest.param("", "2024-01-15t09:00:00z", NINE, id="small letters"),
        pytest.param("", "2024-01-15 09:00:00", NINE, id="a space"),
        pytest.param("", "2024-01-15T09:00", NINE, id="no seconds"),
        pytest.param("", "2024-01-15T14:30:00+05:30", NINE, id="an offset"),
        pytest.param("Europe/Berlin", "2024-01-15T04:00:00-05:00", NINE, id="another offset"),
        pytest.param("Europe/Berlin", "2024-01-15T09:00:00Z", NINE, id="Z whatever the zone"),
        pytest.param("Europe/Berlin", "2024-01-15T10:00:00", NINE, id="the user's zone"),
        pytest.param("", "2024-01-15T09:00:00.000000", NINE, id="microseconds"),
        pytest.param(
            "Europe/Berlin",
            "2023-10-29T02:30:00",
            datetime(2023, 10, 29, 0, 30, tzinfo=UTC),
            id="the first of two",
        ),
    ],
)
def test_start_time_is_understood_exactly(
    project: Project, zone: str, text: str, instant: datetime
) -> None:
    api = api_as(make_user(time_zone=zone), "write:time_entries")
    body = hour(project, start_time=text)
    response = api.post(PATH, body)
    assert response.status_code == 201
    assert TimeEntry.objects.get().start_time == instant
    assert response.json()["time_entry"]["start_time"] == f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def test_a_wall_clock_time_that_the_clocks_skip_is_refused(project: Project) -> None:
    api = api_as(make_user(time_zone="Europe/Berlin"), "write:time_entries")
    response = api.post(PATH, hour(project, start_time="2023-03-26T02:30:00"))
    assert response.status_code == 400
    assert response.json() == invalid(
        response, start_time="This time does not exist in Europe/Berlin: the clocks skip it."
    )


def test_an_entry_may_last_366_days(owner: User, project: Project) -> None:
    api = api_as(owner, "write:time_entries")
    response = api.post(PATH, hour(project, end_time="2025-01-15T09:00:00Z"))
    assert response.status_code == 201
    assert response.json()["time_entry"]["duration_seconds"] == 366 * 86_400


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        pytest.param({"end_time": "2024-01-15T09:00:00Z"}, {"end_time": END}, id="end"),
        pytest.param({"start_time": "2024-01-15T10:00:00Z"}, {"end_time": END}, id="start"),
        pytest.param(
            {"start_time": "2023-01-01T00:00:00Z"},
            {"end_time": "A time entry must not last more than 366 days."},
            id="too long",
        ),
    ],
)
def test_an_update_of_one_end_is_judged_with_the_other(
    owner: User, project: Project, body: dict[str, str], errors: dict[str, str]
) -> None:
    entry = make_entry(owner, project)
    api = api_as(owner, "write:time_entries")
    response = api.patch(f"{PATH}/{entry.pk}", body)
    assert response.status_code == 400
    assert response.json() == invalid(response, **errors)
    assert TimeEntry.objects.values("start_time", "end_time").get() == {
        "start_time": entry.start_time,
        "end_time": entry.end_time,
    }


@pytest.mark.parametrize("kind", [int, str])
def test_an_id_may_be_a_number_or_a_string_of_digits(
    owner: User, project: Project, kind: type
) -> None:
    task = make_task(project)
    body = hour(
        project, project_id=kind(project.pk), task_id=kind(task.pk), user_id=kind(owner.pk)
    )
    response = api_as(owner, "write:time_entries").post(PATH, body)
    assert response.status_code == 201
    entry = TimeEntry.objects.get()
    assert (entry.project, entry.task, entry.user) == (project, task, owner)


@pytest.mark.parametrize(
    ("project_billable", "sent", "stored"),
    [
        pytest.param(True, {}, True, id="billable project"),
        pytest.param(False, {}, False, id="project that is not"),
        pytest.param(True, {"billable": False}, False, id="sent false"),
        pytest.param(False, {"billable": True}, True, id="sent true"),
    ],
)
@pytest.mark.parametrize("path", [PATH, "/api/v1/timer/start"], ids=["entry", "timer"])
def test_an_entry_is_billable_as_its_project_unless_it_says(
    owner: User, path: str, sent: dict[str, bool], *, project_billable: bool, stored: bool
) -> None:
    project = make_project(billable=project_billable)
    body = hour(project) if path == PATH else {"project_id": project.pk}
    response = api_as(owner, "write:time_entries").post(path, body | sent)
    assert response.status_code == 201
    assert TimeEntry.objects.get().billable is stored


def test_update_leaves_a_racing_change_to_another_column_alone(
    owner: User, project: Project
) -> None:
    stale = make_entry(owner, project, lasting=None)
    TimeEntry.objects.update(end_time=NINE.replace(hour=12), tags="stopped")
    serializer = TimeEntrySerializer(stale, data={"notes": "New"}, partial=True)
    assert serializer.is_valid()
    serializer.save()
    assert TimeEntry.objects.values("end_time", "tags", "notes", "duration_seconds").get() == {
        "end_time": NINE.replace(hour=12),
        "tags": "stopped",
        "notes": "New",
        "duration_seconds": 3 * 3600,
    }


def test_update_of_a_row_deleted_meanwhile_is_not_found(owner: User, project: Project) -> None:
    stale = make_entry(owner, project)
    TimeEntry.objects.all().delete()
    serializer = TimeEntrySerializer(stale, data={"notes": "New"}, partial=True)
    assert serializer.is_valid()
    with pytest.raises(Vanished, match="It has been deleted in the meantime"):
        serializer.save()
    assert TimeEntry.objects.count() == 0
