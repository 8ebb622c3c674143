"""Many writes in one request: the rules of single ones, and nothing in between."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.bulk import views as bulk
from journal.models import Change
from projects.models import Project
from tasks.models import Task
from tests.support.factories import api_as, make_entry, make_project, make_task
from timeentries.models import TimeEntry
from users.models import User

BULK = "/api/v1/time-entries/bulk"
HOUR = {"start_time": "2024-01-15T09:00:00Z", "end_time": "2024-01-15T10:00:00Z"}
NOT_WRITTEN = {
    "error": "Failed dependency",
    "message": "Another operation failed, so nothing was written.",
    "error_code": "failed_dependency",
}


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


def create(project: Project, **fields: Any) -> dict[str, Any]:
    return {"op": "create", "data": {"project_id": project.pk, **HOUR, **fields}}


def send(user: User, operations: list[Any], path: str = BULK, **options: Any) -> Any:
    api = api_as(user, "write:time_entries", "write:tasks")
    return api.post(path, {"operations": operations, **options})


def stored() -> list[tuple[int, str]]:
    return list(TimeEntry.objects.order_by("pk").values_list("pk", "notes"))


def test_operations_are_carried_out_in_their_order(owner: User, project: Project) -> None:
    kept, gone = make_entry(owner, project), make_entry(owner, project)
    response = send(
        owner,
        [
            create(project, notes="first", tags=["a", "b"]),
            {"op": "update", "id": kept.pk, "data": {"notes": "again"}},
            {"op": "update", "id": str(kept.pk), "data": {"billable": False}, "if_match": 2},
            {"op": "delete", "id": gone.pk},
            create(project, notes="last"),
        ],
    )
    first, last = TimeEntry.objects.exclude(pk=kept.pk).order_by("pk")
    assert response.json() == {
        "committed": True,
        "results": [
            {"index": 0, "status": 201, "id": first.pk},
            {"index": 1, "status": 200, "id": kept.pk},
            {"index": 2, "status": 200, "id": kept.pk},
            {"index": 3, "status": 200, "id": gone.pk},
            {"index": 4, "status": 201, "id": last.pk},
        ],
    }
    assert stored() == [(kept.pk, "again"), (first.pk, "first"), (last.pk, "last")]
    kept.refresh_from_db()
    assert (kept.version, kept.billable) == (3, False)
    assert (first.user, first.tags, first.billable) == (owner, "a,b", project.billable)


def test_the_journal_tells_of_each(owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    Change.objects.all().delete()
    operations = [create(project), create(project), {"op": "delete", "id": entry.pk}]
    results = send(owner, operations).json()["results"]
    assert list(Change.objects.order_by("pk").values_list("action", "object_id", "user_id")) == [
        ("created", results[0]["id"], owner.pk),
        ("created", results[1]["id"], owner.pk),
        ("deleted", entry.pk, owner.pk),
    ]


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(lambda own, other: {"data": {}}, id="fields missing"),
        pytest.param(lambda own, other: {"data": {**HOUR, "project": 1}}, id="unknown field"),
        pytest.param(lambda own, other: {"data": {**HOUR, "project_id": 999}}, id="no project"),
        pytest.param(
            lambda own, other: {"data": {**HOUR, "project_id": own.project_id, "user_id": 999}},
            id="another user",
        ),
        pytest.param(
            lambda own, other: {
                "data": {"project_id": own.project_id, "start_time": HOUR["start_time"]}
            },
            id="second timer",
        ),
        pytest.param(
            lambda own, other: {
                "data": {**HOUR, "project_id": own.project_id, "end_time": HOUR["start_time"]}
            },
            id="ends as it starts",
        ),
        pytest.param(
            lambda own, other: {
                "data": {**HOUR, "project_id": Project.objects.get(status="archived").pk}
            },
            id="archived project",
        ),
        pytest.param(lambda own, other: {"id": own.pk, "data": {"notes": 5}}, id="bad value"),
        pytest.param(lambda own, other: {"id": other.pk, "data": {}}, id="another's entry"),
        pytest.param(lambda own, other: {"id": 999_999, "data": {}}, id="missing entry"),
        pytest.param(lambda own, other: {"id": other.pk}, id="delete another's"),
        pytest.param(lambda own, other: {"id": 999_999}, id="delete what is missing"),
    ],
)
def test_an_operation_is_refused_as_a_single_request_is(
    owner: User,
    colleague: User,
    project: Project,
    operation: Callable[[TimeEntry, TimeEntry], dict[str, Any]],
) -> None:
    make_project("Old", status="archived")
    own, other = make_entry(owner, project), make_entry(colleague, project)
    make_entry(owner, project, lasting=None)
    parts = operation(own, other)
    key, data = parts.get("id"), parts.get("data")
    api = api_as(owner, "write:time_entries")
    single = api.generic(
        {(True, False): "POST", (True, True): "PATCH", (False, True): "DELETE"}[
            data is not None, key is not None
        ],
        f"/api/v1/time-entries/{key}" if key else "/api/v1/time-entries",
        api._encode_data(data, "json")[0] if data is not None else "",  # type: ignore[attr-defined]  # noqa: SLF001
        "application/json",
    )
    kind = {"POST": "create", "PATCH": "update", "DELETE": "delete"}[
        single.request["REQUEST_METHOD"]
    ]
    before = stored()

    result = send(owner, [{"op": kind, **parts}]).json()["results"][0]

    expected = single.json()
    for member in ("request_id", "timer"):
        expected.pop(member, None)
        result["error"].pop(member, None)
    assert result == {"index": 0, "status": single.status_code, "id": key, "error": expected}
    assert single.status_code >= 400
    assert stored() == before


def test_atomic_writes_all_or_nothing(owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    operations = [
        create(project),
        create(project, end_time="nonsense"),
        {"op": "delete", "id": entry.pk},
    ]
    answer = send(owner, operations).json()
    assert answer["committed"] is False
    assert answer["results"][0] == {"index": 0, "status": 424, "id": None, "error": NOT_WRITTEN}
    assert answer["results"][1]["status"] == 400
    assert answer["results"][1]["error"]["errors"].keys() == {"end_time"}
    assert answer["results"][2] == {
        "index": 2,
        "status": 424,
        "id": entry.pk,
        "error": NOT_WRITTEN,
    }
    assert stored() == [(entry.pk, "")]


def test_partial_writes_whatever_is_accepted(owner: User, project: Project) -> None:
    notes = [f"entry {number}" for number in range(40)]
    operations: list[Any] = [create(project, notes=note) for note in notes]
    operations[7]["data"]["end_time"] = HOUR["start_time"]  # only the database sees this one
    operations[23]["data"] |= {"task_id": make_task(make_project("Other")).pk}
    answer = send(owner, operations, mode="partial").json()
    assert answer["committed"] is True
    failed = {
        result["index"]: result["status"] for result in answer["results"] if "error" in result
    }
    assert failed == {7: 400, 23: 400}
    assert [note for _, note in stored()] == [
        note for number, note in enumerate(notes) if number not in failed
    ]
    assert [result["id"] for result in answer["results"] if "error" not in result] == [
        pk for pk, _ in stored()
    ]


def test_of_two_timers_the_first_runs(owner: User, project: Project) -> None:
    operations = [create(project, end_time=None), create(project, end_time=None)]
    results = send(owner, operations, mode="partial").json()["results"]
    assert [result["status"] for result in results] == [201, 409]
    assert results[1]["error"]["error_code"] == "timer_already_running"


def test_a_dry_run_judges_and_writes_nothing(owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    operations = [
        create(project),
        {"op": "update", "id": entry.pk, "data": {"notes": "x"}},
        {"op": "delete", "id": 999_999},
    ]
    answer = send(owner, operations, mode="partial", dry_run=True).json()
    assert answer["committed"] is False
    assert [(result["status"], result["id"]) for result in answer["results"]] == [
        (201, None),
        (200, entry.pk),
        (404, 999_999),
    ]
    assert stored() == [(entry.pk, "")]
    assert not Change.objects.filter(action="updated").exists()


def test_if_match_is_412_when_somebody_was_faster(owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    entry.billable = False
    entry.save()
    stale = {"op": "update", "id": entry.pk, "data": {"notes": "x"}, "if_match": 1}
    [result] = send(owner, [stale]).json()["results"]
    assert (result["status"], result["error"]["error_code"]) == (412, "precondition_failed")
    assert result["error"]["version"] == 2
    assert stored() == [(entry.pk, "")]


@pytest.mark.parametrize("form", ["{}", "W/{}"])
def test_if_match_takes_the_tag_of_a_row(owner: User, project: Project, form: str) -> None:
    entry = make_entry(owner, project)
    tag = api_as(owner, "read:time_entries").get(f"/api/v1/time-entries/{entry.pk}")["ETag"]
    change = {"op": "update", "id": entry.pk, "data": {"notes": "x"}, "if_match": form.format(tag)}
    results = send(owner, [change, change], mode="partial").json()["results"]
    assert [result["status"] for result in results] == [200, 412]
    assert results[1]["error"]["version"] == 2


@pytest.mark.parametrize(
    ("body", "about"),
    [
        pytest.param({}, "operations", id="nothing"),
        pytest.param({"operations": []}, "operations", id="no operation"),
        pytest.param({"operations": [{"op": "delete", "id": 1}] * 501}, "operations", id="501"),
        pytest.param({"operations": {"op": "delete"}}, "operations", id="no list"),
        pytest.param({"operations": [1]}, "operations", id="no object"),
        pytest.param({"operations": [{}], "mode": "some"}, "mode", id="mode"),
        pytest.param({"operations": [{}], "dry_run": "yes"}, "dry_run", id="dry_run"),
        pytest.param({"operations": [{}], "dry": True}, "dry", id="unknown"),
    ],
)
def test_a_request_that_cannot_be_read_is_400(owner: User, body: Any, about: str) -> None:
    response = api_as(owner, "write:time_entries").post(BULK, body)
    assert response.status_code == 400
    assert response.json()["errors"].keys() == {about}


@pytest.mark.parametrize(
    ("operation", "about"),
    [
        pytest.param({}, {"op"}, id="no op"),
        pytest.param({"op": "upsert"}, {"op"}, id="unknown op"),
        pytest.param({"op": "create"}, {"data"}, id="create without data"),
        pytest.param({"op": "create", "data": {}, "id": 1}, {"id"}, id="create with id"),
        pytest.param({"op": "create", "data": []}, {"data"}, id="data is a list"),
        pytest.param({"op": "update", "data": {}}, {"id"}, id="update without id"),
        pytest.param({"op": "update"}, {"id", "data"}, id="update with nothing"),
        pytest.param({"op": "delete"}, {"id"}, id="delete without id"),
        pytest.param({"op": "delete", "id": 1, "data": {}}, {"data"}, id="delete with data"),
        pytest.param({"op": "delete", "id": True}, {"id"}, id="id is true"),
        pytest.param({"op": "delete", "id": "1.0"}, {"id"}, id="id is no digits"),
        pytest.param({"op": "delete", "id": 1, "if_match": "1"}, {"if_match"}, id="no version"),
        pytest.param({"op": "delete", "id": 1, "if_match": 0}, {"if_match"}, id="version 0"),
        pytest.param({"op": "delete", "id": 1, "if_match": True}, {"if_match"}, id="true"),
        pytest.param({"op": "delete", "id": 1, "if_match": '"a", "b"'}, {"if_match"}, id="tags"),
        pytest.param({"op": "delete", "id": 1, "ifmatch": 1}, {"ifmatch"}, id="unknown member"),
    ],
)
def test_an_operation_that_cannot_be_read_fails_alone(
    owner: User, project: Project, operation: Any, about: set[str]
) -> None:
    results = send(owner, [operation, create(project)], mode="partial").json()["results"]
    assert (results[0]["status"], results[0]["id"]) == (400, None)
    assert results[0]["error"]["errors"].keys() == about
    assert results[1]["status"] == 201


def test_nothing_is_committed_where_all_is_refused(owner: User, project: Project) -> None:
    """So that the same Idempotency-Key may be tried again once the project is restored."""
    Project.objects.update(status=Project.Status.ARCHIVED)
    api = api_as(owner, "write:time_entries")
    body = {"mode": "partial", "operations": [create(project)]}
    refused = api.post(BULK, body, headers={"Idempotency-Key": "k"})
    assert refused.json()["committed"] is False
    assert [result["status"] for result in refused.json()["results"]] == [409]

    Project.objects.update(status=Project.Status.ACTIVE)
    again = api.post(BULK, body, headers={"Idempotency-Key": "k"})
    assert again.json()["committed"] is True
    assert [result["status"] for result in again.json()["results"]] == [201]


def test_five_hundred_take_no_more_queries_than_five(owner: User, project: Project) -> None:
    task = make_task(project)
    api = api_as(owner, "write:time_entries")
    counts = []
    for number in (5, 500):
        body = {"operations": [create(project, task_id=task.pk)] * number}
        with CaptureQueriesContext(connection) as captured:
            assert api.post(BULK, body).json()["committed"] is True
        # SQLite takes a limited number of values at once.
        counts.append(len([query for query in captured if "INSERT" not in query["sql"]]))
    assert counts[0] == counts[1]
    assert TimeEntry.objects.count() == 505


def test_tasks_too(owner: User, project: Project) -> None:
    data = {"project_id": project.pk, "name": "Draft", "status": "done"}
    answer = send(owner, [{"op": "create", "data": data}], path="/api/v1/tasks/bulk").json()
    task = Task.objects.get(pk=answer["results"][0]["id"])
    assert (task.name, task.completed_at is not None) == ("Draft", True)


def test_a_row_that_came_into_sight_too_late_to_be_locked_is_not_written(
    owner: User, colleague: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = make_entry(colleague, project)
    lock = bulk.Bulk._lock  # noqa: SLF001 - the moment after it is what this is about

    def lock_and_move(self: bulk.Bulk[Any], operations: Any) -> set[int]:
        kept = lock(self, operations)
        TimeEntry.objects.filter(pk=entry.pk).update(user=owner)
        return kept

    monkeypatch.setattr(bulk.Bulk, "_lock", lock_and_move)
    update = {"op": "update", "id": entry.pk, "data": {"notes": "x"}}
    [result] = send(owner, [update]).json()["results"]
    assert result["status"] == 403
    assert TimeEntry.objects.get().notes == ""
