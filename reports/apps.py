"""App declaration of reports."""

from registry.config import ApiAppConfig

USER_WEEK = {
    "user_id": 2,
    "user_name": "olga",
    "seconds": [28800, 27000, 0, 30600, 51300, 0, 0],
    "total_seconds": 137700,
    "hours": 38.25,
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
            "by_project": [
                {
                    "project_id": 1,
                    "project_name": "Website Redesign",
                    "hours": 85.5,
                    "entries": 45,
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
        },
        "ReportTotals": {
            "seconds": 577800,
            "hours": 160.5,
            "entries": 85,
            "billable_seconds": 522000,
        },
    }
