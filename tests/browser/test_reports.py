"""Reports as staff see them."""

import csv
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from billing.models import Bill
from projects.models import Project
from tests.browser.visitor import SCREENSHOTS, Visitor
from tests.support.admin import make_staff
from tests.support.factories import make_client, make_entry, make_project, make_task, make_user
from timeentries.models import TimeEntry
from users.models import User

MONTH = "start=2024-01-01&end=2024-01-31"


@pytest.fixture
def staff(db: None) -> User:
    """Somebody who may see reports and nothing else."""
    return make_staff()


def make_month() -> None:
    """A January of four people, who have timers now."""
    fern = make_client(currency="EUR", default_hourly_rate=Decimal("87.50"), rounding="15 up")
    delta = make_client("Delta Harbour Authority", currency="JPY", default_hourly_rate=12_000)
    projects = [
        make_project("Website relaunch", client=fern, estimated_hours=80),
        make_project("Tide tables", client=delta),
        make_project("Internal"),
    ]
    tasks = [make_task(project, name) for project in projects for name in ("Concept", "Build")]
    zone = timezone.get_current_timezone()
    people = [make_user(name) for name in ("olga", "carl", "maria-magdalena", "tom")]
    for number in range(31 * 8):
        person, task = people[number * 7 % 4], tasks[number * 5 % 6]
        start = datetime(2024, 1, number // 8 + 1, 8 + number % 8, tzinfo=zone)
        if start.weekday() < 5 and number % 5:
            make_entry(
                person,
                task.project,
                start,
                timedelta(minutes=60 + number * 13 % 90),
                task=task,
                notes="Went through the list of open points",
                tags="urgent" if number % 3 else "",
                billable=task.project != projects[2],
            )
    for number, person in enumerate(people[:3]):
        start = timezone.now() - timedelta(minutes=40 + 55 * number)
        make_entry(person, projects[number], start, None, notes="Call with the harbour master")


@pytest.mark.parametrize(
    ("name", "query"),
    [
        pytest.param("changelist", f"{MONTH}&by=client&by2=project&by3=user", id="report"),
        pytest.param("entries", MONTH, id="entries"),
        pytest.param("running", "", id="running"),
        pytest.param("weekly", "week=2024-01-15", id="weekly"),
    ],
)
def test_pages_fit_and_can_be_used_by_everybody(
    visitor: Visitor, staff: User, name: str, query: str
) -> None:
    make_month()
    visitor.log_in(staff)
    visitor.open(f"{reverse(f'admin:reports_report_{name}')}?{query}")
    visitor.look(f"reports-{name}")


@pytest.mark.parametrize(
    ("name", "query"),
    [
        pytest.param("changelist", f"{MONTH}&by=client&by2=project&by3=user", id="report"),
        pytest.param("entries", MONTH, id="entries"),
        pytest.param("weekly", "week=2024-01-15", id="weekly"),
    ],
)
def test_pages_with_amounts_fit(visitor: Visitor, staff: User, name: str, query: str) -> None:
    make_month()
    bill = Bill.objects.create(reference="2024-7", selection={}, billed_at=timezone.now())
    TimeEntry.objects.filter(billable=True, start_time__day__lt=10).update(bill=bill)
    staff.user_permissions.add(Permission.objects.get(codename="view_amounts"))
    visitor.log_in(staff)
    visitor.open(f"{reverse(f'admin:reports_report_{name}')}?{query}")
    visitor.look(f"reports-{name}-amounts")


@pytest.mark.parametrize("amounts", [True, False], ids=["amounts", "hours"])
def test_a_comparison_fits(visitor: Visitor, staff: User, *, amounts: bool) -> None:
    make_month()
    if amounts:
        staff.user_permissions.add(Permission.objects.get(codename="view_amounts"))
    visitor.log_in(staff)
    query = "start=2024-01-16&end=2024-01-29&compare=previous&by=client&by2=project&by3=user"
    visitor.open(f"{reverse('admin:reports_report_changelist')}?{query}")
    visitor.look(f"reports-compared{'-amounts' if amounts else ''}")


def test_a_chart_of_groups_fits(visitor: Visitor, staff: User) -> None:
    make_month()
    visitor.log_in(staff)
    query = f"{MONTH}&by=task&chart=groups"
    visitor.open(f"{reverse('admin:reports_report_changelist')}?{query}")
    visitor.look("reports-chart-of-groups")


@pytest.mark.parametrize("full", [True, False], ids=["full", "empty"])
def test_home_page_fits(visitor: Visitor, staff: User, *, full: bool) -> None:
    if full:
        make_month()
        for days in (0, 7, 7):
            start = timezone.now() - timedelta(days=days, hours=2)
            make_entry(staff, Project.objects.get(name="Tide tables"), start)
        Project.objects.filter(name="Internal").update(estimated_hours=60)
        Project.objects.filter(name="Tide tables").update(estimated_hours=90)
    staff.user_permissions.add(Permission.objects.get(codename="view_amounts"))
    visitor.log_in(staff)
    visitor.open(reverse("admin:index"))
    visitor.look(f"home-{'full' if full else 'empty'}")


def test_share_a_report_and_open_it_elsewhere(visitor: Visitor, staff: User) -> None:
    make_month()
    staff.user_permissions.add(Permission.objects.get(codename="view_amounts"))
    visitor.log_in(staff)
    page = visitor.page
    query = "start=2024-01-16&end=2024-01-29&compare=previous&by=client&by2=user&chart=groups"
    visitor.open(f"{reverse('admin:reports_report_changelist')}?{query}")
    page.get_by_text("Share this report by a link").click()
    page.get_by_label("Title").fill("January for the board")
    page.get_by_label("Hide the names of people").check()
    visitor.look("reports-share")
    page.get_by_role("button", name="Make a link").click()
    visitor.look("reports-link")
    link = page.locator("#secret").inner_text()
    page.get_by_role("link", name="Shared links").first.click()
    visitor.look("reports-shared-links")
    page.context.clear_cookies()
    page.goto(link)
    expect(page.get_by_role("heading", name="January for the board")).to_be_visible()
    expect(page.get_by_text("Person 1").first).to_be_visible()
    visitor.look("reports-shared")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 760, "height": 1000})
    page.screenshot(path=SCREENSHOTS / "reports-shared-printed.png", full_page=True)


def test_save_a_report_and_open_it_again(visitor: Visitor, staff: User) -> None:
    make_month()
    visitor.log_in(staff)
    page = visitor.page
    visitor.open(f"{reverse('admin:reports_report_changelist')}?period=last_month")
    page.get_by_label("Group by").select_option("User")
    page.get_by_role("button", name="Show report").click()
    page.get_by_label("Save this report as").fill("Last month by person")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved as “Last month by person”.")).to_be_visible()
    visitor.look("reports-save")
    page.get_by_role("link", name="Saved reports").click()
    page.get_by_text("Rename or delete").click()
    visitor.look("reports-saved")
    page.get_by_role("link", name="Last month by person").click()
    expect(page.get_by_label("Group by")).to_have_value("user")
    expect(page.get_by_role("link", name="Last month", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    visitor.open(reverse("admin:index"))
    page.get_by_role("link", name="Last month by person").click()


def test_empty_and_wrong_reports_fit_too(visitor: Visitor, staff: User) -> None:
    visitor.log_in(staff)
    address = reverse("admin:reports_report_changelist")
    visitor.open(address)
    expect(visitor.page.get_by_text("No finished entries match")).to_be_visible()
    visitor.look("reports-empty")
    visitor.open(f"{address}?start=2024-02-01&end=2024-01-01")
    expect(visitor.page.get_by_text("“From” must not be after “To”.")).to_be_visible()
    visitor.look("reports-wrong")


def test_build_a_report_drill_down_and_export(
    visitor: Visitor, staff: User, tmp_path: Path
) -> None:
    make_month()
    visitor.log_in(staff)
    visitor.open("/admin/")
    page = visitor.page
    page.get_by_role("main").get_by_role("link", name="Reports").click()
    page.get_by_label("From").fill("2024-01-01")
    page.get_by_label("To", exact=True).fill("2024-01-31")
    page.get_by_label("Client").select_option("Delta Harbour Authority")
    page.get_by_label("Group by").select_option("User")
    page.get_by_label("then by").select_option("Task")
    page.get_by_role("button", name="Show report").click()
    page.get_by_role("link", name="User / Task").click()
    groups = page.get_by_role("table", name="Groups")
    expect(groups.get_by_role("columnheader", name="User / Task")).to_have_attribute(
        "aria-sort", "ascending"
    )
    first = groups.get_by_role("row").nth(1)
    hours = first.get_by_role("cell").nth(1).inner_text()
    person = first.get_by_role("rowheader").inner_text()
    first.get_by_role("link").click()

    expect(page.get_by_text("Client: Delta Harbour Authority")).to_be_visible()
    expect(page.get_by_text(f"User: {person}")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "entries.csv")
    text = (tmp_path / "entries.csv").read_text(encoding="utf-8-sig")
    *rows, total = csv.DictReader(text.splitlines())
    assert {row["User"] for row in rows} == {person}
    assert total["Hours"] == hours
