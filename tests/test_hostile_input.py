"""Whatever is sent: an answer below 500 in the one error shape, and nothing is changed."""

import json
from typing import Any

import pytest
from django.apps import apps
from rest_framework.test import APIClient

from projects.models import Project
from tests.support.factories import api_as, issue_token, make_client, make_entry, make_task
from users.models import User

DEEP = 100_000
BODIES = {
    "array": b"[1]",
    "string": b'"x"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "truncated": b'{"name": ',
    "trailing": b'{"name": "a"} x',
    "single quotes": b"{'name': 'a'}",
    "nan": b'{"hourly_rate": NaN}',
    "infinity": b'{"hourly_rate": Infinity}',
    "minus infinity": b'{"hourly_rate": -Infinity}',
    "deep arrays": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep in a field": b'{"name": ' + b"[" * 30 + b"]" * 30 + b"}",
    "nul": b'{"name": "a\\u0000b"}',
    "nul key": b'{"na\\u0000me": "a"}',
    "raw nul": b'{"name": "a\x00b"}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "low surrogate": b'{"name": "\\udfff"}',
    "surrogate key": b'{"\\ud800": "a"}',
    "duplicate key": b'{"name": "a", "name": "b"}',
    "bad utf-8": b'{"name": "\xff\xfe"}',
    "overlong utf-8": b'{"name": "\xc0\xaf"}',
    "utf-16": '{"name": "a"}'.encode("utf-16"),
    "bom": b'\xef\xbb\xbf{"name": "a"}',
    "control character": b'{"name": "a\nb"}',
    "5000 digits": b'{"hourly_rate": ' + b"9" * 5000 + b"}",
    "exponent": b'{"hourly_rate": 1e400}',
    "unknown field": b'{"nonsense": 1}',
    "prototype": b'{"__proto__": {"admin": true}, "constructor": 1}',
    "empty key": b'{"": 1}',
}
VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "list": [1],
    "object": {"a": 1},
    "empty": "",
    "blank": "   ",
    "2**31": 2**31,
    "2**63": 2**63,
    "10**30": 10**30,
    "minus one": -1,
    "fraction": 1.5,
    "1e308": 1e308,
    "nan text": "nan",
    "infinity text": "Infinity",
    "30 digits": "9" * 30,
    "1E+999999999": "1E+999999999",
    "arabic digits": "١٢",
    "word": "word",
    "long": "x" * 20_000,
    "sql": "'; DROP TABLE users_user; --",
    "far past": "0001-01-01T00:00:00+14:00",
    "far future": "9999-12-31T23:59:59-12:00",
    "no such day": "2024-02-30T10:00:00Z",
    "bad offset": "2024-01-15T10:00:00+25:00",
    "html": "<script>alert(1)</script>",
}
FIELDS = {
    "projects": ["name", "client_id", "hourly_rate", "estimated_hours", "billable", "status"],
    "clients": ["name", "email", "default_hourly_rate", "status", "phone"],
    "tasks": ["name", "project_id", "assignee_id", "priority", "status", "due_date"],
    "time-entries": [
        "project_id",
        "task_id",
        "user_id",
        "start_time",
        "end_time",
        "tags",
        "notes",
        "billable",
    ],
}
QUERIES = [
    "page=0",
    "page=-1",
    "page=abc",
    "page=1.5",
    "page=" + "9" * 30,
    "page=%00",
    "page=1&page=2",
    "per_page=0",
    "per_page=-5",
    "per_page=ten",
    "updated_since=yesterday",
    "updated_since=2024-01-15",
    "updated_since=9999-12-31T23:59:59-12:00",
    "updated_since=0001-01-01T00:00:00%2B14:00",
    "nonsense=1",
    "search=",
    "search=%00",
    "search=%ED%A0%80",
    "%00=1",
    "format=xml",
]
ENTRY_QUERIES = [
    "project_id=abc",
    "project_id=1_0",
    "project_id=-1",
    "project_id=" + "9" * 19,
    "project_id=1.5",
    "project_id=%D9%A1",
    "billable=maybe",
    "billable=True",
    "include_active=1",
    "start_date=2024-13-01",
    "start_date=0001-01-01",
    "start_date=9999-12-31",
    "start_date=2024-01-15T25:00:00Z",
    "start_date=",
    "end_date=tomorrow",
    "start_date=2024-02-01&end_date=2024-01-01",
    "tag=",
]
PATHS = [
    "/api/v1/projects/abc",
    "/api/v1/projects/-1",
    "/api/v1/projects/0",
    "/api/v1/projects/1_0",
    "/api/v1/projects/%201",
    "/api/v1/projects/1.5",
    "/api/v1/projects/" + "9" * 18,
    "/api/v1/projects/" + "9" * 40,
    "/api/v1/projects/%D9%A1",
    "/api/v1/projects/1%00",
    "/api/v1/projects/1/2",
    "/api/v1/projects/../users",
    "/api/v1//projects",
    "/api/v1/nothing",
    "/api/v2/projects",
    "/api/v1/PROJECTS",
    "/api/v1/projects/1.json",
    "/api/",
]
TYPES = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "application/xml",
    "application/octet-stream",
    "",
    "nonsense",
    "application/json; charset=bz2_codec",
]


@pytest.fixture
def api(administrator: User, project: Project) -> APIClient:
    """A token that may do everything, in a database with one row of each kind."""
    make_client()
    make_entry(administrator, project, task=make_task(project))
    return api_as(administrator, "admin:all")


def _rows() -> dict[str, list[dict[str, Any]]]:
    """Every row of every resource but the moment a token was used."""
    models = [apps.get_model(name) for name in ("clients.client", "projects.project")]
    models += [apps.get_model(name) for name in ("tasks.task", "timeentries.timeentry")]
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


def _assert_refused(response: Any, rows: dict[str, list[dict[str, Any]]]) -> None:
    assert 400 <= response.status_code < 500, response.content
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert {"error", "message", "error_code", "request_id"} <= set(body)
    assert body["request_id"] == response["X-Request-ID"]
    assert _rows() == rows


@pytest.mark.parametrize("resource", ["projects", "time-entries", "timer/start"])
@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in BODIES.items()])
def test_a_bad_body_is_refused_and_changes_nothing(
    api: APIClient, resource: str, body: bytes
) -> None:
    rows = _rows()

    response = api.generic("POST", f"/api/v1/{resource}", body, "application/json")  # type: ignore[arg-type]

    _assert_refused(response, rows)


@pytest.mark.parametrize(
    ("resource", "field"), [(name, field) for name, fields in FIELDS.items() for field in fields]
)
def test_no_value_of_a_field_is_answered_500(api: APIClient, resource: str, field: str) -> None:
    """Some of these values some fields rightly accept; those are given back."""
    path = f"/api/v1/{resource}/{_ids()[resource]}"
    for value in VALUES.values():
        rows = _rows()
        response = api.patch(path, json.dumps({field: value}), content_type="application/json")
        if response.status_code == 200:
            assert api.get(path).status_code == 200
            assert api.get(f"/api/v1/{resource}").status_code == 200
        else:
            _assert_refused(response, rows)


def _ids() -> dict[str, int]:
    """The id of the one row of each resource."""
    labels = {
        "projects": "projects.project",
        "clients": "clients.client",
        "tasks": "tasks.task",
        "time-entries": "timeentries.timeentry",
    }
    return {name: apps.get_model(label).objects.get().pk for name, label in labels.items()}


@pytest.mark.parametrize("resource", ["projects", "clients", "tasks", "time-entries"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_bad_query_is_refused(api: APIClient, resource: str, query: str) -> None:
    rows = _rows()

    _assert_refused(api.get(f"/api/v1/{resource}?{query}"), rows)


@pytest.mark.parametrize("query", ENTRY_QUERIES)
def test_a_bad_filter_of_time_entries_is_refused(api: APIClient, query: str) -> None:
    rows = _rows()

    _assert_refused(api.get(f"/api/v1/time-entries?{query}"), rows)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_leads_nowhere_is_404(api: APIClient, path: str) -> None:
    rows = _rows()

    response = api.get(path)

    assert response.status_code == 404
    _assert_refused(response, rows)


@pytest.mark.parametrize("content_type", TYPES)
def test_only_json_bodies_are_read(api: APIClient, content_type: str) -> None:
    rows = _rows()

    _assert_refused(api.generic("POST", "/api/v1/projects", "name=x", content_type), rows)


def test_a_body_over_the_limit_is_413(api: APIClient) -> None:
    rows = _rows()
    body = json.dumps({"name": "x" * 1_100_000})

    response = api.generic("POST", "/api/v1/projects", body, "application/json")

    assert response.status_code == 413
    _assert_refused(response, rows)


def test_a_chunked_body_is_refused_and_not_taken_for_an_empty_one(
    api: APIClient, project: Project
) -> None:
    """A server that does not take chunks apart hands on an empty body; PATCH would say 200.

    Ours does: tests/wire/test_bodies.py.
    """
    rows = _rows()
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}

    path = f"/api/v1/projects/{project.pk}"
    response = api.generic("PATCH", path, "", "application/json", **chunked)  # type: ignore[arg-type]

    assert response.status_code == 411
    assert response.json()["error_code"] == "length_required"
    _assert_refused(response, rows)


@pytest.mark.parametrize("header", ["HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_METHOD_OVERRIDE"])
def test_a_method_cannot_be_overridden_by_a_header(
    api: APIClient, project: Project, header: str
) -> None:
    rows = _rows()

    response = api.get(f"/api/v1/projects/{project.pk}", **{header: "DELETE"})  # type: ignore[arg-type]

    assert response.status_code == 200
    assert _rows() == rows


def test_a_token_in_the_url_is_never_read(administrator: User) -> None:
    _, secret = issue_token(administrator, "admin:all")

    response = APIClient().get(f"/api/v1/projects?access_token={secret}")

    assert response.status_code == 401


@pytest.mark.parametrize("method", ["BREW", "TRACE", "CONNECT", "PROPFIND", "get", "É"])
def test_an_odd_method_is_405(api: APIClient, method: str) -> None:
    rows = _rows()

    response = api.generic(method, "/api/v1/timer/start")

    assert response.status_code == 405
    _assert_refused(response, rows)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        pytest.param(400, {"HTTP_HOST": "evil.example"}, id="another host"),
        pytest.param(400, {"HTTP_HOST": "localhost,evil.example"}, id="two hosts"),
        pytest.param(400, {"HTTP_HOST": "local host/\\"}, id="no host at all"),
        pytest.param(400, {"HTTP_IDEMPOTENCY_KEY": ""}, id="empty key"),
        pytest.param(400, {"HTTP_IDEMPOTENCY_KEY": "k" * 5000}, id="long key"),
        pytest.param(400, {"HTTP_IDEMPOTENCY_KEY": "\xe9\xff"}, id="key that is not ASCII"),
        pytest.param(401, {"HTTP_AUTHORIZATION": "Bearer " + "x" * 8000}, id="long token"),
        pytest.param(401, {"HTTP_AUTHORIZATION": "Bearer \xff\xfe"}, id="token that is not ASCII"),
        pytest.param(401, {"HTTP_AUTHORIZATION": "Bearer a,Bearer b"}, id="two tokens in one"),
    ],
)
def test_a_malformed_header_is_refused(
    api: APIClient, status: int, headers: dict[str, Any]
) -> None:
    rows = _rows()

    response = api.post("/api/v1/projects", {"name": "New"}, format="json", **headers)

    assert response.status_code == status
    _assert_refused(response, rows)
