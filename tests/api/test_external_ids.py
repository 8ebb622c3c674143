"""The caller's own ids: found by them, written by them, each once."""

from collections.abc import Callable
from functools import partial
from itertools import chain
from threading import Event
from typing import Any
from urllib.parse import quote

import pytest
from django.db import models
from rest_framework.test import APIClient

from clients.models import Client
from projects.models import Project
from tasks.models import Task
from tests.support.factories import (
    api_as,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_user,
)
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User

SCOPES = ("write:clients", "write:projects", "write:tasks", "write:time_entries")
HOUR = {"start_time": "2024-01-15T09:00:00Z", "end_time": "2024-01-15T10:00:00Z"}


@pytest.fixture
def api(owner: User) -> APIClient:
    return api_as(owner, *SCOPES)


@pytest.mark.parametrize(
    ("path", "key", "model", "fields", "change"),
    [
        ("clients", "client", Client, {"name": "Fern"}, {"phone": "1"}),
        ("projects", "project", Project, {"name": "Shop"}, {"billable": False}),
        ("tasks", "task", Task, {"name": "Draft"}, {"priority": 4}),
        ("time-entries", "time_entry", TimeEntry, HOUR, {"notes": "x"}),
    ],
)
def test_a_row_is_created_and_then_changed(
    api: APIClient,
    path: str,
    key: str,
    model: type[models.Model],
    fields: dict[str, Any],
    change: dict[str, Any],
) -> None:
    if path in ("tasks", "time-entries"):
        fields = {**fields, "project_id": make_project().pk}
    url = f"/api/v1/{path}/by-external-id/crm-17"

    created, changed = api.put(url, fields), api.put(url, change)

    first, second = created.json()[key], changed.json()[key]
    assert (created.status_code, changed.status_code) == (201, 200)
    assert created["Location"] == f"/api/v1/{path}/{first['id']}"
    assert first["external_id"] == "crm-17"
    assert second == first | change | {
        name: second[name] for name in ("version", "updated_at", "priority_name") if name in second
    }
    assert second["version"] == 2
    found = api.get(f"/api/v1/{path}?external_id=crm-17").json()
    assert [row["id"] for row in found[f"{key[:-1]}ies" if path == "time-entries" else path]] == [
        first["id"]
    ]


@pytest.mark.parametrize(
    "external_id",
    ["a b", " a\t", "...", ".a/b.", "\xa0a", "a/b", "ü", "%", "x" * 255, "by-external-id", "1"],
)
def test_any_text_is_an_id(api: APIClient, external_id: str) -> None:
    escaped = quote(external_id, safe="")
    url = f"/api/v1/clients/by-external-id/{escaped}"
    assert api.put(url, {"name": "Fern"}).json()["client"]["external_id"] == external_id
    assert api.put(url, {"name": "Moss"}).status_code == 200
    found = api.get(f"/api/v1/clients?external_id={escaped}").json()["clients"]
    assert [client["external_id"] for client in found] == [external_id]


@pytest.mark.parametrize(
    "external_id",
    ["", " ", "a/", "/", "x" * 256, 5, "\x00", ".", "..", "a/../b", "./a"],
    ids=ascii,
)
def test_a_bad_id_is_400(api: APIClient, external_id: Any) -> None:
    response = api.post("/api/v1/clients", {"name": "Fern", "external_id": external_id})
    assert response.status_code == 400
    assert not Client.objects.exists()


@pytest.mark.parametrize("external_id", ["%20", "x" * 256])
def test_a_bad_id_in_the_path_is_400(api: APIClient, external_id: str) -> None:
    response = api.put(f"/api/v1/clients/by-external-id/{external_id}", {"name": "Fern"})
    assert response.status_code == 400
    assert response.json()["errors"].keys() == {"external_id"}
    assert not Client.objects.exists()


def test_who_sends_back_what_was_shown_takes_no_id(api: APIClient) -> None:
    url = "/api/v1/clients/by-external-id/7"
    client = api.put(url, {"name": "Fern"}).json()["client"]
    other = api_as(make_user("carl"), *SCOPES)
    one = f"/api/v1/clients/{client['id']}"
    shown = other.get(one).json()["client"]
    assert shown["external_id"] is None
    assert other.put(one, shown | {"name": "Fern & Co"}).status_code == 200
    assert api.put(url, {"phone": "1"}).status_code == 200
    assert other.get("/api/v1/clients?external_id=7").json()["clients"] == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param({"If-Match": "*"}, 412, id="anything"),
        pytest.param({"If-Match": '"9d2c71a04b5e8f3360ad1c47"'}, 412, id="a state"),
        pytest.param({"If-Match": "garbage"}, 400, id="no tag"),
        pytest.param({"If-None-Match": "*"}, 201, id="nothing"),
    ],
)
def test_what_is_not_there_is_made_only_where_it_may_be(
    api: APIClient, sent: dict[str, str], status: int
) -> None:
    url = "/api/v1/clients/by-external-id/7"
    answer = api.put(url, {"name": "Fern"}, headers=sent)
    assert answer.status_code == status
    assert ("does not exist" in answer.json()["message"]) == (status == 412)
    assert Client.objects.count() == int(status == 201)
    api.put(url, {"name": "Fern"})
    second = api.put(url, {"name": "Moss"}, headers={"If-None-Match": "*"})
    assert second.status_code == 412


def test_each_user_has_ids_of_their_own(api: APIClient) -> None:
    other = api_as(make_user("carl"), *SCOPES)
    url = "/api/v1/clients/by-external-id/7"
    mine, theirs = api.put(url, {"name": "Fern"}), other.put(url, {"name": "Moss"})
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert other.put(url, {"phone": "1"}).status_code == 200
    found = other.get("/api/v1/clients?external_id=7").json()["clients"]
    assert [(client["name"], client["phone"]) for client in found] == [("Moss", "1")]
    assert Client.objects.get(name="Fern").phone == ""


def test_a_second_row_of_an_id_is_409(api: APIClient) -> None:
    api.post("/api/v1/clients", {"name": "Fern", "external_id": "7"})
    response = api.post("/api/v1/clients", {"name": "Moss", "external_id": "7"})
    assert (response.status_code, response.json()["error_code"]) == (409, "external_id_taken")


def test_null_takes_it_away(api: APIClient) -> None:
    url = "/api/v1/clients/by-external-id/7"
    created = api.put(url, {"name": "Fern"}).json()["client"]
    api.patch(f"/api/v1/clients/{created['id']}", {"external_id": None})
    assert api.get("/api/v1/clients?external_id=7").json()["clients"] == []
    assert api.put(url, {"name": "Moss"}).status_code == 201


def test_the_path_decides(api: APIClient) -> None:
    response = api.put("/api/v1/clients/by-external-id/7", {"name": "Fern", "external_id": "8"})
    assert response.json()["errors"] == {
        "external_id": ["Omit this field: the path already contains it."]
    }


def test_a_conflict_of_its_own_is_told(api: APIClient) -> None:
    make_client("Fern")
    response = api.put("/api/v1/clients/by-external-id/7", {"name": "Fern"})
    assert (response.status_code, response.json()["error_code"]) == (409, "conflict")


ENTRIES = "/api/v1/time-entries"


def book_again_by_put(api: APIClient, body: dict[str, Any]) -> None:
    assert api.put(f"{ENTRIES}/by-external-id/7", body).status_code == 201


def book_again_by_post(api: APIClient, body: dict[str, Any]) -> None:
    assert api.post(ENTRIES, body | {"external_id": "7"}).status_code == 201


def book_again_in_bulk(api: APIClient, body: dict[str, Any]) -> None:
    create = {"op": "create", "data": body | {"external_id": "7"}}
    results = api.post(f"{ENTRIES}/bulk", {"operations": [create]}).json()["results"]
    assert [result["status"] for result in results] == [201]


def give_to_another(api: APIClient, body: dict[str, Any]) -> None:
    entry = api.post(ENTRIES, body).json()["time_entry"]
    assert api.patch(f"{ENTRIES}/{entry['id']}", {"external_id": "7"}).status_code == 200


@pytest.mark.parametrize(
    "give", [book_again_by_put, book_again_by_post, book_again_in_bulk, give_to_another]
)
def test_an_id_is_free_again_once_its_giver_lost_sight_of_the_row(
    api: APIClient, owner: User, give: Callable[[APIClient, dict[str, Any]], None]
) -> None:
    project, carl = make_project(), make_user("carl")
    moved = make_entry(owner, project, external_id="7", external_user=owner)
    TimeEntry.objects.filter(pk=moved.pk).update(user=carl)
    for method in (api.get, api.patch, api.delete):
        assert method(f"{ENTRIES}/by-external-id/7").status_code == 404
    give(api, {"project_id": project.pk, **HOUR})
    (entry,) = api.get(f"{ENTRIES}?external_id=7").json()["time_entries"]
    assert (entry["user_id"], entry["external_id"]) == (owner.pk, "7")
    shown = api_as(carl, "read:time_entries").get(f"{ENTRIES}/{moved.pk}").json()["time_entry"]
    assert (shown["external_id"], shown["version"]) == (None, 1)


def test_each_user_is_shown_their_own_id_alone(api: APIClient) -> None:
    other, administrator = api_as(make_user("carl"), *SCOPES), api_as(make_administrator(), "*")
    client = api.post("/api/v1/clients", {"name": "Fern", "external_id": "17"}).json()["client"]
    one = f"/api/v1/clients/{client['id']}"
    assert client["external_id"] == api.get(one).json()["client"]["external_id"] == "17"
    for reader in (other, administrator):
        assert reader.get(one).json()["client"]["external_id"] is None
        assert reader.get("/api/v1/clients").json()["clients"][0]["external_id"] is None
        [change] = reader.get("/api/v1/changes?types=client").json()["changes"]
        assert change["data"]["external_id"] is None
        assert reader.get(one)["ETag"] != api.get(one)["ETag"]


def test_an_answer_says_that_it_replaced_anothers_id(api: APIClient) -> None:
    other = api_as(make_user("carl"), *SCOPES)
    client = api.post("/api/v1/clients", {"name": "Fern", "external_id": "17"}).json()["client"]
    one = f"/api/v1/clients/{client['id']}"
    answer = other.patch(one, {"external_id": "17"}).json()
    assert answer["client"]["external_id"] == "17"
    assert answer["message"] == (
        "Client updated successfully; this replaced another user's external_id"
    )
    assert api.get(one).json()["client"]["external_id"] is None
    assert api.get("/api/v1/clients/by-external-id/17").status_code == 404


def test_a_row_is_read_changed_and_deleted_by_ones_own_id(api: APIClient) -> None:
    url = "/api/v1/clients/by-external-id/crm%2017"
    created = api.put(url, {"name": "Fern"})
    got = api.get(url)
    assert got.json()["client"] == created.json()["client"]
    assert api.get(url, headers={"If-None-Match": got["ETag"]}).status_code == 304
    changed = api.patch(url, {"phone": "1"}, headers={"If-Match": got["ETag"]})
    assert changed.json()["client"]["phone"] == "1"
    assert api.delete(url, headers={"If-Match": got["ETag"]}).status_code == 412
    assert api.delete(url).json() == {"message": "Client deleted successfully"}
    answer = api.get(url)
    assert answer.status_code == 404
    assert answer.json()["message"] == "You have not assigned this external_id to any client."


def test_a_project_is_archived_by_ones_own_id(api: APIClient) -> None:
    url = "/api/v1/projects/by-external-id/7"
    api.put(url, {"name": "Site"})
    assert api.delete(url).json() == {"message": "Project archived successfully"}
    assert api.get(url).json()["project"]["status"] == "archived"


@pytest.mark.django_db(transaction=True)
def test_a_row_that_lost_the_id_while_a_write_waited_is_not_written() -> None:
    """The id moves from one client to the other and back, while others write by it."""
    user = make_user()
    apis = [api_as(user, *SCOPES) for _ in range(6)]
    first, second = (make_client(name) for name in ("Fern", "Moss"))

    def give(row: Client) -> Any:
        for client in (first, second):
            apis[0].patch(f"/api/v1/clients/{client.pk}", {"external_id": None})
        return apis[0].patch(f"/api/v1/clients/{row.pk}", {"external_id": "x"})

    def move() -> list[Any]:
        moves = [give(row) for _ in range(8) for row in (second, first)]
        is_moved.set()
        return moves

    def write(api: APIClient) -> list[Any]:
        url = "/api/v1/clients/by-external-id/x"
        answers: list[Any] = []
        while not (is_moved.is_set() and answers) and len(answers) < 90:
            answers.append(api.patch(url, {"phone": str(len(answers))}))
        return answers

    is_moved = Event()
    give(first)
    calls: list[Callable[[], list[Any]]] = [move, *(partial(write, api) for api in apis[1:])]
    answers = at_once(calls)
    written = [answer for answer in chain(*answers[1:]) if answer.status_code == 200]
    assert {answer.json()["client"]["external_id"] for answer in written} == {"x"}
    assert {answer.status_code for answer in chain(*answers[1:])} <= {200, 404}


@pytest.mark.django_db(transaction=True)
def test_twins_make_one_row() -> None:
    user = make_user()
    apis = [api_as(user, *SCOPES) for _ in range(8)]
    url = "/api/v1/clients/by-external-id/7"
    answers = at_once([lambda api=api: api.put(url, {"name": "Fern"}) for api in apis])  # type: ignore[misc]
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert Client.objects.get().version == 1  # the others changed nothing


@pytest.mark.django_db(transaction=True)
def test_who_meets_a_delete_makes_it_anew() -> None:
    user, project = make_user(), make_project()
    apis = [api_as(user, *SCOPES) for _ in range(8)]
    url = "/api/v1/time-entries/by-external-id/7"
    body = {"project_id": project.pk, **HOUR}

    def delete(api: APIClient) -> int:
        for entry in api.get("/api/v1/time-entries?external_id=7").json()["time_entries"]:
            api.delete(f"/api/v1/time-entries/{entry['id']}")
        return 200

    for _ in range(6):
        calls = [partial(delete, api) for api in apis[:4]]
        calls += [lambda api=api: api.put(url, body).status_code for api in apis[4:]]  # type: ignore[misc]
        assert set(at_once(calls)) <= {200, 201}


def test_a_filter_longer_than_any_id_is_400(api: APIClient) -> None:
    response = api.get(f"/api/v1/clients?external_id={256 * 'x'}")
    assert response.status_code == 400
    assert response.json()["errors"].keys() == {"external_id"}
