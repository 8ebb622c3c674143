"""The projects' endpoints: whole answers, then the row."""

from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from projects.models import Project
from tests.support.answers import instant, page_of, refusal
from tests.support.factories import api_as, make_client, make_entry, make_project, make_task
from timeentries.models import TimeEntry
from users.models import User

PATH = "/api/v1/projects"
TAKEN = "This client already has a project with this name."


def project_json(project: Project) -> dict[str, Any]:
    """A project as the API shows it."""
    rate, hours = project.hourly_rate, project.estimated_hours
    return {
        "id": project.pk,
        "name": project.name,
        "description": project.description,
        "client_id": project.client_id,
        "client_name": project.client and project.client.name,
        "hourly_rate": None if rate is None else float(rate),
        "estimated_hours": None if hours is None else float(hours),
        "billable": project.billable,
        "rounding": None,
        "status": project.status,
        "created_at": instant(project.created_at),
        "updated_at": instant(project.updated_at),
        "version": project.version,
        "external_id": None,
    }


def test_list_is_ordered_by_name_then_id(owner: User) -> None:
    first, second = make_project("Site"), make_project("Site", client=make_client())
    app = make_project("App", status="archived", hourly_rate=Decimal("75.5"))
    response = api_as(owner, "read:projects").get(PATH)
    assert response.status_code == 200
    assert response.json() == page_of(
        "projects", [project_json(app), project_json(first), project_json(second)]
    )


def test_list_costs_the_same_for_one_and_for_twenty(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api = api_as(owner, "read:projects")
    make_project("Project 0", client=make_client("Client 0"))
    api.get(PATH)
    with django_assert_num_queries(4):  # token, tag, count, page
        assert len(api.get(PATH).json()["projects"]) == 1
    for number in range(1, 20):
        make_project(f"Project {number}", client=make_client(f"Client {number}"))
    with django_assert_num_queries(4):
        assert len(api.get(PATH).json()["projects"]) == 20


def test_get_returns_all_fields(owner: User) -> None:
    client = make_client("Acme")
    project = make_project(
        "Website Redesign",
        description="Complete website overhaul",
        client=client,
        hourly_rate=Decimal("75.00"),
        estimated_hours=Decimal(120),
        billable=False,
        status="on_hold",
    )
    response = api_as(owner, "read:projects").get(f"{PATH}/{project.pk}")
    assert response.status_code == 200
    assert response.json() == {
        "project": {
            "id": project.pk,
            "name": "Website Redesign",
            "description": "Complete website overhaul",
            "client_id": client.pk,
            "client_name": "Acme",
            "hourly_rate": 75.0,
            "estimated_hours": 120.0,
            "billable": False,
            "rounding": None,
            "status": "on_hold",
            "created_at": instant(project.created_at),
            "updated_at": instant(project.updated_at),
            "version": 1,
            "external_id": None,
        }
    }


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_a_missing_project_is_not_found(owner: User, method: str) -> None:
    response = getattr(api_as(owner, "write:projects"), method)(f"{PATH}/999999")
    assert response.status_code == 404
    assert response.json() == refusal(
        response, "not_found", "There is no project with the id 999999."
    )


def test_create_as_documented(owner: User) -> None:
    client = make_client("Acme")
    body = {
        "name": "New Project",
        "description": "Project description",
        "client_id": client.pk,
        "hourly_rate": 75.00,
        "estimated_hours": 100,
        "status": "active",
    }
    response = api_as(owner, "write:projects").post(PATH, body)
    assert response.status_code == 201
    project = Project.objects.get()
    assert response.json() == {
        "message": "Project created successfully",
        "project": {
            "id": project.pk,
            **body,
            "client_name": "Acme",
            "billable": True,
            "rounding": None,
            "created_at": instant(project.created_at),
            "updated_at": instant(project.updated_at),
            "version": 1,
            "external_id": None,
        },
    }
    assert response["Location"] == f"{PATH}/{project.pk}"
    assert project_json(project) == response.json()["project"]


def test_a_name_is_enough(owner: User) -> None:
    response = api_as(owner, "write:projects").post(PATH, {"name": "Site"})
    assert response.status_code == 201
    project = Project.objects.get()
    assert response.json()["project"] == {
        "id": project.pk,
        "name": "Site",
        "description": "",
        "client_id": None,
        "client_name": None,
        "hourly_rate": None,
        "estimated_hours": None,
        "billable": True,
        "rounding": None,
        "status": "active",
        "created_at": instant(project.created_at),
        "updated_at": instant(project.updated_at),
        "version": 1,
        "external_id": None,
    }


@pytest.mark.parametrize("method", ["put", "patch"])
def test_update_changes_what_was_sent_and_nothing_else(owner: User, method: str) -> None:
    acme, birch = make_client("Acme"), make_client("Birch")
    project = make_project("Site", client=acme, hourly_rate=Decimal("75.5"), billable=False)
    api = api_as(owner, "write:projects")
    response = getattr(api, method)(f"{PATH}/{project.pk}", {"client_id": birch.pk})
    assert response.status_code == 200
    changed = Project.objects.get()
    expected = project_json(project) | {
        "client_id": birch.pk,
        "client_name": "Birch",
        "updated_at": instant(changed.updated_at),
        "version": 2,
        "external_id": None,
    }
    assert response.json() == {"message": "Project updated successfully", "project": expected}
    assert project_json(changed) == expected


def test_a_client_can_be_taken_off(owner: User) -> None:
    project = make_project(client=make_client())
    response = api_as(owner, "write:projects").put(f"{PATH}/{project.pk}", {"client_id": None})
    assert response.status_code == 200
    changed = Project.objects.get()
    assert changed.client is None
    assert response.json() == {
        "message": "Project updated successfully",
        "project": project_json(changed),
    }


def test_what_get_returns_can_be_put_back(owner: User) -> None:
    project = make_project("Site", client=make_client(), hourly_rate=Decimal("75.55"))
    api = api_as(owner, "write:projects")
    body = api.get(f"{PATH}/{project.pk}").json()["project"]
    response = api.put(f"{PATH}/{project.pk}", body)
    assert response.status_code == 200
    assert response.json()["project"] == body


def test_read_only_fields_are_ignored(owner: User) -> None:
    project = make_project("Site", client=make_client("Acme"))
    body = {
        "id": 7,
        "client_name": 5,
        "created_at": "never",
        "updated_at": 0,
        "version": 9,
        "external_id": None,
        "billable": False,
    }
    response = api_as(owner, "write:projects").patch(f"{PATH}/{project.pk}", body)
    assert response.status_code == 200
    changed = Project.objects.get()
    assert project_json(changed) == project_json(project) | {
        "billable": False,
        "updated_at": instant(changed.updated_at),
        "version": 2,
        "external_id": None,
    }


def test_delete_archives_and_keeps_what_was_booked(owner: User) -> None:
    project = make_project()
    entry = make_entry(owner, project, task=make_task(project))
    response = api_as(owner, "write:projects").delete(f"{PATH}/{project.pk}")
    assert response.status_code == 200
    assert response.json() == {"message": "Project archived successfully"}
    archived = Project.objects.get()
    assert archived.updated_at > project.updated_at
    assert project_json(archived) == project_json(project) | {
        "status": "archived",
        "updated_at": instant(archived.updated_at),
        "version": 2,
        "external_id": None,
    }
    assert TimeEntry.objects.get() == entry


def test_archiving_again_changes_nothing(owner: User) -> None:
    project = make_project(status="archived")
    response = api_as(owner, "write:projects").delete(f"{PATH}/{project.pk}")
    assert response.status_code == 200
    assert response.json() == {"message": "Project archived successfully"}
    assert project_json(Project.objects.get()) == project_json(project)


def test_put_brings_an_archived_project_back(owner: User) -> None:
    project = make_project(client=make_client(), status="archived")
    body = {"status": "active"}
    response = api_as(owner, "write:projects").put(f"{PATH}/{project.pk}", body)
    assert response.status_code == 200
    restored = Project.objects.get()
    assert response.json() == {
        "message": "Project updated successfully",
        "project": project_json(restored),
    }
    assert restored.status == "active"


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        pytest.param({"name": "App"}, {"name": "Site"}, id="rename"),
        pytest.param({"status": "archived"}, {"status": "active"}, id="restore"),
        pytest.param({"status": "archived"}, {"status": "on_hold"}, id="restore to on hold"),
        pytest.param({"client": None}, {"client_id": "ACME"}, id="another client"),
    ],
)
def test_a_project_cannot_become_one_of_a_taken_name(
    owner: User, fields: dict[str, Any], body: dict[str, Any]
) -> None:
    acme = make_client("Acme")
    other_fields: dict[str, Any] = {"name": "Site", "client": acme} | fields
    other = make_project(**other_fields)
    site = make_project("Site", client=acme)
    body = {name: acme.pk if value == "ACME" else value for name, value in body.items()}
    response = api_as(owner, "write:projects").put(f"{PATH}/{other.pk}", body)
    assert response.status_code == 409
    assert response.json() == refusal(response, "conflict", TAKEN, conflicting_id=site.pk)
    other.refresh_from_db()
    assert {name: getattr(other, name) for name in fields} == fields


def test_a_client_has_one_project_of_a_name(owner: User) -> None:
    acme = make_client("Acme")
    site = make_project("Site", client=acme)
    body = {"name": "Site", "client_id": acme.pk}
    response = api_as(owner, "write:projects").post(PATH, body)
    assert response.status_code == 409
    assert response.json() == refusal(response, "conflict", TAKEN, conflicting_id=site.pk)
    assert Project.objects.count() == 1


@pytest.mark.parametrize(
    ("existing", "body"),
    [
        pytest.param({}, {}, id="neither has a client"),
        pytest.param({"client": "ACME"}, {}, id="only the old one has a client"),
        pytest.param({"client": "ACME", "status": "archived"}, {"client_id": "ACME"}, id="old"),
        pytest.param({"client": "ACME"}, {"client_id": "ACME", "status": "archived"}, id="new"),
    ],
)
def test_a_name_is_free(owner: User, existing: dict[str, Any], body: dict[str, Any]) -> None:
    acme = make_client("Acme")
    make_project("Site", **existing | ({"client": acme} if "client" in existing else {}))
    body = {"name": "Site"} | body | ({"client_id": acme.pk} if "client_id" in body else {})
    response = api_as(owner, "write:projects").post(PATH, body)
    assert response.status_code == 201
    assert Project.objects.count() == 2
