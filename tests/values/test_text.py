"""One notion of text on both databases: how it is stored, found, sorted and compared."""

import time
from typing import Any

import pytest
from django.db import connection, models
from rest_framework.test import APIClient

from clients.models import Client
from database.renewal import names_in_the_way, renew, renew_keys
from projects.models import Project
from tests.support.admin import admin_as
from tests.support.factories import (
    api_as,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from timeentries.models import TimeEntry
from values.folding import folded, normal, sort_key

pytestmark = pytest.mark.django_db

NFD = "Cafe\u0301"
NFC = "Caf\xe9"
SAME_NAMES = [
    ("Straße", "STRASSE"),
    ("İstanbul", "istanbul"),
    ("İstanbul", "ISTANBUL"),
    ("title", "TITLE"),
    ("\u1fb4", "\u1fb3\u0301"),
    (NFC, NFD.upper()),
    ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
]


@pytest.fixture
def api() -> APIClient:
    return api_as(make_administrator(), "*")


def names(api: APIClient, query: str, what: str = "clients") -> list[str]:
    return [row["name"] for row in api.get(f"/api/v1/{what}{query}").json()[what]]


@pytest.mark.parametrize(("one", "other"), SAME_NAMES)
def test_the_same_name_is_found_and_refused(api: APIClient, one: str, other: str) -> None:
    for stored, sent in ((one, other), (other, one)):
        Client.objects.all().delete()
        first = api.post("/api/v1/clients", {"name": stored}).json()["client"]
        answer = api.post("/api/v1/clients", {"name": sent})
        assert (answer.status_code, answer.json()["conflicting_id"]) == (409, first["id"])
        assert names(api, f"?search={sent}") == [normal(stored)]
        assert names(api, f"?search={sent}x") == []


@pytest.mark.parametrize("column", ["email", "company"])
def test_a_search_looks_into_each_column(api: APIClient, column: str) -> None:
    make_client("Fern", **{column: "Straße@example.com"})
    make_client("Moss")
    assert names(api, "?search=STRASSE@") == ["Fern"]


def test_descriptions_and_notes_are_searched_and_normal(api: APIClient) -> None:
    project = api.post("/api/v1/projects", {"name": "A", "description": NFD}).json()["project"]
    sent = {"name": "B", "description": NFD, "project_id": project["id"]}
    task = api.post("/api/v1/tasks", sent).json()["task"]
    entry = {"project_id": project["id"], "start_time": "2024-01-01T00:00:00Z"}
    entry |= {"end_time": "2024-01-01T01:00:00Z", "notes": NFD, "tags": [NFD, NFC]}
    stored = api.post("/api/v1/time-entries", entry).json()["time_entry"]
    assert (project["description"], task["description"]) == (NFC, NFC)
    assert (stored["notes"], stored["tag_list"]) == (NFC, [NFC])
    for what in ("projects", "tasks", "time-entries"):
        found = api.get(f"/api/v1/{what}?search={NFD.upper()}").json()
        assert found["pagination"]["total"] == 1
    assert api.get(f"/api/v1/time-entries?tag={NFD}").json()["pagination"]["total"] == 1
    api.patch(f"/api/v1/projects/{project['id']}", {"description": "Other"})
    assert api.get("/api/v1/projects?search=caf").json()["projects"] == []
    assert api.get("/api/v1/projects?search=OTHER").json()["pagination"]["total"] == 1


def test_a_bulk_stores_normal_text_and_names_the_row_in_the_way(api: APIClient) -> None:
    task = api.post(
        "/api/v1/tasks", {"name": "A", "project_id": make_project().pk, "external_id": NFD}
    ).json()["task"]
    data = {"name": NFD, "project_id": task["project_id"]}
    sent = [{"op": "create", "data": data | more} for more in ({}, {"external_id": NFD})]
    answer = api.post("/api/v1/tasks/bulk", {"operations": sent, "mode": "partial"})
    results = answer.json()["results"]
    assert results[1]["error"]["conflicting_id"] == task["id"]
    assert names(api, f"?search={NFC}", "tasks") == [NFC]
    assert task["external_id"] == NFD


def test_whoever_saves_a_text_it_is_normal() -> None:
    client = make_client(NFD)
    client.refresh_from_db()
    assert client.name == NFC
    client.company = NFD
    client.full_clean()
    assert client.company == NFC
    entry = make_entry(make_user(), make_project(), notes=NFD)
    entry.refresh_from_db()
    assert (entry.notes, entry.folded_notes) == (NFC, folded(NFC))


def test_a_text_is_measured_as_it_is_stored(api: APIClient) -> None:
    grows = "\u0958" * 200  # two code points each in normal form
    answer = api.post("/api/v1/clients", {"name": grows})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["name"])
    assert api.post("/api/v1/clients", {"name": "e\u0301" * 200}).status_code == 201


def test_a_changed_name_that_is_taken_names_the_row(api: APIClient) -> None:
    first, second = make_client("Straße"), make_client("Moss")
    answer = api.patch(f"/api/v1/clients/{second.pk}", {"name": "STRASSE"})
    assert answer.json()["conflicting_id"] == first.pk
    site = make_project("Site", client=first)
    answer = api.post("/api/v1/projects", {"name": "Site", "client_id": first.pk})
    assert answer.json()["conflicting_id"] == site.pk


SORTED = ["Adler", "Äpfel", "apple", "Ba", "émile", "Zoë", "Ωmega"]


@pytest.mark.parametrize("what", ["clients", "projects"])
def test_names_are_sorted_alike_on_both_databases(api: APIClient, what: str) -> None:
    make = {"clients": make_client, "projects": make_project}[what]
    for name in reversed(SORTED):
        make(name)
    assert names(api, "", what) == SORTED
    cursor: str | None = ""
    found: list[str] = []
    while cursor is not None:
        page = api.get(f"/api/v1/{what}?per_page=2{cursor and f'&cursor={cursor}'}").json()
        found += [row["name"] for row in page[what]]
        cursor = page["pagination"]["next_cursor"]
    assert found == SORTED


@pytest.mark.parametrize(
    "path",
    [
        "clients?search",
        "projects?search",
        "tasks?search",
        "time-entries?search",
        "time-entries?tag",
        "reports/summary?tag",
        "reports/entries?tag",
        "reports/weekly?tag",
    ],
)
def test_a_text_filter_says_how_long_it_may_be(api: APIClient, path: str) -> None:
    assert api.get(f"/api/v1/{path}={'x' * 100}").status_code == 200
    answer = api.get(f"/api/v1/{path}={'x' * 101}")
    assert answer.status_code == 400
    assert "at most 100 characters" in answer.json()["message"]


def test_a_search_takes_no_time_for_any_text() -> None:
    user, project = make_user(), make_project()
    for _ in range(60):
        make_entry(user, project, notes="a" * 9_999)
    begin = time.process_time()
    search = "a" * 99 + "b"
    assert (
        api_as(user, "read:time_entries").get(f"/api/v1/time-entries?search={search}").status_code
        == 200
    )
    assert time.process_time() - begin < 0.5


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has its own LIKE")
@pytest.mark.parametrize(
    ("text", "pattern", "is_like"),
    [
        ("MÜLLER", "%üll%", True),
        ("Straße", "STRASSE", True),
        ("ab", "%ab%b", False),
        ("abb", "%ab%b", True),
        ("a%c", "a\\%c", True),
        ("abc", "a\\%c", False),
        ("abc", "a_c", True),
        ("abc", "a_", False),
        ("a\nb.c", "a%.c", True),
        ("", "%", True),
        ("x", "", False),
    ],
)
def test_like_on_sqlite(text: str, pattern: str, is_like: bool) -> None:  # noqa: FBT001
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s LIKE %s ESCAPE '\\'", [text, pattern])
        assert bool(cursor.fetchone()[0]) is is_like


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has its own LIKE")
def test_no_pattern_takes_long() -> None:
    begin = time.process_time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s LIKE %s", ["a" * 9_999, "%a" * 40 + "%b"])
        assert cursor.fetchone()[0] == 0
    assert time.process_time() - begin < 0.1


def write_past_the_model(row: models.Model, **columns: Any) -> None:
    names = ", ".join(f"{name} = %s" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {row._meta.db_table} SET {names} WHERE id = %s",  # noqa: S608
            [*columns.values(), row.pk],
        )


def test_a_migration_brings_texts_up_to_date() -> None:
    entry = make_entry(make_user(), make_project())
    task = make_task(make_project("Other"))
    write_past_the_model(entry, notes=NFD, tags=NFD, folded_notes=None)
    renew(TimeEntry, "notes", "tags")
    renew(type(task), "name", "description")
    fresh = TimeEntry.objects.get()
    assert (fresh.notes, fresh.tags, fresh.folded_notes) == (NFC, NFC, folded(NFC))
    assert (fresh.version, fresh.updated_at > entry.updated_at) == (2, True)
    task.refresh_from_db()
    assert task.version == 1


def test_a_migration_leaves_two_names_that_became_one(api: APIClient) -> None:
    """Nothing is renamed: the younger row has another key until it gets another name."""
    older, younger = make_client("x"), make_client("y")
    write_past_the_model(older, name="\u1fb4", folded_name="\u1fb4")
    write_past_the_model(younger, name="\u1fb3\u0301", folded_name="?")
    renew(Client, "name", but=["folded_name"])
    renew_keys(Client.objects.all())
    older.refresh_from_db()
    younger.refresh_from_db()
    assert older.name == younger.name == "\u1fb4"
    assert older.folded_name == folded("\u1fb4") != younger.folded_name
    assert len(names(api, "?search=\u1fb4")) == 2
    path = f"/api/v1/clients/{younger.pk}"
    assert api.patch(path, {"phone": "1"}).status_code == 200
    assert api.patch(path, {"name": "z"}).status_code == 200
    younger.refresh_from_db()
    assert younger.folded_name == "z"


def test_a_migration_leaves_names_of_a_project_that_became_one() -> None:
    client = make_client()
    made = [make_project(name, client=client) for name in "abc"]
    for project, name in zip(made, (NFD, "e\u0301", NFC), strict=True):
        write_past_the_model(project, name=name)
    kept = names_in_the_way(Project.objects.all(), "client_id")
    renew(Project, "name", as_they_are=kept)
    assert [*Project.objects.order_by("pk").values_list("name", flat=True)] == [NFD, "é", NFC]


def test_sort_keys_fit_an_index() -> None:
    assert len(sort_key("\ufdfa" * 200)) <= 200
    assert sort_key("Ä") == sort_key("a")


def test_the_admin_searches_as_the_api_does_and_no_longer_texts() -> None:
    make_client("Straße")
    admin = admin_as(make_administrator())
    assert b"Stra\xc3\x9fe" in admin.get("/admin/clients/client/?q=STRASSE").content
    refused = admin.get(f"/admin/clients/client/?q={'x' * 101}")
    assert b"at most 100 characters" in refused.content
    path = "/admin/autocomplete/?app_label=projects&model_name=project&field_name=client&term="
    assert len(admin.get(f"{path}STRASSE").json()["results"]) == 1
    assert admin.get(f"{path}{'s' * 101}").json()["results"] == []
