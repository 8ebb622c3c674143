"""What is done to the whole OpenAPI document: hooks of drf-spectacular."""

from collections.abc import Mapping

from drf_spectacular.plumbing import safe_ref
from inflection import camelize

from api.pagination.serializers import EXAMPLE
from api.schema.types import Schema
from registry import declared

OF_EVERY_ROW = {
    "created_at": "2024-01-01T10:00:00Z",
    "updated_at": "2024-01-15T17:00:00Z",
    "version": 3,
    "external_id": None,
}


def name_choices(result: Schema, **_: object) -> Schema:
    """Make a component of each property's choices, named for both: `TaskStatus`.

    drf-spectacular's own hook would call it `Status`, and rename it as soon as a second
    component has a `status`: then every generated client would have to change.
    """
    schemas = result["components"]["schemas"]
    for name, schema in list(schemas.items()):
        owner = name.removeprefix("Patched").removesuffix("Request")
        for key, member in schema.get("properties", {}).items():
            if "enum" not in member:
                continue
            choices = {"type": member.pop("type"), "enum": member.pop("enum")}
            if len(choices["enum"]) == 1:
                member |= {"type": choices["type"], "const": choices["enum"][0]}
                continue
            choices_name = owner + camelize(key)
            schemas[choices_name] = choices
            reference = {"$ref": f"#/components/schemas/{choices_name}", **member}
            schema["properties"][key] = safe_ref(reference)
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def add_declared(result: Schema, **_: object) -> Schema:
    """Add the tags and examples that the apps declare."""
    result["tags"] = [
        {"name": name, "description": description} for name, description in declared.tags().items()
    ]
    schemas = result["components"]["schemas"]
    for name, example in {"Pagination": EXAMPLE, **declared.examples()}.items():
        schemas[name]["examples"] = [_members(example, schemas[name])]
        request = schemas.get(f"{name}Request", {})
        if request:
            request.setdefault("examples", [_members(example, request)])
    return result


def _members(example: Mapping[str, object], schema: Schema) -> dict[str, object]:
    """Return those members of an example that a component has; a row has some that all have."""
    members = schema["properties"]
    known = {**OF_EVERY_ROW, **example} if "version" in members else example
    return {name: known[name] for name in members if name in known}
