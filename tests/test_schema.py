"""The OpenAPI document says what the service does: it is committed, and real answers fit it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser
from jsonschema_rs import Draft202012Validator
from pytest_django import Settings
from rest_framework.test import APIClient

from api.bulk.views import BulkMixin
from api.schema.texts import with_article
from apitokens.scopes import known_scopes
from tests.support.examples import RESOURCES
from tests.support.factories import api_as, make_client, make_entry, make_project, make_task
from tests.support.routes import PROBES
from timetracker.documentation import JSON, YAML, document
from users.models import User

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT: dict[str, Any] = json.loads(document(JSON))
COMPONENTS = DOCUMENT["components"]
OPERATIONS = {
    (method.upper(), path): operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
# An answer has what is documented and nothing else.
CLOSED = COMPONENTS | {
    "schemas": {
        name: schema | ({"additionalProperties": False} if "properties" in schema else {})
        for name, schema in COMPONENTS["schemas"].items()
    }
}
PUBLIC = {route.rpartition("/")[2] for route in PROBES}
BOUNDED = {  # the bounds that the document gives a field, each with a value beyond
    "name": "x" * 201,
    "description": "x" * 10_001,
    "client_id": "7x",
    "hourly_rate": -1,
    "estimated_hours": "100000000",
    "billable": "yes",
    "status": "gone",
}


def valid(schema: dict[str, Any], value: object) -> bool:
    """Return whether a value fits a schema of the document."""
    return _validator(schema).is_valid(value)


def assert_as_documented(response: Any) -> None:
    """The status, the body and the headers are among those of the operation."""
    operation = operation_of(response)
    published = resolve(operation["responses"][str(response.status_code)])
    _validator(published["content"]["application/json"]["schema"]).validate(response.json())
    required = {
        name for name, header in published["headers"].items() if resolve(header).get("required")
    }
    assert required <= set(response.headers)
    if "X-RateLimit-Limit" in response.headers:
        assert "X-RateLimit-Limit" in published["headers"]


def operation_of(response: Any) -> dict[str, Any]:
    """Return the documented operation that a response answers."""
    asked = response.request["PATH_INFO"]
    for (method, path), operation in OPERATIONS.items():
        matches = re.fullmatch(re.sub("{(?:[a-z]+_)?id}", "[0-9]+", path), asked)
        if method == response.request["REQUEST_METHOD"] and matches:
            found: dict[str, Any] = operation
            return found
    raise LookupError(asked)


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference refers to."""
    if "$ref" not in node:
        return node
    kind, name = node["$ref"].removeprefix("#/components/").split("/")
    found: dict[str, Any] = COMPONENTS[kind][name]
    return found


def references(node: object) -> Iterator[str]:
    """Yield each reference below a node."""
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def component(name: str) -> dict[str, Any]:
    """Return a reference to a body's schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": CLOSED}, validate_formats=True)


@pytest.fixture
def ids(administrator: User) -> dict[str, int]:
    """One of everything, of the administrator, and a project that nothing uses."""
    client = make_client(email="")
    project = make_project(client=client)
    task = make_task(project)
    entry = make_entry(administrator, project, task=task, tags="design,urgent")
    free, unused = make_project("Free"), make_client("Unused")
    return {
        "client": client.pk,
        "project": project.pk,
        "task": task.pk,
        "entry": entry.pk,
        "free_project": free.pk,
        "free_task": make_task(free).pk,
        "free_client": unused.pk,
    }


@pytest.fixture
def api(administrator: User) -> APIClient:
    """An administrator who may do everything."""
    return api_as(administrator, "admin:all")


def call(api: APIClient, method: str, path: str, body: Any, ids: dict[str, int]) -> Any:
    """Return the answer to a request whose path and body name ids as `{project}`."""
    text = json.dumps(body)
    for name, value in ids.items():
        path, text = path.replace(f"{{{name}}}", str(value)), text.replace(f'"{name}"', str(value))
    return getattr(api, method)(f"/api/v1{path}", json.loads(text))


def test_the_committed_document_is_the_generated_one() -> None:
    assert (ROOT / "schema.yml").read_bytes() == document(YAML)


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    used = set(references(DOCUMENT))
    there = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses", "headers")
        for name in COMPONENTS[kind]
    }
    assert used == there


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda each: each["operationId"])
def test_an_operation_is_public_or_names_its_scope(operation: dict[str, Any]) -> None:
    if operation["operationId"] == "auth_logout":  # any scope will do
        assert "x-required-scope" not in operation
        return
    if operation["operationId"] in {*PUBLIC, "auth_login"}:
        assert operation["security"] == []
        assert "x-required-scope" not in operation
        return
    assert operation["security"] == [{"bearerAuth": []}, {"apiKeyAuth": []}]
    assert operation["x-required-scope"] in known_scopes()
    assert f"`{operation['x-required-scope']}`" in operation["description"]
    assert {"400", "401", "403", "429", "500", "503"} <= set(operation["responses"])


def test_operations_have_stable_names_and_declared_tags() -> None:
    actions = ("list", "create", "retrieve", "update", "partial_update", "destroy", "upsert")
    own = [f"{action}_by_external_id" for action in ("retrieve", "update", "destroy")]
    assert {operation["operationId"] for operation in OPERATIONS.values()} == {
        *(f"{resource}_{action}" for resource in RESOURCES for action in (*actions, *own)),
        *("timer_status", "timer_start", "timer_stop", "timer_pause", "timer_resume"),
        *("reports_summary", "reports_entries", "reports_weekly"),
        *(f"{name}_bulk" for name, viewset in RESOURCES.items() if issubclass(viewset, BulkMixin)),
        *(f"webhooks_{action}" for action in ("test", "replay", "rotate_secret", "redeliver")),
        *("webhooks_deliveries", "webhooks_event_types"),
        *(f"favorite_projects_{action}" for action in ("list", "create", "destroy")),
        *("rates_reprice", "time_entries_rate", "books_retrieve", "books_update"),
        *(f"billing_{action}" for action in ("list", "create", "retrieve", "destroy")),
        *("changes", "users_list", "users_me", "auth_login", "auth_logout", *PUBLIC),
    }
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == {
        tag["name"] for tag in DOCUMENT["tags"]
    }


@pytest.mark.parametrize(
    "name", [name for name, schema in COMPONENTS["schemas"].items() if "examples" in schema]
)
def test_an_example_fits_its_schema(name: str) -> None:
    for example in COMPONENTS["schemas"][name]["examples"]:
        _validator(component(name)).validate(example)


@pytest.mark.parametrize("name", sorted(COMPONENTS["responses"].keys() - {"NotModified"}))
def test_an_example_of_an_error_fits_its_schema(name: str) -> None:
    content = COMPONENTS["responses"][name]["content"]["application/json"]
    _validator(content["schema"]).validate(content["example"])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "/clients", None, 200),
        ("get", "/clients?status=active&search=f&page=1&per_page=500", None, 200),
        ("post", "/clients", {"name": "Acme", "email": "a@example.com"}, 201),
        ("get", "/clients/{client}", None, 200),
        ("put", "/clients/{client}", {"default_hourly_rate": "75.50"}, 200),
        ("patch", "/clients/{client}", {"phone": "1"}, 200),
        ("delete", "/clients/{free_client}", None, 200),
        ("get", "/projects?client_id={client}", None, 200),
        ("post", "/projects", {"name": "App", "client_id": "client"}, 201),
        ("get", "/projects/{free_project}", None, 200),
        ("put", "/projects/{project}", {"hourly_rate": 75.5}, 200),
        ("patch", "/projects/{free_project}", {}, 200),
        ("delete", "/projects/{project}", None, 200),
        ("get", "/tasks?project_id={project}&status=todo", None, 200),
        ("post", "/tasks", {"name": "Do", "project_id": "project", "priority": "high"}, 201),
        ("get", "/tasks/{task}", None, 200),
        ("put", "/tasks/{task}", {"status": "done", "due_date": "2024-01-31"}, 200),
        ("patch", "/tasks/{task}", {"priority": 4}, 200),
        ("delete", "/tasks/{free_task}", None, 200),
        ("get", "/time-entries?start_date=2024-01-01&billable=true&tag=design", None, 200),
        (
            "post",
            "/time-entries",
            {"project_id": "project", "start_time": "2024-01-15 09:00", "end_time": ""},
            201,
        ),
        ("get", "/time-entries/{entry}", None, 200),
        ("put", "/time-entries/{entry}", {"tags": ["a", "b"]}, 200),
        ("patch", "/time-entries/{entry}", {"task_id": None, "project_id": "free_project"}, 200),
        ("delete", "/time-entries/{entry}", None, 200),
        ("get", "/timer/status", None, 200),
        ("post", "/timer/start", {"project_id": "project", "task_id": "task"}, 201),
        ("get", "/reports/summary?start_date=2024-01-01&end_date=2024-01-31", None, 200),
        ("get", "/reports/summary?start_date=2024-01-01&group_by=client,tag,week", None, 200),
        ("get", "/reports/entries?start_date=2024-01-01&timezone=Asia/Tokyo", None, 200),
        ("get", "/reports/weekly?week=2024-01-17&timezone=Asia/Tokyo", None, 200),
        ("get", "/users", None, 200),
        ("get", "/users/me", None, 200),
        ("get", "/info", None, 200),
        ("get", "/health", None, 200),
    ],
)
def test_a_success_is_as_documented(
    api: APIClient, ids: dict[str, int], method: str, path: str, body: Any, status: int
) -> None:
    response = call(api, method, path, body, ids)
    assert response.status_code == status, response.content
    assert_as_documented(response)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "/projects?satus=active", None, 400),
        ("get", "/reports/summary?start_date=soon", None, 400),
        ("post", "/clients", {}, 400),
        ("post", "/timer/stop", None, 400),
        ("post", "/timer/pause", None, 400),
        ("post", "/timer/resume", None, 400),
        ("get", "/clients/999", None, 404),
        ("patch", "/tasks/999", {}, 404),
        ("post", "/clients", {"name": "unused"}, 409),
        ("delete", "/clients/{client}", None, 409),
        ("delete", "/tasks/{task}", None, 409),
    ],
)
def test_an_error_is_as_documented(
    api: APIClient, ids: dict[str, int], method: str, path: str, body: Any, status: int
) -> None:
    response = call(api, method, path, body, ids)
    assert response.status_code == status, response.content
    assert_as_documented(response)


@pytest.mark.same_on_both
@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        (*key, each["x-required-scope"])
        for key, each in OPERATIONS.items()
        if "x-required-scope" in each
    ],
)
def test_missing_credentials_and_scopes_are_as_documented(
    owner: User, method: str, path: str, needed: str
) -> None:
    asked = re.sub("{(?:[a-z]+_)?id}", "1", path)
    other = "read:users" if needed == "read:reports" else "read:reports"
    anonymous = APIClient().generic(method, asked)
    powerless = api_as(owner, other).generic(method, asked)
    assert (anonymous.status_code, powerless.status_code) == (401, 403)
    assert_as_documented(anonymous)
    assert_as_documented(powerless)


def test_another_users_entry_is_refused_as_documented(
    owner: User, colleague: User, ids: dict[str, int]
) -> None:
    entry = make_entry(colleague, make_project("Other"))
    response = api_as(owner, "read:time_entries").get(f"/api/v1/time-entries/{entry.pk}")
    assert response.status_code == 403
    assert_as_documented(response)


def test_a_post_has_if_match_where_the_service_takes_it() -> None:
    found = [
        path
        for (method, path), operation in OPERATIONS.items()
        if method == "POST"
        and any(each["name"] == "If-Match" for each in operation.get("parameters", ()))
    ]
    assert found == [f"/api/v1/timer/{change}" for change in ("pause", "resume", "stop")]


def test_every_creation_is_called_so() -> None:
    for (_, path), operation in OPERATIONS.items():
        if operation["operationId"].endswith("_create"):
            assert operation["summary"].startswith(("Create ", "Bill ")), path


def test_a_running_timer_is_told_as_documented(api: APIClient, ids: dict[str, int]) -> None:
    body = {"project_id": ids["project"]}
    api.post("/api/v1/timer/start", body)
    second = api.post("/api/v1/timer/start", body)
    status = api.get("/api/v1/timer/status")
    stopped = api.post("/api/v1/timer/stop")
    answers = (second, status, stopped)
    assert [answer.status_code for answer in answers] == [409, 200, 200]
    for answer in answers:
        assert_as_documented(answer)
    assert second.json()["timer"]["active"] is True
    conflict = resolve(operation_of(second)["responses"]["409"])
    assert conflict["content"]["application/json"]["schema"] == component("TimerConflictError")


def test_a_body_of_another_kind_or_too_large_is_refused_as_documented(
    api: APIClient, settings: Settings
) -> None:
    form = api.generic("POST", "/api/v1/clients", "name=x", "application/x-www-form-urlencoded")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    large = api.post("/api/v1/clients", {"name": "x" * 20})
    assert [form.status_code, large.status_code] == [415, 413]
    assert_as_documented(form)
    assert_as_documented(large)


@pytest.mark.usefixtures("clock")
def test_too_many_requests_are_refused_as_documented(api: APIClient, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    api.get("/api/v1/clients")
    limited = api.get("/api/v1/clients")
    assert limited.status_code == 429
    assert_as_documented(limited)


def test_an_unknown_method_is_405_in_the_common_shape(api: APIClient) -> None:
    response = api.put("/api/v1/clients", {})
    assert response.status_code == 405
    assert valid(component("CommonError"), response.json())


@pytest.mark.parametrize(("field", "value"), BOUNDED.items(), ids=list(BOUNDED))
def test_document_and_service_refuse_the_same_values(
    api: APIClient, field: str, value: object
) -> None:
    body = {"name": "App", field: value}
    assert not valid(component("ProjectRequest"), body)
    response = api.post("/api/v1/projects", body)
    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("ProjectRequest", "/projects", {"name": "A", "hourly_rate": 75.5, "client_id": None}),
        ("ProjectRequest", "/projects", {"name": "A", "estimated_hours": 0, "description": ""}),
        ("ClientRequest", "/clients", {"name": "A", "email": ""}),
        ("TaskRequest", "/tasks", {"name": "A", "project_id": 1, "priority": 4}),
        (
            "TimeEntryRequest",
            "/time-entries",
            {"project_id": 1, "start_time": "2024-01-15T09:00:00.5+02:00", "end_time": None},
        ),
        ("TimerStartRequest", "/timer/start", {"project_id": 1, "tags": "a", "billable": False}),
    ],
)
def test_document_and_service_accept_the_same_values(
    api: APIClient, name: str, path: str, body: dict[str, Any]
) -> None:
    project = make_project()
    if "project_id" in body:
        body = body | {"project_id": project.pk}
    assert valid(component(name), body)
    assert api.post(f"/api/v1{path}", body).status_code == 201


@pytest.mark.parametrize(
    ("name", "path", "also"),
    [
        ("ProjectRequest", "/projects", {"hourly_rate": "75.5"}),
        ("ProjectRequest", "/projects", {"client_id": "{client}"}),
        ("TaskRequest", "/tasks", {"priority": "urgent"}),
        ("TaskRequest", "/tasks", {"project_id": "{project}"}),
        ("TimeEntryRequest", "/time-entries", {"start_time": "2024-01-15T09:00"}),
        ("TimeEntryRequest", "/time-entries", {"end_time": ""}),
        ("TimeEntryRequest", "/time-entries", {"end_time": "2024-01-15 10:00"}),
        ("TimeEntryRequest", "/time-entries", {"tags": ["a", "b"]}),
        ("TimerStartRequest", "/timer/start", {"tags": ["a"]}),
        ("TimerStartRequest", "/timer/start", {"notes": None}),
        ("TimeEntryRequest", "/time-entries", {"tags": None}),
        ("ProjectRequest", "/projects", {"description": None}),
    ],
    ids=str,
)
def test_what_is_also_accepted_is_said_in_words(
    api: APIClient, ids: dict[str, int], name: str, path: str, also: dict[str, Any]
) -> None:
    [(field, value)] = also.items()
    if isinstance(value, str) and value.startswith("{"):
        value = str(ids[value.strip("{}")])
    whole: dict[str, dict[str, Any]] = {
        "ProjectRequest": {"name": "New"},
        "TaskRequest": {"name": "New", "project_id": ids["project"]},
        "TimeEntryRequest": {"project_id": ids["project"], "start_time": "2024-01-15T09:00:00Z"},
        "TimerStartRequest": {"project_id": ids["project"]},
    }
    documented = COMPONENTS["schemas"][name]["properties"][field]
    assert not valid(documented, value)
    assert valid(documented["x-also-accepted"], value)
    assert "Also accepted: " in documented["description"]
    assert api.post(f"/api/v1{path}", whole[name] | {field: value}).status_code == 201


def test_each_value_of_a_request_is_of_one_type() -> None:
    parameters = [
        parameter
        for operation in OPERATIONS.values()
        for parameter in operation.get("parameters", ())
    ]
    bodies = [
        (f"{name}.{field}", schema)
        for name, body in COMPONENTS["schemas"].items()
        if name.endswith("Request")
        for field, schema in body["properties"].items()
    ]
    for name, schema in [*bodies, *((each["name"], each["schema"]) for each in parameters)]:
        types = schema.get("type", [])
        several = {types} if isinstance(types, str) else {*types} - {"null"}
        assert len(several) + len(schema.keys() & {"$ref", "allOf"}) == 1, name
        assert not schema.keys() & {"anyOf", "oneOf"}, name


def test_components_have_names_that_no_language_and_no_neighbour_has() -> None:
    taken = {"Error", "Type", "Mode", "Result", "Cache", "Database", "Object", "Map", "Date"}
    names = COMPONENTS["schemas"].keys()
    assert not names & taken
    assert not [name for name in names if f"{name}s" in names]


def test_a_summary_is_a_few_words() -> None:
    summaries = {name: each["summary"] for name, each in _by_id().items()}
    assert summaries["projects_destroy"] == "Archive a project"
    assert summaries["projects_destroy_by_external_id"] == "Archive a project by external id"
    assert summaries["tasks_destroy_by_external_id"] == "Delete a task by external id"
    assert not [text for text in summaries.values() if len(text) > 60 or "." in text]


def _by_id() -> dict[str, dict[str, Any]]:
    return {operation["operationId"]: operation for operation in OPERATIONS.values()}


@pytest.mark.parametrize(
    ("noun", "named"),
    [
        ("client", "a client"),
        ("expense", "an expense"),
        ("invoice", "an invoice"),
        ("user", "a user"),
        ("unit", "a unit"),
        ("update", "an update"),
        ("hourly rate", "an hourly rate"),
        ("one-off cost", "a one-off cost"),
    ],
)
def test_a_noun_gets_the_article_of_its_sound(noun: str, named: str) -> None:
    assert with_article(noun) == named


@pytest.mark.parametrize("name", ["Client", "Project", "Task", "TimeEntry"])
def test_an_update_requires_nothing_and_an_answer_everything(name: str) -> None:
    schemas = COMPONENTS["schemas"]
    assert "required" not in schemas[f"Patched{name}Request"]
    assert schemas[name]["required"] == list(schemas[name]["properties"])


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs?script=", "/api/redoc"])
def test_a_page_names_no_other_host(client: Browser, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert not re.search(rb"https?://(?!redocly)|[\"']//", response.content)


def test_swagger_keeps_no_token_and_asks_no_validator(client: Browser) -> None:
    script = client.get("/api/docs?script=").content.decode()
    assert '"persistAuthorization": false' in script
    assert '"validatorUrl": null' in script


@pytest.mark.parametrize(
    ("path", "media_type"), [("/api/schema", YAML), ("/api/openapi.json", JSON)]
)
def test_the_document_is_served_to_anybody(client: Browser, path: str, media_type: str) -> None:
    response = client.get(path, headers={"Authorization": "Bearer wrong"})
    assert response.status_code == 200
    assert response["Content-Type"] == media_type
    assert response.content == _bytes(document(media_type))
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
