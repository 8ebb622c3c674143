"""Breaks: time within an entry that is not worked."""

from datetime import datetime

from values.instants import seconds_between


def seconds_worked(start: datetime, end: datetime, break_seconds: int) -> int:
    """Return the whole seconds between two instants, less the breaks."""
    return max(0, seconds_between(start, end) - break_seconds)


def break_until(end: datetime, paused_at: datetime, break_seconds: int) -> int:
    """Return the seconds of all breaks, if the last one began at `paused_at` and ends at `end`."""
    return break_seconds + max(0, seconds_between(paused_at, end))


def longest_break(start: datetime, end: datetime) -> int:
    """Return the seconds of the longest break that leaves a second of work."""
    return max(0, seconds_between(start, end) - 1)
