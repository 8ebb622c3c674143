"""How the deliveries of a webhook have gone: attempts in each of the last 24 hours."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.template.defaultfilters import pluralize

from staff.charts import BarChart

HOURS = 24
Attempts = dict[str, list[int]]  # the hour (UTC) "2026-11-27T08": [delivered, failed]


def counted(attempts: Mapping[str, list[int]], now: datetime, *more: int) -> Attempts:
    """Return attempts with `more` (delivered, failed) in this hour, and without what is older."""
    kept = {hour: attempts[hour] for hour in _hours(now) if hour in attempts}
    this_hour = _hours(now)[-1]
    before = kept.get(this_hour, [0, 0])
    return kept | {this_hour: [old + new for old, new in zip(before, more, strict=True)]}


class Health:
    """The attempts of 24 hours in sum, and as a chart."""

    def __init__(self, attempts: Mapping[str, list[int]], now: datetime) -> None:
        hours = _hours(now)
        rows = [attempts.get(hour, [0, 0]) for hour in hours]
        self.delivered = sum(delivered for delivered, _ in rows)
        self.failed = sum(failed for _, failed in rows)
        top = max(map(sum, rows))
        bars = (_bar(hour, *row) for hour, row in zip(hours, rows, strict=True))
        self.bars = BarChart.of(bars, top)

    @property
    def attempts(self) -> int:
        """Return how many attempts there were."""
        return self.delivered + self.failed

    @property
    def success(self) -> str:
        """Return the share of attempts that were delivered: `97 %`; never rounded up to all."""
        return f"{100 * self.delivered // self.attempts} %" if self.attempts else ""


def _hours(now: datetime) -> list[str]:
    """Return the last 24 hours, the oldest first."""
    this_hour = now.astimezone(UTC)
    hours = (this_hour - timedelta(hours=ago) for ago in reversed(range(HOURS)))
    return [f"{hour:%Y-%m-%dT%H}" for hour in hours]


def _bar(hour: str, delivered: int, failed: int) -> tuple[str, str, dict[str, int]]:
    clock = f"{hour[-2:]}:00"
    title = f"{clock}: {delivered} delivered, {failed} failed attempt{pluralize(failed)}"
    return clock, title, {"delivered": delivered, "failed": failed}
