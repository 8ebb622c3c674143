"""Bills in the admin: who sees what of them, and who releases them."""

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from billing.bills import bill
from billing.models import Bill
from tests.billing.test_billing import DAY, hours
from tests.support.admin import admin_as, messages_of, rows_of, text_of, url
from tests.support.factories import make_client, make_project, make_user
from timeentries.models import TimeEntry
from users.models import User

AMOUNTS = re.compile(r"123[.]4|9,?870|EUR|JPY")
AMOUNT = "246.80 EUR9,870 JPY"  # below each other
REFERENCE = "2024-01/client-7"


@pytest.fixture
def made(owner: User, administrator: User) -> Bill:
    euro = make_client(currency="EUR", default_hourly_rate=Decimal("123.40"), rounding="60 up")
    yen = make_client("Hikari", currency="JPY", default_hourly_rate=9870, rounding="60 up")
    hours(owner, make_project("Site", client=euro), 2)
    hours(owner, make_project("Talks", client=yen), 1)
    return bill(TimeEntry.objects.all(), REFERENCE, {}, user=administrator, now=DAY)


def staff_with(*codenames: str) -> User:
    staff = make_user("stan", is_staff=True)
    staff.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return staff


def test_the_list_and_the_lines(made: Bill, administrator: User) -> None:
    browser = admin_as(administrator)
    markup = browser.get(url(Bill, "changelist")).content.decode()
    cells = re.findall(r"<td class=\"field-[^>]*>(.*?)</td>", markup, re.DOTALL)
    assert [text_of(cell) for cell in cells[1:]] == ["ada", "3", "2.50", "3.00", AMOUNT]
    page = browser.get(url(Bill, "change", made.pk))
    text = text_of(page.content.decode())
    assert "246.80 EUR" in text
    assert "Site 2 1.67 2.00 123.40 EUR 246.80 EUR" in text
    assert "Talks 1 0.83 1.00 9,870 JPY 9,870 JPY" in text
    [entries] = re.findall(r'href="(/admin/timeentries/[^"]*bill=[^"]*)"', page.content.decode())
    assert len(rows_of(browser.get(entries))) == 3


@pytest.mark.parametrize("page", ["changelist", "change"])
def test_amounts_are_for_who_may_view_them(made: Bill, page: str) -> None:
    address = url(Bill, page, *([made.pk] if page == "change" else []))
    staff = staff_with("view_bill")
    shown = admin_as(staff).get(address)
    assert shown.status_code == 200
    assert REFERENCE in shown.content.decode()
    assert AMOUNTS.search(shown.content.decode()) is None
    staff.user_permissions.add(Permission.objects.get(codename="view_amounts"))
    shown = admin_as(User.objects.get(pk=staff.pk)).get(address)
    assert {"EUR", "JPY"} <= {*AMOUNTS.findall(shown.content.decode())}


def test_who_may_not_view_bills_sees_none(made: Bill) -> None:
    browser = admin_as(staff_with("view_amounts", "view_timeentry"))
    for page in (url(Bill, "changelist"), url(Bill, "change", made.pk)):
        assert browser.get(page).status_code == 403


@pytest.mark.parametrize("method", ["get", "post"])
def test_only_administrators_release(made: Bill, method: str) -> None:
    browser = admin_as(staff_with("view_bill", "change_bill", "delete_bill", "view_amounts"))
    address = reverse("admin:billing_bill_release", args=[made.pk])
    assert getattr(browser, method)(address).status_code == 403
    assert address not in browser.get(url(Bill, "change", made.pk)).content.decode()
    assert TimeEntry.objects.filter(bill=made).count() == 3


def test_a_bill_is_released_after_a_question(made: Bill, administrator: User) -> None:
    browser = admin_as(administrator)
    address = reverse("admin:billing_bill_release", args=[made.pk])
    assert address in browser.get(url(Bill, "change", made.pk)).content.decode()
    asked = text_of(browser.get(address).content.decode())
    assert "3 time entries (3.00 rounded hours) will no longer be billed" in asked
    assert TimeEntry.objects.filter(bill=made).count() == 3
    done = browser.post(address)
    assert messages_of(done) == [f"Released {REFERENCE}. Its entries can be billed again."]
    assert not Bill.objects.exists()
    assert TimeEntry.objects.filter(bill=None, version=3).count() == 3
    assert browser.post(address).status_code == 404


def test_pages_cost_the_same_for_many_bills(
    made: Bill, owner: User, administrator: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = admin_as(administrator)
    pages = {url(Bill, "changelist"): 6, url(Bill, "change", made.pk): 8}
    for page in pages:
        browser.get(page)
    for more in (0, 5):
        for number in range(more):
            hours(owner, make_project(f"{number}", hourly_rate=10), 1)
            bill(TimeEntry.objects.all(), f"{number}", {}, user=administrator, now=DAY)
        for page, queries in pages.items():
            with django_assert_num_queries(queries):
                assert browser.get(page).status_code == 200


def test_a_list_that_is_not_searched_does_not_offer_to_show_all(
    made: Bill, administrator: User
) -> None:
    browser, page = admin_as(administrator), url(Bill, "changelist")
    assert "Show all" not in browser.get(page).content.decode()
    assert "0 results" in browser.get(page, {"q": "elsewhere"}).content.decode()
