"""App declaration of time entries."""

from django.db.models.signals import post_migrate

from registry.config import ApiAppConfig
from tallies.counted import Counted

TABLE = "timeentries_timeentry"
OF_ALL, OF_USER, OF_PROJECT = "entries", "entries_of_user", "entries_of_project"


class TimeEntriesConfig(ApiAppConfig):
    """Time entries."""

    name = "timeentries"
    verbose_name = "Time entries"
    viewset = "timeentries.views.TimeEntryViewSet"
    scopes = {
        "read:time_entries": "View time entries and the timer",
        "write:time_entries": "Create, update and delete time entries; the timer",
    }
    tags = {
        "Time entries": "Time logged on projects and tasks.",
        "Timer": "Start, pause, resume and stop the user's timer.",
    }
    counted = Counted(
        table=TABLE,
        keys={OF_ALL: "0", OF_USER: "{0}user_id", OF_PROJECT: "{0}project_id"},
        instant="start_time",
        of_owner=OF_USER,
        of_all=OF_ALL,
        currency={OF_PROJECT: "COALESCE({0}currency, '')"},
        counts={
            "finished": "CASE WHEN {0}end_time IS NULL THEN 0 ELSE 1 END",
            "running": "CASE WHEN {0}end_time IS NULL THEN 1 ELSE 0 END",
            "seconds": "COALESCE({0}duration_seconds, 0)",
            "billable_seconds": (
                "CASE WHEN {0}billable THEN COALESCE({0}duration_seconds, 0) ELSE 0 END"
            ),
            "rounded_seconds": "COALESCE({0}rounded_seconds, 0)",
            "priced": "CASE WHEN {0}amount IS NULL THEN 0 ELSE 1 END",
            "amount": "COALESCE({0}amount, 0)",
            "billed": "CASE WHEN {0}bill_id IS NULL THEN 0 ELSE COALESCE({0}amount, 0) END",
        },
    )
    examples = {
        "TimeEntry": {
            "id": 42,
            "user_id": 2,
            "user_name": "maria",
            "project_id": 1,
            "project_name": "Website Redesign",
            "task_id": 5,
            "task_name": "Implement login feature",
            "client_id": 5,
            "client_name": "Acme Corp",
            "start_time": "2024-01-15T09:00:00Z",
            "end_time": "2024-01-15T17:00:00Z",
            "break_seconds": 1800,
            "paused_at": None,
            "duration_seconds": 27000,
            "duration_hours": 7.5,
            "active": False,
            "notes": "Worked on feature X",
            "tags": "development,frontend",
            "tag_list": ["development", "frontend"],
            "billable": True,
            "hourly_rate": 75.0,
            "currency": "EUR",
            "rounded_seconds": 27000,
            "amount": 562.5,
            "billed": False,
            "billing_reference": None,
        },
        "PatchedTimeEntryRequest": {"notes": "Worked on feature Y"},
        "TimerStartRequest": {"project_id": 1, "task_id": 5},
    }

    def ready(self) -> None:
        """Look after each migration whether the triggers are there: a remade table has none."""
        post_migrate.connect(_install, sender=self)


def _install(using: str, **_: object) -> None:
    from timeentries.billed import install  # models can be imported only now

    install(using)
