"""Times on admin pages, in the viewer's time zone."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from values.wall_clock import from_wall_clock


class SplitInstantField(forms.SplitDateTimeField):
    """A date and a time of day in the viewer's zone, by the rules of the API."""

    def compress(self, data_list: tuple[date, time] | None) -> datetime | None:
        """Return the instant, the first where the clocks show a time twice.

        Django refuses both the hour that comes twice and the one that is skipped, with the same
        words.
        """
        if not data_list:
            return None
        day, clock = data_list
        if day in self.empty_values:
            raise ValidationError(self.error_messages["invalid_date"], code="invalid_date")
        if clock in self.empty_values:
            raise ValidationError(self.error_messages["invalid_time"], code="invalid_time")
        try:
            return from_wall_clock(datetime.combine(day, clock), viewer_zone())
        except ValueError as error:
            raise ValidationError(str(error)) from error


def viewer_zone() -> ZoneInfo:
    """Return the zone that the middleware has activated for the viewer."""
    return ZoneInfo(timezone.get_current_timezone_name())


def elsewhere(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant in another person's zone; nothing if both clocks show the same."""
    there, here = instant.astimezone(zone), instant.astimezone(viewer_zone())
    return "" if there.utcoffset() == here.utcoffset() else f"{there:%Y-%m-%d %H:%M} in {zone.key}"
