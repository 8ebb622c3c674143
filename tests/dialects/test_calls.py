"""A table of the requests of the original's apps, each with its answer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from projects.models import Project
from tasks.models import Task
from tests.dialects.originals import APPS, Installed
from tests.support.factories import make_entry, make_task
from timeentries.models import TimeEntry
from users.models import User

STARTED = datetime(2026, 7, 1, 9, 0, 37, tzinfo=UTC)
ALL = ("desktop", "extension", "mobile")
PAUSE, RESUME = "/api/v1/timer/pause", "/api/v1/timer/resume"
NO_TIMER = {"error_code": "no_active_timer"}
ENTRIES = "/api/v1/time-entries"


@dataclass(frozen=True)
class Call:
    """A request of some apps, and what they read in its answer, by its place there."""

    what: str
    apps: tuple[str, ...]
    method: str
    target: str
    body: str = ""
    timer: str = ""  # `running` or `paused`, before it
    status: int = 200
    reads: Mapping[str, object] = field(default_factory=dict)


CALLS = [
    Call(
        *("is this a TimeTracker", ALL, "GET", "/api/v1/info"),
        reads={"api_version": "v1", "setup_required": False, "timezone": "UTC"},
    ),
    Call(
        *("what is enabled", ("desktop", "mobile"), "GET", "/api/v1/info"),
        reads={"enabled_modules.0": "clients", "enabled_modules.6": "timer"},
    ),
    Call(
        *("who am I", ALL, "GET", "/api/v1/users/me"),
        reads={
            "user.display_name": "Olga Rossi",
            "user.timezone": "Europe/Rome",
            "user.date_format": "YYYY-MM-DD",
            "user.time_format": "24h",
            "user.is_active": True,
            "user.is_admin": False,
            "time_entry_requirements": {
                "require_task": False,
                "require_description": False,
                "description_min_length": 0,
            },
        },
    ),
    Call(
        *("no timer", ALL, "GET", "/api/v1/timer/status"),
        reads={"active": False, "timer": None, "idle_timeout_minutes": 30, "idle_notified": False},
    ),
    Call(
        *("the timer", ALL, "GET", "/api/v1/timer/status"),
        timer="running",
        reads={
            "active": True,
            "timer.project": "Site",
            "timer.client": "Fern & Sons",
            "timer.task": None,
            "timer.user": "olga",
            "timer.is_active": True,
            "timer.source": "auto",
            "timer.paused_at": None,
            "timer.break_seconds": 0,
        },
    ),
    Call(
        *("start", ("desktop",), "POST", "/api/v1/timer/start"),
        *('{"notes":"","project_id":{project}}', "", 201),
        {"timer.project": "Site", "timer.duration_formatted": "00:00:00"},
    ),
    Call(
        *("start for a client", ("desktop",), "POST", "/api/v1/timer/start"),
        *('{"notes":"","client_id":{client}}', "", 400),
        {"error_code": "validation_error", "error": "project_id: Choose a project."},
    ),
    Call(
        *("start for a client's project", ("desktop",), "POST", "/api/v1/timer/start"),
        *('{"notes":"","project_id":{project},"client_id":{client},"task_id":{task}}', "", 201),
        {"timer.task": "Draft"},
    ),
    Call(
        *("start without notes, 5.10", ("desktop",), "POST", "/api/v1/timer/start"),
        *('{"project_id":{project},"task_id":null,"notes":null}', "", 201),
        {"timer.notes": "", "timer.task": None},
    ),
    Call(
        *("start", ("extension",), "POST", "/api/v1/timer/start"),
        *('{"project_id":{project},"task_id":{task},"notes":"Call"}', "", 201),
        {"timer.project": "Site", "timer.task": "Draft", "timer.notes": "Call"},
    ),
    Call(
        *("start again", ("extension",), "POST", "/api/v1/timer/start"),
        *('{"project_id":{project}}', "running", 409),
        {"error_code": "timer_already_running", "timer.project": "Site"},
    ),
    Call(
        *("start by a template", ("mobile",), "POST", "/api/v1/timer/start"),
        *('{"project_id":{project},"notes":"Call","template_id":3}', "", 201),
        {"timer.notes": "Call", "message": "Timer started successfully"},
    ),
    Call(*("pause", ALL, "POST", PAUSE), timer="running", reads={"time_entry.is_active": True}),
    Call(
        *("pause twice", ALL, "POST", PAUSE, "", "paused", 400),
        {"error_code": "invalid_state", "error": "The timer is already paused."},
    ),
    Call(*("pause nothing", ALL, "POST", PAUSE, "", "", 400), NO_TIMER),
    Call(*("resume", ALL, "POST", RESUME), timer="paused", reads={"time_entry.paused_at": None}),
    Call(
        *("resume twice", ALL, "POST", RESUME, "", "running", 400),
        {"error_code": "invalid_state", "error": "The timer is not paused."},
    ),
    Call(
        *("stop", ALL, "POST", "/api/v1/timer/stop"),
        timer="running",
        reads={"time_entry.is_active": False, "time_entry.source": "manual"},
    ),
    Call(*("stop nothing", ALL, "POST", "/api/v1/timer/stop", "", "", 400), NO_TIMER),
    Call(
        *("stop when it became idle", ("desktop", "mobile"), "POST", "/api/v1/timer/stop"),
        *('{"stop_time":"{minute_ago}"}', "running", 200),
        {"time_entry.duration_formatted": "01:00:00"},
    ),
    Call(
        *("heartbeat", ("desktop", "mobile"), "POST", "/api/v1/timer/heartbeat"),
        timer="running",
        status=204,
    ),
    Call(
        *("heartbeat without a timer", ("desktop", "mobile"), "POST", "/api/v1/timer/heartbeat"),
        *("", "", 400),
        NO_TIMER,
    ),
    Call(
        *("projects", ALL, "GET", "/api/v1/projects?status=active&page=1&per_page=100"),
        reads={"projects.0.client": "Fern & Sons", "projects.0.is_archived": False},
    ),
    Call(
        *("clients", ALL, "GET", "/api/v1/clients?per_page=100"),
        reads={"clients.0.name": "Fern & Sons", "clients.1": None},
    ),
    Call(
        *("tasks", ("desktop",), "GET", "/api/v1/tasks?project_id={project}&perPage=100"),
        reads={"tasks.0.priority": 4, "tasks.0.is_active": True, "tasks.0.assigned_to": None},
    ),
    Call(
        *("tasks", ("mobile",), "GET", "/api/v1/tasks?project_id={project}&per_page=200"),
        reads={"tasks.0.priority": "urgent", "tasks.0.status": "todo", "tasks.0.created_by": None},
    ),
    Call(
        *("open tasks", ("extension",), "GET"),
        "/api/v1/tasks?project_id={project}&status=open&per_page=200",
        reads={"tasks.0.name": "Draft", "tasks.1": None, "pagination.per_page": 200},
    ),
    Call(
        *("columns", ("desktop", "mobile"), "GET", "/api/v1/kanban/columns?project_id={project}"),
        reads={
            "columns.0.key": "todo",
            "columns.0.label": "Todo",
            "columns.1.status": "in_progress",
            "columns.3.is_complete_state": True,
            "columns.4.position": 4,
            "columns.5": None,
        },
    ),
    Call(
        *("move a card", ("desktop",), "PATCH", "/api/v1/tasks/{task}"),
        '{"status":"in_progress","kanban_column":"in_progress"}',
        reads={"task.status": "in_progress", "task.is_active": True},
    ),
    Call(
        *("save a task", ("mobile",), "PATCH", "/api/v1/tasks/{task}"),
        '{"name":"Draft 2","description":"","status":"todo","priority":"urgent"}',
        reads={"task.name": "Draft 2", "task.priority": "urgent"},
    ),
    Call(
        *("new task", ("extension",), "POST", "/api/v1/tasks"),
        *('{"name":"Sketch","project_id":{project}}', "", 201),
        {"task.name": "Sketch", "task.priority": 2},
    ),
    Call(
        *("new project", ("extension",), "POST", "/api/v1/projects"),
        *('{"name":"Shop","client_id":{client}}', "", 201),
        {"project.name": "Shop", "project.client": "Fern & Sons"},
    ),
    Call(
        *("favourites", ("extension",), "GET", "/api/v1/users/me/favorites/projects"),
        reads={"favorites.0": None},
    ),
    Call(
        *("a favourite", ("extension",), "POST", "/api/v1/users/me/favorites/projects"),
        *('{"project_id":{project}}', "", 201),
        {"message": "Project is a favorite"},
    ),
    Call(
        *("entries", ("desktop", "extension"), "GET", f"{ENTRIES}?per_page=50"),
        reads={
            "time_entries.0.start_time": "2026-07-01T09:00:37Z",
            "time_entries.0.duration_formatted": "01:00:00",
            "time_entries.0.project": "Site",
            "time_entries.0.client": "Fern & Sons",
            "time_entries.0.user": "olga",
            "time_entries.0.paid": False,
            "time_entries.0.invoice_number": None,
        },
    ),
    Call(
        *("entries", ("mobile",), "GET"),
        f"{ENTRIES}?start_date=2026-06-02&end_date=2026-07-02&page=1&per_page=100",
        reads={
            "time_entries.0.start_time": "2026-07-01T11:00:37",
            "time_entries.0.end_time": "2026-07-01T12:00:37",
            "time_entries.0.source": "manual",
            "time_entries.0.paid": False,
        },
    ),
    Call(
        *("new entry", ("mobile",), "POST", ENTRIES),
        '{"project_id":{project},"start_time":"2026-07-02T09:00:00.000",'
        '"end_time":"2026-07-02T10:30:00.000","notes":"Call","billable":true}',
        status=201,
        reads={
            "time_entry.start_time": "2026-07-02T09:00:00",
            "time_entry.duration_formatted": "01:30:00",
        },
    ),
    Call(
        *("new entry of an hour", ("desktop",), "POST", ENTRIES),
        '{"project_id":"{project}","task_id":null,"duration_minutes":60,"date":"2026-07-03",'
        '"notes":""}',
        status=201,
        reads={
            "time_entry.duration_formatted": "01:00:00",
            "time_entry.start_time": "2026-07-03T07:00:00Z",
        },
    ),
    Call(
        *("new entry without a project", ("desktop",), "POST", ENTRIES),
        '{"project_id":"","task_id":null,"duration_minutes":60,"date":"2026-07-03","notes":""}',
        status=400,
        reads={"error": "project_id: Choose a project."},
    ),
    Call(
        *("save an entry", ("desktop",), "PUT", f"{ENTRIES}/{{entry}}"),
        '{"project_id":"{project}","notes":"Call","tags":"a,b","paid":false,"reason":"typo"}',
        reads={"time_entry.notes": "Call", "time_entry.start_time": "2026-07-01T09:00:37Z"},
    ),
    Call(
        *("save an entry", ("mobile",), "PATCH", f"{ENTRIES}/{{entry}}"),
        '{"project_id":{project},"start_time":"2026-07-01T11:00:00.000",'
        '"end_time":"2026-07-01T12:00:00.000","notes":"Call","billable":true}',
        reads={"time_entry.notes": "Call", "time_entry.start_time": "2026-07-01T11:00:37"},
    ),
    Call(
        *("save an old copy of an entry", ("mobile",), "PATCH", f"{ENTRIES}/{{entry}}"),
        *('{"notes":"Call","if_updated_at":"2026-07-01T11:00:00.000"}', "", 409),
        {"error_code": "conflict"},
    ),
    Call(
        *("save without notes, 5.10", ("desktop",), "PUT", f"{ENTRIES}/{{entry}}"),
        '{"notes":null,"tags":null,"billable":true}',
        reads={"time_entry.notes": "", "time_entry.tags": ""},
    ),
    Call(
        *("delete an entry", ("desktop", "mobile"), "DELETE", f"{ENTRIES}/{{entry}}"),
        reads={"message": "Time entry deleted successfully"},
    ),
    *(
        Call(
            *(f"a module: {path}", ("desktop", "mobile"), method, f"/api/v1/{path}", body),
            status=404,
            reads={
                "error": f"Module disabled: {module} is not part of this server",
                "error_code": "module_disabled",
            },
        )
        for path, module, method, body in [
            ("invoices?page=1&status=draft", "invoices", "GET", ""),
            ("invoices/7/pdf", "invoices", "GET", ""),
            ("expenses", "expenses", "POST", '{"amount":12.5}'),
            ("time-off/leave-types", "time-off", "GET", ""),
            ("reports/capacity?start_date=2026-07-01", "reports/capacity", "GET", ""),
            ("timesheet-periods/3/reject", "timesheet-periods", "POST", '{"reason":"x"}'),
            ("time-entry-approvals", "time-entry-approvals", "GET", ""),
            ("workday/start", "workday", "POST", '{"notes":"","source":"desktop"}'),
            ("clients/1/contacts", "contacts", "GET", ""),
            ("per-diem-rates", "per-diem-rates", "GET", ""),
        ]
    ),
]
TABLE = [pytest.param(app, call, id=f"{app}: {call.what}") for call in CALLS for app in call.apps]


@pytest.fixture
def minute_ago() -> datetime:
    """When somebody left the desk."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)


@pytest.fixture
def names(roman: User, site: Project, minute_ago: datetime) -> dict[str, object]:
    """What stands in for the ids in a call, of rows that are there."""
    entry = make_entry(roman, site, STARTED)
    task = make_task(site, priority=Task.Priority.URGENT)
    return {
        "project": site.pk,
        "client": site.client_id,
        "task": task.pk,
        "entry": entry.pk,
        "minute_ago": minute_ago.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


@pytest.fixture
def prepare(roman: User, site: Project, minute_ago: datetime) -> Callable[[str], None]:
    """Start a timer an hour before that, running or paused."""

    def start(state: str) -> None:
        if state:
            timer = make_entry(roman, site, minute_ago - timedelta(hours=1), lasting=None)
            if state == "paused":
                TimeEntry.objects.filter(pk=timer.pk).update(paused_at=datetime.now(UTC))

    return start


def filled(text: str, names: dict[str, object]) -> str:
    """Put ids where a call names them; other braces are JSON's."""
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def read(document: Any, place: str) -> object:
    """Return what stands at a place; None for what is not there, as the apps read it."""
    for name in place.split("."):
        if isinstance(document, list):
            document = document[int(name)] if int(name) < len(document) else None
        else:
            document = document[name]
    return document


@pytest.mark.parametrize(("app", "call"), TABLE)
def test_the_original_reads_what_it_needs(
    app: str, call: Call, names: dict[str, object], prepare: Callable[[str], None]
) -> None:
    installed = Installed(APPS[app])
    prepare(call.timer)
    response = installed.send(call.method, filled(call.target, names), filled(call.body, names))
    assert response.status_code == call.status, response.content
    document = json.loads(response.content or "null")
    assert {place: read(document, place) for place in call.reads} == call.reads
    assert response["Access-Control-Allow-Origin"] == "*"
