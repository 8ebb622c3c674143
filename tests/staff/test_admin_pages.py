"""The admin's pages: every model has its own, and each costs the same for many rows."""

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from projects.models import Project
from rates.models import Rate
from tests.support.admin import admin_as, messages_of, rows_of, url
from tests.support.factories import (
    NINE,
    issue_token,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from timeentries.models import TimeEntry
from users.models import User


def models_in_the_admin() -> list[type[Model]]:
    return [model for model in apps.get_models() if admin.site.is_registered(model)]


def make_row_of_each(number: int) -> dict[str, Model]:
    """A row of every model, referring to rows of its own."""
    user = make_user(f"user {number}", time_zone="Europe/Berlin")
    client = make_client(f"Client {number}")
    project = make_project(f"Project {number}", client=client)
    task = make_task(project, f"Task {number}", assignee=user)
    rows = [
        user,
        client,
        project,
        task,
        make_entry(user, project, task=task, tags="design,urgent"),
        issue_token(user, "read:tasks")[0],
        Group.objects.create(name=f"Group {number}"),
        Rate.objects.create(user=user, project=project, hourly_rate=number),
    ]
    return {row._meta.label: row for row in rows}


def test_every_model_is_asked_here(db: None) -> None:
    # tests/{billing,books,changes,reports,webhooks}/test_admin.py
    elsewhere = {
        *("billing.Bill", "books.Books", "changes.Change", "reports.Report"),
        *("webhooks.Webhook", "webhooks.Delivery"),
    }
    asked = set(make_row_of_each(0)) | elsewhere
    assert {model._meta.label for model in models_in_the_admin()} == asked


# Queries of the list, the empty form and the form of a row. Session and user for each page; two
# counts and the page for a list.
QUERIES = {
    "clients.Client": (5, 2, 3),
    "projects.Project": (5, 2, 4),  # the client
    "tasks.Task": (5, 2, 5),  # the project, the assignee
    "timeentries.TimeEntry": (7, 2, 6),
    "apitokens.ApiToken": (5, 2, 9),  # twice the token; use, rotation, events
    "users.User": (6, 2, 7),
    "auth.Group": (5, 3, 5),
    "rates.Rate": (5, 2, 7),
}


def test_pages_cost_the_same_for_one_row_and_for_twenty(
    administrator: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = admin_as(administrator)
    rows = make_row_of_each(0)
    pages = {
        page: queries
        for label, of_each in QUERIES.items()
        for page, queries in zip(pages_of(rows[label]), of_each, strict=True)
    }
    for page in pages:
        browser.get(page)
    for more in (0, 19):
        for number in range(more):
            make_row_of_each(number + 1)
        for page, queries in pages.items():
            with django_assert_num_queries(queries, info=page):
                assert browser.get(page).status_code == 200


def pages_of(row: Model) -> list[str]:
    """The list, the empty form and the form of a row."""
    model = type(row)
    return [url(model, "changelist"), url(model, "add"), url(model, "change", row.pk)]


def test_pages_need_nothing_that_the_content_security_policy_forbids(administrator: User) -> None:
    browser = admin_as(administrator)
    rows = make_row_of_each(0).values()
    pages = [reverse("admin:index"), reverse("admin:password_change")]
    for row in rows:
        pages += [url(type(row), "changelist"), url(type(row), "add")]
        pages += [url(type(row), page, row.pk) for page in ("change", "history")]
    for page in pages:
        answer = browser.get(page)
        markup = answer.content.decode()
        assert answer.status_code == 200
        assert re.findall(r"<script(?![^>]* src=)[^>]*(?<!application/json\")>", markup) == []
        assert re.findall(r"<style|\sstyle=|\son[a-z]+=", markup) == []
        assert re.findall(r"(?:src|href|action)=\"(?:https?:)?//[^\"]*", markup) == []


def test_index_is_in_two_sections(administrator: User) -> None:
    response = admin_as(administrator).get(reverse("admin:index"))
    assert {
        section["name"]: [model["name"] for model in section["models"]]
        for section in response.context["app_list"]
    } == {
        "Work": [
            *("Projects", "Time entries", "Tasks", "Clients", "Rates", "Bills", "Books"),
            *("Changes", "Reports"),
        ],
        "Access": ["Deliveries", "Webhooks", "Users", "API tokens", "Groups"],
    }


def test_index_shows_staff_what_they_may(owner: User) -> None:
    staff = make_user("stan", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_project"))
    response = admin_as(staff).get(reverse("admin:index"))
    assert [
        (section["name"], [model["name"] for model in section["models"]])
        for section in response.context["app_list"]
    ] == [("Work", ["Projects"])]


def test_the_site_has_our_name(client: Browser) -> None:
    page = client.get(reverse("admin:login")).content.decode()
    assert "<title>Log in | TimeTracker</title>" in page
    assert re.findall(r'<div id="site-name"><a href="/admin/">(.*?)</a>', page) == ["TimeTracker"]


def test_the_list_of_time_entries(administrator: User, owner: User, colleague: User) -> None:
    site, shop = make_project("Site"), make_project("Shop")
    make_entry(owner, site, lasting=timedelta(hours=26, seconds=61), tags="design,urgent")
    make_entry(colleague, shop, NINE + timedelta(days=3), None, task=make_task(shop))
    browser = admin_as(administrator)
    running = ["2024-01-18 09:00", "running", "", "carl", "Shop", "Draft", "", "-"]
    finished = ["2024-01-15 09:00", "26:01:01", "", "olga", "Site", "-", "", "design, urgent"]
    for query, rows in {
        "": [running, finished],
        "timer=running": [running],
        "timer=finished": [finished],
        "q=urgent": [finished],
        "q=carl": [running],
        "billable__exact=0": [],
    }.items():
        assert rows_of(browser.get(f"{url(TimeEntry, 'changelist')}?{query}")) == rows


@pytest.mark.parametrize(
    ("label", "field", "term", "found"),
    [
        ("apitokens.ApiToken", "user", "user 1", ["user 1"]),
        ("projects.Project", "client", "client", ["Client 0", "Client 1"]),
        ("tasks.Task", "project", "project 0", ["Project 0"]),
        ("tasks.Task", "assignee", "user 0", ["user 0"]),
        ("timeentries.TimeEntry", "user", "nobody", []),
        ("timeentries.TimeEntry", "project", "client 1", ["Project 1"]),
        ("timeentries.TimeEntry", "task", "task", ["Task 0", "Task 1"]),
    ],
)
def test_autocompletion(
    administrator: User, label: str, field: str, term: str, found: list[str]
) -> None:
    make_row_of_each(0)
    make_row_of_each(1)
    app_label, model_name = label.lower().split(".")
    query = {"app_label": app_label, "model_name": model_name, "field_name": field, "term": term}
    response = admin_as(administrator).get(reverse("admin:autocomplete"), query)
    assert response.status_code == 200
    assert [result["text"] for result in response.json()["results"]] == found


def test_projects_are_archived_and_never_deleted(administrator: User) -> None:
    site, shop, old = make_project(), make_project("Shop"), make_project("Old", status="archived")
    browser = admin_as(administrator)
    before = timezone.now()
    data = {"action": "archive_selected", "_selected_action": [site.pk, old.pk]}
    response = browser.post(url(Project, "changelist"), data)
    assert messages_of(response) == ["1 project archived."]
    assert list(Project.objects.values_list("name", "status")) == [
        ("Old", "archived"),
        ("Shop", "active"),
        ("Site", "archived"),
    ]
    assert list(Project.objects.filter(updated_at__gt=before)) == [site]
    assert str(LogEntry.objects.get()) == "Changed “Site” — Archived."
    response = browser.post(url(Project, "delete", shop.pk), {"post": "yes"})
    assert response.status_code == 403


def test_what_is_referred_to_cannot_be_deleted(administrator: User) -> None:
    rows = make_row_of_each(0)
    browser = admin_as(administrator)
    for label in ("clients.Client", "tasks.Task"):
        row = rows[label]
        response = browser.post(url(type(row), "delete", row.pk), {"post": "yes"})
        assert (response.status_code, len(response.context["protected"])) == (200, 1)
        assert type(row)._default_manager.count() == 1


def test_what_nothing_refers_to_is_deleted(administrator: User, owner: User) -> None:
    project = make_project()
    browser = admin_as(administrator)
    for row in (make_client(), make_entry(owner, project), make_task(project)):
        response = browser.post(url(type(row), "delete", row.pk), {"post": "yes"})
        assert response.status_code == 302
        assert not type(row)._default_manager.exists()
