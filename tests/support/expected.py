"""A time entry as the API shows it, and as a body books one."""

from datetime import timedelta
from typing import Any

from projects.models import Project
from tests.support.answers import instant
from timeentries.models import TimeEntry


def entry_json(entry: TimeEntry, **changes: Any) -> dict[str, Any]:
    """What an answer says of an entry; of a timer everything but the time so far."""
    client, task = entry.project.client, entry.task
    end, breaks = entry.end_time, timedelta(seconds=entry.break_seconds)
    seconds = end and (end - entry.start_time - breaks) // timedelta(seconds=1)
    return {
        "id": entry.pk,
        "user_id": entry.user_id,
        "user_name": entry.user.username,
        "project_id": entry.project_id,
        "project_name": entry.project.name,
        "task_id": entry.task_id,
        "task_name": task and task.name,
        "client_id": entry.project.client_id,
        "client_name": client and client.name,
        "start_time": instant(entry.start_time),
        "end_time": instant(entry.end_time),
        "break_seconds": entry.break_seconds,
        "paused_at": instant(entry.paused_at),
        "duration_seconds": seconds,
        "duration_hours": seconds and round(seconds / 3600, 2),
        "active": entry.end_time is None,
        "notes": entry.notes,
        "tags": entry.tags,
        "tag_list": entry.tags.split(",") if entry.tags else [],
        "billable": entry.billable,
        "hourly_rate": None if entry.hourly_rate is None else float(entry.hourly_rate),
        "currency": entry.currency,
        "rounded_seconds": entry.rounded_seconds,
        "amount": None if entry.amount is None else float(entry.amount),
        "billed": entry.bill_id is not None,
        "billing_reference": entry.bill_id,
        "created_at": instant(entry.created_at),
        "updated_at": instant(entry.updated_at),
        "version": entry.version,
        "external_id": None,
        **changes,
    }


def without_time_so_far(timer: dict[str, Any], at_least: int, at_most: int) -> dict[str, Any]:
    """Return an answer's timer as `entry_json` shows it, once its time so far is plausible."""
    assert at_least <= timer["duration_seconds"] <= at_most
    assert timer["duration_hours"] == round(timer["duration_seconds"] / 3600, 2)
    return timer | {"duration_seconds": None, "duration_hours": None}


def hour(project: Project, **fields: Any) -> dict[str, Any]:
    """Return a body that books an hour."""
    return {
        "project_id": project.pk,
        "start_time": "2024-01-15T09:00:00Z",
        "end_time": "2024-01-15T10:00:00Z",
        **fields,
    }
