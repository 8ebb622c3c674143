"""What a service answers before and after an upgrade; run within either tree, it imports no test.

`python upgraded.py FILE` writes the answers, as JSON. The first run makes what it asks for.
"""

import json
import sys
from pathlib import Path
from typing import Any

import django

django.setup()

from django.contrib import admin  # noqa: E402 - Django has to be set up first
from django.db import connection  # noqa: E402
from django.test import Client as Browser  # noqa: E402
from django.urls import reverse  # noqa: E402
from rest_framework.test import APIClient  # noqa: E402

from apitokens.models import ApiToken  # noqa: E402
from users.models import User  # noqa: E402

LISTS = ("clients", "projects", "tasks", "time-entries", "users")
TYPES = "client,project,task,time_entry"  # a release may add more
RANGE = {"start_date": "2023-01-01", "end_date": "2024-12-31"}


def main(file: Path) -> None:
    before = json.loads(file.read_text()) if file.exists() else None
    secret = before["secret"] if before else token_of(User.objects.create_superuser("ada"))
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    if before is None:
        write(api)
    answers: dict[str, Any] = {
        "secret": secret,
        "tables": tables(),
        "lists": {name: listed(api, name) for name in LISTS},
        "summary": get(api, "reports/summary", **RANGE)["summary"],
        **followed(api, before["cursor"] if before else None),
    }
    if before:
        answers |= {"written": written(api, answers["cursor"]), "admin": admin_pages()}
    file.write_text(json.dumps(answers))


def token_of(user: User) -> str:
    """A new token of a user, which may do everything."""
    _, secret = ApiToken.issue(user=user, name="upgrade", scopes=["*"])
    return secret


def write(api: Any) -> None:
    """Create, change, delete and archive through the API, for changes of all kinds."""
    client = post(api, "clients", name="Łąka", email="a@example.com")["client"]
    project = post(api, "projects", name="Straße", client_id=client["id"])["project"]
    task = post(api, "tasks", name="E\u0301tude", project_id=project["id"])["task"]
    hour = {"start_time": "2024-01-15T09:00:00Z", "end_time": "2024-01-15T10:00:00Z"}
    of_task = {"project_id": project["id"], "task_id": task["id"]}
    for tags in ("Écran,b", "b"):
        entry = post(api, "time-entries", **hour, **of_task, tags=tags)["time_entry"]
    assert api.put("/api/v1/clients/by-external-id/crm 1", {"name": "Moss"}).status_code == 201
    assert api.patch(f"/api/v1/time-entries/{entry['id']}", {"notes": "x"}).status_code == 200
    assert api.delete(f"/api/v1/time-entries/{entry['id']}").status_code == 200
    post(api, "timer/start", project_id=project["id"])
    old = post(api, "projects", name="Old")["project"]
    assert api.delete(f"/api/v1/projects/{old['id']}").status_code == 200


def post(api: Any, path: str, **body: object) -> Any:
    answer = api.post(f"/api/v1/{path}", body, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def get(api: Any, path: str, **query: object) -> Any:
    answer = api.get(f"/api/v1/{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def tables() -> dict[str, int]:
    """The number of rows of each table."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        quoted = {name: connection.ops.quote_name(name) for name in names}
        return {
            name: cursor.execute(f"SELECT COUNT(*) FROM {quoted[name]}").fetchone()[0]
            for name in names
        }


def listed(api: Any, name: str) -> list[Any]:
    """All rows of a list, without the seconds of running timers, which pass."""
    rows: list[Any] = []
    page, active = 1, {"include_active": "true"} if name == "time-entries" else {}
    while page:
        answer = get(api, name, page=page, per_page=100, **active)
        rows += answer[name.replace("-", "_")]
        page = answer["pagination"]["next_page"]
    for row in rows:
        if row.get("active"):
            row.pop("duration_seconds", None)  # a user is active too
            row.pop("duration_hours", None)
    return rows


def followed(api: Any, cursor: str | None) -> dict[str, Any]:
    """The changes after a cursor, or all there are, and the cursor after them."""
    changes: list[Any] = []
    while True:
        place = {"cursor": cursor} if cursor else {}
        answer = get(api, "changes", per_page=100, types=TYPES, **place)
        changes += [(each["type"], each["id"], each["op"]) for each in answer["changes"]]
        cursor = answer["next_cursor"]
        if not answer["has_more"]:
            return {"changes": changes, "cursor": cursor}


def written(api: Any, cursor: str) -> list[Any]:
    """What the feed shows of a write after the upgrade."""
    post(api, "clients", name="Heath")
    return list(followed(api, cursor)["changes"])


def admin_pages() -> dict[str, int]:
    """The status of each list in the admin, and of the page of its first row."""
    browser = Browser()
    browser.force_login(User.objects.get(username="ada"))
    statuses: dict[str, int] = {}
    for model in admin.site._registry:  # noqa: SLF001 - as Django's own tests
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        paths = [reverse(f"{name}_changelist")]
        row = model._default_manager.order_by("pk").first() if model._meta.managed else None
        paths += [reverse(f"{name}_change", args=[row.pk])] if row else []
        statuses |= {path: browser.get(path).status_code for path in paths}
    return statuses


if __name__ == "__main__":
    main(Path(sys.argv[1]))
