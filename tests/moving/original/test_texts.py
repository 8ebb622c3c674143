"""Numbers of the original: a column of SQLite takes any text, one of PostgreSQL also NaN."""

from decimal import Decimal
from io import StringIO

import pytest

from moving.original.report import ImportReport
from moving.original.texts import Noted


@pytest.mark.parametrize(
    ("stored", "number"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(0, Decimal(0), id="zero"),
        pytest.param(12.5, Decimal("12.50"), id="float"),
        pytest.param("7.125", Decimal("7.12"), id="text"),
        pytest.param(Decimal("99999999.99"), Decimal("99999999.99"), id="the largest"),
    ],
)
def test_a_number_has_two_decimals(stored: object, number: Decimal | None) -> None:
    report = ImportReport(StringIO())
    assert Noted(report, "projects", 1, "estimated_hours").number(stored) == number
    assert not report.counts


@pytest.mark.parametrize(
    "stored", [-1, 10**8, float("nan"), Decimal("NaN"), float("inf"), "a few", "1e400"]
)
def test_what_cannot_be_stored_is_left_out(stored: object) -> None:
    report = ImportReport(StringIO())
    assert Noted(report, "projects", 1, "estimated_hours").number(stored) is None
    reason = "The number is negative or too large, and was left out."
    assert [*report.counts] == [("projects", "changed", reason)]
