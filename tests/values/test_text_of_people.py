"""Names of people, tokens and tags: stored, found and sorted as all other texts are."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db.models import Model
from rest_framework.test import APIClient

from apitokens.models import ApiToken
from clients.models import Client
from projects.models import Project
from tasks.models import Task
from tests.support.admin import admin_as, as_shown, rows_of, url
from tests.support.factories import (
    api_as,
    issue_token,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from tests.values.test_text import NFC, NFD, write_past_the_model
from timeentries.models import TimeEntry
from users.models import User
from values.folding import folded, sort_key

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", [User, Group, Client, Project, Task, TimeEntry, ApiToken])
def test_every_list_of_the_admin_finds_alike_on_both_databases(model: type[Model]) -> None:
    page, found = url(model, "changelist"), "İstanbul"
    browser = admin_as(make_administrator())
    person = make_user("omer", first_name="Ömer", last_name=found)
    make_user("other")
    project = make_project(found, client=make_client(found))
    make_task(project, found)
    make_entry(person, make_project("Other"), tags=f"x,{found}")
    issue_token(person, "read:tasks", name=found)
    Group.objects.create(name=found)
    Group.objects.create(name="Other")
    counts = [
        browser.get(f"{page}?q={words}").context["cl"].result_count
        for words in ("istanbul", "ankara", "")
    ]
    assert (counts[:2], counts[2] > 0) == ([1, 0], True)


def test_rows_of_a_person_or_a_token_are_found_alike_on_both_databases() -> None:
    browser = admin_as(make_administrator())
    person = make_user("omer", last_name="İstanbul")
    issue_token(person, "read:tasks", name="STRASSE")
    _, secret = issue_token(person, "write:clients", name="Straße")
    APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}").post("/api/v1/clients", {"name": "Fern"})
    assert len(rows_of(browser.get("/admin/apitokens/apitoken/?person=istanbul"))) == 2
    assert len(rows_of(browser.get("/admin/apitokens/apitoken/?q=strasse+OMER"))) == 2
    journal = "/admin/changes/change/?"
    for query in ("person=istanbul", "by_token=strasse"):
        page = browser.get(f"{journal}{query}")
        assert [change.type for change in page.context["cl"].result_list] == ["client"], query
    term = "app_label=timeentries&model_name=timeentry&field_name=user&term=istanbul"
    results = browser.get(f"/admin/autocomplete/?{term}").json()["results"]
    assert [int(row["id"]) for row in results] == [person.pk]


def test_what_is_found_follows_a_change(owner: User) -> None:
    browser = admin_as(make_administrator())
    page = f"/admin/users/user/{owner.pk}/change/"
    assert browser.post(page, as_shown(browser.get(page)) | {"last_name": NFD}).status_code == 302
    owner.refresh_from_db()
    assert (owner.last_name, str(owner.folded_names).split("\n")[2]) == (NFC, folded(NFC))
    token, _ = issue_token(owner, "read:tasks", name=NFD)
    token.refresh_from_db()
    assert (token.name, token.folded_name) == (NFC, folded(NFC))
    page = f"/admin/apitokens/apitoken/{token.pk}/change/"
    assert browser.post(page, as_shown(browser.get(page)) | {"name": "Ö"}).status_code == 302
    token.refresh_from_db()
    assert token.folded_name == "ö"


def test_people_are_sorted_alike_on_both_databases() -> None:
    administrator = make_administrator("Åsa")
    usernames = ["a_b", "ab", "aB.c", "Ähn", "Åsa", "Bo", "zoe", "Ωm"]
    for name in reversed(usernames):
        if name != "Åsa":
            make_user(name)
    ordered = sorted(usernames, key=sort_key)
    users = api_as(administrator, "admin:all").get("/api/v1/users").json()["users"]
    assert [user["username"] for user in users] == ordered
    browser = admin_as(administrator)
    form = browser.get("/admin/reports/report/").context["form"]
    assert [label for _, label in form.fields["user"].choices][1:] == ordered
    listed = browser.get("/admin/users/user/").context["cl"].result_list
    assert [user.username for user in listed] == ordered


def test_a_migration_brings_names_of_people_and_tokens_up_to_date(owner: User) -> None:
    other, third = make_user("other"), make_user("third")
    tokens = [issue_token(owner, "read:tasks", name=name)[0] for name in "abc"]
    write_past_the_model(owner, username=NFD, first_name=NFD, folded_names=None, sort_username="")
    write_past_the_model(other, username=NFC)
    write_past_the_model(third, last_name=NFD)
    for token, name in zip(tokens, (NFC, NFD, "e\u0301"), strict=True):
        write_past_the_model(token, name=name, folded_name=None)
    for app, name in (("users", "0003"), ("apitokens", "0007")):
        module = import_module(f"{app}.migrations.{name}_names_in_normal_form")
        module.renew_texts(apps, None)
    for person in (owner, other, third):
        person.refresh_from_db()
    assert (owner.username, owner.first_name, other.username) == (NFD, NFC, NFC)
    assert (third.last_name, owner.sort_username) == (NFC, sort_key(NFC))
    assert owner.folded_names == folded(f"{NFC}\n{NFC}\n\n{owner.email}")
    names = ApiToken.objects.order_by("pk").values_list("name", "folded_name")
    assert [*names] == [(NFC, folded(NFC)), (NFD, folded(NFC)), ("é", "é")]
