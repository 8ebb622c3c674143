"""Local times without an offset, as the mobile app shows them and sends them back.

Its form sends both times of an entry with every change, to the minute, and cannot say which of
two hours it means when the clocks go back. So a time that reads like the stored one is the stored
one, and of two instants the nearer one is meant: an entry stays where it was until its time is
changed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from values.instants import INSTANT, format_instant
from values.wall_clock import within_years

OF_FORM = ("start_time", "end_time")  # which knows no seconds


def shown(instant: datetime, zone: ZoneInfo) -> str:
    """Return the local time of an instant: `2024-01-15T14:30:00`."""
    return _local(instant, zone).isoformat()


def resolved(
    body: Mapping[str, object], stored: Mapping[str, datetime | None], zone: ZoneInfo
) -> dict[str, str]:
    """Return the fields of a body whose local times are instants, in UTC.

    `stored` is the row that the body changes; an end that it lacks is meant near its start.
    """
    found = {}
    for name, before in stored.items():
        near, local = before or stored["start_time"], _without_offset(body.get(name))
        if local and near and (instant := _meant(name, local, near, zone)):
            found[name] = format_instant(instant)
    return found


def end_of_new(body: Mapping[str, object], zone: ZoneInfo) -> dict[str, str]:
    """Return the end of a new entry in UTC, if it is a local time that clocks show twice.

    It is the first of the two after the start: an offline timer may begin before the clocks go
    back, and end after it.
    """
    start, end = (_without_offset(body.get(name)) for name in ("start_time", "end_time"))
    starts = _instants(start, zone) if start else []
    ends = _instants(end, zone) if end else []
    later = [instant for instant in ends if starts and instant > starts[0]]
    return {"end_time": format_instant(later[0])} if later and len(ends) > 1 else {}


def _without_offset(text: object) -> datetime | None:
    """Return the local time that a text is; None for all else, which the API reads as ever."""
    match = INSTANT.fullmatch(text) if isinstance(text, str) else None
    if not match or match[3]:
        return None
    try:
        local = datetime.fromisoformat(f"{match[1]}T{match[2]}")
        within_years(local.replace(tzinfo=UTC))  # the others are refused, and some overflow
    except ValueError:
        return None
    return local


def _meant(name: str, local: datetime, near: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the instant of a field's local time; None if the clocks skip it."""
    if name in OF_FORM and local == _local(near, zone).replace(second=0, microsecond=0):
        return near
    return min(_instants(local, zone), key=lambda each: abs(each - near), default=None)


def _instants(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the instants, from none to two, at which clocks show a local time."""
    both = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    found = dict.fromkeys(instant for instant in both if _local(instant, zone) == local)
    return sorted(found)


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
