"""The webhooks' endpoints: what is shown, to whom, and what is refused."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from api.pagination.keyset import NOT_OURS
from idempotency.models import IdempotencyKey
from journal.models import Change
from projects.models import Project
from tests.support.answers import invalid, refusal
from tests.support.factories import api_as, make_client, make_project
from tests.support.racing import at_once
from users.models import User
from webhooks.events import EVENT_TYPES
from webhooks.models import (
    MOST_OF_A_USER,
    MOST_OLD_SECRETS,
    TOO_MANY,
    TOO_MANY_SECRETS,
    Delivery,
    Queue,
    Webhook,
)
from webhooks.queueing import INACTIVE, fill_queues, message_id_of

PATH = "/api/v1/webhooks"
SCOPES = [f"write:{name}" for name in ("webhooks", "time_entries", "projects", "tasks", "clients")]
URL = "https://hooks.example.com/x"
HOOK = {"url": URL, "events": ["*"]}


def make_hook(user: User, *events: str, **fields: Any) -> Webhook:
    """A webhook of a user, from now on."""
    hook = Webhook(user=user, url=URL, events=[*events] or ["*"], **fields)
    Webhook.insert([hook])
    return hook


@pytest.fixture
def api(owner: User) -> APIClient:
    """A client that may do everything in the owner's name."""
    return api_as(owner, *SCOPES)


def test_the_secret_is_shown_once_and_never_stored_in_clear(api: APIClient) -> None:
    created = api.post(PATH, HOOK).json()
    secret = created["secret"]
    assert secret.startswith("whsec_")
    one = f"{PATH}/{created['webhook']['id']}"
    for answer in (api.get(one), api.get(PATH), api.patch(one, {"description": "x"})):
        assert secret not in answer.content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM webhooks_webhook")
        assert secret not in str(cursor.fetchall())
    assert created["webhook"]["secret_hint"] == f"…{secret[-4:]}"


def test_a_repeated_creation_is_answered_without_the_secret(api: APIClient) -> None:
    first, second = (api.post(PATH, HOOK, HTTP_IDEMPOTENCY_KEY="once") for _ in range(2))
    assert second["Idempotency-Replayed"] == "true"
    assert second.json() == {
        name: value for name, value in first.json().items() if name != "secret"
    }
    assert first.json()["secret"] not in bytes(IdempotencyKey.objects.get().body).decode()


def test_all_secrets_of_a_day_sign_so_that_a_lost_answer_costs_nothing(api: APIClient) -> None:
    created = api.post(PATH, HOOK).json()
    path = f"{PATH}/{created['webhook']['id']}/rotate-secret"
    secrets = [created["secret"]]
    for _ in range(MOST_OLD_SECRETS):
        secrets.insert(0, api.post(path, {}).json()["secret"])
        hook = Webhook.objects.get()
        assert hook.secrets_at(timezone.now()) == secrets
    assert len({*secrets}) == MOST_OLD_SECRETS + 1
    until = [datetime.fromisoformat(old["until"]) for old in hook.old_secrets]
    assert hook.secrets_at(until[-1]) == secrets[:-1]
    assert hook.secrets_at(until[0]) == secrets[:1]

    refused: Any = api.post(path, {})
    assert refused.status_code == 409
    sentence = TOO_MANY_SECRETS.format(hook.old_secrets[-1]["until"])
    assert refused.json() == refusal(refused, "too_many_secrets", sentence)
    past = {"sealed": "", "until": "2024-01-15T09:00:00Z"}
    hook.old_secrets = [*hook.old_secrets[:-1], past]
    hook.save(update_fields=["old_secrets"])
    assert api.post(path, {}).status_code == 200
    hook.refresh_from_db()
    assert len(hook.old_secrets) == MOST_OLD_SECRETS


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        pytest.param({"events": []}, 'Name at least one event, or send ["*"] for all.', id="none"),
        pytest.param(
            {"events": ["*", "task.created"]},
            'Send ["*"] alone: it stands for all events.',
            id="all-and-one",
        ),
        pytest.param(
            {"events": ["task.complete"]},
            f"Unknown event task.complete. Accepted: {', '.join(EVENT_TYPES)}, or *.",
            id="unknown",
        ),
        pytest.param(
            {"project_ids": [77]}, "There is no project with the id 77.", id="no-project"
        ),
        pytest.param({"project_ids": 7}, "Give a list of ids.", id="no-list"),
        pytest.param(
            {"url": "http://hooks.example.com/"},
            "The URL must begin with https://.",
            id="in-clear",
        ),
        pytest.param(
            {"url": "https://169.254.169.254/latest"},
            "The host must be public; 169.254.169.254 is a metadata address.",
            id="metadata",
        ),
    ],
)
def test_bad_input_says_what_is_accepted(
    api: APIClient, body: dict[str, Any], sentence: str
) -> None:
    response: Any = api.post(PATH, {**HOOK, **body})
    assert response.status_code == 400
    assert response.json() == invalid(response, **{next(iter(body)): sentence})
    assert not Webhook.objects.exists()


def test_an_event_needs_the_scope_of_its_resource(owner: User) -> None:
    api = api_as(owner, "write:webhooks", "read:tasks")
    assert api.post(PATH, {"url": URL, "events": ["task.created"]}).status_code == 201
    refused: Any = api.post(PATH, {"url": URL, "events": ["task.created", "project.updated"]})
    assert (refused.status_code, refused.json()["required_scope"]) == (403, "read:projects")
    changed: Any = api.patch(f"{PATH}/{Webhook.objects.get().pk}", {"events": ["*"]})
    assert (changed.status_code, changed.json()["required_scope"]) == (403, "read:clients")


def test_a_webhook_is_its_owners_and_administrators_see_all(
    owner: User, colleague: User, administrator: User
) -> None:
    hook = make_hook(owner)
    one = f"{PATH}/{hook.pk}"
    other = api_as(colleague, *SCOPES)
    assert other.get(PATH).json()["webhooks"] == []
    for call in (other.get, other.delete):
        assert call(one).status_code == 403
    for action in ("test", "rotate-secret", "replay"):
        assert other.post(f"{one}/{action}", {}).status_code in (400, 403)
    assert other.get(f"{one}/deliveries").status_code == 403
    shown = api_as(administrator, "*").get(one).json()["webhook"]
    assert (shown["owner_id"], shown["owner_name"]) == (owner.pk, "olga")


def test_a_user_has_a_bounded_number_of_webhooks(api: APIClient, owner: User) -> None:
    for _ in range(MOST_OF_A_USER):
        make_hook(owner)
    response: Any = api.post(PATH, HOOK)
    assert response.status_code == 409
    assert response.json() == refusal(response, "too_many_webhooks", TOO_MANY)


@pytest.mark.django_db(transaction=True)
def test_the_number_is_bounded_for_those_who_create_at_once(owner: User) -> None:
    for _ in range(MOST_OF_A_USER - 2):
        make_hook(owner)
    apis = [api_as(owner, *SCOPES) for _ in range(6)]
    answers = at_once([partial(api.post, PATH, HOOK) for api in apis])
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 4
    assert Webhook.objects.count() == Queue.objects.count() == MOST_OF_A_USER


def test_deliveries_are_listed_by_state_and_event(api: APIClient, owner: User) -> None:
    hook = make_hook(owner)
    for name in ("A", "B", "C"):
        make_client(name)
    fill_queues()
    path = f"{PATH}/{hook.pk}/deliveries"
    pages, query = [], {"per_page": "2"}
    while query:
        page = api.get(path, query).json()
        pages.append([row["seq"] for row in page["deliveries"]])
        cursor = page["pagination"]["next_cursor"]
        query = {"per_page": "2", "cursor": cursor} if cursor else {}
    newest_first = [*Delivery.objects.order_by("-seq").values_list("seq", flat=True)]
    assert pages == [newest_first[:2], newest_first[2:]]
    assert api.get(path, {"state": "delivered"}).json()["deliveries"] == []
    assert len(api.get(path, {"event": "client.created"}).json()["deliveries"]) == 3
    assert api.get(path, {"state": "lost"}).status_code == 400
    assert api.get(path, {"color": "red"}).status_code == 400


def test_a_cursor_of_deliveries_is_of_one_webhook(api: APIClient, owner: User) -> None:
    hook, other = make_hook(owner), make_hook(owner)
    for name in ("A", "B", "C"):
        make_client(name)
    fill_queues()
    path, query = f"{PATH}/{hook.pk}/deliveries", {"per_page": "2"}
    query["cursor"] = api.get(path, query).json()["pagination"]["next_cursor"]
    assert len(api.get(path, query).json()["deliveries"]) == 1
    refused: Any = api.get(f"{PATH}/{other.pk}/deliveries", query)
    assert refused.status_code == 400
    assert refused.json() == invalid(refused, cursor=NOT_OURS)


def test_what_is_sent_back_unchanged_is_not_judged_again(owner: User) -> None:
    project = make_project()
    hook = make_hook(owner, project_ids=[project.pk])
    Webhook.objects.update(url="http://10.0.0.1/", project_ids=[project.pk + 1])
    api = api_as(owner, "write:webhooks")  # which may read none of what the events are about
    path = f"{PATH}/{hook.pk}"
    shown = api.get(path).json()["webhook"]
    changed: Any = api.put(path, {**shown, "description": "Payroll"})
    assert changed.status_code == 200
    assert changed.json()["webhook"]["description"] == "Payroll"
    sent: dict[str, tuple[object, int]] = {
        "url": ("http://10.0.0.2/", 400),
        "project_ids": ([project.pk + 2], 400),
        "events": (["task.created"], 403),
    }
    for name, (value, status) in sent.items():
        assert api.put(path, {**shown, name: value}).status_code == status
    assert api.post(PATH, {"url": "http://10.0.0.1/", "events": ["*"]}).status_code in (400, 403)


def test_another_users_webhook_is_403_and_none_is_404(owner: User, colleague: User) -> None:
    hook = make_hook(colleague)
    api = api_as(owner, *SCOPES)
    for action in ("", "/deliveries"):
        assert api.get(f"{PATH}/{hook.pk}{action}").status_code == 403
        assert api.get(f"{PATH}/{hook.pk + 1}{action}").status_code == 404


def test_a_delivery_is_put_back_with_the_id_it_had(api: APIClient, owner: User) -> None:
    hook, other = make_hook(owner), make_hook(owner)
    make_client()
    fill_queues()
    Delivery.objects.update(state="given_up", tries=9)
    delivery = Delivery.objects.get(webhook=hook)
    path = f"{PATH}/{hook.pk}/deliveries/{delivery.pk}/redeliver"
    shown = api.post(path, {}).json()["delivery"]
    assert (shown["state"], shown["message_id"]) == ("waiting", delivery.message_id)
    assert api.post(path.replace(f"/{hook.pk}/", f"/{other.pk}/", 1), {}).status_code == 404


def test_what_is_not_active_sends_nothing(api: APIClient, owner: User) -> None:
    hook = make_hook(owner, active=False)
    for action, body in (("test", {}), ("replay", {"since": "2024-01-15T09:00:00Z"})):
        response: Any = api.post(f"{PATH}/{hook.pk}/{action}", body)
        assert response.status_code == 409
        assert response.json() == refusal(response, "webhook_inactive", INACTIVE)


def test_what_was_written_while_it_was_not_active_is_not_sent(api: APIClient, owner: User) -> None:
    hook = make_hook(owner)
    api.patch(f"{PATH}/{hook.pk}", {"active": False})
    make_client("Meanwhile")
    fill_queues()
    api.patch(f"{PATH}/{hook.pk}", {"active": True})
    later = make_client("Later")
    fill_queues()
    assert [*Delivery.objects.values_list("object_id", flat=True)] == [later.pk]


def test_a_delivery_that_a_restore_took_away_comes_again_with_its_id(owner: User) -> None:
    make_hook(owner)
    make_client("A")
    position = Queue.objects.get().position
    fill_queues()
    lost = Delivery.objects.get(event="client.created")
    Delivery.objects.all().delete()
    Queue.objects.update(position=position)
    make_client("B")
    fill_queues()
    again, other = Delivery.objects.filter(event="client.created").order_by("seq")
    assert again.message_id == lost.message_id != other.message_id


def test_changes_of_other_rows_and_times_have_other_ids(owner: User) -> None:
    hook, other = make_hook(owner), make_hook(owner)
    make_client("A")
    change = Change.objects.get(type="client")
    ids = {message_id_of(hook, change), message_id_of(other, change)}
    change.changed_at += timedelta(microseconds=1)
    ids.add(message_id_of(hook, change))
    assert len(ids) == 3


def test_a_replay_sends_again_what_was_delivered_and_what_was_pruned(
    api: APIClient, owner: User
) -> None:
    hook = make_hook(owner)
    for name in ("A", "B", "C"):
        make_client(name)
    fill_queues()
    kept = Delivery.objects.order_by("seq").first()
    assert kept is not None
    Delivery.objects.exclude(pk=kept.pk).delete()
    Delivery.objects.update(state="delivered", tries=1)
    first = Change.objects.filter(type="client").order_by("seq").first()
    assert first is not None
    answer = api.post(f"{PATH}/{hook.pk}/replay", {"since": first.changed_at.isoformat()}).json()
    fill_queues()
    assert answer["first_seq"] <= first.seq
    deliveries = Delivery.objects.filter(event="client.created").order_by("seq")
    assert [(each.state, each.tries) for each in deliveries] == [("waiting", 0)] * 3
    assert deliveries[0].message_id == kept.message_id


def test_a_replay_of_what_has_not_happened_yet_sends_nothing(api: APIClient, owner: User) -> None:
    hook = make_hook(owner)
    answer = api.post(f"{PATH}/{hook.pk}/replay", {"since": "2199-01-01T00:00:00Z"}).json()
    assert answer == {"message": "Nothing has happened since", "first_seq": None}


def test_event_types_have_samples_of_what_is_sent(api: APIClient, owner: User) -> None:
    listed = api.get(f"{PATH}/event-types").json()["event_types"]
    assert [event["name"] for event in listed] == [*EVENT_TYPES]
    project = make_project()
    shown = api.get(f"/api/v1/projects/{project.pk}").json()["project"]
    samples = {event["name"]: event["sample"] for event in listed}
    assert samples["project.updated"]["data"]["project"].keys() == shown.keys()
    assert samples["project.deleted"]["data"]["project"].keys() == {"id"}
    assert api.post("/api/v1/timer/start", {"project_id": project.pk}).status_code == 201
    running = api.get("/api/v1/timer/status").json()["timer"]
    sample = samples["timer.started"]["data"]["time_entry"]
    assert sample.keys() == running.keys()
    worth = ("rounded_seconds", "amount", "end_time", "billed", "active", "duration_seconds")
    assert [sample[name] for name in worth] == [None, None, None, False, True, 0]
    assert [running[name] for name in worth[:5]] == [None, None, None, False, True]
    assert Project.objects.count() == 1
