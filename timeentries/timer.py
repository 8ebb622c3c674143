"""Stop, pause and resume of the one timer that a user may run."""

from collections.abc import Callable
from datetime import datetime, timedelta

from api.exceptions import BadRequest, Conflict
from database.prepared import PreparedGet
from resources.integrity import constraints_as_errors
from timeentries.breaks import break_until, longest_break
from timeentries.models import LONGEST_ENTRY_DAYS, TimeEntry, TimeEntryQuerySet
from users.models import User

SHORTEST_ENTRY = timedelta(seconds=1)
LONGEST_ENTRY = timedelta(days=LONGEST_ENTRY_DAYS)

Check = Callable[[TimeEntry | None], None]


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
    user: User, *, now: datetime, at: datetime | None = None, check: Check | None = None
) -> TimeEntry:
    """End the user's timer and return it; 400 `no_active_timer` if none runs.

    It ends now, or at an instant from its start to now; 400 `invalid_stop_time` for another. It
    ends at least a second after its start, also where a client's clock was ahead, and at most 366
    days after it: a timer forgotten for that long must still be stoppable. If it is paused, its
    break ends with it; breaks leave it a second of work.
    """
    timer = _locked(user, check, "stop")
    if at is not None and not timer.start_time <= at <= now:
        raise BadRequest(
            "The stop time must not be before the start of the timer or in the future.",
            "invalid_stop_time",
        )
    earliest, latest = timer.start_time + SHORTEST_ENTRY, timer.start_time + LONGEST_ENTRY
    end = timer.end_time = min(max(at or now, earliest), latest)
    timer.break_seconds = min(timer.break_seconds, longest_break(timer.start_time, end))
    timer.save(update_fields=["end_time", "break_seconds", "updated_at"])
    return timer


@constraints_as_errors(TimeEntry)
def pause(user: User, *, now: datetime, check: Check | None = None) -> TimeEntry:
    """Begin a break and return the timer; 409 `timer_already_paused` during one."""
    timer = _locked(user, check, "pause")
    if timer.paused_at:
        raise Conflict("The timer is already paused.", "timer_already_paused")
    timer.paused_at = max(now, timer.start_time)
    timer.save(update_fields=["paused_at", "updated_at"])
    return timer


@constraints_as_errors(TimeEntry)
def resume(user: User, *, now: datetime, check: Check | None = None) -> TimeEntry:
    """End the break and return the timer; 409 `timer_not_paused` without one."""
    timer = _locked(user, check, "resume")
    if timer.paused_at is None:
        raise Conflict("The timer is not paused.", "timer_not_paused")
    timer.break_seconds = break_until(now, timer.paused_at, timer.break_seconds)
    timer.paused_at = None
    timer.save(update_fields=["break_seconds", "paused_at", "updated_at"])
    return timer


def _locked(user: User, check: Check | None, action: str) -> TimeEntry:
    """Return the user's timer, locked; `check` may refuse the one that was found.

    It is locked before it is read: a join would meet the project that it had before the wait.
    """
    timer = locked_timer_of(user.pk) and timer_of(user.pk)
    if check is not None:
        check(timer)
    if timer is None:
        raise BadRequest(f"There is no active timer to {action}.", "no_active_timer")
    return timer
