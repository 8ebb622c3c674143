"""Many rows at once, and what PostgreSQL then knows of them."""

import psycopg
import pytest
from django.db import connection

from database.loading import analyze, load
from projects.models import Project
from tests.support.factories import make_project

# Those that all databases of a server share have no database of their own.
LOCKED = """
    SELECT DISTINCT pg_class.relname, pg_locks.database = 0
    FROM pg_locks JOIN pg_class ON pg_class.oid = pg_locks.relation
    WHERE pid = pg_backend_pid() AND mode = 'ShareUpdateExclusiveLock'
"""


@pytest.mark.django_db
def test_rows_are_loaded_with_their_values() -> None:
    make_project("Site")
    [row] = Project.objects.values()
    rows = [{**row, "id": row["id"] + more, "name": f"Site {more}"} for more in (1, 2)]
    load(Project._meta.db_table, [*row], [[*each.values()] for each in rows])
    assert [*Project.objects.filter(pk__gt=row["id"]).order_by("pk").values()] == rows


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has statistics")
@pytest.mark.django_db
def test_statistics_wait_for_no_table_that_databases_share() -> None:
    """Another database of the server holds this lock while it makes its own."""
    settings = connection.settings_dict
    places = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    where = {name: settings[key] for name, key in places.items() if settings[key]}
    with psycopg.connect(dbname="postgres", **where) as other:
        if other.info.parameter_status("is_superuser") != "on":
            pytest.skip("only a superuser may lock a shared table")
        other.execute("LOCK TABLE pg_authid IN SHARE UPDATE EXCLUSIVE MODE")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = 1000")
        analyze()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has statistics")
@pytest.mark.django_db
def test_statistics_are_of_all_our_tables_and_no_others() -> None:
    make_project("Site")
    analyze()
    with connection.cursor() as cursor:
        cursor.execute(LOCKED)
        locked = dict(cursor.fetchall())
        table = Project._meta.db_table
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [table])
        assert cursor.fetchone() == (1,)
    ours = {*connection.introspection.django_table_names(only_existing=True)}
    assert {"timeentries_timeentry", "tallies_tally", "users_user_groups"} <= ours
    assert locked == dict.fromkeys(ours, False)
