"""Usage on a token's page: calls by day and scope, and unused scopes."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from django.db.models import Sum
from django.template.defaultfilters import pluralize

from apitokens.models import LATELY, ApiToken, TokenUsage
from apitokens.scopes import narrowed, used_of
from apitokens.usage import required_scopes
from staff.charts import BarChart


@dataclass(frozen=True)
class Use:
    """The last 30 days of a token, and which of its scopes ever served a call."""

    bars: BarChart
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
            bars=BarChart.of((_bar(day, *counted.get(day, (0, 0))) for day in days), most),
            calls=sum(calls for calls, _ in counted.values()),
            refused=sum(refused for _, refused in counted.values()),
            most=most,
            lacking=[(row["scope"], row["times"]) for row in lacking.order_by("-times", "scope")],
            used=used,
            unused=[scope for scope in token.scopes if scope not in used],
            keeps=narrowed(token.effective_scopes(), required),
        )


def _bar(day: date, calls: int, refused: int) -> tuple[str, str, dict[str, int]]:
    title = f"{day}: {calls} call{pluralize(calls)}"
    if refused:
        title += f", {refused} refused"
    return day.isoformat(), title, {"made": calls, "refused": refused}
