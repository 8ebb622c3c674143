"""The books in the admin, and an entry that they keep closed."""

from django.urls import reverse

from books.models import Books
from projects.models import Project
from tests.browser.visitor import Visitor
from tests.support.factories import close_books, make_entry
from users.models import User


def test_the_books_and_what_they_refuse_can_be_read_by_everybody(
    visitor: Visitor, administrator: User, project: Project
) -> None:
    entry = make_entry(administrator, project)
    close_books("2024-01-31")
    visitor.log_in(administrator)
    for name in ("changelist", "change"):
        page = reverse(f"admin:books_books_{name}", args=[Books.ONLY] if name == "change" else [])
        visitor.open(page)
        visitor.look(f"books {name}")
    visitor.open(reverse("admin:timeentries_timeentry_change", args=[entry.pk]))
    visitor.page.get_by_label("Notes").fill("Late")
    visitor.page.get_by_role("button", name="Save", exact=True).click()
    visitor.look("books refuse a change")
    visitor.open(reverse("admin:timeentries_timeentry_delete", args=[entry.pk]))
    visitor.page.get_by_role("button", name="Yes").click()
    visitor.look("books refuse a deletion")
