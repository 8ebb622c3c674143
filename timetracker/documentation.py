"""The OpenAPI document as it is served, and what only this level knows of single resources."""

# drf-spectacular has types for a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer2
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from changes.feed import VIEWSETS
from tasks.serializers import PRIORITY_NAMES
from timeentries.serializers import MAX_TAG_LENGTH, MAX_TAGS
from timetracker.api.openapi_types import INSTANT_INPUT, ZONE, Direction, Schema
from timetracker.api.probes import PublicView

YAML = "application/yaml"
JSON = "application/json"
RENDERERS = {YAML: OpenApiYamlRenderer2, JSON: JSONRenderer}


@cache
def document(media_type: str) -> str | bytes:
    """Return the OpenAPI document, which is made once in a process: it takes a while."""
    schema = SchemaGenerator().get_schema(public=True)
    return RENDERERS[media_type]().render(schema, renderer_context={})


class DocumentView(PublicView):
    """The OpenAPI document; it is not part of itself."""

    schema = None
    media_type = YAML

    def get(self, request: Request) -> HttpResponse:
        """Return the document."""
        return HttpResponse(document(self.media_type), content_type=self.media_type)


class PriorityFieldSchema(OpenApiSerializerFieldExtension):
    """A priority goes in as a number or a name, and comes out as a number."""

    target_class = "tasks.serializers.PriorityField"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return the priority of a direction."""
        numbers = PRIORITY_NAMES.values()
        number = {"type": "integer", "minimum": min(numbers), "maximum": max(numbers)}
        if direction == "response":
            return number
        return {"anyOf": [number, {"type": "string", "enum": list(PRIORITY_NAMES)}]}


class TagsFieldSchema(OpenApiSerializerFieldExtension):
    """Tags go in as one string or as an array, and come out as one string."""

    target_class = "timeentries.serializers.TagsField"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return the tags of a direction."""
        text = {"type": "string"}
        if direction == "response":
            return {**text, "description": "Separated by commas."}
        tags = {"type": "array", "items": {"type": "string", "pattern": "^[^,]*$"}}
        sentence = f"At most {MAX_TAGS} tags of at most {MAX_TAG_LENGTH} characters."
        return {
            "anyOf": [text, tags],
            "description": f"Separated by commas, or a list. {sentence}",
        }


class EndFieldSchema(OpenApiSerializerFieldExtension):
    """An end may be empty: the timer runs."""

    target_class = "timeentries.serializers.EndField"
    priority = 1

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return the end of a direction; `null` is added to both."""
        if direction == "response":
            return {"type": "string", "format": "date-time"}
        sentence = f"None, null or empty makes a running timer. {ZONE}"
        empty = {"type": "string", "maxLength": 0}
        return {"anyOf": [INSTANT_INPUT, empty], "description": sentence}


class RowFieldSchema(OpenApiSerializerFieldExtension):
    """A change carries a row of any resource."""

    target_class = "changes.serializers.RowField"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return a reference to each; `null` is added."""
        rows = (viewset.serializer_class for viewset in VIEWSETS.values())
        return {"anyOf": [auto_schema.resolve_serializer(row, direction).ref for row in rows]}


def add_examples(result: Schema, **_: Any) -> Schema:
    """Give the bodies the examples of the documents (a drf-spectacular hook)."""
    schemas = result["components"]["schemas"]
    for name, example in EXAMPLES.items():
        members = schemas[name]["properties"]
        schemas[name]["examples"] = [{key: example[key] for key in members if key in example}]
    return result


USER_WEEK = {
    "user_id": 2,
    "user_name": "olga",
    "seconds": [28800, 27000, 0, 30600, 51300, 0, 0],
    "total_seconds": 137700,
    "hours": 38.25,
}
CLIENT = {
    "name": "Acme Corp",
    "email": "contact@acme.com",
    "company": "Acme Corporation",
    "phone": "+1-555-0123",
}
PROJECT = {
    "name": "New Project",
    "description": "Project description",
    "client_id": 5,
    "hourly_rate": 75.0,
    "estimated_hours": 100,
    "status": "active",
}
TASK = {
    "name": "Implement login feature",
    "description": "Add user authentication",
    "project_id": 1,
    "status": "todo",
    "priority": 1,
}
TIME_ENTRY = {
    "project_id": 1,
    "task_id": 5,
    "start_time": "2024-01-15T09:00:00Z",
    "end_time": "2024-01-15T17:00:00Z",
    "notes": "Worked on feature X",
    "tags": "development,frontend",
    "billable": True,
}
TIMES = {
    "created_at": "2024-01-01T10:00:00Z",
    "updated_at": "2024-01-15T17:00:00Z",
    "version": 3,
    "external_id": None,
}
EXAMPLES: dict[str, Schema] = {
    "ClientRequest": CLIENT,
    "PatchedClientRequest": {"status": "inactive"},
    "Client": {
        "id": 5,
        **CLIENT,
        "address": "",
        "default_hourly_rate": None,
        "status": "active",
        **TIMES,
    },
    "ProjectRequest": PROJECT,
    "PatchedProjectRequest": {"status": "on_hold"},
    "Project": {
        "id": 1,
        "name": "Website Redesign",
        "description": "Complete website overhaul",
        "client_id": 5,
        "client_name": "Acme Corp",
        "hourly_rate": 75.0,
        "estimated_hours": 120,
        "billable": True,
        "status": "active",
        **TIMES,
    },
    "TaskRequest": TASK,
    "PatchedTaskRequest": {"status": "done"},
    "Task": {
        "id": 5,
        **TASK,
        "project_name": "Website Redesign",
        "priority_name": "low",
        "assignee_id": None,
        "due_date": "2024-01-31",
        "estimated_hours": None,
        "completed_at": None,
        **TIMES,
    },
    "TimeEntryRequest": TIME_ENTRY,
    "PatchedTimeEntryRequest": {"notes": "Worked on feature Y"},
    "TimerStartRequest": {"project_id": 1, "task_id": 5},
    "TimeEntry": {
        "id": 42,
        "user_id": 2,
        "user_name": "maria",
        **TIME_ENTRY,
        "project_name": "Website Redesign",
        "task_name": "Implement login feature",
        "client_id": 5,
        "client_name": "Acme Corp",
        "duration_seconds": 28800,
        "duration_hours": 8.0,
        "active": False,
        "tag_list": ["development", "frontend"],
        **TIMES,
    },
    "Change": {
        "seq": 1207,
        "type": "client",
        "id": 5,
        "op": "upsert",
        "changed_at": "2024-01-15T17:00:00Z",
        "changed_by": 2,
    },
    "Changes": {
        "changes": [
            {
                "seq": 1208,
                "type": "time_entry",
                "id": 42,
                "op": "delete",
                "data": None,
                "changed_at": "2024-01-15T17:00:00Z",
                "changed_by": 2,
            }
        ],
        "next_cursor": "MSA4ZjE0ZTQ1ZmNlZWExNjdhIDEyMDggMiBvd24gY2xpZW50LHByb2plY3Q",
        "has_more": False,
    },
    "Summary": {
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
    "Group": {
        "key": 1,
        "name": "Website Redesign",
        "seconds": 307800,
        "hours": 85.5,
        "entries": 45,
        "billable_seconds": 253800,
        "children": [],
    },
    "UserWeek": USER_WEEK,
    "Weekly": {
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
    "Totals": {
        "seconds": 577800,
        "hours": 160.5,
        "entries": 85,
        "billable_seconds": 522000,
    },
    "Pagination": {
        "page": 1,
        "per_page": 50,
        "total": 150,
        "pages": 3,
        "has_next": True,
        "has_prev": False,
        "next_page": 2,
        "prev_page": None,
        "next_cursor": "WyJTaG9wIiw1MF0:pA0s2BHoAXXgVkCqnQ7Mh1N2xWUgYfqkL8rD3eJtZSs",
    },
    "User": {
        "id": 2,
        "username": "maria",
        "email": "maria@example.com",
        "full_name": "Maria Lund",
        "role": "user",
        "time_zone": "Europe/Copenhagen",
        "active": True,
    },
}
EXAMPLES["Change"]["data"] = EXAMPLES["Client"]
