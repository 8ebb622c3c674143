"""What the dearest request of each operation costs, in the tree and settings of a service.

Fills the database and prints a JSON line a call: `python -m tests.faults.costs_inside 1000`.
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import django
import yaml

ALL_YEARS = "start_date=1970-01-01&end_date=2200-12-31"
LOCKS = re.compile(r"^\s*(INSERT|UPDATE|DELETE)|FOR (NO KEY )?UPDATE|FOR SHARE")
STEPS = 1000  # of SQLite's machine, counted at a time
HOUR = {"start_time": "2024-01-15T09:00:00Z", "end_time": "2024-01-15T10:00:00Z"}
Call = tuple[str, str, Any]


@dataclass
class Cost:
    """Of one request; the steps are SQLite's, the rows PostgreSQL's."""

    call: str
    status: int = 0
    cpu: float = 0
    seconds: float = 0
    statements: int = 0
    rows: int = 0
    steps: int = 0
    locked: float = 0
    bytes: int = 0
    began_to_lock: float = field(default=0, repr=False)

    def execute(self, execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        """Count a statement: a wrapper of Django's."""
        self.statements += 1
        if not self.began_to_lock and LOCKS.search(sql):
            self.began_to_lock = time.monotonic()
        result = execute(sql, params, many, context)
        self.rows += max(0, context["cursor"].rowcount)
        return result

    def step(self) -> int:
        """Count some steps: a progress handler of SQLite's."""
        self.steps += STEPS
        return 0


def calls(ids: dict[str, int]) -> Iterator[Call]:
    """Yield what is dearest of each operation, as far as we know."""
    entry = {"project_id": ids["projects"], **HOUR}
    bodies: dict[str, dict[str, Any]] = {
        "projects": {"name": "A" * 200, "description": "x" * 10_000},
        "clients": {"name": "A" * 200},
        "tasks": {"name": "A", "project_id": ids["projects"]},
        "time-entries": {**entry, "notes": "x" * 10_000},
        "webhooks": {"url": "https://8.8.4.4/", "events": ["*"], "description": "A" * 200},
    }
    for name, body in bodies.items():
        yield from _of_a_resource(name, ids[name], body)
    for query in (f"tag=x&{ALL_YEARS}", f"search=zzz&{ALL_YEARS}", "billable=true&page=9999"):
        yield "GET", f"time-entries?{query}", None
    yield from _of_bulks(entry, bodies["tasks"])
    yield "GET", "timer/status", None
    yield "POST", "timer/start", {"project_id": ids["projects"], "notes": "x" * 10_000}
    yield "POST", "timer/pause", {}
    yield "POST", "timer/resume", {}
    yield "POST", "timer/stop", {}
    yield from _of_reports()
    yield from _of_webhooks(ids)
    yield from _of_money(ids)
    favorites = "users/me/favorites/projects"
    yield "GET", f"{favorites}?per_page=100&page=1000", None
    yield "POST", favorites, {"project_id": ids["projects"]}
    yield "DELETE", f"{favorites}/{ids['projects']}", None
    yield "POST", "auth/login", {"username": "x" * 150, "password": "x" * 1000}
    yield "POST", "auth/logout", {}
    for name in reversed(bodies):
        yield "DELETE", f"{name}/{ids[name]}", None
    for name in ("users/me", "users", "info", "health", "live", "ready"):
        yield "GET", name, None


def _of_a_resource(name: str, key: int, body: Any) -> Iterator[Call]:
    for query in ("search=" + "a" * 100, "per_page=100&page=1000"):
        yield "GET", f"{name}?{query}", None
    yield "POST", name, body
    yield "POST", name, {f"n{number}": 1 for number in range(40_000)}
    for path in (f"{name}/{key}", f"{name}/by-external-id/x"):
        yield "PUT", path, body
        yield "GET", path, None
        yield "PATCH", path, body
    yield "DELETE", f"{name}/by-external-id/x", None


def _of_bulks(entry: dict[str, Any], task: dict[str, Any]) -> Iterator[Call]:
    bad = {**entry, "end_time": entry["start_time"]}
    same = {**entry, "external_id": "same"}
    for path, data in (
        *(("time-entries/bulk", data) for data in (entry, bad, same)),
        ("tasks/bulk", {**task, "external_id": "same"}),
    ):
        for dry_run in (False, True):
            operations = [{"op": "create", "data": data}] * 500
            yield "POST", path, {"mode": "partial", "dry_run": dry_run, "operations": operations}


def _of_reports() -> Iterator[Call]:
    for group in ("day,week,month", "task,tag,user", "user,task,day", "tag"):
        query = f"{ALL_YEARS}&timezone=America/New_York&group_by={group}"
        yield "GET", f"reports/summary?{query}", None
    yield "GET", f"reports/entries?{ALL_YEARS}&page=9999", None
    yield "GET", f"reports/entries?{ALL_YEARS}&tag=x", None
    yield "GET", "reports/weekly?week=2024-01-15", None
    yield "GET", "changes?per_page=1000", None


def _of_money(ids: dict[str, int]) -> Iterator[Call]:
    rate = {"project_id": ids["projects"], "hourly_rate": 5, "valid_from": "2024-02-01"}
    yield "GET", "rates?per_page=100&page=1000", None
    yield "POST", "rates", rate
    for path in (f"rates/{ids['rates']}", "rates/by-external-id/x"):
        yield "PUT", path, rate | {"valid_from": "2024-03-01"}
        yield "GET", path, None
        yield "PATCH", path, {"hourly_rate": 6}
        yield "DELETE", path, None
    yield "POST", "rates/reprice", {"start_date": "2024-01-01", "end_date": "2024-01-02"}
    yield "GET", f"time-entries/{ids['time-entries']}/rate", None
    bill = {"reference": "1", "entry_ids": [ids["time-entries"]]}
    yield "POST", "billing", bill
    yield "GET", "billing", None
    yield "GET", "billing/1", None
    yield "DELETE", "billing/1", None
    yield "GET", "books", None
    yield "PUT", "books", {"closed_through": None}


def _of_webhooks(ids: dict[str, int]) -> Iterator[Call]:
    hook = f"webhooks/{ids['webhooks']}"
    yield "GET", "webhooks/event-types", None
    yield "GET", f"{hook}/deliveries?per_page=100&page=1000", None
    yield "POST", f"{hook}/replay", {"since": "1970-01-01T00:00:00Z"}
    yield "POST", f"{hook}/deliveries/{ids['deliveries']}/redeliver", {}
    for action in ("test", "rotate-secret"):
        yield "POST", f"{hook}/{action}", {}


def measured(api: Any, call: Call) -> Cost:
    """Return what a call costs in this process and its statements."""
    from django.db import connection

    method, path, body = call
    cost = Cost(f"{method} {path[:90]}")
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        connection.connection.set_progress_handler(cost.step, STEPS)
    started, cpu = time.monotonic(), time.process_time()
    with connection.execute_wrapper(cost.execute):
        response = getattr(api, method.lower())(f"/api/v1/{path}", body, format="json")
        cost.bytes = len(b"".join(response) if response.streaming else response.content)
    cost.cpu, cost.seconds = time.process_time() - cpu, time.monotonic() - started
    if cost.began_to_lock:
        cost.locked = time.monotonic() - cost.began_to_lock
    cost.status = response.status_code
    return cost


def missing(made: list[Call]) -> list[str]:
    """Return the operations of the schema that no call is of."""
    called = {(method, re.sub(r"/\d+|/x$", "/{}", path.split("?")[0])) for method, path, _ in made}
    with open("schema.yml", encoding="utf-8") as file:
        paths = yaml.safe_load(file)["paths"]
    operations = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path).removeprefix("/api/v1/"))
        for path, methods in paths.items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    }
    return sorted(f"{method} {path}" for method, path in operations - called)


def main(entries: int) -> None:
    """Fill the database, make the calls as an administrator, and print what they cost."""
    from django.core.management import call_command
    from rest_framework.test import APIClient

    from apitokens.models import ApiToken
    from clients.models import Client
    from projects.models import Project
    from rates.models import Rate
    from tasks.models import Task
    from timeentries.models import TimeEntry
    from users.models import User
    from webhooks.models import Delivery, Webhook

    Project.objects.all().delete()  # demo data are mixed with nothing
    call_command("seed_demo", entries=entries, stdout=sys.stderr)
    user = User.objects.create_superuser("measures")
    api = APIClient(HTTP_HOST="localhost")
    api.credentials(
        HTTP_AUTHORIZATION=f"Bearer {ApiToken.issue(user=user, name='costs', scopes=['*'])[1]}"
    )
    hook = Webhook(user=user, url="https://8.8.4.4/", events=["*"])
    Webhook.insert([hook])
    Delivery.objects.create(webhook=hook, event="webhook.test")
    rows: dict[str, Any] = {
        "projects": Project.objects.exclude(status="archived"),
        "clients": Client.objects,
        "tasks": Task.objects,
        "time-entries": TimeEntry.objects,
        "webhooks": Webhook.objects,
        "rates": Rate.objects,
        "deliveries": Delivery.objects,
    }
    ids = {name: of.latest("pk").pk for name, of in rows.items()}
    api.get("/api/v1/users/me")
    made = [*calls(ids)]
    print(json.dumps({"missing": missing(made)}))
    for call in made:
        print(json.dumps(asdict(measured(api, call))), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "timetracker.settings")
    django.setup()
    main(int(sys.argv[1]))
