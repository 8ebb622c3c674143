"""A consumer of the feed, as docs/api.md tells to write one."""

from typing import Any

from changes.feed import VIEWSETS
from registry import declared
from tests.support.examples import path_of

PATH = "/api/v1/changes"
KINDS: dict[str, Any] = dict(VIEWSETS)
# What a row shows of others; a client or project that is renamed does not change these rows.
BORROWED = {
    kind: [
        name for name, field in viewset.serializer_class().fields.items() if "." in field.source
    ]
    for kind, viewset in KINDS.items()
}

Copy = dict[tuple[str, int], dict[str, Any]]


class Follower:
    """A copy of all that a caller may see, kept true by the feed."""

    def __init__(
        self, api: Any, types: str = "", per_page: int = 100, cursor: str | None = "now"
    ) -> None:
        self.api = api
        self.query: dict[str, Any] = {"per_page": per_page}
        if types:
            self.query["types"] = types
        self.copy: Copy = {}
        self.last_seq = 0
        self.has_more: bool = True
        self.cursor: str = self.get(cursor=cursor)["next_cursor"] if cursor else ""

    def get(self, **query: Any) -> dict[str, Any]:
        """The answer to a call, which must be 200."""
        response = self.api.get(PATH, {**self.query, **query})
        assert response.status_code == 200, response.content
        answer: dict[str, Any] = response.json()
        return answer

    def step(self) -> list[dict[str, Any]]:
        """Follow once; return the changes."""
        answer = self.get(**({"cursor": self.cursor} if self.cursor else {}))
        for change in answer["changes"]:
            assert change["seq"] >= self.last_seq, "out of order"
            self.last_seq = change["seq"]
            key = (change["type"], change["id"])
            if change["op"] == "delete":
                assert change["data"] is None
                self.copy.pop(key, None)
            else:
                self.copy[key] = change["data"]
        self.cursor = answer["next_cursor"]
        self.has_more = answer["has_more"]
        changes: list[dict[str, Any]] = answer["changes"]
        return changes

    def told(self) -> list[tuple[Any, ...]]:
        """Follow to the end; return type, id and op of each change."""
        changes = self.step()
        while self.has_more:
            changes += self.step()
        return [(change["type"], change["id"], change["op"]) for change in changes]


def listed(api: Any, types: list[str]) -> Copy:
    """Everything that a caller may see, from the lists."""
    rows: Copy = {}
    for kind in types:
        path, key = path_of(KINDS[kind]), declared.plural_key_of(KINDS[kind].queryset.model)
        page = 1
        while page:
            query: dict[str, Any] = {"page": page, "per_page": 100}
            if kind == "time_entry":
                query["include_active"] = "true"
            answer = api.get(path, query).json()
            rows |= {(kind, row["id"]): row for row in answer[key]}
            page = answer["pagination"]["next_page"]
    return rows


def with_names(copy: Copy) -> Copy:
    """A copy whose rows show of others what the copy knows of them, as a consumer joins them.

    Without the seconds of running timers, which pass, and the names of users, who are no part
    of the feed.
    """
    joined = {}
    for (kind, pk), row in copy.items():
        row = {name: value for name, value in row.items() if name not in BORROWED[kind]}
        project = copy.get(("project", row.get("project_id", pk))) if kind != "client" else None
        if project is not None:
            client_id = project["client_id"]
            client = copy.get(("client", client_id), {})
            row |= {"client_id": client_id, "client_name": client.get("name")}
            row["project_name"] = project["name"]
        if kind == "time_entry":
            row["task_name"] = copy.get(("task", row["task_id"]), {}).get("name")
            if row["active"]:
                del row["duration_seconds"], row["duration_hours"]
        joined[kind, pk] = row
    return joined
