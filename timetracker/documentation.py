"""The OpenAPI views, and schema extensions for single resources."""

# drf-spectacular has types for a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer2
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from api.schema.types import INSTANT_INPUT, ZONE, Direction, Schema
from changes.feed import VIEWSETS
from registry import declared
from tasks.serializers import PRIORITY_NAMES
from timeentries.serializers import MAX_TAG_LENGTH, MAX_TAGS
from timetracker.probes import PublicView

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

    def map_serializer_field(self, auto_schema: object, direction: Direction) -> Schema:
        """Return the priority of a direction."""
        numbers = PRIORITY_NAMES.values()
        number = {"type": "integer", "minimum": min(numbers), "maximum": max(numbers)}
        if direction == "response":
            return number
        return {"anyOf": [number, {"type": "string", "enum": list(PRIORITY_NAMES)}]}


class TagsFieldSchema(OpenApiSerializerFieldExtension):
    """Tags go in as one string or as an array, and come out as one string."""

    target_class = "timeentries.serializers.TagsField"

    def map_serializer_field(self, auto_schema: object, direction: Direction) -> Schema:
        """Return the tags of a direction."""
        text = {"type": "string"}
        if direction == "response":
            return {**text, "description": "Separated by commas."}
        tags = {"type": "array", "items": {"type": "string", "pattern": "^[^,]*$"}}
        sentence = f"At most {MAX_TAGS} tags of at most {MAX_TAG_LENGTH} characters."
        return {
            "anyOf": [text, tags],
            "description": f"A comma-separated string or a list. {sentence}",
        }


class EndFieldSchema(OpenApiSerializerFieldExtension):
    """An end may be empty: the timer runs."""

    target_class = "timeentries.serializers.EndField"
    priority = 1

    def map_serializer_field(self, auto_schema: object, direction: Direction) -> Schema:
        """Return the end of a direction; `null` is added to both."""
        if direction == "response":
            return {"type": "string", "format": "date-time"}
        sentence = f"Omit it or send null or an empty string to create a running timer. {ZONE}"
        empty = {"type": "string", "maxLength": 0}
        return {"anyOf": [INSTANT_INPUT, empty], "description": sentence}


class RowFieldSchema(OpenApiSerializerFieldExtension):
    """A change carries a row of any resource."""

    target_class = "changes.serializers.RowField"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return a reference to each; `null` is added."""
        rows = (viewset.serializer_class for viewset in VIEWSETS.values())
        return {"anyOf": [auto_schema.resolve_serializer(row, direction).ref for row in rows]}


def add_declared(result: Schema, **_: object) -> Schema:
    """Add the tags and examples that the apps declare (a drf-spectacular hook)."""
    result["tags"] = [
        {"name": name, "description": description}
        for config in declared.api_apps()
        for name, description in config.tags.items()
    ]
    schemas = result["components"]["schemas"]
    for name, example in _examples().items():
        schemas[name]["examples"] = [_members(example, schemas[name])]
        request = schemas.get(f"{name}Request", {})
        if request:
            request.setdefault("examples", [_members(example, request)])
    return result


def _examples() -> dict[str, Mapping[str, Any]]:
    examples = (config.examples for config in declared.api_apps())
    return {"Pagination": PAGINATION, **{k: v for each in examples for k, v in each.items()}}


def _members(example: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return those members of an example that a component has; a row has some that all have."""
    members = schema["properties"]
    known = {**OF_EVERY_ROW, **example} if "version" in members else example
    return {name: known[name] for name in members if name in known}


OF_EVERY_ROW = {
    "created_at": "2024-01-01T10:00:00Z",
    "updated_at": "2024-01-15T17:00:00Z",
    "version": 3,
    "external_id": None,
}
PAGINATION = {
    "page": 1,
    "per_page": 50,
    "total": 150,
    "pages": 3,
    "has_next": True,
    "has_prev": False,
    "next_page": 2,
    "prev_page": None,
    "next_cursor": "WyJTaG9wIiw1MF0:pA0s2BHoAXXgVkCqnQ7Mh1N2xWUgYfqkL8rD3eJtZSs",
}
