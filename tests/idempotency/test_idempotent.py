"""A request with an Idempotency-Key is answered once, however often it comes."""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from apitokens.models import ApiToken
from clients.models import Client
from idempotency.models import IdempotencyKey
from projects.models import Project
from tests.support.factories import (
    api_as,
    issue_token,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from timeentries.serializers import TimeEntrySerializer
from users.models import User

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
HOUR = {"start_time": "2024-01-15T09:00:00Z", "end_time": "2024-01-15T10:00:00Z"}


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


@pytest.fixture
def api(owner: User) -> APIClient:
    return api_as(owner, "write:time_entries", "write:clients", "write:projects", "write:tasks")


def send(api: APIClient, method: str, path: str, body: Any = None, key: str = KEY) -> Any:
    request = getattr(api, method.lower())
    return request(f"/api/v1/{path}", body, headers={"Idempotency-Key": key})


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "time-entries", {**HOUR, "project_id": "{project}"}, 201),
        ("PATCH", "time-entries/{entry}", {"notes": "x"}, 200),
        ("DELETE", "time-entries/{entry}", None, 200),
        ("POST", "time-entries/bulk", {"operations": [{"op": "delete", "id": "{entry}"}]}, 200),
        ("POST", "timer/start", {"project_id": "{project}"}, 201),
        ("POST", "clients", {"name": "Fern"}, 201),
        ("PUT", "projects/{project}", {"name": "Other"}, 200),
        ("DELETE", "projects/{project}", None, 200),
        ("DELETE", "tasks/{task}", None, 200),
    ],
)
def test_a_repetition_gets_the_same_answer(
    api: APIClient, owner: User, project: Project, method: str, path: str, body: Any, status: int
) -> None:
    ids = {"project": project.pk, "entry": make_entry(owner, project).pk}
    ids["task"] = make_task(project).pk
    path = path.format(**ids)
    filled = body and _filled(body, ids)
    first = send(api, method, path, filled)
    rows = list(TimeEntry.objects.values()), list(Project.objects.values())

    again = send(api, method, path, filled)

    assert (first.status_code, again.status_code) == (status, status)
    assert again.content == first.content
    assert again["Content-Type"] == first["Content-Type"]
    assert again.get("Location") == first.get("Location")
    assert again.get("ETag") == first.get("ETag")
    assert ("ETag" in first) is (method != "DELETE" and "bulk" not in path)
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert again["X-RateLimit-Remaining"] < first["X-RateLimit-Remaining"]
    assert again["X-Request-ID"] != first["X-Request-ID"]
    assert rows == (list(TimeEntry.objects.values()), list(Project.objects.values()))


def _filled(value: Any, ids: dict[str, int]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, ids) for each in value]
    return value.format(**ids) if isinstance(value, str) else value


def test_a_stopped_timer_is_not_stopped_twice(
    api: APIClient, owner: User, project: Project
) -> None:
    make_entry(owner, project, lasting=None)
    first, again = send(api, "POST", "timer/stop"), send(api, "POST", "timer/stop")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", "clients", {"name": "Moss"}, id="another body"),
        pytest.param("POST", "projects", {"name": "Fern"}, id="another path"),
        pytest.param("PATCH", "clients/{client}", {"name": "Fern"}, id="another method"),
    ],
)
def test_a_key_of_another_request_is_422(
    api: APIClient, method: str, path: str, body: Any
) -> None:
    created = send(api, "POST", "clients", {"name": "Fern"})
    path = path.format(client=created.json()["client"]["id"])
    response = send(api, method, path, body)
    error = response.json()
    assert (response.status_code, error["error_code"]) == (422, "idempotency_key_reused")
    assert error["error"] == "Unprocessable content"
    assert list(Client.objects.values_list("name", flat=True)) == ["Fern"]


def test_the_same_body_to_the_same_path_by_another_method_is_422(api: APIClient) -> None:
    path = f"clients/{make_client('Fern').pk}"
    assert send(api, "PUT", path, {"name": "Moss"}).status_code == 200
    assert send(api, "PATCH", path, {"name": "Moss"}).status_code == 422
    assert Client.objects.get().version == 2


def test_the_order_of_members_does_not_matter(api: APIClient) -> None:
    send(api, "POST", "clients", {"name": "Fern", "phone": "1"})
    assert send(api, "POST", "clients", {"phone": "1", "name": "Fern"}).status_code == 201
    assert Client.objects.count() == 1


def test_an_error_is_not_kept(api: APIClient) -> None:
    make_client("Fern")
    assert send(api, "POST", "clients", {"name": "Fern"}).status_code == 409
    assert send(api, "POST", "clients", {"name": ""}).status_code == 400
    assert not IdempotencyKey.objects.exists()
    Client.objects.all().delete()
    response = send(api, "POST", "clients", {"name": "Fern"})
    assert response.status_code == 201
    assert "Idempotency-Replayed" not in response


def test_many_writes_that_are_not_in_are_not_kept(api: APIClient, project: Project) -> None:
    create = {"op": "create", "data": {"project_id": project.pk, **HOUR}}
    dry = {"operations": [create], "dry_run": True}
    assert send(api, "POST", "time-entries/bulk", dry).json()["committed"] is False
    assert not IdempotencyKey.objects.exists()
    real = send(api, "POST", "time-entries/bulk", {"operations": [create]})
    assert real.json()["committed"] is True
    again = send(api, "POST", "time-entries/bulk", {"operations": [create]})
    assert again.content == real.content
    assert TimeEntry.objects.count() == 1


def test_each_user_has_keys_of_their_own(api: APIClient) -> None:
    other = api_as(make_user("carl"), "write:clients")
    assert send(api, "POST", "clients", {"name": "Fern"}).status_code == 201
    assert send(other, "POST", "clients", {"name": "Moss"}).status_code == 201


def test_another_token_of_the_user_repeats_too(api: APIClient, owner: User) -> None:
    first = send(api, "POST", "clients", {"name": "Fern"})
    again = send(api_as(owner, "write:clients"), "POST", "clients", {"name": "Fern"})
    assert again.content == first.content


def test_a_repetition_is_judged_like_any_request(owner: User) -> None:
    token, secret = issue_token(owner, "write:clients")
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    send(api, "POST", "clients", {"name": "Fern"})
    unscoped = api_as(owner, "write:tasks")
    assert send(unscoped, "POST", "clients", {"name": "Fern"}).status_code == 403
    ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    assert send(api, "POST", "clients", {"name": "Fern"}).status_code == 401


def test_a_key_is_new_again_after_a_day(api: APIClient) -> None:
    send(api, "POST", "clients", {"name": "Fern"})
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24))
    response = send(api, "POST", "clients", {"name": "Moss"})
    assert response.status_code == 201
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "tab\there", "\x7f"], ids=ascii)
def test_a_malformed_key_is_400(api: APIClient, key: str) -> None:
    response = send(api, "POST", "clients", {"name": "Fern"}, key=key)
    assert response.status_code == 400
    assert response.json()["errors"].keys() == {"Idempotency-Key"}
    assert not Client.objects.exists()


@pytest.mark.parametrize("key", ["x" * 255, '"quoted"', "!", "~"])
def test_any_visible_characters_are_a_key(api: APIClient, key: str) -> None:
    assert send(api, "POST", "clients", {"name": "Fern"}, key=key).status_code == 201


def test_reading_takes_no_notice(api: APIClient) -> None:
    assert send(api, "GET", "clients", key="a b").status_code == 200
    assert not IdempotencyKey.objects.exists()


def test_expired_keys_are_thrown_away(api: APIClient, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        send(api, "POST", "clients", {"name": str(number)}, key=str(number))
    old = timezone.now() - timedelta(hours=24, seconds=1)
    IdempotencyKey.objects.exclude(key="2").update(created_at=old)
    call_command("prune_idempotency_keys")
    assert capsys.readouterr().out == "Deleted 2 expired idempotency keys.\n"
    assert IdempotencyKey.objects.get().key == "2"


@pytest.mark.parametrize(("drawn", "left"), [(0, {"new"}), (1, {"old", "new"})])
def test_one_new_key_in_many_throws_away_expired_ones(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, drawn: int, left: set[str]
) -> None:
    monkeypatch.setattr(secrets, "randbelow", lambda _: drawn)
    send(api, "POST", "clients", {"name": "Fern"}, key="old")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    send(api, "POST", "clients", {"name": "Moss"}, key="new")
    assert set(IdempotencyKey.objects.values_list("key", flat=True)) == left


@pytest.mark.django_db(transaction=True)
def test_fifty_twins_make_one_row_and_get_one_answer() -> None:
    owner, project = make_user(), make_project()
    apis = [api_as(owner, "write:time_entries") for _ in range(50)]
    body = {"project_id": project.pk, **HOUR}
    answers = at_once([lambda api=api: send(api, "POST", "time-entries", body) for api in apis])  # type: ignore[misc]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert TimeEntry.objects.count() == 1
    assert [answer.get("Idempotency-Replayed") for answer in answers].count("true") == 49


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["time-entries", "time-entries/bulk"])
def test_a_reference_that_breaks_meanwhile_is_409(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL judges references at the end of the outermost transaction; SQLite locks."""
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite nothing changes meanwhile")
    owner, project = make_user(), make_project()
    api, create_all = api_as(owner, "write:time_entries"), TimeEntrySerializer.create_all
    data = {"project_id": project.pk, **HOUR}
    body = data if path == "time-entries" else {"operations": [{"op": "create", "data": data}]}

    def create_and_break(*arguments: Any) -> Any:
        created = create_all(*arguments)
        TimeEntry.objects.update(project_id=999_999)
        return created

    monkeypatch.setattr(TimeEntrySerializer, "create_all", create_and_break)
    response = send(api, "POST", path, body)
    assert (response.status_code, response.json()["error_code"]) == (409, "conflict")
    assert not TimeEntry.objects.exists()
    assert not IdempotencyKey.objects.exists()
