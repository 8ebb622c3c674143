"""Parsing and formatting of dates and times (docs/api.md, Dates and times)."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from values.wall_clock import from_wall_clock, within_years

# RFC 3339 §5.6, the offset optional, and as ISO 8601 has it too: +0100, +01. Seconds may be left
# out as HTML's datetime-local does.
INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d(?::?[0-5]\d)?)?",
    re.ASCII,
)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
ACCEPTED_DATE = "Must be a date such as 2024-01-15."
ACCEPTED = "Must be a date and time such as 2024-01-15T14:30:00Z."


def parse_instant(text: str, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of an RFC 3339 text; without an offset it is a local time in `zone`.

    An ambiguous local time means its first occurrence. ValueError with a message for the caller if
    the text is malformed, the local time does not exist, or it is outside the years 1970 to 2200.
    """
    match = INSTANT.fullmatch(text)
    if not match:
        raise ValueError(ACCEPTED)
    day, clock, offset = match.groups()
    try:
        local = datetime.fromisoformat(f"{day}T{clock}{(offset or '').upper()}")
        in_utc = local.astimezone(UTC) if offset else None
    except (ValueError, OverflowError) as error:
        raise ValueError(ACCEPTED) from error
    return within_years(in_utc or from_wall_clock(local, zone))


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first UTC instant of a local day and the first of the next day."""
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


def parse_date(text: str) -> date:
    """Return the date of a text YYYY-MM-DD in the years 1970 to 2200; else ValueError."""
    if not DATE.fullmatch(text):
        raise ValueError(ACCEPTED_DATE)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(ACCEPTED_DATE) from error
    within_years(datetime.combine(day, time.min, UTC))
    return day


def format_instant(instant: datetime) -> str:
    """Return an instant as UTC with Z: `2024-01-15T14:30:00Z`."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def seconds_between(start: datetime, end: datetime) -> int:
    """Return the whole seconds of an interval."""
    return (end - start) // timedelta(seconds=1)


def hours(seconds: int) -> float:
    """Return seconds, not negative, as hours with two decimals, for the last line of an answer."""
    return (seconds + 18) // 36 / 100  # half up; no float before the last step


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a day, also where clocks skip midnight."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


@dataclass(frozen=True)
class Span:
    """A day or an instant of a query: `first` belongs to it, `end` no longer does.

    `last` is its last second, or the instant itself, and is shown as the end.
    """

    first: datetime
    end: datetime
    last: datetime


def parse_span(text: str, zone: ZoneInfo) -> Span:
    """Parse a date (the whole local day) or an instant; ValueError with a message."""
    if DATE.fullmatch(text):
        return span_of_day(parse_date(text), zone)
    try:
        instant = parse_instant(text, zone)
    except ValueError as error:
        if str(error) == ACCEPTED:
            raise ValueError(f"{ACCEPTED_DATE[:-1]}, or a time: 2024-01-15T14:30:00Z.") from error
        raise
    return Span(instant, instant + timedelta(microseconds=1), instant)


def span_of_day(day: date, zone: ZoneInfo) -> Span:
    """Return a local day as a span."""
    first, end = day_bounds(day, zone)
    return Span(first, end, end - timedelta(seconds=1))
