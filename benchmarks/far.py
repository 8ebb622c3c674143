"""Fill a database with many entries and print its sizes and what calls take, in one process.

    DATABASE_URL=postgres://… python -m benchmarks.far 1000000 10000000

The database must be empty; rows are added up to each number. See docs/scaling.md.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import django

CALLS = 200
SIZES = """
    SELECT relname, pg_table_size(c.oid), pg_indexes_size(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind = 'r' AND nspname = 'public' ORDER BY pg_total_relation_size(c.oid) DESC LIMIT 3
"""
MONTH = "/api/v1/reports/summary?start_date=2025-11-01&end_date=2025-11-30"
ENTRY = {"start_time": "2025-12-30T09:00:00Z", "end_time": "2025-12-30T10:00:00Z"}
MEGABYTE = 2**20


def fill(entries: int) -> float:
    """Add what is missing; return the seconds that it took."""
    from django.db import connection

    from benchmarks import data
    from demo.names import WORK
    from projects.models import Project
    from tasks.models import Task
    from timeentries.models import TimeEntry
    from users.models import User

    began, there = time.monotonic(), TimeEntry.objects.count()
    if not there:
        data.fill(entries)
    else:
        first = {
            "user": User.objects.order_by("pk")[0].pk,
            "project": Project.objects.order_by("pk")[0].pk,
            "task": Task.objects.order_by("pk")[0].pk,
        }
        notes, tags = [text for text, _ in WORK], [text for _, text in WORK]
        data.add_entries(entries - there, notes=notes, tags=tags, **first)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    return time.monotonic() - began


def measured(call: Callable[[], Any]) -> str:
    """Return the fastest and the median of some calls: neighbours only make them slower."""
    call()
    taken = []
    for _ in range(CALLS):
        began = time.perf_counter()
        assert call().status_code < 300  # noqa: S101
        taken.append(1000 * (time.perf_counter() - began))
    return f"{min(taken):.1f} ms, median {statistics.median(taken):.1f}"


def measure() -> None:
    """Print the sizes of the largest tables, and what some calls take."""
    from django.db import connection
    from rest_framework.test import APIClient

    from apitokens.models import ApiToken
    from projects.models import Project
    from timeentries.models import TimeEntry
    from users.models import User

    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        for name, rows, indexes in cursor.fetchall():
            print(f"  {name}: {rows / MEGABYTE:,.0f} MB, indexes {indexes / MEGABYTE:,.0f} MB")
    admin = User.objects.filter(is_superuser=True).first() or User.objects.create_superuser("far")
    ApiToken.objects.filter(name="far").delete()
    secret = ApiToken.issue(user=admin, name="far", scopes=["admin:all"])[1]
    api, project = APIClient(), Project.objects.order_by("pk")[0].pk
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    one = TimeEntry.objects.order_by("pk")[1000].pk
    user = User.objects.order_by("pk")[0].pk
    paths = {
        "page of 50 newest": "/api/v1/time-entries?per_page=50",
        "page of a user's": f"/api/v1/time-entries?per_page=50&user_id={user}",
        "one": f"/api/v1/time-entries/{one}",
        "summary of a month": MONTH,
    }
    for title, path in paths.items():
        print(f"  {title}: {measured(partial(api.get, path))}")
    body = {"project_id": project, **ENTRY}
    post = measured(partial(api.post, "/api/v1/time-entries", body, format="json"))
    print(f"  POST: {post}", flush=True)


def main() -> None:
    """Fill and measure, number by number."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "timetracker.settings")
    os.environ.update(RATE_LIMIT_PER_MINUTE="999999", RATE_LIMIT_PER_HOUR="999999")
    os.environ.update(ALLOWED_HOSTS="testserver", LOG_LEVEL="ERROR")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for entries in map(int, sys.argv[1:]):
        seconds = fill(entries)
        print(f"{entries:,} entries, filled in {seconds:.0f} s", flush=True)
        measure()


if __name__ == "__main__":
    main()
