"""Parameters and headers as they are written in OpenAPI."""

from typing import Any, Literal

Schema = dict[str, Any]
Direction = Literal["request", "response"]

# On a property of a request: the schema of what is accepted beside the property's type.
ALSO_ACCEPTED = "x-also-accepted"
ID: Schema = {"type": "integer", "minimum": 0}
PATH_PARAMETERS: dict[str, tuple[Schema, str]] = {
    "id": (ID, "The id of the {one}."),
    "project_id": (ID, "The id of the project."),
    "delivery_id": (ID, "The id of the delivery."),
    "external_id": (
        {"type": "string", "minLength": 1, "maxLength": 255},
        "The id that you gave the {one}.",
    ),
    "reference": (
        {"type": "string", "minLength": 1, "maxLength": 100},
        "The reference under which it was billed.",
    ),
}
UNDOCUMENTED = {"perPage"}  # a client would have two parameters `per_page`

# name: its type, what it asks for, and an example
REQUEST_HEADERS: dict[str, tuple[Schema, str, str]] = {
    "If-None-Match": (
        {"type": "string"},
        "One or more `ETag` values that you have: 304 without a body if one of them is current.",
        '"9d2c71a04b5e8f3360ad1c47"',
    ),
    "If-Match": (
        {"type": "string"},
        "The `ETag` that your change is based on: 412 if the resource has changed since.",
        '"9d2c71a04b5e8f3360ad1c47"',
    ),
    "Idempotency-Key": (
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "Send the same key with each retry: the request is carried out once. Kept for 24 hours.",
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
    ),
}


def query_parameter(name: str, schema: Schema, description: str) -> Schema:
    """Return a query parameter; each of them may be left out."""
    return {"name": name, "in": "query", "description": description, "schema": schema}
