"""What a token's page tells of its use: calls by day, by scope, and what was never used."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from django.db.models import Sum

from apitokens.models import LATELY, ApiToken, TokenUsage
from apitokens.scopes import narrowed, used_of
from apitokens.usage import required_scopes

CHART_HEIGHT = 100  # its own units: the page stretches it


@dataclass(frozen=True)
class Bar:
    """A day of the chart, in its units from the top left."""

    day: date
    calls: int
    refused: int
    x: int
    calls_height: float
    refused_height: float

    @property
    def refused_y(self) -> float:
        """Return where the refused part begins, on top of the calls."""
        return CHART_HEIGHT - self.calls_height - self.refused_height

    @property
    def calls_y(self) -> float:
        """Return where the calls begin."""
        return CHART_HEIGHT - self.calls_height


@dataclass(frozen=True)
class Use:
    """The last 30 days of a token, and which of its scopes ever served a call."""

    bars: list[Bar]
    calls: int
    refused: int
    most: int
    lacking: list[tuple[str, int]]
    used: set[str]
    unused: list[str]
    keeps: list[str]

    @classmethod
    def of(cls, token: ApiToken, now: datetime) -> Self:
        """Return the use of a token as far as it is written; three queries."""
        last = now.date()
        days = [last - LATELY + timedelta(days=number + 1) for number in range(LATELY.days)]
        usage = TokenUsage.objects.filter(token=token)
        counted = {
            day: (calls, refused)
            for day, calls, refused in usage.filter(day__gte=days[0])
            .values_list("day")
            .annotate(Sum("calls"), Sum("refused"))
        }
        lacking = usage.filter(refused__gt=0).values("scope").annotate(times=Sum("refused"))
        most = max((sum(counts) for counts in counted.values()), default=0)
        required = required_scopes(token)
        used = used_of(token.scopes, required)
        return cls(
            bars=[
                _bar(number, day, *counted.get(day, (0, 0)), most)
                for number, day in enumerate(days)
            ],
            calls=sum(calls for calls, _ in counted.values()),
            refused=sum(refused for _, refused in counted.values()),
            most=most,
            lacking=[(row["scope"], row["times"]) for row in lacking.order_by("-times", "scope")],
            used=used,
            unused=[scope for scope in token.scopes if scope not in used],
            keeps=narrowed(token.effective_scopes(), required),
        )


def _bar(number: int, day: date, calls: int, refused: int, most: int) -> Bar:
    unit = CHART_HEIGHT / most if most else 0
    return Bar(
        day,
        calls,
        refused,
        x=number * 10,
        calls_height=round(calls * unit, 1),
        refused_height=round(refused * unit, 1),
    )
