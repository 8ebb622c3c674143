"""What the original's rows have beside ours. All of it is only shown; in a body it is ignored."""

from collections.abc import Callable, Mapping

from api.serializers.fields import Validated as Row
from tasks.models import Task

ENABLED_MODULES = ["clients", "kanban", "projects", "reports", "tasks", "time_entries", "timer"]
IDLE_TIMEOUT_MINUTES = 30  # of the desktop app; the original's default
REQUIREMENTS = {
    "require_task": False,
    "require_description": False,
    "description_min_length": 0,
}
CLOSED = (Task.Status.DONE, Task.Status.CANCELLED)


def of_entry(row: Row) -> Row:
    """Return what a time entry or a timer also has."""
    return {
        "duration_formatted": clock(row["duration_seconds"]),
        "user": row["user_name"],
        "project": row["project_name"],
        "task": row["task_name"],
        "client": row["client_name"],
        "is_active": row["active"],
        # How a finished entry was made is not stored.
        "source": "auto" if row["active"] else "manual",
        "paid": False,
        "invoice_number": row["billing_reference"],
    }


def of_project(row: Row) -> Row:
    """Return what a project also has."""
    return {"client": row["client_name"], "is_archived": row["status"] == "archived"}


def of_task(row: Row) -> Row:
    """Return what a task also has; who created it is not a column of ours."""
    return {
        "assigned_to": row["assignee_id"],
        "created_by": None,
        "is_active": row["status"] not in CLOSED,
    }


def of_user(row: Row) -> Row:
    """Return what a user also has."""
    return {
        "display_name": row["full_name"] or row["username"],
        "timezone": row["time_zone"],
        "date_format": "YYYY-MM-DD",
        "time_format": "24h",
        "is_active": row["active"],
        "is_admin": row["role"] == "admin",
    }


def of_client(row: Row) -> Row:
    """Return what a client also has: nothing."""
    return {}


# By the keys under which answers have them.
ADDED: Mapping[str, Callable[[Row], Row]] = {
    **dict.fromkeys(("time_entry", "time_entries", "timer"), of_entry),
    **dict.fromkeys(("project", "projects"), of_project),
    **dict.fromkeys(("task", "tasks"), of_task),
    **dict.fromkeys(("client", "clients"), of_client),
    **dict.fromkeys(("user", "users"), of_user),
}
# By what a view needs a scope of. Some of it only apps send: reasons, templates.
IGNORED: Mapping[str, frozenset[str]] = {
    "time_entries": frozenset(
        {
            *("duration_formatted", "user", "project", "task", "client", "is_active"),
            *("source", "paid", "invoice_number", "reason", "template_id"),
        }
    ),
    "projects": frozenset({"client", "is_archived"}),
    "tasks": frozenset({"assigned_to", "created_by", "is_active"}),
}


def beside(data: Row) -> Row:
    """Return what an answer has beside its rows: on the service, the caller, the timer."""
    if "api_version" in data:
        return {"enabled_modules": ENABLED_MODULES}
    if "user" in data:
        return {"time_entry_requirements": REQUIREMENTS}
    if "active" in data and "timer" in data:
        return {"idle_timeout_minutes": IDLE_TIMEOUT_MINUTES, "idle_notified": False}
    return {}


def clock(seconds: int) -> str:
    """Return a duration as `HH:MM:SS`; of more than 99 hours it has more digits."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"
