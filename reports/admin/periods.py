"""Ranges of dates that have a name."""

from datetime import date, timedelta

DAY = timedelta(days=1)
PERIODS = {
    "today": "Today",
    "this_week": "This week",
    "last_week": "Last week",
    "this_month": "This month",
    "last_month": "Last month",
    "this_year": "This year",
}
DEFAULT_PERIOD = "this_month"


def dates_of(period: str, today: date) -> tuple[date, date]:
    """Return the first and the last day of a period; weeks begin on Monday."""
    match period:
        case "today":
            return today, today
        case "this_week":
            return of_unit("week", today)
        case "last_week":
            return of_unit("week", today - 7 * DAY)
        case "last_month":
            return of_unit("month", today.replace(day=1) - DAY)
        case "this_year":
            return today.replace(month=1, day=1), today.replace(month=12, day=31)
    return of_unit("month", today)


def of_unit(unit: str, day: date) -> tuple[date, date]:
    """Return the first and the last day of the day, week or month that a day is in."""
    match unit:
        case "week":
            monday = day - day.weekday() * DAY
            return monday, monday + 6 * DAY
        case "month":
            first = day.replace(day=1)
            return first, (first + 31 * DAY).replace(day=1) - DAY
    return day, day
