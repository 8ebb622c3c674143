"""Bills of many entries, and many bills."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from billing import bills
from billing.bills import bill, release
from billing.models import Bill
from journal.models import Change
from projects.models import Project
from tests.billing.test_billing import PATH, hours
from tests.support.factories import NINE, api_as, make_project
from timeentries.models import TimeEntry
from users.models import User

# More than any of the databases takes in a statement: 65 535 and 32 766.
MORE_THAN_PARAMETERS = 66_000
TEN = NINE + timedelta(hours=1)


@pytest.fixture
def api(administrator: User) -> APIClient:
    return api_as(administrator, "write:time_entries")


@pytest.fixture
def site(db: None) -> Project:
    return make_project("Site", hourly_rate=60)


@pytest.mark.slow
def test_a_bill_may_have_any_number_of_entries(administrator: User, site: Project) -> None:
    work = {"user": administrator, "project": site, "start_time": NINE, "end_time": TEN}
    # In batches: PostgreSQL ends a transaction that is idle while Python makes them all.
    rows = (TimeEntry(**work) for _ in range(MORE_THAN_PARAMETERS))
    TimeEntry.objects.bulk_create(rows, batch_size=5_000)
    now = timezone.now()
    made = bill(TimeEntry.objects.all(), "A", {}, user=administrator, now=now)
    assert TimeEntry.objects.filter(bill=made, version=2).count() == MORE_THAN_PARAMETERS
    assert Change.objects.filter(action="updated").count() == MORE_THAN_PARAMETERS
    release(made, now)
    assert not TimeEntry.objects.filter(bill__isnull=False).exists()


@pytest.mark.parametrize("count", [5, 6, 7])
def test_entries_are_marked_in_batches(
    administrator: User, site: Project, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(bills, "AT_ONCE", 3)
    entries, now = hours(administrator, site, count), timezone.now()
    with CaptureQueriesContext(connection) as captured:
        made = bill(TimeEntry.objects.all(), "A", {}, user=administrator, now=now)
    writes = [query for query in captured if query["sql"].startswith("UPDATE")]
    assert len(writes) == -(-count // 3)
    assert TimeEntry.objects.filter(bill=made).count() == len(entries)
    release(made, now)
    assert TimeEntry.objects.filter(bill=None, version=3).count() == count


def test_the_journal_names_what_the_api_shows(owner: User, site: Project, api: APIClient) -> None:
    (entry,) = hours(owner, site, 1)
    api.post(PATH, {"reference": "A", "project_id": site.pk})
    api.delete(f"{PATH}/A")
    shown: dict[str, Any] = api.get(f"/api/v1/time-entries/{entry.pk}").json()["time_entry"]
    changes = Change.objects.filter(action="updated", object_id=entry.pk)
    assert [change.fields for change in changes] == [["billed", "billing_reference"]] * 2
    assert {*changes[0].fields} <= shown.keys()
    owners = changes.values_list("owner_before", "owner_after", "project_before", "project_after")
    assert {*owners} == {(owner.pk, owner.pk, site.pk, site.pk)}


def test_a_list_of_bills_makes_one_query_for_all_sums(
    owner: User, site: Project, api: APIClient
) -> None:
    entries = hours(owner, site, 4)
    counts = []
    for number, entry in enumerate(entries):
        api.post(PATH, {"reference": f"{number}", "entry_ids": [entry.pk]})
        with CaptureQueriesContext(connection) as captured:
            billings = api.get(PATH).json()["billings"]
        counts.append(len(captured))
    assert all(one == next_one for one, next_one in pairwise(counts[1:]))
    assert counts[-1] <= 3  # token, bills, sums
    assert [(each["reference"], each["entries"]) for each in billings] == [
        (f"{number}", 1) for number in (3, 2, 1, 0)
    ]
    Bill.objects.create(reference="empty", selection={}, billed_at=timezone.now())
    assert api.get(PATH).json()["billings"][0]["amounts"] == []
