"""Measure the memory that 100 000 rows as CSV and as XLSX cost above idle.

`python -m tests.faults.export_memory` reads the database that DATABASE_URL names; fill it by
`manage.py seed_demo --entries 100000`.
"""

import os
import resource
import time
from typing import Any
from zoneinfo import ZoneInfo

import django

MEBIBYTE = 1024  # ru_maxrss is in KiB


def peak() -> float:
    """Return the most memory the process has had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE


def main() -> None:
    """Write each file once, and print rows, seconds, bytes and memory above idle."""
    from reports.exports import FILES
    from reports.queries import currencies_of_entries
    from reports.tables import entries_table
    from timeentries.models import TimeEntry

    entries = TimeEntry.objects.finished()
    currencies = currencies_of_entries(entries)
    print(f"{entries.count()} rows")
    for name, write in FILES.items():
        list(entries.values_list("pk")[:50])
        idle, started = peak(), time.perf_counter()
        response: Any = write(entries_table(entries, ZoneInfo("Europe/Berlin"), currencies))
        size = sum(len(chunk) for chunk in response.streaming_content)
        seconds = time.perf_counter() - started
        print(f"{name}: {seconds:.1f} s, {size} bytes, {peak() - idle:.1f} MiB above idle")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "timetracker.settings")
    django.setup()
    main()
