"""The books in the admin, and what its forms say of a closed period."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from books.models import Books
from books.periods import PeriodIsOpen
from journal.models import Change
from projects.models import Project
from staff.shown import REPLACED
from tests.books.test_periods import SENTENCE, THROUGH
from tests.support.admin import admin_as, as_shown, errors_of, messages_of, text_of, url
from tests.support.factories import NINE, close_books, make_entry, make_user
from timeentries.models import TimeEntry
from users.models import User

PAGE = reverse("admin:books_books_change", args=[Books.ONLY])
LIST = url(TimeEntry, "changelist")


def test_an_administrator_closes_and_opens_them(administrator: User) -> None:
    browser = admin_as(administrator)
    for day, words in (("2024-01-15", "Closed through 2024-01-15"), ("", "Open")):
        data = as_shown(browser.get(PAGE)) | {"closed_through": day}
        response = browser.post(PAGE, data)
        assert response.status_code == 302
        assert words in text_of(browser.get(url(Books, "changelist")).content.decode())
        assert str(Books.current()) == words
        entry = LogEntry.objects.latest("pk")
        assert (entry.user, entry.get_change_message()) == (administrator, f"{words}.")
    changes = Change.objects.filter(type="books")
    assert [(change.user, change.fields) for change in changes] == [
        (administrator, ["closed_through"])
    ] * 2


def test_the_history_leads_to_the_journal(administrator: User) -> None:
    close_books(THROUGH)
    browser = admin_as(administrator)
    history = browser.get(url(Books, "history", Books.ONLY))
    page = text_of(browser.get(history.context["journal"]).content.decode())
    assert "Books 1Updatedclosed_through-Command" in page


def test_saving_what_is_shown_changes_nothing(administrator: User) -> None:
    close_books(THROUGH)
    browser = admin_as(administrator)
    assert browser.post(PAGE, as_shown(browser.get(PAGE))).status_code == 302
    assert Books.current().closed_through == date(2024, 1, 15)
    assert Change.objects.filter(type="books").count() == 1


def test_who_saw_another_day_closes_nothing(administrator: User) -> None:
    browser = admin_as(administrator)
    data = as_shown(browser.get(PAGE)) | {"closed_through": "2024-01-31"}
    close_books(THROUGH)
    response = browser.post(PAGE, data)
    assert errors_of(response) == {"closed_through": [REPLACED.format("2024-01-15")]}
    assert Books.current().closed_through == date(2024, 1, 15)


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("2024-02-30", "Enter a valid date."),
        ("1969-12-31", "Must be a date in the years 1970 to 2200."),
        ("2201-01-01", "Must be a date in the years 1970 to 2200."),
    ],
)
def test_a_bad_day_is_refused(administrator: User, day: str, sentence: str) -> None:
    browser = admin_as(administrator)
    data = as_shown(browser.get(PAGE)) | {"closed_through": day}
    errors = errors_of(browser.post(PAGE, data))
    assert [words for each in errors.values() for words in each] == [sentence]
    assert Books.current().closed_through is None


def test_nobody_adds_or_deletes_them(administrator: User) -> None:
    browser = admin_as(administrator)
    pages = [url(Books, "add"), url(Books, "delete", Books.ONLY)]
    assert [browser.get(page).status_code for page in pages] == [403, 403]


def test_staff_do_not_see_them(db: None) -> None:
    staff = make_user("stan", is_staff=True)
    browser = admin_as(staff)
    pages = [url(Books, "changelist"), PAGE]
    assert [browser.get(page).status_code for page in pages] == [403, 403]


# Time entries.


def test_a_form_says_why(administrator: User, owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    close_books(THROUGH)
    browser = admin_as(administrator)
    page = url(TimeEntry, "change", entry.pk)
    response = browser.post(page, as_shown(browser.get(page)) | {"notes": "Late"})
    assert errors_of(response) == {"__all__": [SENTENCE]}
    assert TimeEntry.objects.get().notes == ""
    assert browser.post(page, as_shown(browser.get(page))).status_code == 302


def test_a_form_that_lost_the_race_says_why(
    administrator: User, owner: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The books are closed after the form was judged, and before it is written."""
    entry = make_entry(owner, project)
    browser = admin_as(administrator)
    page = url(TimeEntry, "change", entry.pk)
    data = as_shown(browser.get(page)) | {"notes": "Late"}
    close_books(THROUGH)
    validate = PeriodIsOpen.validate

    def validate_too_early(*args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(PeriodIsOpen, "validate", validate)

    monkeypatch.setattr(PeriodIsOpen, "validate", validate_too_early)
    response = browser.post(page, data)
    assert errors_of(response) == {"__all__": [SENTENCE]}
    assert TimeEntry.objects.get().notes == ""


def test_a_deletion_says_why(administrator: User, owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    close_books(THROUGH)
    browser = admin_as(administrator)
    page = url(TimeEntry, "delete", entry.pk)
    response = browser.post(page, {"post": "yes"})
    assert (response.status_code, response["Location"]) == (302, page)
    assert messages_of(response) == [SENTENCE]
    assert SENTENCE in text_of(browser.get(page).content.decode())
    assert TimeEntry.objects.get() == entry
    assert not LogEntry.objects.exists()


def test_an_action_on_many_says_why(administrator: User, owner: User, project: Project) -> None:
    kept = make_entry(owner, project)
    free = make_entry(owner, project, NINE + timedelta(days=1))
    close_books(THROUGH)
    browser = admin_as(administrator)
    data = {"action": "delete_selected", "_selected_action": [kept.pk, free.pk], "post": "yes"}
    response = browser.post(LIST, data)
    assert (response.status_code, response["Location"]) == (302, LIST)
    assert messages_of(response) == [SENTENCE]
    assert TimeEntry.objects.count() == 2
    assert not LogEntry.objects.exists()
    response = browser.post(LIST, data | {"_selected_action": [free.pk]})
    assert list(TimeEntry.objects.all()) == [kept]
