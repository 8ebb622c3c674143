"""The triggers come and go with the migrations, and a rebuilt table gets them back."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import IntegrityError, connection, models, transaction

from books.triggers import install
from database.triggers import columns_of
from tests.support.factories import NINE, close_books, make_entry, make_project, make_user
from timeentries.models import TimeEntry
from users.models import User

THROUGH = "2024-01-15"
TABLE = TimeEntry._meta.db_table

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("_triggers_again")]


@pytest.fixture
def _triggers_again(transactional_db: None) -> Iterator[None]:
    """Those of every app: the tests after these need them too."""
    yield
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")


def copy_entry() -> None:
    """Write another entry as a release does that knows fewer columns."""
    with connection.cursor() as cursor:
        names = columns_of(cursor, TABLE) - {"id", "duration_seconds"}
        columns = ", ".join(sorted(names))
        cursor.execute(f"INSERT INTO {TABLE} ({columns}) SELECT {columns} FROM {TABLE}")  # noqa: S608


def test_who_goes_back_to_an_older_release_can_come_again() -> None:
    owner, project = make_user(), make_project()
    make_entry(owner, project)
    close_books(THROUGH)
    try:
        call_command("migrate", "books", "zero", verbosity=0)
        copy_entry()
        make_user("new")
        TimeEntry.objects.update(notes="Late")
    finally:
        call_command("migrate", verbosity=0)
    make_entry(owner, project)
    close_books(THROUGH)
    for write in (
        lambda: make_entry(owner, project),
        lambda: TimeEntry.objects.update(notes="Later"),
        lambda: TimeEntry.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()
    assert list(TimeEntry.objects.values_list("notes", flat=True)) == ["", "Late", "Late"]


def test_a_column_that_the_triggers_name_can_go_and_come() -> None:
    owner, project = make_user(), make_project()
    notes = TimeEntry._meta.get_field("notes")
    with connection.schema_editor() as editor:
        editor.remove_field(TimeEntry, notes)
    install("default")  # nothing to install on
    with connection.schema_editor() as editor:
        editor.add_field(TimeEntry, notes)
    wider = models.CharField(max_length=300, null=True)
    wider.set_attributes_from_name("external_id")
    with connection.schema_editor() as editor:
        editor.alter_field(TimeEntry, TimeEntry._meta.get_field("external_id"), wider)
        editor.alter_field(TimeEntry, wider, TimeEntry._meta.get_field("external_id"))
    install("default")
    make_entry(owner, project)
    close_books(THROUGH)
    with pytest.raises(IntegrityError), transaction.atomic():
        TimeEntry.objects.update(notes="Late")


@pytest.mark.skipif(connection.vendor == "postgresql", reason="PostgreSQL rebuilds no table.")
@pytest.mark.parametrize("model", [TimeEntry, User])
def test_a_rebuilt_table_gets_its_triggers_back(model: type[TimeEntry | User]) -> None:
    owner, project = make_user(), make_project()
    make_entry(owner, project)
    close_books(THROUGH)
    with connection.schema_editor() as editor:
        editor._remake_table(model)  # type: ignore[attr-defined]  # noqa: SLF001 - as migrations
    install("default")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_entry(owner, project)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_entry(make_user("new", time_zone="Pacific/Honolulu"), project, NINE)
    TimeEntry.objects.filter(start_time__gt=NINE).delete()
