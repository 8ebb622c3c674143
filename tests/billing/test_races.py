"""Several bill at once: each entry is in one bill."""

from contextlib import suppress
from datetime import datetime
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.db.models.functions import Greatest

from billing import bills
from billing.models import Bill
from journal.models import Change
from projects.models import Project
from resources.models import updated_at_after
from tests.billing.test_billing import PATH, hours
from tests.support.factories import api_as, make_administrator, make_project, make_user
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def project() -> Project:
    return make_project("Site", hourly_rate=60)


def answered(method: str, *calls: tuple[str, dict[str, Any] | None]) -> list[Any]:
    """What is answered to several requests at once, each with a token of its own."""
    administrator = User.objects.filter(is_superuser=True).first() or make_administrator()
    apis = [api_as(administrator, "write:time_entries") for _ in calls]
    sent = zip(apis, calls, strict=True)
    return at_once([partial(getattr(api, method), *call) for api, call in sent])


def posted(*bodies: dict[str, Any]) -> list[Any]:
    return answered("post", *((PATH, body) for body in bodies))


def test_two_at_once_never_bill_an_entry_twice(owner: User, project: Project) -> None:
    hours(owner, project, 40)
    bodies = [
        {
            "reference": f"{number % 4}",
            "project_id": project.pk,
            **({"user_id": owner.pk} if number % 2 else {}),
        }
        for number in range(8)
    ]
    answers = posted(*bodies)
    billed = [each.json() for each in answers if each.status_code == 200]
    refused = {each.json()["error_code"] for each in answers if each.status_code != 200}
    assert {each["billing"]["reference"] for each in billed} == {
        *Bill.objects.values_list("reference", flat=True)
    }
    assert Bill.objects.count() == 1
    assert refused == {"nothing_to_bill"}
    (reference,) = Bill.objects.values_list("reference", flat=True)
    assert TimeEntry.objects.filter(bill_id=reference).count() == 40
    assert all(each["billing"]["entries"] == 40 for each in billed)


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> Barrier:
    """Where those meet who have read entries and are about to mark them, if they can."""
    barrier = Barrier(2)

    def wait_and_return(now: datetime) -> Greatest:
        with suppress(BrokenBarrierError):  # the other one waits for our rows
            barrier.wait(1)
        return updated_at_after(now)

    monkeypatch.setattr(bills, "updated_at_after", wait_and_return)
    return barrier


def test_entries_that_two_references_share_are_in_one_of_them(
    owner: User, project: Project, meeting: Barrier
) -> None:
    other = make_user("other")
    shared = hours(owner, project, 3)
    of_first, of_second = hours(other, project, 2), hours(owner, make_project("Elsewhere"), 1)
    answers = posted(
        {"reference": "first", "project_id": project.pk},
        {"reference": "second", "user_id": owner.pk},
    )
    assert [each.status_code for each in answers] == [200, 200]
    counts = [each.json()["billing"]["entries"] for each in answers]
    assert meeting.broken
    assert sum(counts) == len(shared) + len(of_first) + len(of_second)
    assert counts == [
        TimeEntry.objects.filter(bill_id=each).count() for each in ("first", "second")
    ]
    assert len({*TimeEntry.objects.filter(pk__in=[e.pk for e in shared]).values_list("bill")}) == 1
    assert Change.objects.filter(action="updated").count() == sum(counts)


def test_entries_of_one_bill_are_released_once(
    owner: User, project: Project, meeting: Barrier
) -> None:
    hours(owner, project, 3)
    posted({"reference": "A", "project_id": project.pk})
    meeting.reset()
    answers = answered("delete", *[(f"{PATH}/A", None)] * 2)
    assert sorted(each.status_code for each in answers) == [200, 404]
    assert {*TimeEntry.objects.values_list("version", flat=True)} == {3}
    assert not Bill.objects.exists()
