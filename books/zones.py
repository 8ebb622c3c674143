"""Days of all time zones at once."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from values.instants import day_bounds
from values.wall_clock import zone_names

OF_SERVER = ""  # as in the column of a user who has set no time zone


def first_open_instants(closed_through: date) -> dict[str, datetime]:
    """Return the first instant after a local day in each time zone, by its name."""
    zones = {name: ZoneInfo(name) for name in zone_names()}
    zones[OF_SERVER] = ZoneInfo(settings.TIME_ZONE)
    return {name: day_bounds(closed_through, zone)[1] for name, zone in zones.items()}
