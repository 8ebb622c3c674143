"""When work was done of which only the day and the minutes are known."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max

from api.serializers.fields import Validated
from resources.refusals import Refusal
from timeentries.models import TimeEntry
from users.models import User
from values.instants import Span, span_of_day
from values.wall_clock import from_wall_clock

MOST_MINUTES = 24 * 60
LOOK_BACK = timedelta(minutes=MOST_MINUTES)  # what was placed on the day before may end on this
MORNING = time(9)
NO_ROOM = "This day has no time left after its last entry. Send start_time and end_time instead."


class Placement(NamedTuple):
    """The time of an entry, or the refusal of a day that has none left."""

    start: datetime
    end: datetime
    refusal: Refusal | None = None


def morning_of(day: date, user: User) -> datetime:
    """Return 09:00 of a user's local day; ValueError with a message if the clocks skip it."""
    return from_wall_clock(datetime.combine(day, MORNING), user.zone)


@transaction.atomic(savepoint=False)
def placed(rows: Sequence[Validated], *, now: datetime) -> list[Placement | None]:
    """Return the place of each row with a `date` and `duration_minutes`; None for the others.

    It ends now if the date is today and it fits since midnight. Else it begins at 09:00, or after
    the last finished entry of the day, also of those before it in `rows`. The minutes are worked:
    breaks come on top. The users stay locked until the transaction ends, so that two requests at
    once do not find the same time free.
    """
    _lock(row["user"] for row in rows if "date" in row)
    days = _Days()
    return [*_places(rows, days, now)]


def _places(rows: Sequence[Validated], days: "_Days", now: datetime) -> Iterator[Placement | None]:
    for row in rows:
        user, place = row["user"], None
        if "date" in row:
            lasting = timedelta(
                minutes=row["duration_minutes"], seconds=row.get("break_seconds", 0)
            )
            place = _place(user, row["date"], lasting, days, now)
            days.note(user, place.start, place.end)
        elif row.get("end_time"):
            days.note(user, row["start_time"], row["end_time"])
        yield place


def _place(user: User, day: date, lasting: timedelta, days: "_Days", now: datetime) -> Placement:
    span = span_of_day(day, user.zone)
    if span.first <= now - lasting and now < span.end:
        return Placement(now - lasting, now)
    start = morning_of(day, user)
    if last := days.last_end(user, span):
        start = max(start, last)
    refusal = None if start < span.end else Refusal(NO_ROOM)
    return Placement(start, start + lasting, refusal)


class _Days:
    """When the last entry of a day ends: of those stored, and of those sent along."""

    def __init__(self) -> None:
        self._stored: dict[tuple[int, Span], datetime | None] = {}
        self._sent: list[tuple[int, datetime, datetime]] = []

    def note(self, user: User, start: datetime, end: datetime) -> None:
        """Add an entry that was sent along."""
        self._sent.append((user.pk, start, end))

    def last_end(self, user: User, day: Span) -> datetime | None:
        """Return the end of the last entry that is on the day, if there is one."""
        if (user.pk, day) not in self._stored:
            self._stored[user.pk, day] = _last_stored_end(user, day)
        ends = [
            end
            for pk, start, end in self._sent
            if pk == user.pk and start < day.end and end > day.first
        ]
        return max(filter(None, [self._stored[user.pk, day], *ends]), default=None)


def _last_stored_end(user: User, day: Span) -> datetime | None:
    entries = TimeEntry.objects.filter(
        user=user,
        start_time__gte=day.first - LOOK_BACK,
        start_time__lt=day.end,
        end_time__gt=day.first,
    )
    last: datetime | None = entries.order_by().aggregate(last=Max("end_time"))["last"]
    return last


def _lock(users: Iterable[User]) -> None:
    """Lock users in the order of their ids; on SQLite the transaction itself is the lock."""
    ids = {user.pk for user in users}
    rows = User.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    list(rows.values_list("pk"))
