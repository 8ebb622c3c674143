"""Lists of a service that has been used for years: nothing is cut off, wherever one looks."""

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.support.factories import (
    NINE,
    issue_token,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from users.models import User

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft "


def name_of(number: int) -> str:
    """A name of 200 characters, half of them with blanks."""
    return f"{number} {LONG * 3}"[:200].strip()


@pytest.fixture
def years(administrator: User) -> User:
    """What a list has to bear."""
    people = [
        make_user(f"person-{number}", first_name="Maria", last_name=f"Lindqvist {number}")
        for number in range(30)
    ]
    client = make_client(name_of(0))
    projects = [make_project(name_of(number), client=client) for number in range(30)]
    for number, person in enumerate(people):
        task = make_task(projects[number], name_of(number), assignee=person)
        tags = ",".join(f"{'tag' * 12}-{each}" for each in range(4))
        start = NINE + timedelta(days=number)
        make_entry(person, task.project, start, task=task, tags=tags, notes=name_of(number))
    for number in range(300):
        issue_token(people[number % 30], "read:tasks", name=f"Sync of {name_of(number)}"[:100])
    administrator.time_zone = "America/Argentina/Buenos_Aires"
    administrator.save()
    return administrator


@pytest.mark.parametrize(
    "label",
    [
        "apitokens_apitoken",
        "changes_change",
        "timeentries_timeentry",
        "projects_project",
        "tasks_task",
        "clients_client",
        "users_user",
    ],
)
def test_long_lists_fit(visitor: Visitor, years: User, label: str) -> None:
    visitor.log_in(years)
    visitor.open(reverse(f"admin:{label}_changelist"))
    visitor.look(f"big-{label}")
    assert visitor.page.locator("#result_list tbody tr").count() <= 25


def test_filters_of_a_telephone_are_behind_a_button(visitor: Visitor, years: User) -> None:
    visitor.log_in(years)
    page = visitor.page
    page.set_viewport_size({"width": 390, "height": 900})
    visitor.open(reverse("admin:changes_change_changelist"))
    filters = page.locator("#changelist-filter")
    expect(filters).to_be_hidden()
    page.get_by_role("button", name="Filter", exact=True).first.click()
    expect(filters).to_be_visible()
    page.get_by_label("User: a part of the name").fill("Lindqvist 3")
    page.get_by_label("User: a part of the name").press("Enter")
    expect(page.get_by_text("0 changes")).to_be_visible()


def test_a_printed_report_has_no_menus(visitor: Visitor, years: User) -> None:
    visitor.log_in(years)
    page = visitor.page
    visitor.open(
        f"{reverse('admin:reports_report_changelist')}?start=2024-01-01&end=2024-02-28&by=user"
    )
    page.emulate_media(media="print")
    for hidden in (
        "#header",
        ".report-tabs",
        ".periods",
        ".report-form",
        ".files",
        ".theme-toggle",
    ):
        expect(page.locator(hidden).first).to_be_hidden()
    for shown in ("h1", "h2.range", ".totals", "figure.hours svg", "table.groups"):
        expect(page.locator(shown).first).to_be_visible()
    expect(page.get_by_role("rowheader", name="Maria Lindqvist 7")).to_be_visible()
    visitor.page.screenshot(
        path="data/screenshots/print-report.png", full_page=True, caret="initial"
    )
