"""A list's total is the number of its rows, and seldom a count of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from projects.models import Project
from tasks.models import Task
from tests.support.factories import api_as, make_client, make_entry, make_project, make_task
from timeentries.models import TimeEntry
from users.models import User

PATH = "/api/v1/time-entries"
COUNT = 'SELECT COUNT(*) AS "__count" FROM "timeentries_timeentry"'


@pytest.fixture
def entries(administrator: User, owner: User, project: Project) -> Project:
    """Entries each ten days over a year and at the ends of its months, by two users."""
    other = make_project("Other", client=make_client())
    task = make_task(other)
    new_year = datetime(2024, 1, 1, tzinfo=UTC)
    starts = [new_year + timedelta(days=10 * number) for number in range(37)]
    starts += [datetime(2024, month, 1, tzinfo=UTC) for month in (2, 3, 7)]
    starts += [start - timedelta(microseconds=1) for start in starts[-3:]]
    for number, start in enumerate(starts):
        user = (owner, administrator)[number % 2]
        if number % 3:
            make_entry(user, project, start)
        else:
            make_entry(user, other, start, task=task, tags="a", billable=False)
    make_entry(owner, project, starts[5], lasting=None)
    make_entry(administrator, other, starts[-1], lasting=None)
    return project


TOLD = [
    "",
    "include_active=true",
    "user_id={user}",
    "project_id={project}",
    "project_id={project}&include_active=true",
    "project_id={project}&start_date=2024-01-01&end_date=2024-06-30",
    "project_id={project}&start_date=2024-01-02&end_date=2024-07-01&include_active=true",
    "user_id={user}&start_date=2024-02-11",
    "start_date=2024-01-31T23:59:59.999999Z&end_date=2024-03-01",
    "start_date=2024-02-01",
    "end_date=2024-02-29",
    "end_date=2024-03-01T00:00:00Z",
    "start_date=2024-01-15T12:00:00%2B05:00&end_date=2024-12-31",
    "project_id=999999",
    "client_id={client}",
    "client_id={client}&start_date=2024-02-20",
    "start_date=2024-01-20&end_date=2024-02-10",
    "project_id={project}&start_date=2024-02-20T11:00:00Z&end_date=2024-02-23T11:00:00Z",
    "start_date=2024-03-01&end_date=2024-03-01",
]
COUNTED = [
    "start_date=2024-02-20T01:00:00Z&end_date=2024-02-20T11:00:00Z",
    "user_id={user}&project_id={project}",
    "billable=false",
    "client_id={client}&project_id={project}",
    "tag=a",
    "task_id={task}",
    "search=x",
    "updated_since=2024-01-01T00:00:00Z",
    "project_id={project}&billable=true",
]


@pytest.mark.parametrize("reader", ["administrator", "owner"])
@pytest.mark.parametrize(
    ("query", "counts"),
    [*((query, 0) for query in TOLD), *((query, 1) for query in COUNTED)],
)
def test_a_total_is_the_number_of_rows(
    request: pytest.FixtureRequest,
    entries: Project,
    owner: User,
    reader: str,
    query: str,
    counts: int,
) -> None:
    user = request.getfixturevalue(reader)
    task = Task.objects.get()
    ids = {
        "user": owner.pk,
        "project": entries.pk,
        "task": task.pk,
        "client": task.project.client_id,
    }
    api = api_as(user, "read:time_entries")
    with CaptureQueriesContext(connection) as captured:
        answer = api.get(f"{PATH}?per_page=100&{query.format(**ids)}").json()
    assert answer["pagination"]["total"] == len(answer["time_entries"])
    if reader == "owner" and ("project_id" in query or "client_id" in query):
        counts = 1  # by user and more
    assert len([query for query in captured if query["sql"].startswith(COUNT)]) == counts


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param(lambda all_: all_.none(), id="none"),
        pytest.param(lambda all_: all_[:2], id="sliced"),
        pytest.param(lambda all_: all_.running(), id="running"),
        pytest.param(lambda all_: all_.exclude(project_id=1), id="negated"),
        pytest.param(
            lambda all_: all_.filter(start_time__gte=F("created_at") - timedelta(days=1)),
            id="expression",
        ),
        pytest.param(lambda all_: all_.distinct(), id="distinct"),
        pytest.param(lambda all_: all_.filter(user__username="olga"), id="joined"),
        pytest.param(lambda all_: all_.filter(task__project_id=1), id="project of the task"),
        pytest.param(lambda all_: all_.filter(user_id__in=[1, 2]), id="in"),
        pytest.param(lambda all_: all_.filter(user_id=1) | all_.filter(user_id=2), id="or"),
    ],
)
def test_what_the_tallies_cannot_tell_is_counted(
    owner: User, project: Project, entries: Any
) -> None:
    for number in range(3):
        make_entry(owner, project, datetime(2024, 1, 1 + number, tzinfo=UTC))
    queryset = entries(TimeEntry.objects.all())
    assert queryset.exact_count() == len(queryset)
