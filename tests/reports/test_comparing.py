"""A report beside the period before it: the same groups, and sums that agree."""

import csv
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from tests.reports.test_admin import groups_of
from tests.support.admin import admin_as, text_of
from tests.support.factories import NINE, make_client, make_entry, make_project
from users.models import User

# Ten days, and the ten before them: 5 to 14 January.
RANGE = "start=2024-01-15&end=2024-01-24"
COMPARED = f"{RANGE}&compare=previous"
LEVELS = [
    pytest.param(levels, id=levels)
    for levels in (
        *("by=project", "by=user&by2=project", "by=day", "by=week&by2=day", "by=month&by2=week"),
        *("by=tag&by2=client&by3=month", "by=task"),
    )
]


def page(query: str, name: str = "changelist") -> str:
    return f"{reverse(f'admin:reports_report_{name}')}?{query}"


@pytest.fixture
def bookkeeper(staff: User) -> Client:
    """The browser of staff who may view amounts too."""
    staff.user_permissions.add(Permission.objects.get(codename="view_amounts"))
    return admin_as(staff)


def make_two_periods(owner: User, colleague: User) -> None:
    """Work in both periods, in one alone, and around them."""
    site = make_project(client=make_client(currency="EUR", default_hourly_rate=Decimal(50)))
    yen = make_client("Hikari", currency="JPY", default_hourly_rate=9000)
    talks, old = make_project("Talks"), make_project("Old", client=yen)
    for person, project, days, hours in (
        (owner, site, 0, 4),
        (owner, site, -10, 2),
        (colleague, site, 9, 1),
        (colleague, talks, 3, 3),
        (colleague, old, -1, 5),
        (colleague, old, -11, 7),  # before the ten days before
        (owner, talks, 10, 7),  # after the range
    ):
        start = NINE + timedelta(days=days)
        make_entry(person, project, start, timedelta(hours=hours), tags="urgent")


def test_each_group_and_the_total_have_their_counterpart(
    browser: Client, owner: User, colleague: User
) -> None:
    make_two_periods(owner, colleague)
    answer = browser.get(page(f"{COMPARED}&by=project"))
    assert groups_of(answer) == [
        ["Site", "2", "5.00", "5.00", "2.00", "+3.00", "62 %"],
        ["Talks", "1", "3.00", "3.00", "0.00", "+3.00", "38 %"],
        ["Old", "0", "0.00", "0.00", "5.00", "\N{MINUS SIGN}5.00", "0 %"],
    ]
    words = text_of(answer.content.decode().replace("<", " <"))
    assert "in Europe/Berlin, compared with 2024-01-05 to 2024-01-14" in words
    assert "Hours 8.00 +1.00 (+14 %) from 7.00" in words
    assert "Entries 3 from 2" in words
    assert "Total 3 8.00 8.00 7.00 +1.00" in words


def test_a_report_that_compares_nothing_has_nothing_of_before(
    browser: Client, owner: User, colleague: User
) -> None:
    make_two_periods(owner, colleague)
    answer = browser.get(page(f"{RANGE}&by=project"))
    assert groups_of(answer)[0] == ["Site", "2", "5.00", "5.00", "62 %"]
    assert len(groups_of(answer)) == 2
    assert answer.context["whole"].before is None


def test_days_weeks_and_months_are_compared_with_as_many_days_earlier(
    browser: Client, owner: User, colleague: User
) -> None:
    make_two_periods(owner, colleague)
    days = {row[0]: row[4:6] for row in groups_of(browser.get(page(f"{COMPARED}&by=day")))}
    assert days == {
        "2024-01-15": ["2.00", "+2.00"],
        "2024-01-18": ["0.00", "+3.00"],
        "2024-01-24": ["5.00", "\N{MINUS SIGN}4.00"],
    }
    weeks = {row[0]: row[4:6] for row in groups_of(browser.get(page(f"{COMPARED}&by=week")))}
    assert weeks == {
        "2024-W03": ["2.00", "+5.00"],
        "2024-W04": ["5.00", "\N{MINUS SIGN}4.00"],
    }
    [month] = groups_of(browser.get(page(f"{COMPARED}&by=month")))
    assert month[4:6] == ["7.00", "+1.00"]


@pytest.mark.parametrize("levels", LEVELS)
def test_every_counterpart_is_a_sum_and_leads_to_its_entries(
    browser: Client, owner: User, colleague: User, levels: str
) -> None:
    make_two_periods(owner, colleague)
    answer = browser.get(page(f"{COMPARED}&{levels}"))
    whole = answer.context["whole"]
    assert (whole.seconds, whole.before.seconds) == (8 * 3600, 7 * 3600)
    leaves = [path[-1] for path in whole.leaves()]
    assert sum(leaf.before.seconds for leaf in leaves) == whole.before.seconds
    assert sum(leaf.more_seconds for leaf in leaves) == whole.more_seconds
    for linked in answer.context["rows"]:
        entries = browser.get(page(linked.query_before, "entries"))
        totals, before = entries.context["totals"], linked.row.group.before
        assert (totals.seconds, totals.entries) == (before.seconds, before.entries), unquote(
            linked.query_before
        )


@pytest.mark.parametrize("order", ["before", "-before", "difference", "-difference"])
def test_groups_are_sorted_by_the_period_before(
    browser: Client, owner: User, colleague: User, order: str
) -> None:
    make_two_periods(owner, colleague)
    rows = browser.get(page(f"{COMPARED}&by=project&sort={order}")).context["rows"]
    groups = [linked.row.group for linked in rows]
    values = [
        each.before.seconds if order.strip("-") == "before" else each.more_seconds
        for each in groups
    ]
    assert values == sorted(values, reverse=order.startswith("-"))


def lines_of(browser: Client, query: str, name: str) -> list[list[Any]]:
    """The lines of a file."""
    answer: Any = browser.get(page(f"{query}&format={name}"))
    content = b"".join(answer.streaming_content)
    if name == "csv":
        return list(csv.reader(content.decode("utf-8-sig").splitlines()))
    answer.close()
    sheet = load_workbook(BytesIO(content)).worksheets[0]
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def test_files_have_the_columns_too(bookkeeper: Client, owner: User, colleague: User) -> None:
    make_two_periods(owner, colleague)
    titles, *rows, total = lines_of(bookkeeper, f"{COMPARED}&by=project", "csv")
    first = titles.index("Entries before")
    assert titles[first:] == [
        *("Entries before", "Seconds before", "Hours before", "Hours difference"),
        *("Amount before EUR", "Amount difference EUR"),
        *("Amount before JPY", "Amount difference JPY"),
    ]
    assert [row[first:] for row in [*rows, total]] == [
        ["1", "7200", "2.00", "3.00", "100.00", "150.00", "0", "0"],
        ["0", "0", "0.00", "3.00", "0.00", "0.00", "0", "0"],
        ["1", "18000", "5.00", "-5.00", "0.00", "0.00", "45000", "-45000"],
        ["2", "25200", "7.00", "1.00", "100.00", "150.00", "45000", "-45000"],
    ]
    sheet = lines_of(bookkeeper, f"{COMPARED}&by=project", "xlsx")
    assert sheet[0] == titles
    assert [row[first + 3 :] for row in sheet[1:]] == [
        [3, 100, 150, 0, 0],
        [3, 0, 0, 0, 0],
        [-5, 0, 0, 45000, -45000],
        [1, 100, 150, 45000, -45000],
    ]


def test_amounts_are_compared_for_who_may_view_them(
    bookkeeper: Client, owner: User, colleague: User
) -> None:
    make_two_periods(owner, colleague)
    site, _, old = groups_of(bookkeeper.get(page(f"{COMPARED}&by=project")))
    assert site[4:6] == ["2.00100.00 EUR", "+3.00+150.00 EUR"]
    assert old[4:6] == ["5.0045,000 JPY", "\N{MINUS SIGN}5.00\N{MINUS SIGN}45,000 JPY"]


def test_others_get_no_amounts_of_before(browser: Client, owner: User, colleague: User) -> None:
    make_two_periods(owner, colleague)
    words = browser.get(page(f"{COMPARED}&by=project")).content.decode()
    file = lines_of(browser, f"{COMPARED}&by=project", "csv")
    for text in (words, str(file)):
        assert not any(mark in text for mark in ("EUR", "JPY", "45,000", "45000"))


@pytest.mark.parametrize(
    ("query", "before"),
    [
        pytest.param("start=2024-03-01&end=2024-03-31", ("2024-01-30", "2024-02-29"), id="month"),
        pytest.param("start=1970-01-01&end=1970-01-05", ("1969-12-27", "1969-12-31"), id="first"),
        pytest.param("start=2024-01-15&end=2024-01-15", ("2024-01-14", "2024-01-14"), id="day"),
    ],
)
def test_the_period_before_is_as_long(
    browser: Client, query: str, before: tuple[str, str]
) -> None:
    answer = browser.get(page(f"{query}&compare=previous"))
    assert answer.context["before"] == tuple(map(date.fromisoformat, before))


def test_only_known_periods_are_compared(browser: Client) -> None:
    answer = browser.get(page(f"{RANGE}&compare=next"))
    assert "Select a valid choice" in text_of(answer.content.decode())


def test_a_comparison_costs_the_same_for_one_entry_and_for_many(
    browser: Client,
    owner: User,
    colleague: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for more in (1, 12):
        for number in range(more):
            site = make_project(f"Site {more}.{number}")
            make_entry(owner, site, NINE + timedelta(days=number % 9))
            make_entry(colleague, site, NINE - timedelta(days=1 + number % 9))
        with django_assert_num_queries(11):  # one more than a report
            query = f"{COMPARED}&by=user&by2=project&by3=day"
            assert browser.get(page(query)).status_code == 200
