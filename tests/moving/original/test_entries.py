"""Time entries of the original, whatever they are like, are time entries here."""

from typing import Any

import pytest

from tests.moving.original.conftest import Import
from tests.support.original import ROME, entry_row
from timeentries.models import TimeEntry

pytestmark = pytest.mark.django_db

BASE: dict[str, Any] = {
    "users": [{"username": "olga"}, {"username": "carl"}],
    "clients": [{"name": "Fern"}, {"name": "Moss"}],
    "projects": [{"name": "Site"}, {"name": "Shop", "client_id": 2}],
    "tasks": [{"name": "Draft"}, {"name": "Sell", "project_id": 2}],
}
NINE, TEN = "2024-01-15 09:00", "2024-01-15 10:00"
HOUR, YEAR = 3600, 366 * 86_400


def with_entries(*rows: dict[str, Any]) -> dict[str, Any]:
    return {**BASE, "time_entries": rows}


def shown(entry: TimeEntry) -> tuple[str, str, int]:
    """Start and end in UTC, and the seconds of breaks."""
    end = f"{entry.end_time:%d %H:%M:%S}" if entry.end_time else ""
    return f"{entry.start_time:%d %H:%M}", end, entry.break_seconds


@pytest.mark.parametrize(
    ("row", "expected", "reasons"),
    [
        pytest.param(entry_row(NINE, TEN, HOUR), ("15 08:00", "15 09:00:00", 0), [], id="an hour"),
        pytest.param(
            entry_row(NINE, TEN, 3000, break_seconds=600),
            ("15 08:00", "15 09:00:00", 600),
            [],
            id="a break",
        ),
        pytest.param(
            entry_row(NINE, TEN, 3000, break_seconds=None),
            ("15 08:00", "15 09:00:00", 600),
            ["The duration was rounded down, or set: the break is such that it is kept."],
            id="rounded down",
        ),
        pytest.param(
            entry_row(NINE, TEN, 4500),
            ("15 08:00", "15 09:15:00", 0),
            ["The duration was rounded up, or set: the end is later, so that it is kept."],
            id="rounded up",
        ),
        pytest.param(
            entry_row(NINE, TEN, HOUR, break_seconds=600),
            ("15 08:00", "15 09:00:00", 0),
            ["The duration was rounded down, or set: the break is such that it is kept."],
            id="rounded up within its break",
        ),
        pytest.param(
            entry_row(NINE, TEN, 0),
            ("15 08:00", "15 09:00:00", 3599),
            ["The duration was nothing: the break leaves a second."],
            id="no duration",
        ),
        pytest.param(
            entry_row(NINE, TEN, None), ("15 08:00", "15 09:00:00", 0), [], id="no stored duration"
        ),
        pytest.param(
            entry_row(NINE, TEN, -60),
            ("15 08:00", "15 09:00:00", 0),
            ["The duration is not possible; the times are kept."],
            id="a negative duration",
        ),
        pytest.param(
            entry_row(NINE, TEN, -60, break_seconds=9999),
            ("15 08:00", "15 09:00:00", 3599),
            ["The duration is not possible; the times are kept."],
            id="a break longer than the entry",
        ),
        pytest.param(
            entry_row(NINE, NINE, 0),
            ("15 08:00", "15 08:00:01", 0),
            ["The end was not after the start."],
            id="no time at all",
        ),
        pytest.param(
            entry_row(NINE, NINE, HOUR),
            ("15 08:00", "15 09:00:00", 0),
            ["The end was not after the start."],
            id="a duration without times",
        ),
        pytest.param(
            entry_row(TEN, NINE, -HOUR),
            ("15 09:00", "15 09:00:01", 0),
            ["The end was not after the start."],
            id="backwards",
        ),
        pytest.param(
            entry_row(NINE, "2026-01-15 09:00", 63_158_400),
            ("15 08:00", "15 08:00:00", 0),
            ["No entry lasts more than 366 days."],
            id="two years",
        ),
        pytest.param(
            entry_row(NINE, TEN, 40_000_000),
            ("15 08:00", "15 09:00:00", 0),
            ["The duration is not possible; the times are kept."],
            id="a duration of more than a year",
        ),
        pytest.param(
            entry_row("2026-10-25 01:30", "2026-10-25 03:30", 7200),
            ("24 23:30", "25 02:30:00", 0),
            ["The clocks changed in between: the times are kept, the duration is right now."],
            id="over the end of summer",
        ),
        pytest.param(
            entry_row("2026-03-29 01:30", "2026-03-29 03:30", 7200),
            ("29 00:30", "29 01:30:00", 0),
            ["The clocks changed in between: the times are kept, the duration is right now."],
            id="over the beginning of summer",
        ),
        pytest.param(
            entry_row("2026-10-25 02:15", "2026-10-25 02:45", 5400),
            ("25 00:15", "25 01:45:00", 0),
            [],
            id="the doubled hour, by the duration",
        ),
        pytest.param(
            entry_row(NINE, TEN, HOUR, paused_at="2024-01-15 09:30:00"),
            ("15 08:00", "15 09:00:00", 0),
            [],
            id="a pause that was left behind",
        ),
    ],
)
def test_the_times_of_an_entry(
    run_import: Import, row: dict[str, Any], expected: tuple[str, str, int], reasons: list[str]
) -> None:
    imported = run_import(with_entries(row), "--yes")
    entry = TimeEntry.objects.get()
    assert shown(entry) == expected
    assert imported.reasons == reasons
    entry.full_clean()


def test_an_entry_is_what_it_was(run_import: Import) -> None:
    row = entry_row(NINE, TEN, HOUR, id=70, user_id=2, task_id=1, notes=" Étude ", tags="b, a,b,")
    times = {"created_at": "2024-01-15 10:00:01.5", "updated_at": "2024-07-01 12:00:00"}
    imported = run_import(with_entries({**row, **times, "billable": False}), "--yes")
    entry = TimeEntry.objects.get()
    assert (entry.pk, entry.user.username, entry.project_id, entry.task_id) == (70, "carl", 1, 1)
    assert (entry.notes, entry.tags, entry.billable) == ("Étude", "b,a", False)
    assert (entry.folded_notes, entry.folded_tags) == ("étude", "b,a")
    assert entry.created_at.isoformat() == "2024-01-15T09:00:01.500000+00:00"
    assert entry.updated_at.isoformat() == "2024-07-01T10:00:00+00:00"
    assert (entry.version, entry.bill_id, entry.duration_seconds) == (1, None, HOUR)
    assert imported.notes == []


@pytest.mark.parametrize(
    ("fields", "project", "task", "reasons"),
    [
        pytest.param({"task_id": 2}, 1, None, ["Its task is of another project."], id="task"),
        pytest.param({"task_id": 9}, 1, None, ["Its task does not exist."], id="no such task"),
        pytest.param(
            {"project_id": None, "client_id": 2},
            3,
            None,
            ["Made for time entries without a project.", "It has no project."],
            id="of a client",
        ),
        pytest.param(
            {"project_id": 8, "client_id": 9, "task_id": 1},
            9,
            None,
            [
                "Made for time entries without a project.",
                "It has no project.",
                "Its task is of another project.",
            ],
            id="of nothing that exists",
        ),
    ],
)
def test_an_entry_has_a_project_and_a_task_of_it(
    run_import: Import,
    fields: dict[str, Any],
    project: int,
    task: int | None,
    reasons: list[str],
) -> None:
    imported = run_import(with_entries(entry_row(NINE, TEN, HOUR, **fields)), "--yes")
    entry = TimeEntry.objects.get()
    assert (entry.project_id, entry.task_id) == (project, task)
    assert imported.reasons == reasons
    if project != 1:
        assert entry.project.name == "(without a project)"
        assert entry.project.client_id == (2 if fields.get("client_id") == 2 else None)


def test_an_entry_of_nobody_is_left_out(run_import: Import) -> None:
    imported = run_import(with_entries(entry_row(NINE, TEN, HOUR, user_id=9)), "--yes")
    assert TimeEntry.objects.count() == 0
    assert imported.notes == [
        ("time_entries", "1", "left out", "Its user does not exist.", "user_id", "9", "")
    ]
    assert imported.sums == [("9", "", "2024-01", "1", "0", "3600", "0", "-3600")]


def test_a_text_that_is_too_long_is_cut_and_kept_in_the_report(run_import: Import) -> None:
    notes, tags = "n" * 10_001, f"{'t' * 60},u"
    row = entry_row(NINE, TEN, HOUR, notes=notes, tags=tags)
    imported = run_import(with_entries(row), "--yes")
    entry = TimeEntry.objects.get()
    assert (entry.notes, entry.tags) == (notes[:-1], f"{'t' * 50},u")
    before = {field: was for *_, field, was, _ in imported.notes}
    assert before == {"notes": notes, "tags": tags}


def test_a_formula_in_a_text_is_none_in_the_report(run_import: Import) -> None:
    run = run_import(with_entries(entry_row(NINE, TEN, HOUR, tags=f"={'t' * 60}")), "--yes")
    assert [was[:3] for *_, was, _ in run.notes] == ["'=t"]


def test_of_several_timers_the_newest_runs_on(run_import: Import) -> None:
    imported = run_import(
        with_entries(
            entry_row(NINE, None, None, paused_at="2024-01-15 09:40:00"),
            entry_row(TEN, None, None, break_seconds=60),
            entry_row("2024-01-15 11:00", None, None, paused_at="2024-01-15 11:30:00"),
            entry_row(NINE, None, None, user_id=2, paused_at="2024-01-15 08:00:00"),
        ),
        "--yes",
    )
    first, second, third, other = TimeEntry.objects.order_by("pk")
    assert shown(first) == ("15 08:00", "15 08:40:00", 0)
    assert shown(second) == ("15 09:00", "15 10:00:00", 60)
    assert shown(third) == ("15 10:00", "", 0)
    assert f"{third.paused_at:%H:%M}" == "10:30"
    assert (other.end_time, other.paused_at) == (None, None)
    assert imported.reasons == [
        *["A user has one timer: this older one ends where the next one starts."] * 2,
        "It was paused before it started.",
    ]


@pytest.mark.parametrize(
    ("fields", "reference"),
    [
        pytest.param({"paid": True, "invoice_number": "INV-7"}, "INV-7", id="an invoice"),
        pytest.param({"invoice_number": " INV-8 "}, "INV-8", id="an invoice that is not paid"),
        pytest.param({"paid": True}, "Paid before the import", id="paid"),
        pytest.param({"invoice_number": "INV-9", "billable": False}, None, id="not billable"),
        pytest.param({}, None, id="neither"),
    ],
)
def test_what_was_invoiced_is_billed_here(
    run_import: Import, fields: dict[str, Any], reference: str | None
) -> None:
    run_import(with_entries(entry_row(NINE, TEN, HOUR, **fields)), "--yes")
    assert TimeEntry.objects.get().bill_id == reference


def test_times_are_those_of_another_zone_if_that_is_said(run_import: Import) -> None:
    row = entry_row(NINE, TEN, HOUR)
    run_import(with_entries(row), "--yes", "--time-zone", "Asia/Kathmandu")
    assert shown(TimeEntry.objects.get()) == ("15 03:15", "15 04:15:00", 0)


def test_columns_that_came_later_may_be_absent(run_import: Import) -> None:
    absent = ["time_entries.break_seconds", "time_entries.paused_at"]
    run_import(with_entries(entry_row(NINE, TEN, HOUR)), "--yes", without=absent)
    assert shown(TimeEntry.objects.get()) == ("15 08:00", "15 09:00:00", 0)


def test_the_zone_is_that_of_the_settings(run_import: Import) -> None:
    tables = with_entries(entry_row(NINE, TEN, HOUR))
    imported = run_import({**tables, "settings": [{"timezone": "America/New_York"}]}, "--yes")
    assert shown(TimeEntry.objects.get()) == ("15 14:00", "15 15:00:00", 0)
    assert "Local times of the original are those of America/New_York." in imported.output
    assert ROME not in imported.output
