"""Queries that no database can answer are refused by every page of the admin."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.support.factories import make_administrator, make_project, make_user
from timeentries.models import TimeEntry


@pytest.fixture
def browser(db: None, client: Client) -> Client:
    client.force_login(make_administrator())
    return client


@pytest.mark.parametrize(
    "path",
    [
        "timeentries/timeentry/?start_time__year=9999",
        "timeentries/timeentry/?billable__exact=%00",
        "timeentries/timeentry/?person=%00",
        "timeentries/timeentry/?user__id__exact=" + "9" * 30,
        "users/user/?id=" + "9" * 30,
        "autocomplete/?app_label=timeentries&model_name=timeentry&field_name=user&term=%00",
    ],
)
def test_an_unanswerable_query_is_a_bad_request(browser: Client, path: str) -> None:
    browser.raise_request_exception = False
    assert browser.get(f"/admin/{path}").status_code == 400


def test_words_may_be_long_numbers(browser: Client) -> None:
    assert browser.get("/admin/timeentries/timeentry/?q=" + "9" * 30).status_code == 200


def test_a_timer_that_starts_later_does_not_run_now(browser: Client) -> None:
    person = make_user("later")
    start = timezone.now() + timedelta(hours=1)
    TimeEntry.objects.create(user=person, project=make_project(), start_time=start)
    assert b"later" not in browser.get("/admin/reports/report/running/").content


@pytest.mark.parametrize(("said", "stored"), [("unknown", False), ("true", True)])
def test_an_entry_is_billable_as_its_project_is(
    browser: Client, said: str, *, stored: bool
) -> None:
    project = make_project(billable=False)
    form = {"user": make_user().pk, "project": project.pk, "billable": said}
    times = {"start_time_0": "2026-03-02", "start_time_1": "09:00:00"}
    browser.post("/admin/timeentries/timeentry/add/", form | times)
    assert TimeEntry.objects.get().billable is stored


@pytest.mark.parametrize("query", ["user=abc", "start_time=9999-99-99", "user=" + "9" * 18])
def test_a_form_is_filled_with_what_fits_its_fields(browser: Client, query: str) -> None:
    assert browser.get(f"/admin/timeentries/timeentry/add/?{query}").status_code == 200


@pytest.mark.parametrize("selected", ["abc", "\0", "9" * 30])
@pytest.mark.parametrize("model", ["timeentries/timeentry", "apitokens/apitoken"])
def test_a_selection_is_of_whole_numbers(browser: Client, model: str, selected: str) -> None:
    browser.raise_request_exception = False
    data = {"action": "delete_selected", "_selected_action": [selected]}
    assert browser.post(f"/admin/{model}/", data).status_code == 400
