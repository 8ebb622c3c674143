"""Time zones and local times."""

import zoneinfo
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2201, 1, 1, tzinfo=UTC)
# Files beside the zones: whatever the machine has, and a zone that says it is not set.
NO_ZONES = {"localtime", "Factory"}


@cache
def zone_names() -> set[str]:
    """Return the names of all time zones, which are looked for on the disk only once."""
    return zoneinfo.available_timezones() - NO_ZONES


def from_wall_clock(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a naive local time; the first if it is ambiguous.

    ValueError with a message if it does not exist or is outside the years 1970 to 2200.
    """
    within_years(local.replace(tzinfo=UTC))  # well inside Python's range
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local:
        raise ValueError(f"This time does not exist in {zone.key}: the clocks skip it.")
    return instant


def within_years(instant: datetime) -> datetime:
    """Return an instant of the years 1970 to 2200; ValueError for another."""
    if not EARLIEST <= instant < LATEST:
        raise ValueError("Must be a time in the years 1970 to 2200.")
    return instant
