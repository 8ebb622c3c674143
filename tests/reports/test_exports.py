"""The files: what is in them, and what a spreadsheet makes of it."""

import io
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from reports.exports import LINES_A_CHUNK, Column, Table, as_csv, safe
from tests.reports.test_groups import ENTRIES, SUMMARY, lines_of
from tests.support.factories import NINE, api_as, make_client, make_entry, make_project
from users.models import User

JANUARY = {"start_date": "2024-01-01", "end_date": "2024-01-31", "timezone": "Europe/Berlin"}
TITLES = [
    *("Start (Europe/Berlin)", "End (Europe/Berlin)", "User", "Client", "Project", "Task"),
    *("Notes", "Tags", "Billable", "Id", "Seconds", "Hours"),
    *("Rounded seconds", "Rounded hours", "Billed", "Hourly rate", "Amount EUR"),
]


@pytest.fixture
def entry(owner: User) -> Any:
    """An hour and a half, rounded to two, with notes that would be a formula."""
    fern = make_client("Fern", currency="EUR", default_hourly_rate=90, rounding="60 up")
    site = make_project("Site", client=fern)
    return make_entry(
        owner, site, NINE, timedelta(minutes=90, microseconds=5), notes="=1+1", tags="a,b"
    )


def test_csv_of_entries(owner: User, entry: Any) -> None:
    response = api_as(owner, "read:reports").get(ENTRIES, JANUARY | {"format": "csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="time-entries.csv"'
    assert "Content-Length" not in response
    assert lines_of(response) == [
        TITLES,
        [
            *("2024-01-15 10:00:00", "2024-01-15 11:30:00", "olga", "Fern", "Site", ""),
            *("'=1+1", "a,b", "yes", str(entry.pk), "5400", "1.50"),
            *("7200", "2.00", "no", "90.00", "180.00"),
        ],
        ["Total", *[""] * 9, "5400", "1.50", "7200", "2.00", "", "", "180.00"],
    ]


def test_xlsx_of_entries_has_real_dates_and_durations(owner: User, entry: Any) -> None:
    api = api_as(owner, "read:reports")
    response: Any = api.get(ENTRIES, JANUARY | {"format": "xlsx"})
    content = b"".join(response.streaming_content)
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    titles, row, total = sheet.iter_rows(values_only=True)
    assert list(titles) == TITLES
    assert row == (
        *(datetime(2024, 1, 15, 10), datetime(2024, 1, 15, 11, 30)),  # noqa: DTZ001 - no zones
        *("olga", "Fern", "Site", None, "=1+1", "a,b", "yes", entry.pk),
        *(timedelta(minutes=90), 1.5, timedelta(hours=2), 2, "no", 90, 180),
    )
    assert sheet["G2"].data_type == "s"  # a text, no formula
    assert sheet["Q2"].number_format == sheet["Q3"].number_format == "#,##0.00 [$EUR]"
    sums = (timedelta(minutes=90), 1.5, timedelta(hours=2), 2, None, None, 180)
    assert (total[0], total[-7:]) == ("Total", sums)


def test_csv_of_a_summary_is_by_project_unless_asked_otherwise(owner: User, entry: Any) -> None:
    response = api_as(owner, "read:reports").get(SUMMARY, JANUARY | {"format": "csv"})
    numbers = ["1", "5400", "1.50", "5400", "1.50", "7200", "2.00"]
    amounts = ["180.00", "0.00", "180.00"]
    assert lines_of(response) == [
        [
            *("Project", "Entries", "Seconds", "Hours", "Billable seconds", "Billable hours"),
            *("Rounded seconds", "Rounded hours", "Estimated hours", "Estimate used"),
            *("Amount EUR", "Billed EUR", "Unbilled EUR"),
        ],
        ["Site", *numbers, "", "", *amounts],
        ["Total", *numbers, "", "", *amounts],
    ]


SIGNS = [*"=+-@", "\uff1d", "\uff0b", "\uff0d", "\uff20"]


@pytest.mark.parametrize("first", [*SIGNS, "\t", "\r", "\n", " =", "\ufeff=", "\t @", "\xa0="])
def test_no_text_is_a_formula(first: str) -> None:
    assert safe(f"{first}cmd") == f"'{first}cmd"
    assert safe(f"a{first}") == f"a{first}"


@pytest.mark.parametrize("sign", [*SIGNS, " =", "\ufeff="])
def test_no_part_of_a_text_is_a_formula(sign: str) -> None:
    assert safe(f"ok;{sign}1+1;x") == f"ok;'{sign}1+1;x"


def test_a_semicolon_opens_no_cell(owner: User) -> None:
    make_entry(owner, make_project(), notes="a; b", tags="x;=1+1")
    api = api_as(owner, "read:reports")
    response: Any = api.get(ENTRIES, JANUARY | {"format": "csv"})
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    titles, row, _ = text.splitlines()
    assert titles.count('"') == 2 * len(TITLES[:-1])  # it has no rate
    cells = re.findall(r'(?:^|[,;])("[^"]*"|[^,;"]*)(?=[,;]|$)', row)  # both separate cells
    assert cells[6:9] == ['"a; b"', '"x;\'=1+1"', '"yes"']
    assert cells[10:14] == ["3600", "1.00", "3600", "1.00"]


def test_a_stream_that_breaks_off_has_no_total() -> None:
    zone = ZoneInfo("UTC")

    def rows() -> Iterator[tuple[str, int]]:
        for number in range(LINES_A_CHUNK + 1):
            yield "entry", number
        raise OSError("away")

    table = Table("time-entries", [Column("Notes"), Column("Seconds", "seconds")], rows(), zone)
    stream: Any = as_csv(table).streaming_content
    assert b"Total" not in next(stream)
    with pytest.raises(OSError, match="away"):
        next(stream)


def test_days_of_a_summary_are_dates_in_xlsx(owner: User, entry: Any) -> None:
    api = api_as(owner, "read:reports")
    query = JANUARY | {"format": "xlsx", "group_by": "day,project"}
    response: Any = api.get(SUMMARY, query)
    content = b"".join(response.streaming_content)
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    _, row, total = sheet.iter_rows(values_only=True)
    assert row[:3] == (datetime(2024, 1, 15), "Site", 1)  # noqa: DTZ001 - no zones
    assert sheet["A2"].is_date
    assert total[0] == "Total"
