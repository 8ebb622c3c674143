"""Billing time entries, each once."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from billing.models import Bill
from journal.models import Change
from projects.models import Project
from tests.support.admin import admin_as, as_shown, messages_of, url
from tests.support.factories import (
    api_as,
    make_client,
    make_entry,
    make_project,
    make_user,
)
from timeentries.billed import BILLED
from timeentries.models import TimeEntry
from users.models import User

PATH = "/api/v1/billing"
DAY = datetime(2024, 1, 15, 9, tzinfo=UTC)


@pytest.fixture
def site(db: None) -> Project:
    client = make_client("Acme", currency="EUR", rounding="30 up")
    return make_project("Site", client=client, hourly_rate=60)


@pytest.fixture
def api(administrator: User) -> APIClient:
    return api_as(administrator, "write:time_entries")


def hours(user: User, project: Project, count: int = 3, **fields: Any) -> list[TimeEntry]:
    """Entries of fifty minutes on as many days."""
    fifty = timedelta(minutes=50)
    return [
        make_entry(user, project, DAY + timedelta(days=number), fifty, **fields)
        for number in range(count)
    ]


def test_a_month_is_billed_once(owner: User, site: Project, api: APIClient) -> None:
    entries = hours(owner, site)
    hours(owner, make_project("Elsewhere"))
    body = {"reference": "2024-0031", "client_id": site.client_id, "start_date": "2024-01-16"}
    response = api.post(PATH, body)
    assert response.status_code == 200
    billing = response.json()["billing"]
    assert billing == {
        "reference": "2024-0031",
        "entries": 2,
        "seconds": 6000,
        "rounded_seconds": 7200,
        "amounts": [{"currency": "EUR", "amount": 120.0}],
        "billed_at": billing["billed_at"],
    }
    assert [*TimeEntry.objects.filter(bill_id="2024-0031").order_by("pk")] == entries[1:]
    assert api.post(PATH, body).json() == response.json()
    shown = api.get(f"/api/v1/time-entries/{entries[1].pk}").json()["time_entry"]
    assert (shown["billed"], shown["billing_reference"], shown["version"]) == (
        True,
        "2024-0031",
        2,
    )
    changes = Change.objects.filter(type="time_entry", action="updated")
    assert changes.count() == 2


@pytest.mark.parametrize(
    ("other", "status", "code"),
    [
        pytest.param({"reference": "A"}, 409, "reference_taken", id="another selection"),
        pytest.param({"reference": "B"}, 200, None, id="what is left"),
        pytest.param({"reference": "B", "project_id": 1}, 409, "nothing_to_bill", id="nothing"),
    ],
)
def test_a_second_bill(
    owner: User,
    site: Project,
    api: APIClient,
    other: dict[str, Any],
    status: int,
    code: str | None,
) -> None:
    hours(owner, make_project("Elsewhere"))
    hours(owner, site)
    assert api.post(PATH, {"reference": "A", "project_id": site.pk}).status_code == 200
    other = {"user_id": owner.pk, **other}
    if "project_id" in other:
        other["project_id"] = site.pk
    response = api.post(PATH, other)
    assert (response.status_code, response.json().get("error_code")) == (status, code)


def test_only_what_is_finished_billable_and_unbilled_is_billed(
    owner: User, site: Project, api: APIClient
) -> None:
    hours(owner, site, 1, billable=False)
    make_entry(owner, site, DAY, None)
    response = api.post(PATH, {"reference": "A", "project_id": site.pk})
    assert response.json()["error_code"] == "nothing_to_bill"
    assert not Bill.objects.exists()


def test_a_preview_writes_nothing(owner: User, site: Project, api: APIClient) -> None:
    hours(owner, site)
    body = {"reference": "A", "project_id": site.pk, "preview": True}
    billing = api.post(PATH, body).json()["billing"]
    assert (billing["entries"], billing["billed_at"]) == (3, None)
    assert not Bill.objects.exists()
    assert not TimeEntry.objects.filter(bill__isnull=False).exists()


def test_the_lines_of_an_invoice(owner: User, site: Project, api: APIClient) -> None:
    colleague = make_user("colleague")
    hours(owner, site, 2)
    site.hourly_rate = 90
    site.save()
    hours(colleague, site, 1)
    TimeEntry.objects.filter(user=colleague).update(hourly_rate=90, amount=90)
    api.post(PATH, {"reference": "№ 7/2024", "client_id": site.client_id})
    billing = api.get(f"{PATH}/№ 7/2024", {"group_by": "user"}).json()["billing"]
    assert billing["amounts"] == [{"currency": "EUR", "amount": 210.0}]
    lines = [(line["name"], line["rounded_hours"], line["amount"]) for line in billing["lines"]]
    assert lines == [("colleague", 1.0, 90.0), ("olga", 2.0, 120.0)]
    by_project = api.get(f"{PATH}/№ 7/2024").json()["billing"]["lines"]
    assert [(line["hourly_rate"], line["entries"]) for line in by_project] == [
        (60.0, 2),
        (90.0, 1),
    ]
    by_task = api.get(f"{PATH}/№ 7/2024", {"group_by": "task"}).json()["billing"]["lines"]
    assert {line["name"] for line in by_task} == {"No task"}
    assert api.get(f"{PATH}/№ 7/2024", {"group_by": "colour"}).status_code == 400
    assert api.get(f"{PATH}/8").status_code == 404
    assert [each["reference"] for each in api.get(PATH).json()["billings"]] == ["№ 7/2024"]


def test_what_is_released_can_be_billed_again(owner: User, site: Project, api: APIClient) -> None:
    hours(owner, site)
    body = {"reference": "A", "project_id": site.pk}
    api.post(PATH, body)
    assert api.delete(f"{PATH}/A").status_code == 200
    assert not TimeEntry.objects.filter(bill__isnull=False).exists()
    assert api.get(f"{PATH}/A").status_code == 404
    body["user_id"] = owner.pk
    assert api.post(PATH, body).json()["billing"]["entries"] == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"project_id": 1}, "reference", id="no reference"),
        pytest.param({"reference": " ", "project_id": 1}, "reference", id="blank"),
        pytest.param({"reference": "x" * 101, "project_id": 1}, "reference", id="too long"),
        pytest.param({"reference": "A"}, "non_field_errors", id="no filter"),
        pytest.param({"reference": "A", "entry_ids": []}, "entry_ids", id="no ids"),
        pytest.param(
            {"reference": "A", "entry_ids": [1], "user_id": 1}, "entry_ids", id="ids and filters"
        ),
        pytest.param({"reference": "A", "start_date": "2024-02-30"}, "start_date", id="no day"),
        pytest.param(
            {"reference": "A", "start_date": "2024-02-02", "end_date": "2024-02-01"},
            "end_date",
            id="backwards",
        ),
        pytest.param({"reference": "A", "colour": "red"}, "colour", id="unknown"),
    ],
)
def test_bad_input_is_400(api: APIClient, body: dict[str, Any], field: str) -> None:
    response = api.post(PATH, body)
    assert response.status_code == 400
    assert [*response.json()["errors"]] == [field]


def test_only_administrators_bill(owner: User, site: Project) -> None:
    api = api_as(owner, "write:time_entries")
    for call in (partial(api.get, PATH), partial(api.post, PATH, {"reference": "A"})):
        assert call().json()["error_code"] == "forbidden"


def other_bill() -> Bill:
    return Bill.objects.create(reference="B", selection={}, billed_at=DAY)


def billed_entry(user: User, project: Project, api: APIClient) -> TimeEntry:
    (entry,) = hours(user, project, 1)
    api.post(PATH, {"reference": "A", "project_id": project.pk})
    return TimeEntry.objects.get(pk=entry.pk)


def test_a_billed_entry_refuses_changes_by_any_way(
    owner: User, site: Project, api: APIClient
) -> None:
    entry = billed_entry(owner, site, api)
    one = f"/api/v1/time-entries/{entry.pk}"
    operations = [
        {"op": "update", "id": entry.pk, "data": {"notes": "x"}},
        {"op": "delete", "id": entry.pk},
    ]
    refused = [api.put(one, {"notes": "x"}), api.patch(one, {"end_time": None}), api.delete(one)]
    assert [each.json()["error_code"] for each in refused] == ["entry_billed"] * 3
    assert {each.status_code for each in refused} == {409}
    bulk: Any = api.post(
        "/api/v1/time-entries/bulk", {"mode": "partial", "operations": operations}
    )
    assert [each["error"]["error_code"] for each in bulk.json()["results"]] == [
        "entry_billed",
        "entry_billed",
    ]
    for write in (
        lambda: TimeEntry.objects.filter(pk=entry.pk).update(notes="x"),
        lambda: TimeEntry.objects.filter(pk=entry.pk).delete(),
        lambda: TimeEntry.objects.filter(pk=entry.pk).update(bill=other_bill()),
        entry.delete,
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()
    unchanged = TimeEntry.objects.get()
    assert (unchanged.notes, unchanged.version) == (entry.notes, entry.version)
    assert api.put(one, {"notes": entry.notes}).status_code == 200  # which changes nothing
    api.delete(f"{PATH}/A")
    assert api.put(one, {"notes": "x"}).status_code == 200


def test_the_admin_says_that_an_entry_is_billed(
    owner: User, site: Project, api: APIClient, administrator: User
) -> None:
    entry = billed_entry(owner, site, api)
    browser, path = admin_as(administrator), url(TimeEntry, "change", entry.pk)
    data = as_shown(browser.get(path)) | {"notes": "x"}
    page = browser.post(path, data)
    assert page.status_code == 200
    assert BILLED in page.content.decode()
    gone = browser.post(url(TimeEntry, "delete", entry.pk), {"post": "yes"})
    assert messages_of(gone) == [BILLED]
    assert TimeEntry.objects.filter(notes=entry.notes).exists()
