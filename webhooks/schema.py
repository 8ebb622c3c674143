"""The `webhooks` section of the OpenAPI document: every event with its payload."""

from collections.abc import Sequence

from api.schema.types import Schema
from registry.declared import viewsets_by_key
from webhooks.events import EVENT_TYPES, KINDS, TEST, EventType
from webhooks.samples import TEST_SAMPLE, sample_of

ID_ONLY = "DeletedRow"
INTEGER: Schema = {"type": "integer"}
HEADERS = {
    "webhook-id": "The same on every attempt: drop what you have seen.",
    "webhook-timestamp": "When this attempt was made, in Unix seconds.",
    "webhook-signature": (
        "`v1,` and the base64 of the HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`;"
        " one for each secret, separated by spaces, for 24 hours after the secret was rotated."
    ),
}
RESPONSES: Schema = {
    "2XX": {"description": "Received. Answer within 10 seconds; any other status is a failure."},
    "410": {"description": "No more events are wanted: the webhook is disabled."},
}


def add_webhooks(result: Schema, **_: object) -> Schema:
    """Add every event, and a component of what is sent for each kind of row (drf-spectacular)."""
    schemas = result["components"]["schemas"]
    schemas[ID_ONLY] = _object({"id": INTEGER}, "What is left of a row that is gone.")
    webhooks = result["webhooks"] = {}
    for kind in KINDS:
        row = viewsets_by_key()[kind].serializer_class.__name__.removesuffix("Serializer")
        events = [event for event in EVENT_TYPES.values() if event.kind == kind]
        deletions = [event for event in events if event.is_deletion]
        others = [event for event in events if not event.is_deletion]
        # A row may be gone by the time that the event is sent.
        shown = {"anyOf": [_reference(row), _reference(ID_ONLY)]}
        schemas[f"{row}Event"] = _payload([event.name for event in others], kind, shown)
        schemas[f"{row}DeletedEvent"] = _payload(
            [event.name for event in deletions], kind, _reference(ID_ONLY)
        )
        for event in events:
            component = f"{row}DeletedEvent" if event.is_deletion else f"{row}Event"
            webhooks[event.name] = _operation(event, component, sample_of(event))
    schemas["WebhookTestEvent"] = _test_payload()
    test = EventType(TEST, "webhook", "A test was asked for.")
    webhooks[TEST] = _operation(test, "WebhookTestEvent", TEST_SAMPLE)
    return result


def _payload(names: Sequence[str], kind: str, shown: Schema) -> Schema:
    members: Schema = {
        "type": {"type": "string", "enum": [*names]},
        "timestamp": {
            "type": "string",
            "format": "date-time",
            "description": "When it was written (UTC).",
        },
        "seq": {**INTEGER, "description": "Its place in the change feed."},
        "cursor": {"type": "string", "description": "`GET /changes?cursor=…` continues after it."},
        "changed_by": {
            "type": ["integer", "null"],
            "description": "The id of the user; null for the service itself.",
        },
        "fields": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The columns that changed.",
        },
        "data": _object({kind: shown}),
    }
    return _object(members, "The row is as its owner sees it when the event is sent.")


def _test_payload() -> Schema:
    webhook = _object({"id": INTEGER, "url": {"type": "string"}})
    payload = _payload([TEST], "webhook", webhook)
    # Always null; generators of clients know no type of null alone.
    for name in ("seq", "cursor"):
        member = payload["properties"][name]
        payload["properties"][name] = {"type": [member["type"], "null"]}
    return payload | {"description": "As any other event, but about no change."}


def _object(properties: Schema, description: str = "") -> Schema:
    described = {"description": description} if description else {}
    return {"type": "object", **described, "properties": properties, "required": [*properties]}


def _operation(event: EventType, component: str, sample: object) -> Schema:
    content = {"schema": _reference(component), "example": sample}
    headers = [
        {
            "in": "header",
            "name": name,
            "required": True,
            "description": description,
            "schema": {"type": "string"},
        }
        for name, description in HEADERS.items()
    ]
    operation = {
        "operationId": f"on_{event.name.replace('.', '_')}",
        "summary": event.description.removesuffix("."),
        "tags": ["Webhooks"],
        "security": [],
        "parameters": headers,
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": RESPONSES,
    }
    return {"post": operation}


def _reference(component: str) -> Schema:
    return {"$ref": f"#/components/schemas/{component}"}
