"""What the databases do for each documented filter: they never read all entries for a page."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from database.loading import analyze
from tests.support.factories import api_as, make_client, make_project, make_task
from users.models import User

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite plans without statistics"
)
ENTRIES = "timeentries_timeentry"
FILL = f"""
    INSERT INTO {ENTRIES} (created_at, updated_at, start_time, end_time, notes, tags, billable,
        project_id, user_id, task_id)
    SELECT now(), '2024-01-01'::timestamptz + make_interval(hours => n),
        '2024-01-01'::timestamptz + make_interval(hours => n),
        '2024-01-01'::timestamptz + make_interval(hours => n + 1),
        'Reviewed the week', CASE WHEN n % 50 = 0 THEN 'rare' ELSE 'planning' END, n % 5 > 0,
        p.id, u.id, t.id
    FROM generate_series(1, 20000) AS n
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS r FROM users_user) AS u
        ON u.r = n % 20 + 1
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS r FROM projects_project) AS p
        ON p.r = n % 40 + 1
    LEFT JOIN tasks_task AS t ON t.project_id = p.id
"""


@pytest.fixture
def many(administrator: User) -> dict[str, int]:
    """20 000 entries of 20 users in 40 projects, and ids to filter by."""
    users = [User(username=f"u{number}") for number in range(19)]
    User.objects.bulk_create(users)
    projects = [
        make_project(f"P{number}", client=make_client(f"C{number}")) for number in range(40)
    ]
    task = make_task(projects[3])
    with connection.cursor() as cursor:
        cursor.execute(FILL)
    analyze()
    client = projects[2].client
    assert client is not None
    return {
        "user": users[0].pk,
        "project": projects[1].pk,
        "client": client.pk,
        "task": task.pk,
    }


def plans_of(path: str, user: User, scope: str, table: str = ENTRIES) -> list[str]:
    """How PostgreSQL runs the queries of a request that touch a table, as text."""
    api = api_as(user, scope)
    with CaptureQueriesContext(connection) as captured:
        response = api.get(path)
    assert response.status_code == 200, response.content
    queries = [query["sql"] for query in captured if table in query["sql"]]
    assert queries
    plans = []
    for sql in queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
    return plans


@pytest.mark.parametrize(
    "path",
    [
        "/time-entries",
        "/time-entries?page=3",
        "/time-entries?include_active=true",
        "/time-entries?project_id={project}",
        "/time-entries?user_id={user}",
        "/time-entries?user_id={user}&project_id={project}",
        "/time-entries?client_id={client}",
        "/time-entries?task_id={task}",
        "/time-entries?start_date=2024-03-10&end_date=2024-05-10",
        "/time-entries?project_id={project}&start_date=2024-03-10&end_date=2024-05-10",
        "/time-entries?user_id={user}&start_date=2024-03-10&end_date=2024-03-20",
        "/time-entries?updated_since=2026-04-01T00:00:00Z",
        "/time-entries?user_id={user}&tag=rare",
        "/time-entries?user_id={user}&billable=false",
        "/time-entries?project_id={project}&search=week",
        "/reports/summary?start_date=2024-03-10T05:00:00Z&end_date=2024-04-08T05:00:00Z",
        "/reports/summary?start_date=2024-03-10T05:00:00Z&end_date=2025-03-09T05:00:00Z",
        "/reports/summary?user_id={user}&start_date=2024-03-10&end_date=2024-04-08",
        "/reports/summary?project_id={project}&start_date=2024-03-10T05:00:00Z&end_date=2024-04-08",
        "/reports/weekly?week=2024-03-10",
        "/reports/weekly?week=2024-03-10&user_id={user}",
    ],
)
def test_no_query_reads_all_entries(administrator: User, many: dict[str, int], path: str) -> None:
    for plan in plans_of(f"/api/v1{path.format(**many)}", administrator, "read:*"):
        assert f"Seq Scan on {ENTRIES}" not in plan


@pytest.mark.parametrize(
    "path",
    [
        "/time-entries",
        "/time-entries?project_id={project}&start_date=2024-03-10&end_date=2024-09-10",
        "/time-entries?user_id={user}",
        "/time-entries?client_id={client}&start_date=2024-03-10",
        "/reports/summary?start_date=2024-03-10&end_date=2024-04-08",
        "/reports/summary?project_id={project}&start_date=2024-03-10&end_date=2025-03-09",
    ],
)
def test_no_query_reads_all_tallies(administrator: User, many: dict[str, int], path: str) -> None:
    path = f"/api/v1{path.format(**many)}"
    for plan in plans_of(path, administrator, "read:*", "tallies_tally"):
        assert "Seq Scan on tallies_tally" not in plan


@pytest.mark.parametrize("query", ["", "&project_id={project}"])
def test_a_summary_of_whole_days_reads_no_entry(
    administrator: User, many: dict[str, int], query: str
) -> None:
    api = api_as(administrator, "read:reports")
    days = "start_date=2024-03-10&end_date=2024-04-08"
    with CaptureQueriesContext(connection) as captured:
        summary = api.get(f"/api/v1/reports/summary?{days}{query.format(**many)}").json()
    assert summary["summary"]["total_entries"] == (30 * 24 / (40 if query else 1))
    assert not [query for query in captured if ENTRIES in query["sql"]]


@pytest.mark.parametrize("name", ["user", "project", "client", "task"])
def test_a_page_joins_only_what_it_shows(
    administrator: User, many: dict[str, int], name: str
) -> None:
    path = f"/api/v1/time-entries?{name}_id={many[name]}&start_date=2024-03-10&end_date=2024-09-10"
    plans = plans_of(path, administrator, "read:time_entries")
    [page] = [plan for plan in plans if "Limit" in plan]
    assert page.startswith("Sort"), page  # of few rows, while the limit is below the joins


@pytest.mark.parametrize("query", ["billable=false", "tag=rare"])
def test_a_page_of_what_no_index_knows_reads_the_newest_only(
    administrator: User, many: dict[str, int], query: str
) -> None:
    """Their total is counted, and that does read them all: docs/api.md says so."""
    plans = plans_of(f"/api/v1/time-entries?{query}", administrator, "read:time_entries")
    [page] = [plan for plan in plans if "Limit" in plan]
    assert "Backward using time_entry_summed_up" in page or "time_entry_newest" in page
    assert f"Seq Scan on {ENTRIES}" not in page


@pytest.mark.parametrize("query", ["", "&project_id={project}", "&user_id={user}"])
def test_a_page_far_down_begins_at_its_place_in_the_index(
    administrator: User, many: dict[str, int], query: str
) -> None:
    query = query.format(**many)
    path = f"/api/v1/time-entries?per_page=50{query}"
    api = api_as(administrator, "read:time_entries")
    last = api.get(f"{path}&page=5").json()["pagination"]["next_cursor"]
    [plan] = plans_of(f"{path}&cursor={last}", administrator, "read:time_entries")
    assert "time_entry_newest" in plan
    assert "ROW(start_time, id) <" in plan
    [condition] = [line for line in plan.splitlines() if "ROW(" in line]
    assert condition.strip().startswith("Index Cond")
