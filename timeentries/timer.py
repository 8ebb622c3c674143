"""Start and stop of the one timer that a user may run."""

from collections.abc import Callable
from datetime import datetime, timedelta

from api.exceptions import BadRequest
from database.prepared import PreparedGet
from resources.integrity import constraints_as_errors
from timeentries.models import LONGEST_ENTRY_DAYS, TimeEntry, TimeEntryQuerySet
from users.models import User

SHORTEST_ENTRY = timedelta(seconds=1)
LONGEST_ENTRY = timedelta(days=LONGEST_ENTRY_DAYS)


TIMERS = TimeEntry.objects.with_details().running()
timer_of = PreparedGet(TIMERS, "user", example=0)
locked_timer_of = PreparedGet(
    TimeEntry.objects.running().only("pk").select_for_update(no_key=True), "user", example=0
)


def running_timer(user: User) -> TimeEntryQuerySet:
    """Return the user's timer, or no row."""
    return TIMERS.filter(user=user)


@constraints_as_errors(TimeEntry)
def stop(
    user: User, *, now: datetime, check: Callable[[TimeEntry | None], None] | None = None
) -> TimeEntry:
    """End the user's timer at `now` and return it; 400 `no_active_timer` if none runs.

    `check` may refuse the timer that was found, which is locked by then.

    It ends at least a second after its start, also where a client's clock was ahead, and at
    most 366 days after it: a timer forgotten for that long must still be stoppable.
    It is locked before it is read: a join would meet the project that it had before the wait.
    """
    timer = locked_timer_of(user.pk) and timer_of(user.pk)
    if check is not None:
        check(timer)
    if timer is None:
        raise BadRequest("There is no active timer to stop.", "no_active_timer")
    earliest, latest = timer.start_time + SHORTEST_ENTRY, timer.start_time + LONGEST_ENTRY
    timer.end_time = min(max(now, earliest), latest)
    timer.save(update_fields=["end_time", "updated_at"])
    return timer
