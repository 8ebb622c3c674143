"""Reports in the admin: who sees them, that their numbers agree, and what they cost."""

import csv
import re
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries
from rest_framework.exceptions import ValidationError

from billing.models import Bill
from projects.models import Project
from reports.admin.periods import PERIODS, dates_of
from reports.exports import FILES, Table
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

PAGES = ("changelist", "entries", "running", "weekly", "saved", "shared")
JANUARY = "start=2024-01-01&end=2024-01-31"


def page(name: str, query: str = "") -> str:
    return f"{reverse(f'admin:reports_report_{name}')}?{query}"


def make_month(owner: User, colleague: User) -> Project:
    """Hours of two people in January, with and without client, task and tags."""
    site = make_project(client=make_client())
    task, other = make_task(site), make_project("Talks")
    make_entry(owner, site, task=task, tags="urgent,fix")
    make_entry(owner, site, NINE + timedelta(days=1), tags="urgent", billable=False)
    make_entry(colleague, site, NINE + timedelta(days=8), timedelta(hours=2))
    make_entry(colleague, other, NINE.replace(hour=23) + timedelta(days=8))
    make_entry(colleague, other, NINE + timedelta(days=31))
    return site


def groups_of(answer: Any) -> list[list[str]]:
    """The rows of the groups, without their bars."""
    body = re.search(
        r"<table class=\"groups.*?<tbody>(.*?)</tbody>", answer.content.decode(), re.S
    )
    assert body
    rows = re.findall(r"<tr.*?</tr>", body[1], re.DOTALL)
    return [
        [text_of(cell) for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.S)] for row in rows
    ]


@pytest.mark.parametrize("name", PAGES)
def test_only_who_has_the_permission_sees_a_page(browser: Client, owner: User, name: str) -> None:
    assert browser.get(page(name)).status_code == 200
    without = make_user("sue", is_staff=True)
    assert admin_as(without).get(page(name)).status_code == 403
    assert admin_as(owner).get(page(name)).status_code == 302


def test_menu_shows_reports_to_who_may_see_them(browser: Client) -> None:
    index = browser.get(reverse("admin:index"))
    assert [
        model["name"] for section in index.context["app_list"] for model in section["models"]
    ] == ["Reports"]
    without = admin_as(make_user("sue", is_staff=True)).get(reverse("admin:index"))
    assert without.context["app_list"] == []


def test_report_groups_everybodys_hours(browser: Client, owner: User, colleague: User) -> None:
    make_month(owner, colleague)
    answer = browser.get(page("changelist", f"{JANUARY}&by=client&by2=user"))
    assert groups_of(answer) == [
        ["Fern & Sons", "3", "4.00", "3.00", "80 %"],
        ["olga", "2", "2.00", "1.00", "40 %"],
        ["carl", "1", "2.00", "2.00", "40 %"],
        ["No client", "1", "1.00", "1.00", "20 %"],
        ["carl", "1", "1.00", "1.00", "20 %"],
    ]
    chart = answer.context["chart"]
    hours = {group.name: group.seconds for group in chart.groups if group.seconds}
    # The last one starts at midnight in Berlin.
    assert hours == {
        "2024-01-15": 3600,
        "2024-01-16": 3600,
        "2024-01-23": 7200,
        "2024-01-24": 3600,
    }
    assert [bar.name for bar in chart.bars.bars] == [f"2024-01-{day:02}" for day in range(1, 32)]


@pytest.mark.parametrize("order", ["name", "-name", "entries", "-hours", "billable", "nonsense"])
def test_groups_are_sorted_by_a_column(
    browser: Client, owner: User, colleague: User, order: str
) -> None:
    make_month(owner, colleague)
    answer = browser.get(page("changelist", f"{JANUARY}&by=day&sort={order}"))
    column = {"name": 0, "entries": 1, "hours": 2, "billable": 3}.get(order.strip("-"), 0)
    values = [row[column] for row in groups_of(answer)]
    assert values == sorted(values, reverse=order.startswith("-"))


@pytest.mark.parametrize(
    "levels",
    [
        "by=project&by2=task",
        "by=user&by2=client&by3=tag",
        "by=task",
        "by=week&by2=day",
        "by=month",
    ],
)
@pytest.mark.parametrize("rest", ["", "&tag=urgent", "&billable=true", "&task=none"])
def test_every_group_leads_to_its_entries(
    browser: Client, owner: User, colleague: User, levels: str, rest: str
) -> None:
    make_month(owner, colleague)
    answer = browser.get(page("changelist", f"{JANUARY}&{levels}{rest}"))
    assert answer.context["rows"]
    for linked in answer.context["rows"]:
        entries = browser.get(page("entries", linked.query))
        totals = vars(entries.context["totals"])
        assert totals.items() <= vars(linked.row.group).items(), unquote(linked.query)
    everything = browser.get(page("entries", answer.context["links"].all_entries()))
    assert everything.context["totals"].seconds == answer.context["whole"].seconds


@pytest.mark.parametrize("name", ["changelist", "entries"])
def test_files_hold_what_the_page_shows(
    browser: Client, owner: User, colleague: User, name: str
) -> None:
    site = make_month(owner, colleague)
    answer = browser.get(page(name, f"{JANUARY}&project={site.pk}&by=user&sort=name"))
    (to_csv, _), (to_xlsx, _) = answer.context["links"].files()
    file: Any = browser.get(page(name, to_csv))
    lines = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()
    *rows, last = csv.DictReader(lines)
    assert last["Hours"] == "4.00"
    assert [row["User"] for row in rows] == (
        ["carl", "olga"] if name == "changelist" else ["carl", "olga", "olga"]
    )
    file = browser.get(page(name, to_xlsx))
    sheet = load_workbook(BytesIO(b"".join(file.streaming_content))).active
    file.close()
    assert sheet is not None
    assert sheet.max_row == len(rows) + 2  # the titles and the totals


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param(
            "start=2024-02-01&end=2024-01-01", "“From” must not be after “To”.", id="reversed"
        ),
        pytest.param("start=yesterday", "Enter a valid date", id="no date"),
        pytest.param("start=1800-01-01", "1970 to 2200", id="early"),
        pytest.param("user=0", "Select a valid choice", id="nobody"),
        pytest.param("by=colour", "Select a valid choice", id="no level"),
    ],
)
@pytest.mark.parametrize("name", ["changelist", "entries"])
def test_page_says_what_is_wrong(browser: Client, name: str, query: str, sentence: str) -> None:
    answer = browser.get(page(name, query))
    assert answer.status_code == 200
    assert sentence in text_of(answer.content.decode())


def test_too_many_groups_are_a_sentence(
    browser: Client, owner: User, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_month(owner, colleague)
    monkeypatch.setattr("reports.groups.MOST_LEAVES", 1)
    answer = browser.get(page("changelist", f"{JANUARY}&by=user"))
    assert "Narrow the range" in text_of(answer.content.decode())


def test_too_many_rows_for_a_sheet_are_a_sentence(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(table: Table) -> HttpResponse:
        raise ValidationError({"format": ["XLSX holds at most 1 rows"]})

    monkeypatch.setitem(FILES, "xlsx", refuse)
    answer = browser.get(page("entries", f"{JANUARY}&format=xlsx"))
    assert "XLSX holds at most 1 rows" in text_of(answer.content.decode())


def test_rows_end_somewhere_on_the_page(
    browser: Client, owner: User, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_month(owner, colleague)
    monkeypatch.setattr("reports.admin.pages.MOST_ROWS", 1)
    answer = browser.get(page("changelist", f"{JANUARY}&by=user"))
    assert len(groups_of(answer)) == 1
    assert "Export a file to get all rows" in text_of(answer.content.decode())


def test_tasks_are_those_of_the_project(browser: Client, project: Project) -> None:
    other = make_task(make_project("Talks"), "Slides")
    make_task(project)
    query = f"project={project.pk}&task={other.pk}"
    form = browser.get(page("changelist", query)).context["form"]
    assert [label for _, label in form.fields["task"].choices] == ["All", "No task", "Draft"]
    assert form.cleaned_data["task"] == ""


@pytest.mark.parametrize(
    ("start", "end", "unit", "bars"),
    [
        ("2024-01-01", "2024-12-31", "day", 366),
        ("2023-01-01", "2024-12-31", "week", 106),
        ("2015-01-01", "2024-12-31", "month", 120),
    ],
)
def test_long_ranges_have_broader_bars(
    browser: Client, owner: User, project: Project, start: str, end: str, unit: str, bars: int
) -> None:
    make_entry(owner, project)
    shown = browser.get(page("changelist", f"start={start}&end={end}")).context["chart"]
    assert (shown.unit, len(shown.bars.bars)) == (unit, bars)
    assert sum(group.seconds for group in shown.groups) == 3600


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", "2024-01-03", "2024-01-03"),
        ("this_week", "2024-01-01", "2024-01-07"),
        ("last_week", "2023-12-25", "2023-12-31"),
        ("this_month", "2024-01-01", "2024-01-31"),
        ("last_month", "2023-12-01", "2023-12-31"),
        ("this_year", "2024-01-01", "2024-12-31"),
    ],
)
def test_periods(period: str, first: str, last: str) -> None:
    assert period in PERIODS
    dates = dates_of(period, date(2024, 1, 3))
    assert dates == (date.fromisoformat(first), date.fromisoformat(last))


def test_chart_of_groups_has_the_largest_and_the_rest_as_one(
    browser: Client, owner: User, colleague: User
) -> None:
    for number in range(1, 13):
        lasting = timedelta(minutes=30 * number)
        make_entry(owner, make_project(f"Site {number}"), lasting=lasting, billable=number > 3)
    make_entry(colleague, make_project("Old"), NINE - timedelta(days=31))
    query = f"{JANUARY}&by=project&by2=user&sort=name&chart=groups&compare=previous"
    answer = browser.get(page("changelist", query))
    names = [f"Site {number}" for number in range(12, 3, -1)]
    shown = answer.context["chart"]
    assert [(row.name, row.words) for row in shown.rows.rows[-2:]] == [
        ("Site 4", "2.00 h, 5 %"),
        ("Other (4)", "3.00 h, 8 %"),
    ]
    assert [group.name for group in shown.groups] == [*names, "Other (4)"]
    assert sum(group.seconds for group in shown.groups) == answer.context["whole"].seconds
    assert sum(group.billable_seconds for group in shown.groups) == 36 * 3600
    assert "Hours by project" in text_of(answer.content.decode())


def test_few_groups_have_no_rest(browser: Client, owner: User, colleague: User) -> None:
    make_month(owner, colleague)
    answer = browser.get(page("changelist", f"{JANUARY}&by=user&chart=groups"))
    assert [(row.name, row.words) for row in answer.context["chart"].rows.rows] == [
        ("carl", "3.00 h, 60 %"),
        ("olga", "2.00 h, 40 %"),
    ]
    assert "Hours by user" in text_of(answer.content.decode())


def test_running_shows_timers_alone(browser: Client, owner: User, project: Project) -> None:
    make_entry(owner, project, notes="finished")
    make_entry(owner, project, lasting=None, notes="going on")
    text = text_of(browser.get(page("running")).content.decode())
    assert "1 timer running" in text
    assert "olga 2024-01-15 10:00" in text  # Berlin's
    assert "going on" in text
    assert "finished" not in text


def test_running_shows_which_timers_are_paused(
    browser: Client, owner: User, project: Project
) -> None:
    paused_at = NINE + timedelta(hours=2)
    make_entry(owner, project, lasting=None, break_seconds=1800, paused_at=paused_at)
    text = text_of(browser.get(page("running")).content.decode())
    assert "1:30 paused" in text


def test_timesheet_shows_who_worked_and_who_did_not(
    browser: Client, owner: User, colleague: User
) -> None:
    make_month(owner, colleague)
    sheet = browser.get(page("weekly", "week=2024-01-17")).context["sheet"]
    assert {line.name: [cell.seconds for cell in line.cells] for line in sheet.lines} == {
        "carl": [0] * 7,
        "olga": [3600, 3600, 0, 0, 0, 0, 0],
        "stan": [0] * 7,
    }
    assert [cell.gap for cell in sheet.lines[1].cells] == [False] * 2 + [True] * 3 + [False] * 2
    assert (sheet.totals, sheet.seconds) == ([3600, 3600, 0, 0, 0, 0, 0], 7200)
    assert (sheet.name, str(sheet.previous), str(sheet.next)) == (
        "2024-W03",
        "2024-01-08",
        "2024-01-22",
    )
    entries = browser.get(page("entries", sheet.lines[1].cells[0].query))
    assert entries.context["totals"].seconds == 3600


@pytest.mark.parametrize("week", ["", "soon", "0001-01-01", "9999-12-31"])
def test_timesheet_of_any_week(browser: Client, week: str) -> None:
    assert browser.get(page("weekly", f"week={week}")).status_code == 200


@pytest.mark.parametrize(
    ("name", "query", "queries"),
    [
        pytest.param("changelist", f"{JANUARY}&by=user&by2=project&by3=day", 10, id="report"),
        # The groups are already there: no query for the days.
        pytest.param("changelist", f"{JANUARY}&by=user&by2=day&chart=groups", 9, id="groups"),
        pytest.param("entries", JANUARY, 9, id="entries"),
        pytest.param("running", "", 5, id="running"),
        pytest.param("weekly", "week=2024-01-15", 6, id="timesheet"),
    ],
)
def test_pages_cost_the_same_for_one_entry_and_for_many(
    browser: Client,
    owner: User,
    colleague: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    name: str,
    query: str,
    queries: int,
) -> None:
    for more in (1, 12):
        for number in range(more):
            site = make_project(
                f"Site {more}.{number}", client=make_client(f"Client {more}.{number}")
            )
            start = NINE + timedelta(days=number)
            make_entry(owner, site, start, task=make_task(site))
            make_entry(make_user(f"u{more}{number}"), site, start, lasting=None)
        with django_assert_num_queries(queries):
            assert browser.get(page(name, query)).status_code == 200


def test_entries_of_an_empty_range_are_a_page_too(browser: Client, owner: User) -> None:
    text = text_of(browser.get(page("entries", JANUARY)).content.decode())
    assert "2024-01-01 to 2024-01-31 in Europe/Berlin" in text
    assert "Hours0.00" in text
    assert "Export: CSV XLSX" in text
    assert "No finished entries match this range and these filters." in text


def test_a_start_in_the_future_says_what_the_end_is(browser: Client) -> None:
    answer = browser.get(page("changelist", "start=2199-01-01"))
    assert answer.context["form"].non_field_errors() == [
        "“From” must not be after “To”, which defaults to today."
    ]


def test_people_have_their_full_names_and_a_little_time_is_not_none(
    browser: Client, owner: User
) -> None:
    owner.first_name, owner.last_name = "Olga", "Lind"
    owner.save()
    make_entry(owner, make_project(), lasting=timedelta(seconds=17))
    report = browser.get(page("changelist", f"{JANUARY}&by=user"))
    assert groups_of(report) == [["Olga Lind", "1", "< 0.01", "< 0.01", "100 %"]]
    for name, query in (("entries", JANUARY), ("weekly", "week=2024-01-15")):
        assert "Olga Lind" in text_of(browser.get(page(name, query)).content.decode())


@pytest.fixture
def bookkeeper(staff: User) -> Client:
    """The browser of staff who may view amounts too."""
    staff.user_permissions.add(Permission.objects.get(codename="view_amounts"))
    return admin_as(User.objects.get(pk=staff.pk))


def make_worth(owner: User) -> None:
    """Two hours that are worth 123.40 EUR each, a billed one, and one that is worth 9870 JPY."""
    euro = make_client(currency="EUR", default_hourly_rate=Decimal("123.40"))
    site = make_project(client=euro, estimated_hours=4)
    make_entry(owner, site)
    billed = make_entry(owner, site, NINE + timedelta(days=1))
    bill = Bill.objects.create(reference="1", selection={}, billed_at=NINE)
    TimeEntry.objects.filter(pk=billed.pk).update(bill=bill)
    yen = make_client("Hikari", currency="JPY", default_hourly_rate=9870, rounding="60 up")
    make_entry(owner, make_project("Talks", client=yen), lasting=timedelta(minutes=50))


AMOUNTS = re.compile(r"246[.]80|123[.]4|9,?870|EUR|JPY")
OF_MONEY = [
    pytest.param("changelist", f"{JANUARY}&by=project", id="report"),
    pytest.param("entries", JANUARY, id="entries"),
    pytest.param("weekly", "week=2024-01-15", id="timesheet"),
    pytest.param("changelist", f"{JANUARY}&by=project&format=csv", id="csv of a report"),
    pytest.param("entries", f"{JANUARY}&format=csv", id="csv of entries"),
    pytest.param("changelist", f"{JANUARY}&by=project&format=xlsx", id="xlsx of a report"),
    pytest.param("entries", f"{JANUARY}&format=xlsx", id="xlsx of entries"),
]


def words_of(answer: Any) -> str:
    """All words and numbers of a page or a file."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if content[:2] != b"PK":
        return str(content.decode())
    cells = [
        f"{cell.value} {cell.number_format}"
        for row in load_workbook(BytesIO(content)).worksheets[0].iter_rows()
        for cell in row
    ]
    return "\n".join(cells)


@pytest.mark.parametrize(("name", "query"), OF_MONEY)
def test_amounts_are_for_who_may_view_them(
    browser: Client, owner: User, name: str, query: str
) -> None:
    make_worth(owner)
    assert AMOUNTS.search(words_of(browser.get(page(name, query)))) is None


@pytest.mark.parametrize(("name", "query"), OF_MONEY)
def test_who_may_view_amounts_sees_them(
    bookkeeper: Client, owner: User, name: str, query: str
) -> None:
    make_worth(owner)
    found = set(AMOUNTS.findall(words_of(bookkeeper.get(page(name, query)))))
    assert {"EUR", "JPY"} <= found
    assert found & {"9,870", "9870"}


def test_groups_show_their_worth_and_their_estimate(bookkeeper: Client, owner: User) -> None:
    make_worth(owner)
    answer = bookkeeper.get(page("changelist", f"{JANUARY}&by=project"))
    assert groups_of(answer) == [
        [
            *("Site 50 % of 4 h estimated", "2", "2.00", "2.00", "2.00"),
            *("246.80 EUR", "123.40 EUR", "71 %"),
        ],
        [
            *("Talks", "1", "0.83", "0.83", "1.00"),
            *("9,870 JPY", "9,870 JPY", "29 %"),
        ],
    ]
    text = text_of(answer.content.decode())
    assert "Rounded hours3.00" in text
    assert "Amount246.80 EUR 123.40 EUR unbilled" in text
