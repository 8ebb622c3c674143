"""The events with a sample of each, made by the serializers that make the real ones."""

from functools import cache

from registry.declared import examples, viewsets_by_key
from webhooks.events import EVENT_TYPES, TEST, EventType

SAMPLE_SEQ = 1208
TEST_SAMPLE: dict[str, object] = {
    "type": TEST,
    "timestamp": "2024-01-15T17:00:00Z",
    "seq": None,
    "cursor": None,
    "changed_by": 2,
    "fields": [],
    "data": {"webhook": {"id": 3, "url": "https://hooks.example.com/timetracker"}},
}
# What the row of an event shows that its resource's example does not, and what is said to have
# changed.
SHOWN: dict[str, dict[str, object]] = {
    "timer.started": {
        "end_time": None,
        "break_seconds": 0,
        "duration_seconds": 0,
        "duration_hours": 0.0,
        "active": True,
        "rounded_seconds": None,
        "amount": None,
    },
    "project.status_changed": {"status": "archived"},
    "task.completed": {"status": "done", "completed_at": "2024-01-15T17:00:00Z"},
}
CHANGED = {
    "time_entry.updated": ["notes"],
    "timer.stopped": ["end_time"],
    "project.updated": ["name"],
    "project.status_changed": ["status"],
    "task.updated": ["name"],
    "task.completed": ["status"],
    "client.updated": ["name"],
}


def event_types() -> list[dict[str, object]]:
    """Return `{"name", "description", "sample"}` of each event."""
    return [
        {"name": event.name, "description": event.description, "sample": sample_of(event)}
        for event in EVENT_TYPES.values()
    ]


def sample_of(event: EventType) -> dict[str, object]:
    """Return the body of an event, about the row that is the example of its resource."""
    row = example_row(event.kind) | SHOWN.get(event.name, {})
    return {
        "type": event.name,
        "timestamp": "2024-01-15T17:00:00Z",
        "seq": SAMPLE_SEQ,
        "cursor": "MSA4ZjE0ZTQ1ZmNlZWExNjdhIDEyMDggMiBvd24gdGltZV9lbnRyeQ",
        "changed_by": 2,
        "fields": CHANGED.get(event.name, []),
        "data": {event.kind: {"id": row["id"]} if event.is_deletion else row},
    }


@cache
def example_row(kind: str) -> dict[str, object]:
    """Return the example that an app declares of its resource, with what every row has."""
    viewset = viewsets_by_key()[kind]
    component = viewset.serializer_class.__name__.removesuffix("Serializer")
    of_every_row = {
        "created_at": "2024-01-15T09:00:00Z",
        "updated_at": "2024-01-15T17:00:00Z",
        "version": 2,
        "external_id": None,
    }
    given = {**of_every_row, **examples()[component]}
    return {name: given[name] for name in viewset.serializer_class().get_fields() if name in given}
