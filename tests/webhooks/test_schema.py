"""The `webhooks` section of the OpenAPI document describes what is really sent."""

from functools import cache
from typing import Any

import orjson
import pytest
from jsonschema_rs import Draft202012Validator

from projects.models import Project
from tests.support.factories import make_entry
from tests.support.servers import ROOT
from tests.webhooks.test_api import make_hook
from tests.webhooks.test_events import WRITES, Desk
from tests.webhooks.test_sending import Script, send
from timetracker.documentation import JSON, document
from users.models import User
from webhooks.events import EVENT_TYPES, TEST
from webhooks.models import Delivery
from webhooks.queueing import fill_queues, put_back
from webhooks.samples import TEST_SAMPLE, sample_of


@cache
def validator_of(event: str) -> Draft202012Validator:
    published: Any = orjson.loads(document(JSON))
    operation = published["webhooks"][event]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return Draft202012Validator(
        {**schema, "components": published["components"]}, validate_formats=True
    )


def test_every_event_is_in_the_document() -> None:
    published: Any = orjson.loads(document(JSON))
    assert [*published["webhooks"]] == [
        *sorted(
            EVENT_TYPES, key=lambda name: (EVENT_TYPES[name].kind, [*EVENT_TYPES].index(name))
        ),
        TEST,
    ]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", "too_many_webhooks"),
        ("/{id}/test", "webhook_inactive"),
        ("/{id}/replay", "webhook_inactive"),
        ("/{id}/deliveries/{delivery_id}/redeliver", "webhook_inactive"),
        ("/{id}/rotate-secret", "too_many_secrets"),
    ],
)
def test_a_conflict_is_in_the_document_and_in_the_table_of_codes(path: str, code: str) -> None:
    published: Any = orjson.loads(document(JSON))
    operation = published["paths"][f"/api/v1/webhooks{path}"]["post"]
    assert "409" in operation["responses"]
    assert f"409 `{code}`" in operation["description"]
    assert f"`{code}`" in (ROOT / "docs/api.md").read_text()


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_the_sample_of_an_event_is_valid(event: str) -> None:
    validator_of(event).validate(sample_of(EVENT_TYPES[event]))


def test_the_sample_of_a_test_is_valid() -> None:
    validator_of(TEST).validate(TEST_SAMPLE)


@pytest.mark.parametrize("name", [name for name, (_, events) in WRITES.items() if events])
def test_what_is_sent_is_valid(owner: User, name: str) -> None:
    write, events = WRITES[name]
    desk = Desk(owner)
    hook = make_hook(owner)
    write(desk)
    put_back(Delivery(webhook=hook, event=TEST))
    client = Script()
    send(client)
    assert [body["type"] for body in client.bodies] == [TEST, *events]
    for body in client.bodies:
        validator_of(body["type"]).validate(body)


def test_what_is_left_of_a_row_that_is_gone_is_valid(owner: User, project: Project) -> None:
    make_hook(owner)
    entry = make_entry(owner, project)
    fill_queues()
    entry.delete()
    client = Script()
    send(client)
    created, deleted = client.bodies
    assert (
        created["data"]
        == deleted["data"]
        == {"time_entry": {"id": deleted["data"]["time_entry"]["id"]}}
    )
    for body in client.bodies:
        validator_of(body["type"]).validate(body)
