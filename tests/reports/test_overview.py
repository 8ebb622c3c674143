"""The overview on the home page: who sees it, that its numbers are the reports', its cost."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.models import Bill
from reports.admin.overview import Overview, WeekSoFar
from tests.support.admin import admin_as, text_of
from tests.support.factories import (
    NINE,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from timeentries.models import TimeEntry
from users.models import User

WEDNESDAY = NINE + timedelta(days=2)


@pytest.fixture
def bookkeeper(staff: User) -> User:
    """Somebody who may view amounts too."""
    staff.user_permissions.add(Permission.objects.get(codename="view_amounts"))
    again: User = User.objects.get(pk=staff.pk)  # without the permissions that it has looked up
    return again


def home(user: User) -> Any:
    return admin_as(user).get(reverse("admin:index"))


def words_of(answer: Any) -> str:
    return text_of(answer.content.decode().replace("<", " <"))


def test_only_who_may_view_reports_sees_the_overview(staff: User) -> None:
    assert "How are we doing? in Europe/Berlin" in words_of(home(staff))
    without = home(make_user("sue", is_staff=True))
    assert without.status_code == 200
    assert "How are we doing?" not in words_of(without)


def test_the_page_of_an_app_has_no_overview(administrator: User) -> None:
    answer = admin_as(administrator).get(reverse("admin:app_list", args=["reports"]))
    assert answer.status_code == 200
    assert "How are we doing?" not in words_of(answer)


def test_this_week_is_compared_with_the_same_days_of_last_week(
    staff: User, owner: User, colleague: User
) -> None:
    site = make_project()
    for start, hours in (
        (datetime(2024, 1, 14, 23, 30, tzinfo=UTC), 1),  # in Berlin on Monday
        (WEDNESDAY, 2),
        (WEDNESDAY + timedelta(days=1), 4),  # tomorrow
        (datetime(2024, 1, 7, 22, 30, tzinfo=UTC), 8),  # in Berlin on Sunday before
        (datetime(2024, 1, 8, 12, tzinfo=UTC), 16),
        (datetime(2024, 1, 11, 12, tzinfo=UTC), 32),  # Thursday of last week
    ):
        make_entry(owner, site, start, timedelta(hours=hours), billable=hours > 2)
    make_entry(colleague, site, WEDNESDAY, lasting=None)
    assert Overview.of(staff, WEDNESDAY).week == WeekSoFar(
        (date(2024, 1, 15), date(2024, 1, 17)),
        (date(2024, 1, 8), date(2024, 1, 10)),
        seconds=3 * 3600,
        seconds_before=16 * 3600,
    )


def test_the_weeks_are_those_of_reports(staff: User, owner: User) -> None:
    site, now = make_project(), timezone.now()
    for days in range(15):
        make_entry(owner, site, now - timedelta(days=days, minutes=70))
    browser = admin_as(staff)
    answer = browser.get(reverse("admin:index"))
    [after, before] = [
        browser.get(f"{reverse('admin:reports_report_changelist')}?start={first}&end={last}")
        for week in [Overview.of(staff, now).week]
        for first, last in (week.days, week.days_before)
    ]
    week = Overview.of(staff, now).week
    assert week.seconds == after.context["whole"].seconds
    assert week.seconds_before == before.context["whole"].seconds
    assert f"{before.context['whole'].seconds / 3600:.2f} h on the same days" in words_of(answer)


@pytest.mark.parametrize(
    ("hours", "hours_before", "sentence"),
    [
        pytest.param(3, 2, "3.00 +1.00 h (+50 %) against 2.00 h on the same days", id="more"),
        pytest.param(
            1, 4, "1.00 \N{MINUS SIGN}3.00 h (\N{MINUS SIGN}75 %) against 4.00 h", id="less"
        ),
        pytest.param(2, 2, "2.00 The same as 2.00 h on the same days", id="as much"),
        pytest.param(2, 0, "2.00 +2.00 h against 0.00 h on the same days", id="from nothing"),
        pytest.param(0, 0, "0.00 The same as 0.00 h on the same days", id="nothing"),
    ],
)
def test_the_difference_in_words(
    staff: User, owner: User, hours: int, hours_before: int, sentence: str
) -> None:
    site = make_project()
    noon = datetime.now(staff.zone).replace(hour=0, minute=30)
    for start, lasting in ((noon, hours), (noon - timedelta(days=7), hours_before)):
        if lasting:
            make_entry(owner, site, start, timedelta(hours=lasting))
    assert sentence in words_of(home(staff))


def test_timers_are_named_longest_first(staff: User, owner: User, colleague: User) -> None:
    site, now = make_project(), timezone.now()
    make_entry(owner, site, now - timedelta(minutes=20), None)
    make_entry(colleague, site, now - timedelta(minutes=95), None, task=make_task(site))
    make_entry(staff, site, now + timedelta(hours=1), None)
    assert "Who runs a timer User Project For carl Site Draft 1:35 olga Site 0:20 " in words_of(
        home(staff)
    )


def test_many_timers_are_counted(staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.admin.overview.MOST_SHOWN", 1)
    site = make_project()
    for name in ("olga", "carl"):
        make_entry(make_user(name), site, lasting=None)
    assert "All 2 running timers" in words_of(home(staff))


def test_projects_near_their_estimate_most_used_first(staff: User, owner: User) -> None:
    for name, hours, status in (
        ("Below", 7, "active"),
        ("Near", 8, "active"),
        ("Past", 11, "on_hold"),
        ("Done", 10, "archived"),
    ):
        client = make_client(f"{name} Ltd")
        project = make_project(name, estimated_hours=10, status=status, client=client)
        for day in range(hours):
            make_entry(owner, project, NINE + timedelta(days=day))
    make_entry(owner, make_project("Unestimated"))
    assert (
        "Projects near their estimate Project Hours Estimate Used"
        " Past Past Ltd 11.00 10 110 %, over Near Near Ltd 8.00 10 80 % "
    ) in words_of(home(staff))


def test_many_projects_are_counted(
    staff: User, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.admin.overview.MOST_SHOWN", 1)
    for name in ("Site", "Shop"):
        make_entry(owner, make_project(name, estimated_hours=1))
    assert "The first 1 of 2 projects." in words_of(home(staff))


def make_worth(owner: User) -> None:
    """Two hours of 75 EUR and one of 9000 JPY, and a billed one; others are worth nothing."""
    euro = make_client("Fern", currency="EUR", default_hourly_rate=75)
    yen = make_client("Hikari", currency="JPY", default_hourly_rate=9000)
    site, talks = make_project(client=euro), make_project("Talks", client=yen)
    billed = make_entry(owner, site)
    make_entry(owner, site, NINE + timedelta(days=400), timedelta(hours=2))
    make_entry(owner, site, NINE + timedelta(days=401), billable=False)
    make_entry(owner, talks)
    make_entry(owner, talks, lasting=None)
    make_entry(owner, make_project("Internal"))
    bill = Bill.objects.create(reference="1", selection={}, billed_at=NINE)
    TimeEntry.objects.filter(pk=billed.pk).update(bill=bill)


def test_unbilled_amounts_of_each_currency(bookkeeper: User, owner: User) -> None:
    make_worth(owner)
    assert "Not billed yet 150.00 EUR 9,000 JPY" in words_of(home(bookkeeper))


def test_amounts_are_for_who_may_view_them(staff: User, owner: User) -> None:
    make_worth(owner)
    assert re.search("EUR|JPY|150.00|9,000|billed", words_of(home(staff))) is None
    assert Overview.of(staff, NINE).unbilled is None


def test_where_there_is_nothing_a_sentence_says_so(bookkeeper: User) -> None:
    words = words_of(home(bookkeeper))
    assert "Nobody runs a timer." in words
    assert "No project has used 80 % of its estimate." in words
    assert "Everything that has an amount is billed." in words


def test_the_home_page_costs_the_same_for_one_entry_and_for_many(
    bookkeeper: User, owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = admin_as(bookkeeper)
    for more in (1, 12):
        for number in range(more):
            client = make_client(f"Client {more}.{number}", default_hourly_rate=50)
            site = make_project(f"Site {more}.{number}", client=client, estimated_hours=1)
            make_entry(owner, site, task=make_task(site))
            make_entry(make_user(f"u{more}{number}"), site, lasting=None)
        # session, user, two of permissions; week, timers twice, totals, projects, saved; recent
        with django_assert_num_queries(11):
            assert browser.get(reverse("admin:index")).status_code == 200
