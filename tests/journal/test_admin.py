"""The journal in the admin."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apitokens.models import ApiToken
from journal.models import Change
from projects.models import Project
from tests.support.admin import admin_as, text_of
from tests.support.factories import api_as, make_client, make_entry, make_user
from users.models import User

LIST = reverse("admin:changes_change_changelist")


@pytest.fixture
def entry_id(owner: User, administrator: User, project: Project) -> int:
    """An entry that a command made, the API changed and the admin deleted."""
    Change.objects.all().delete()
    entry = make_entry(owner, project)
    pk: int = entry.pk
    api = api_as(owner, "write:time_entries")
    api.patch(f"/api/v1/time-entries/{pk}", {"notes": "On it"}, HTTP_X_REQUEST_ID="seven")
    browser = admin_as(administrator)
    path = reverse("admin:timeentries_timeentry_delete", args=[pk])
    browser.post(path, {"post": "yes"}, HTTP_X_REQUEST_ID="eight")
    return pk


def shown(administrator: User, query: str = "") -> list[list[str]]:
    """The list without the times."""
    return [row[1:] for row in rows_of_list(admin_as(administrator).get(f"{LIST}?{query}"))]


def rows_of_list(response: object) -> list[list[str]]:
    """The rows of a list that has no checkboxes."""
    markup = response.content.decode()  # type: ignore[attr-defined]
    _, _, table = markup.partition('<table id="result_list">')
    body = table.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [text_of(f"<td{cell}") for cell in row.split("<td")[1:]] for row in body.split("<tr>")[1:]
    ]


def test_it_shows_who_did_what_by_which_way(administrator: User, entry_id: int) -> None:
    token = ApiToken.objects.get()
    entry = f"Time entry {entry_id}"

    assert shown(administrator) == [
        [entry, "Deleted", "-", "ada", "Admin", "eight"],
        [entry, "Updated", "notes", "olga", str(token), "seven"],
        [entry, "Created", "-", "-", "Command", "-"],
    ]


def test_tokens_are_named_to_those_who_may_see_tokens(owner: User, entry_id: int) -> None:
    staff = make_user("stan", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_change"))
    token = ApiToken.objects.get()
    page = admin_as(staff).get(LIST)
    assert [row[5] for row in rows_of_list(page)] == ["Admin", "API token", "Command"]
    assert token.name not in page.content.decode()
    assert token.prefix not in page.content.decode()
    for query in ({"token__prefix__startswith": "tt_"}, {"by_token": token.name}):
        answer = admin_as(staff).get(LIST, query)
        assert token.name not in text_of(answer.content.decode()).replace("by_token", "")
        assert len(rows_of_list(answer)) in (0, 3)  # as if nothing had been asked, or refused
    staff.user_permissions.add(Permission.objects.get(codename="view_apitoken"))
    page = admin_as(User.objects.get(pk=staff.pk)).get(LIST)
    assert str(token) in [row[5] for row in rows_of_list(page)]


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        pytest.param("type=time_entry", ["Deleted", "Updated", "Created"], id="type"),
        pytest.param("type=client", [], id="another type"),
        pytest.param("action__exact=updated", ["Updated"], id="action"),
        pytest.param("user__id__exact={owner}", ["Updated"], id="who"),
        pytest.param("token__id__exact={token}", ["Updated"], id="token"),
        pytest.param("by_token=token", ["Updated"], id="a part of a token's name"),
        pytest.param("person=LG", ["Updated"], id="a part of a person's name"),
        pytest.param("changed_at__gte={tomorrow}+00:00%2B00:00", [], id="date"),
        pytest.param("q={entry}", ["Deleted", "Updated", "Created"], id="id"),
        pytest.param("q=eight", ["Deleted"], id="request"),
        pytest.param(
            "type=time_entry&object_id={entry}", ["Deleted", "Updated", "Created"], id="row"
        ),
    ],
)
def test_it_can_be_narrowed(
    owner: User, administrator: User, entry_id: int, query: str, actions: list[str]
) -> None:
    words = {
        "owner": owner.pk,
        "token": ApiToken.objects.get().pk,
        "entry": entry_id,
        "tomorrow": (timezone.now() + timedelta(days=1)).date(),
    }

    assert [row[1] for row in shown(administrator, query.format(**words))] == actions


def test_it_leads_to_the_row_while_there_is_one(administrator: User, project: Project) -> None:
    page = admin_as(administrator).get(LIST).content.decode()

    path = reverse("admin:projects_project_change", args=[project.pk])
    assert f'<a href="{path}">Project {project.pk}</a>' in page


def test_nobody_writes_it(administrator: User, project: Project) -> None:
    browser, change = admin_as(administrator), Change.objects.get()

    assert browser.get(reverse("admin:changes_change_add")).status_code == 403
    page = reverse("admin:changes_change_change", args=[change.pk])
    assert "Save" not in browser.get(page).content.decode()
    assert browser.post(page, {"action": "deleted"}).status_code == 403
    delete = reverse("admin:changes_change_delete", args=[change.pk])
    assert browser.post(delete, {"post": "yes"}).status_code == 403


def test_a_deleted_token_is_named_by_its_id(administrator: User, entry_id: int) -> None:
    token = ApiToken.objects.get()
    pk = token.pk
    token.delete()

    assert shown(administrator, "q=seven")[0][4] == f"API token {pk}, deleted"


def test_the_history_of_a_row_leads_to_its_changes(administrator: User, project: Project) -> None:
    history = reverse("admin:projects_project_history", args=[project.pk])
    page = admin_as(administrator).get(history).content.decode()

    assert f'<a href="{LIST}?type=project&amp;object_id={project.pk}">' in page


def test_staff_who_may_not_read_it_are_not_led_there(project: Project) -> None:
    staff = make_user("stan", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_project"))
    history = reverse("admin:projects_project_history", args=[project.pk])

    browser = admin_as(staff)

    assert LIST not in browser.get(history).content.decode()
    assert browser.get(LIST).status_code == 403


def test_it_costs_the_same_for_any_number_of_rows(
    administrator: User, entry_id: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = admin_as(administrator)
    browser.get(LIST)
    for more in (0, 20):
        for number in range(more):
            make_client(f"Client {number}")
        # session, user, the filters' emptiness, count, page
        with django_assert_num_queries(5):
            assert browser.get(LIST).status_code == 200
