"""Our SQLite backend: its tables are emptied in any order, whatever refers to what."""

import itertools

import pytest
from django.core.management.color import no_style
from django.db import connection

from tests.support.emptying import KEPT
from tests.support.factories import make_entry, make_project, make_task, make_user
from timeentries.models import TimeEntry


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL truncates all at once")
def test_tables_are_emptied_in_any_order(transactional_db: None) -> None:
    tables = ["tasks_task", "timeentries_timeentry", "projects_project"]
    for order in itertools.permutations(tables):
        project = make_project()
        make_entry(make_user(), project, task=make_task(project))
        # Everything else that refers to them goes too, as `manage.py flush` would have it.
        others = {*connection.introspection.django_table_names()} - {*tables} - KEPT
        statements = connection.ops.sql_flush(no_style(), [*order, *sorted(others)])
        connection.ops.execute_sql_flush(statements)
        assert not TimeEntry.objects.exists()
