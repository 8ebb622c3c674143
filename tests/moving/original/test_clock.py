"""Local times of the original, told apart by how long an entry lasted."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from moving.original.clock import OriginalClock, local_time

ROME = OriginalClock(ZoneInfo("Europe/Rome"))


def at(text: str) -> datetime:
    """A local time of 2026: in Rome the clocks change on 29 March and 25 October."""
    return datetime.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize(
    ("start", "end", "seconds", "expected"),
    [
        pytest.param("01-15 09:00", "01-15 10:00", 3600, ("08:00", "09:00"), id="winter"),
        pytest.param("07-15 09:00", "07-15 10:00", 3600, ("07:00", "08:00"), id="summer"),
        # 02:00 to 03:00 comes twice, first as 00:00 UTC and then as 01:00 UTC.
        pytest.param("10-25 02:15", "10-25 02:45", 1800, ("00:15", "00:45"), id="doubled"),
        pytest.param("10-25 02:15", "10-25 02:45", 5400, ("00:15", "01:45"), id="over both"),
        pytest.param("10-25 02:45", "10-25 02:15", -1800, ("00:45", "01:15"), id="backwards"),
        pytest.param("10-25 01:30", "10-25 02:30", 3600, ("23:30", "00:30"), id="into the first"),
        pytest.param("10-25 01:30", "10-25 02:30", 7200, ("23:30", "01:30"), id="into the second"),
        pytest.param("10-25 02:30", "10-25 03:30", 3600, ("01:30", "02:30"), id="from the second"),
        pytest.param("10-25 02:30", "10-25 03:30", 7200, ("00:30", "02:30"), id="from the first"),
        pytest.param("10-25 01:30", "10-25 03:30", 7200, ("23:30", "02:30"), id="around it"),
        # 02:00 to 03:00 does not exist.
        pytest.param("03-29 01:30", "03-29 03:30", 7200, ("00:30", "01:30"), id="around the gap"),
        pytest.param("03-29 01:30", "03-29 02:30", 3600, ("00:30", "01:30"), id="into the gap"),
        pytest.param("03-29 02:30", "03-29 03:30", 3600, ("00:30", "01:30"), id="out of the gap"),
    ],
)
def test_the_pair_of_instants_that_lasted_as_long_is_meant(
    start: str, end: str, seconds: int, expected: tuple[str, str]
) -> None:
    span = ROME.span(at(start), at(end), seconds)
    assert tuple(f"{instant:%H:%M}" for instant in span) == expected
    assert span.start.tzinfo == span.end.tzinfo == UTC


@pytest.mark.parametrize(
    ("zone", "local", "instants"),
    [
        pytest.param("Europe/Rome", "10-25 02:30", ["00:30", "01:30"], id="an hour"),
        pytest.param("Australia/Lord_Howe", "04-05 01:45", ["14:45", "15:15"], id="half an hour"),
        pytest.param("Asia/Kathmandu", "04-05 01:45", ["20:00"], id="no change"),
    ],
)
def test_an_ambiguous_time_has_two_instants(zone: str, local: str, instants: list[str]) -> None:
    found = OriginalClock(ZoneInfo(zone)).instants(at(local))
    assert [f"{instant:%H:%M}" for instant in found] == instants


@pytest.mark.parametrize(
    "stored", ["", "yesterday", "0001-01-01 00:00:00", "9999-12-31 23:59:59", 5, None]
)
def test_what_is_no_time_is_none(stored: object) -> None:
    assert local_time(stored) is None
