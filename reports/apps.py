"""App declaration of reports."""

from registry.config import ApiAppConfig

WORTH = {
    "rounded_seconds": 138600,
    "rounded_hours": 38.5,
    "amounts": [{"currency": "EUR", "amount": 2887.5, "billed": 2250.0, "unbilled": 637.5}],
}
USER_WEEK = {
    "user_id": 2,
    "user_name": "olga",
    "seconds": [28800, 27000, 0, 30600, 51300, 0, 0],
    "total_seconds": 137700,
    "hours": 38.25,
    **WORTH,
}
OF_PROJECT = {
    "rounded_seconds": 308700,
    "rounded_hours": 85.75,
    "amounts": [{"currency": "EUR", "amount": 5287.5, "billed": 5287.5, "unbilled": 0.0}],
    "estimated_hours": 120.0,
    "estimate_used": 0.7125,
}


class ReportsConfig(ApiAppConfig):
    """Reports."""

    name = "reports"
    scopes = {"read:reports": "View reports"}
    tags = {"Reports": "Totals of time entries."}
    example_calls = {"read:reports": "summary-report"}
    examples = {
        "SummaryReport": {
            "start_date": "2024-01-01T00:00:00Z",
            "end_date": "2024-01-31T23:59:59Z",
            "total_hours": 160.5,
            "billable_hours": 145.0,
            "total_entries": 85,
            "rounded_seconds": 579600,
            "rounded_hours": 161.0,
            "amounts": [
                {"currency": "EUR", "amount": 10912.5, "billed": 9000.0, "unbilled": 1912.5}
            ],
            "by_project": [
                {
                    "project_id": 1,
                    "project_name": "Website Redesign",
                    "hours": 85.5,
                    "entries": 45,
                    **OF_PROJECT,
                }
            ],
        },
        "ReportGroup": {
            "key": 1,
            "name": "Website Redesign",
            "seconds": 307800,
            "hours": 85.5,
            "entries": 45,
            "billable_seconds": 253800,
            **OF_PROJECT,
            "children": [],
        },
        "UserWeek": USER_WEEK,
        "WeeklyReport": {
            "week": "2024-W03",
            "start_date": "2024-01-15T00:00:00Z",
            "end_date": "2024-01-21T23:59:59Z",
            "timezone": "UTC",
            "days": [f"2024-01-{day}" for day in range(15, 22)],
            "users": [USER_WEEK],
            "totals": USER_WEEK["seconds"],
            "total_seconds": 137700,
            "hours": 38.25,
            **WORTH,
        },
        "ReportTotals": {
            "seconds": 577800,
            "hours": 160.5,
            "entries": 85,
            "billable_seconds": 522000,
            "rounded_seconds": 579600,
            "rounded_hours": 161.0,
            "amounts": [
                {"currency": "EUR", "amount": 10912.5, "billed": 9000.0, "unbilled": 1912.5}
            ],
        },
    }
