"""Writers who do at random what the API lets them do."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Send = Callable[[str, str, dict[str, Any]], tuple[int, dict[str, Any]]]

KINDS = {
    "clients": "client",
    "projects": "project",
    "tasks": "task",
    "time-entries": "time_entry",
}
# What may come of a write: done, refused by a rule, another user's, gone, against what is stored;
# 503 to try again, where bulk requests over the same projects lock each other out.
ANSWERS = {200, 201, 400, 403, 404, 409, 503}


@dataclass
class Office:
    """What the writers know of: the users, and the ids that were ever there."""

    users: list[int]
    ids: dict[str, list[int]] = field(default_factory=lambda: {path: [] for path in KINDS})


class Writer:
    """One who writes, the same each time for the same seed; `send` makes the request."""

    def __init__(self, office: Office, send: Send, seed: int, *, administrator: bool) -> None:
        self.office = office
        self.send = send
        self.random = random.Random(seed)  # noqa: S311 - the same each time
        self.administrator = administrator
        self.count = 0

    def write(self) -> int:
        """Do something, and return the status of the answer."""
        self.count += 1
        does = self.random.choices(
            (self.create, self.change, self.delete, self.time, self.bulk), weights=(6, 8, 3, 2, 3)
        )[0]
        status: int = does(self.random.choice(list(KINDS)))
        return status

    def create(self, path: str) -> int:
        """Add a row."""
        status, body = self.send("POST", f"/api/v1/{path}", self._fields(path))
        if status == 201:
            self.office.ids[path].append(body[KINDS[path]]["id"])
        return status

    def change(self, path: str) -> int:
        """Change a few columns of a row; an administrator may give an entry to somebody else."""
        fields = self._fields(path)
        some = self.random.sample(sorted(fields), self.random.randint(1, len(fields)))
        body = {name: fields[name] for name in some}
        if path == "time-entries" and self.administrator:
            body["user_id"] = self.random.choice(self.office.users)
        return self.send("PATCH", self._one(path), body)[0]

    def delete(self, path: str) -> int:
        """Delete a row; a project is archived."""
        return self.send("DELETE", self._one(path), {})[0]

    def time(self, _: str) -> int:
        """Start or stop the timer."""
        if self.random.random() < 0.5:
            return self.send("POST", "/api/v1/timer/stop", {})[0]
        status, body = self.send(
            "POST", "/api/v1/timer/start", {"project_id": self._id("projects")}
        )
        if status == 201:
            self.office.ids["time-entries"].append(body["timer"]["id"])
        return status

    def bulk(self, _: str) -> int:
        """Do several things with entries in one request, all of them or what is accepted."""
        path = "time-entries"
        operations = [
            {"op": "create", "data": self._fields(path)},
            {"op": "create", "data": self._fields(path)},
            {"op": "update", "id": self._id(path), "data": {"notes": f"bulk {self.count}"}},
            {"op": "delete", "id": self._id(path)},
        ]
        body = {"mode": self.random.choice(["atomic", "partial"]), "operations": operations}
        status, answer = self.send("POST", f"/api/v1/{path}/bulk", body)
        if status == 200:
            self.office.ids[path] += [
                result["id"] for result in answer["results"] if result["status"] == 201
            ]
        return status

    def _fields(self, path: str) -> dict[str, Any]:
        name = f"{KINDS[path]} {self.random.randint(1, 10_000)}"
        if path == "clients":
            return {"name": name, "phone": str(self.count)}
        if path == "projects":
            client = self.random.choice([None, self._id("clients")])
            status = self.random.choice(["active", "archived"])
            return {"name": name, "client_id": client, "status": status}
        if path == "tasks":
            status = self.random.choice(["todo", "done"])
            return {"name": name, "project_id": self._id("projects"), "status": status}
        hour = self.random.randint(10, 22)
        return {
            "project_id": self._id("projects"),
            "task_id": self.random.choice([None, None, self._id("tasks")]),
            "start_time": "2024-01-15T09:00:00Z",
            "end_time": f"2024-01-15T{hour}:00:00Z",
            "notes": name,
        }

    def _id(self, path: str) -> int:
        """One of the newest ids, so that writers meet at the same rows; 1 if there is none."""
        return self.random.choice(self.office.ids[path][-12:] or [1])

    def _one(self, path: str) -> str:
        return f"/api/v1/{path}/{self._id(path)}"
