"""The admin shows and reads times in the viewer's zone, and keeps what is stored."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.support.admin import admin_as, errors_of, rows_of, text_of, url
from tests.support.factories import NINE, make_administrator, make_entry, make_project, make_user
from timeentries.models import TimeEntry
from users.models import User

CHANGED = url(TimeEntry, "changelist")


@pytest.fixture
def berliner(db: None) -> User:
    return make_administrator(time_zone="Europe/Berlin")


@pytest.fixture
def browser(berliner: User) -> Client:
    return admin_as(berliner)


def shown(browser: Client, entry: TimeEntry) -> dict[str, str]:
    """What the form of an entry sends back if nobody touches it."""
    page = browser.get(url(TimeEntry, "change", entry.pk))
    fields = {
        found["name"]: html.unescape(found["value"])
        for found in map(attributes, re.findall(r"<input ([^>]*)>", page.content.decode()))
        if {"name", "value"} <= found.keys() and found["type"] in ("text", "hidden")
    }
    chosen = {"user": str(entry.user_id), "project": str(entry.project_id)}
    return {**fields, **chosen, "billable": "on"}


def attributes(tag: str) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', tag))


def save(browser: Client, entry: TimeEntry, **changes: str) -> Any:
    return browser.post(url(TimeEntry, "change", entry.pk), {**shown(browser, entry), **changes})


def test_a_form_shows_and_reads_the_viewers_zone(browser: Client, berliner: User) -> None:
    entry = make_entry(berliner, make_project())
    fields = shown(browser, entry)
    assert (fields["start_time_0"], fields["start_time_1"]) == ("2024-01-15", "10:00:00")
    assert save(browser, entry, start_time_1="09:00").status_code == 302
    entry.refresh_from_db()
    assert (entry.start_time, entry.end_time) == (
        NINE - timedelta(hours=1),
        NINE + timedelta(hours=1),
    )


def test_lists_and_forms_name_the_zone(browser: Client, berliner: User) -> None:
    entry = make_entry(berliner, make_project())
    for address in (CHANGED, url(TimeEntry, "add"), url(TimeEntry, "change", entry.pk)):
        assert "Times in Europe/Berlin" in text_of(browser.get(address).content.decode())


def test_the_next_request_has_its_own_zone(browser: Client, berliner: User) -> None:
    make_entry(berliner, make_project())
    assert rows_of(browser.get(CHANGED))[0][0] == "2024-01-15 10:00"
    in_utc = admin_as(make_administrator("eve"))
    assert (
        rows_of(in_utc.get(CHANGED))[0][0] == "2024-01-15 09:00 2024-01-15 10:00 in Europe/Berlin"
    )


def test_somebody_elses_zone_stands_beside_an_entry(browser: Client) -> None:
    entry = make_entry(make_user(time_zone="America/New_York"), make_project())
    assert rows_of(browser.get(CHANGED))[0][0] == (
        "2024-01-15 10:00 2024-01-15 04:00 in America/New_York"
    )
    form = text_of(browser.get(url(TimeEntry, "change", entry.pk)).content.decode())
    assert ("2024-01-15 04:00:00-05:00 to 2024-01-15 05:00:00-05:00, America/New_York") in form


SECOND = datetime(2024, 10, 27, 1, 30, 0, 123_456, tzinfo=UTC)  # 02:30 for the second time


def test_an_hour_that_comes_twice_stays_while_nobody_touches_it(
    browser: Client, berliner: User
) -> None:
    entry = make_entry(berliner, make_project(), SECOND, timedelta(minutes=20))
    before = TimeEntry.objects.values().get()
    assert save(browser, entry, notes="Call").status_code == 302
    after = TimeEntry.objects.values().get()
    assert after["notes"] == "Call"
    assert (after["start_time"], after["end_time"]) == (before["start_time"], before["end_time"])


def test_a_typed_time_that_comes_twice_means_the_first(browser: Client, berliner: User) -> None:
    entry = make_entry(berliner, make_project(), SECOND, timedelta(minutes=40))
    assert save(browser, entry, start_time_1="02:15").status_code == 302
    entry.refresh_from_db()
    assert entry.start_time == datetime(2024, 10, 27, 0, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        pytest.param(
            ("2024-03-31", "02:30"),
            "This time does not exist in Europe/Berlin: the clocks skip it.",
            id="skipped",
        ),
        pytest.param(
            ("0024-01-15", "09:00"), "Must be a time in the years 1970 to 2200.", id="year"
        ),
    ],
)
def test_a_time_that_cannot_be_is_refused_with_a_sentence(
    browser: Client, berliner: User, typed: tuple[str, str], sentence: str
) -> None:
    entry = make_entry(berliner, make_project())
    day, clock = typed
    answer = save(browser, entry, start_time_0=day, start_time_1=clock)
    assert errors_of(answer) == {"start_time": [sentence]}


def test_an_entry_within_one_second_can_be_saved(browser: Client, berliner: User) -> None:
    entry = make_entry(
        berliner,
        make_project(),
        NINE + timedelta(microseconds=7),
        timedelta(microseconds=11),
    )
    before = TimeEntry.objects.values().get()
    assert save(browser, entry, notes="Blink").status_code == 302
    after = TimeEntry.objects.values().get()
    assert (after["start_time"], after["end_time"], after["notes"]) == (
        before["start_time"],
        before["end_time"],
        "Blink",
    )
