"""Reports saved under a name: kept for their owner, and relative where their period is."""

from datetime import date
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from projects.models import Project
from reports.admin.forms import ReportForm
from reports.models import SavedReport
from tests.support.admin import admin_as, make_staff, messages_of, text_of
from tests.support.factories import make_entry
from tests.support.racing import at_once
from users.models import User

LIST = "admin:reports_report_saved"


def save(browser: Client, name: str, query: str = "period=last_month&by=user") -> list[str]:
    """Save a report; return what the next page says of it."""
    response = browser.post(reverse(LIST), {"name": name, "query": query})
    assert response.status_code == 302
    return messages_of(response)[-1:]


def make_saved(owner: User, name: str = "Month") -> SavedReport:
    return SavedReport.objects.create(owner=owner, name=name, query={"by": "user"})


def test_a_report_is_saved_from_its_page_and_opened_from_the_list(
    browser: Client, staff: User, owner: User, project: Project
) -> None:
    make_entry(owner, project)
    query = f"start=2024-01-01&end=2024-01-31&project={project.pk}&by=user&compare=previous"
    page = browser.get(f"{reverse('admin:reports_report_changelist')}?{query}&sort=-hours")
    kept = page.context["links"].report()
    assert save(browser, "January", kept) == ["Saved as “January”."]
    saved = SavedReport.objects.get()
    assert (saved.owner, saved.name) == (staff, "January")
    assert saved.query == {
        "start": "2024-01-01",
        "end": "2024-01-31",
        "project": str(project.pk),
        "by": "user",
        "compare": "previous",
        "sort": "-hours",
    }
    listed = browser.get(reverse(LIST))
    assert "January 2024-01-01 to 2024-01-31 user" in text_of(
        listed.content.decode().replace("<", " <")
    )
    [shown] = listed.context["saved"]
    again = browser.get(f"{reverse('admin:reports_report_changelist')}?{shown.address}")
    assert again.context["whole"].seconds == page.context["whole"].seconds == 3600


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        pytest.param("period=last_month", {"period": "last_month"}, id="named"),
        pytest.param("", {"period": "this_month"}, id="default"),
        pytest.param(
            "period=last_month&start=2023-12-01&end=2023-12-31",
            {"period": "last_month"},
            id="named, with the dates that the form showed",
        ),
        pytest.param(
            "period=last_month&start=2023-12-02&end=2023-12-31",
            {"start": "2023-12-02", "end": "2023-12-31"},
            id="dates that were changed",
        ),
        pytest.param("start=2023-12-01", {"start": "2023-12-01"}, id="until today"),
        pytest.param("tags=&x=1&task=", {"period": "this_month", "tags": ""}, id="no tags"),
    ],
)
def test_a_period_with_a_name_stays_relative(db: None, query: str, kept: dict[str, str]) -> None:
    form = ReportForm(QueryDict(query), date(2024, 1, 15))
    assert form.is_valid()
    assert form.kept() == {"by": "project"} | kept


def test_the_form_sends_the_name_of_its_period(browser: Client) -> None:
    address = reverse("admin:reports_report_changelist")
    page = browser.get(f"{address}?period=last_month").content.decode()
    assert '<input type="hidden" name="period" value="last_month">' in page
    page = browser.get(f"{address}?start=2024-01-01&end=2024-01-31").content.decode()
    assert 'name="period"' not in page


@pytest.mark.parametrize("name", ["Month", "month", " MONTH "])
def test_a_name_is_unique_for_its_owner(browser: Client, staff: User, name: str) -> None:
    make_saved(staff)
    make_saved(make_staff("sue"), "Week")
    assert save(browser, name) == ["You already have a saved report with this name."]
    assert save(browser, "Week") == ["Saved as “Week”."]
    with pytest.raises(IntegrityError), transaction.atomic():
        make_saved(staff)


@pytest.mark.django_db(transaction=True)
def test_racing_saves_of_a_name_leave_one() -> None:
    staff = make_staff()
    browsers = [admin_as(staff), admin_as(staff)]
    outcomes = at_once([partial(save, browser, "Month") for browser in browsers])
    assert sorted(outcomes) == [
        ["Saved as “Month”."],
        ["You already have a saved report with this name."],
    ]
    assert SavedReport.objects.count() == 1


@pytest.mark.parametrize("name", ["", "   ", "n" * 101])
def test_a_name_is_needed_and_short(browser: Client, name: str) -> None:
    assert len(save(browser, name)) == 1
    assert not SavedReport.objects.exists()


@pytest.mark.parametrize("query", ["by=colour", "start=2024-02-01&end=2024-01-01", "user=0"])
def test_only_a_valid_report_is_saved(browser: Client, query: str) -> None:
    assert save(browser, "Wrong", query) == ["This report cannot be saved: its form has errors."]
    assert not SavedReport.objects.exists()


def test_rename_and_delete(browser: Client, staff: User) -> None:
    saved, other = make_saved(staff), make_saved(staff, "Week")
    address = reverse("admin:reports_report_change_saved", args=[saved.pk])
    assert messages_of(browser.post(address, {"name": "week"})) == [
        "You already have a saved report with this name."
    ]
    browser = admin_as(staff)
    assert messages_of(browser.post(address, {"name": "Months"})) == ["Renamed to “Months”."]
    saved.refresh_from_db()
    assert saved.name == "Months"
    response = admin_as(staff).post(address, {"name": "Months", "delete": "yes"})
    assert messages_of(response) == ["Deleted “Months”."]
    assert list(SavedReport.objects.all()) == [other]


def test_everybody_has_their_own(browser: Client, staff: User) -> None:
    of_sue = make_saved(make_staff("sue"), "Secret")
    assert "Secret" not in browser.get(reverse(LIST)).content.decode()
    address = reverse("admin:reports_report_change_saved", args=[of_sue.pk])
    for data in ({"name": "Mine"}, {"delete": "yes"}):
        assert browser.post(address, data).status_code == 404
    assert SavedReport.objects.get().name == "Secret"


def test_who_may_not_view_reports_saves_none(staff: User) -> None:
    saved = make_saved(staff)
    staff.user_permissions.clear()
    browser = admin_as(staff)
    change = reverse("admin:reports_report_change_saved", args=[saved.pk])
    assert browser.get(reverse(LIST)).status_code == 403
    assert browser.post(reverse(LIST), {"name": "x", "query": ""}).status_code == 403
    assert browser.post(change, {"delete": "yes"}).status_code == 403
    assert SavedReport.objects.count() == 1


def test_the_home_page_leads_to_saved_reports(browser: Client, staff: User) -> None:
    make_saved(staff)
    page = browser.get(reverse("admin:index")).content.decode()
    assert f'<a href="{reverse("admin:reports_report_changelist")}?by=user">Month</a>' in page


def test_the_list_costs_the_same_for_one_and_for_many(
    browser: Client, staff: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in (1, 20):
        for place in range(number):
            make_saved(staff, f"Month {number}.{place}")
        with django_assert_num_queries(5):  # session, user, two of permissions; the list
            assert browser.get(reverse(LIST)).status_code == 200


def test_a_list_of_none_is_a_sentence(browser: Client) -> None:
    assert "You have saved no report yet." in text_of(browser.get(reverse(LIST)).content.decode())
