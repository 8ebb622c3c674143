"""What is sent, when, and what becomes of it; the receiver is a script, the database is real."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone
from standardwebhooks import Webhook as Verifier

from journal.models import Change
from projects.models import Project
from tests.support.factories import api_as, make_client, make_entry
from tests.webhooks.test_api import PATH, SCOPES, make_hook
from users.models import User
from webhooks import sending
from webhooks.attempts import MOST_ATTEMPTS
from webhooks.connections import Fault
from webhooks.events import TEST
from webhooks.models import Delivery, Queue, Webhook
from webhooks.queueing import fill_queues, put_back, replay
from webhooks.sending import (
    ANSWERED_GONE,
    LEASE,
    NEVER_ANSWERED,
    NOT_SEEN,
    OWNER_INACTIVE,
    PAUSES,
    TRIES_ALONE,
    UNREADABLE,
    claim,
)
from webhooks.transport import Result, Sender

OK = Result(0.01, 204)
NOBODY = Result(3.0, failure=Fault.CONNECTION, message="No connection.")


def status(code: int, retry_after: int | None = None) -> Result:
    return Result(0.01, code, "no", Fault.STATUS, f"{code}", retry_after)


class Script(Sender):
    """A client that sends nothing and answers from a list, the last one for ever."""

    def __init__(self, *answers: Result) -> None:
        self.answers = [*answers] or [OK]
        self.sent: list[tuple[dict[str, str], bytes]] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def post(self, url: str, body: bytes, headers: Any) -> Result:
        self.sent.append((dict(headers), body))
        self.meanwhile()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, body in self.sent]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Go on to another time."""
    real = timezone.now

    def go(later: timedelta) -> None:
        monkeypatch.setattr(timezone, "now", lambda: real() + later)

    return go


def send(client: Sender) -> None:
    """Fill the queues, and take turns until nothing is due."""
    while fill_queues():
        pass
    while turn := claim():
        turn.take(client, lambda: True)


def states() -> list[str]:
    return [*Delivery.objects.order_by("seq").values_list("state", flat=True)]


def clients(*names: str) -> None:
    for name in names:
        make_client(name)


def test_a_delivery_is_signed_and_shows_the_row_as_its_endpoint_does(
    owner: User, hook: Webhook, project: Project
) -> None:
    entry = make_entry(owner, project)
    client = Script()
    send(client)
    ((headers, body),) = client.sent
    sent = Verifier(hook.secrets_at(timezone.now())[0]).verify(body, headers)
    change = Change.objects.get(type="time_entry")
    api = api_as(owner, *SCOPES)
    shown = api.get(f"/api/v1/time-entries/{entry.pk}").json()["time_entry"]
    assert sent == {
        "type": "time_entry.created",
        "timestamp": change.changed_at.isoformat().replace("+00:00", "Z"),
        "seq": change.seq,
        "cursor": sent["cursor"],
        "changed_by": None,
        "fields": [],
        "data": {"time_entry": shown},
    }
    make_client()
    for types in ({}, {"types": "client,project,task,time_entry"}):
        for scopes in ((), ("read:rates",)):
            api = api_as(owner, *SCOPES, *scopes)
            answer = api.get("/api/v1/changes", {"cursor": sent["cursor"], **types})
            (later,) = answer.json()["changes"]
            assert (later["type"], later["op"]) == ("client", "upsert")
    (refused,) = [api_as(owner, "read:clients").get("/api/v1/changes", {"cursor": sent["cursor"]})]
    assert refused.status_code == 403


def test_for_a_day_after_a_rotation_both_secrets_sign(owner: User, hook: Webhook) -> None:
    old = hook.secrets_at(timezone.now())[0]
    new = api_as(owner, *SCOPES).post(f"{PATH}/{hook.pk}/rotate-secret", {}).json()["secret"]
    clients("A")
    client = Script()
    send(client)
    ((headers, body),) = client.sent
    for secret in (old, new):
        assert Verifier(secret).verify(body, headers)


def test_events_are_sent_in_the_order_of_the_feed(hook: Webhook) -> None:
    clients(*(f"Client {number}" for number in range(70)))
    client = Script()
    send(client)
    seqs = [body["seq"] for body in client.bodies]
    assert len(seqs) == 70
    assert seqs == sorted(seqs)
    assert states() == ["delivered"] * 70
    hook.refresh_from_db()
    assert hook.last_delivered_at is not None
    assert (hook.version, hook.last_failed_at) == (1, None)


def test_tests_do_not_wait_for_a_backlog(hook: Webhook) -> None:
    clients("A", "B")
    fill_queues()
    for _ in range(2):
        put_back(Delivery(webhook=hook, event=TEST))
    client = Script()
    send(client)
    assert [body["type"] for body in client.bodies] == [TEST] * 2 + ["client.created"] * 2


def test_a_receiver_that_is_away_is_tried_again_in_order(
    hook: Webhook, at: Callable[[timedelta], None]
) -> None:
    clients("A", "B", "C")
    client = Script(NOBODY, NOBODY, OK)
    send(client)
    assert states() == ["failed", "waiting", "waiting"]
    send(client)  # it is paused
    assert len(client.sent) == 1
    at(timedelta(seconds=PAUSES[0] * 1.3))
    send(client)
    assert states() == ["failed", "waiting", "waiting"]
    at(timedelta(seconds=(PAUSES[0] + PAUSES[1]) * 1.3))
    send(client)
    assert states() == ["delivered"] * 3
    first, second, third, *others = client.sent
    ids = [headers["webhook-id"] for headers, _ in (first, second, third)]
    assert len({*ids}) == 1
    assert len(others) == 2
    queue = Queue.objects.get()
    assert (queue.failing_since, queue.wake_at) == (None, None)
    assert [*map(sum, zip(*queue.attempts.values(), strict=True))] == [3, 2]
    assert queue.last_error == ""


def answers_by_name(client: Script, **by_name: Result) -> Callable[[], object]:
    """Answer each event by the name of its client, and what is not named with OK."""

    def answer() -> None:
        name = client.bodies[-1]["data"]["client"]["name"]
        client.answers = [by_name.get(name, by_name.get("others", OK))]

    return answer


def names(client: Script) -> list[str]:
    sent = [body["data"]["client"]["name"] for body in client.bodies]
    client.sent.clear()
    return sent


def test_after_a_long_outage_the_head_of_the_queue_is_still_the_first(
    hook: Webhook, at: Callable[[timedelta], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "JITTER", 0)  # by chance its own retry could be due at the end
    clients("A", "B")
    client = Script(NOBODY)
    later = timedelta()
    for _ in range(40):  # nearly seven hours; its own next retry is due later still
        at(later)
        send(client)
        later += timedelta(minutes=10, seconds=1)
    head = Delivery.objects.earliest("seq")
    assert {*names(client)} == {"A"}
    assert states() == ["failed", "waiting"]
    assert head.next_attempt_at is not None
    assert head.next_attempt_at > timezone.now() + timedelta(minutes=20)
    clients("C")
    client.answers = [OK]
    at(later)
    send(client)
    assert names(client) == ["A", "B", "C"]
    assert states() == ["delivered"] * 3


def test_trying_whether_the_receiver_is_back_uses_up_no_attempt(
    hook: Webhook, at: Callable[[timedelta], None]
) -> None:
    clients("A", "B")
    client = Script(NOBODY)
    later, given_up = timedelta(), False
    while not given_up:
        at(later)
        send(client)
        later += timedelta(minutes=5)
        given_up = Delivery.objects.filter(state="given_up").exists()
    head = Delivery.objects.earliest("seq")
    assert head.tries == len(PAUSES) + 1
    assert len(head.attempts) == MOST_ATTEMPTS
    assert timedelta(seconds=sum(PAUSES) * 0.79) < later < timedelta(seconds=sum(PAUSES) * 1.25)


def test_a_head_that_nothing_waits_behind_has_only_its_own_attempts(
    hook: Webhook, at: Callable[[timedelta], None]
) -> None:
    clients("A")
    client = Script(NOBODY)
    for minute in range(0, 6 * 60, 5):
        at(timedelta(minutes=minute))
        send(client)
    assert len(client.sent) == Delivery.objects.get().tries < len(PAUSES)


def fail(client: Script, at: Callable[[timedelta], None], *, minutes: int = 5) -> timedelta:
    """Send until the first was tried so often that a later one is tried too."""
    later = timedelta()
    while later < timedelta(minutes=minutes):
        at(later)
        send(client)
        later += timedelta(seconds=20)
    return later


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(status(500), id="500"),
        pytest.param(Result(10.0, failure=Fault.TIMEOUT, message="Slow."), id="no-answer"),
        pytest.param(Result(0.1, failure=Fault.ANSWER, message="Reset."), id="no-http"),
    ],
)
def test_an_event_that_the_receiver_always_fails_on_is_overtaken(
    hook: Webhook, at: Callable[[timedelta], None], failure: Result
) -> None:
    clients("A", "B", "C")
    client = Script()
    client.meanwhile = answers_by_name(client, A=failure)
    fail(client, at)
    assert names(client) == ["A"] * TRIES_ALONE + ["B", "A", "C"]
    assert states() == ["failed", "delivered", "delivered"]
    clients("D")
    send(client)
    assert names(client) == ["D"]


def test_one_that_is_overtaken_holds_up_no_other_when_it_is_tried_again(
    hook: Webhook, at: Callable[[timedelta], None]
) -> None:
    clients("A", "B")
    client = Script()
    client.meanwhile = answers_by_name(client, A=status(500))
    fail(client, at)
    names(client)
    at(timedelta(hours=1))
    clients("C")
    send(client)
    assert names(client) == ["A", "C"]
    assert Queue.objects.get().paused_until is None


def test_the_first_is_delivered_before_others_if_the_receiver_was_just_back(
    hook: Webhook, at: Callable[[timedelta], None]
) -> None:
    clients("A", "B", "C", "D")
    client = Script(*[status(502)] * TRIES_ALONE, OK)
    fail(client, at)
    assert names(client) == ["A"] * TRIES_ALONE + ["B", "A", "C", "D"]
    assert states() == ["delivered"] * 4


def test_several_events_in_a_row_are_overtaken(
    hook: Webhook, at: Callable[[timedelta], None]
) -> None:
    clients("A", "B", "C", "D")
    client = Script()
    client.meanwhile = answers_by_name(client, A=status(500), B=status(500))
    fail(client, at, minutes=30)
    assert [name for name in names(client) if name in "CD"] == ["C", "D"]
    assert states() == ["failed", "failed", "delivered", "delivered"]


@pytest.mark.parametrize(
    ("failure", "others"),
    [
        pytest.param(status(502), {"B", "C"}, id="may-be-of-one"),
        pytest.param(status(503, retry_after=1), set(), id="asks-for-a-pause"),
        pytest.param(status(429), set(), id="too-many"),
        pytest.param(NOBODY, set(), id="no-connection"),
    ],
)
def test_a_receiver_that_is_down_gets_nothing_out_of_order(
    hook: Webhook, at: Callable[[timedelta], None], failure: Result, others: set[str]
) -> None:
    clients("A", "B", "C")
    client = Script(failure)
    later = fail(client, at, minutes=60)
    tried = names(client)
    assert {*tried} == {"A"} | others
    assert len(tried) < 25
    assert states() == ["failed", "waiting", "waiting"]
    client.answers = [OK]
    at(later + timedelta(minutes=10))
    send(client)
    assert names(client) == ["A", "B", "C"]


def test_a_replay_during_an_outage_keeps_the_order(
    hook: Webhook, at: Callable[[timedelta], None]
) -> None:
    client = Script()
    clients("A", "B", "C")
    send(client)
    replay(hook, Change.objects.earliest("seq").changed_at)
    client.answers = [NOBODY]
    client.sent.clear()
    later = fail(client, at, minutes=20)
    first = Delivery.objects.earliest("seq")
    assert {body["seq"] for body in client.bodies} == {first.seq}
    client.answers = [OK]
    client.sent.clear()
    at(later + timedelta(minutes=10))
    send(client)
    everything = Delivery.objects.order_by("seq").values_list("seq", flat=True)
    assert [body["seq"] for body in client.bodies] == [*everything]


def test_one_delivery_that_is_refused_holds_up_no_other(hook: Webhook) -> None:
    clients("A", "B")
    client = Script(status(400), OK)
    send(client)
    assert states() == ["failed", "delivered"]
    queue, failed = Queue.objects.get(), Delivery.objects.get(state="failed")
    assert queue.wake_at == failed.next_attempt_at


def test_it_waits_as_long_as_the_receiver_asks(hook: Webhook) -> None:
    clients("A", "B")
    send(Script(status(429, retry_after=3600)))
    queue = Queue.objects.get()
    assert queue.paused_until is not None
    assert queue.paused_until - timezone.now() > timedelta(minutes=59)
    assert states() == ["failed", "waiting"]


def test_after_the_last_attempt_it_is_given_up(
    hook: Webhook, at: Callable[[timedelta], None]
) -> None:
    clients("A")
    client, later = Script(status(400)), timedelta()
    for pause in (*PAUSES, 0):
        send(client)
        later += timedelta(seconds=pause * 1.21)
        at(later)
    send(client)
    delivery = Delivery.objects.get()
    assert delivery.state == "given_up"
    assert [attempt["status"] for attempt in delivery.attempts] == [400] * (len(PAUSES) + 1)
    assert Queue.objects.get().wake_at is None
    put_back(delivery)
    client.answers = [OK]
    send(client)
    assert states() == ["delivered"]
    assert client.sent[0][0]["webhook-id"] == client.sent[-1][0]["webhook-id"]


def test_410_disables_it_and_says_so(owner: User, hook: Webhook) -> None:
    clients("A", "B")
    client = Script(status(410))
    send(client)
    shown = api_as(owner, *SCOPES).get(f"{PATH}/{hook.pk}").json()["webhook"]
    assert (shown["active"], shown["disabled_reason"]) == (False, ANSWERED_GONE)
    assert len(client.sent) == 1


def test_five_days_of_nothing_but_failure_disable_it(
    hook: Webhook, at: Callable[[timedelta], None]
) -> None:
    clients("A")
    client = Script(NOBODY)
    send(client)
    at(timedelta(days=5, minutes=-1))
    send(client)
    hook.refresh_from_db()
    assert hook.active
    clients("B")
    at(timedelta(days=5, minutes=20))
    send(client)
    hook.refresh_from_db()
    assert (hook.active, hook.disabled_reason) == (False, NEVER_ANSWERED)


def test_one_success_is_new_patience(hook: Webhook, at: Callable[[timedelta], None]) -> None:
    client = Script(NOBODY, OK, OK, NOBODY)
    for later in (timedelta(), timedelta(days=1), timedelta(days=6)):
        at(later)
        clients(str(later))
        send(client)
    hook.refresh_from_db()
    assert hook.active


def test_an_owner_who_is_not_active_receives_nothing(owner: User, hook: Webhook) -> None:
    clients("A", "B")
    client = Script()

    def deactivate() -> None:
        User.objects.filter(pk=owner.pk).update(is_active=False)

    fill_queues()
    deactivate()
    send(client)
    hook.refresh_from_db()
    assert client.sent == []
    assert (hook.active, hook.disabled_reason) == (False, OWNER_INACTIVE)


def test_who_was_demoted_receives_no_more_of_others(
    administrator: User, colleague: User, project: Project
) -> None:
    make_hook(administrator)
    make_entry(colleague, project)
    fill_queues()
    User.objects.filter(pk=administrator.pk).update(is_superuser=False)
    clients("A")
    client = Script()
    send(client)
    assert [body["type"] for body in client.bodies] == ["client.created"]
    unseen = Delivery.objects.get(event="time_entry.created")
    assert unseen.state == "given_up"
    assert [attempt["error"] for attempt in unseen.attempts] == [NOT_SEEN]


def test_a_delivery_that_was_delivered_stays_so_however_it_ends_when_sent_again(
    hook: Webhook, at: Callable[[timedelta], None]
) -> None:
    clients("A")
    send(Script())
    delivery = Delivery.objects.get()
    delivered_at = delivery.delivered_at
    put_back(delivery)
    client, later = Script(status(400)), timedelta()
    for pause in (*PAUSES, 0):
        send(client)
        later += timedelta(seconds=pause * 1.21)
        at(later)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.delivered_at) == ("delivered", delivered_at)
    assert delivery.next_attempt_at is None
    assert [each["status"] for each in delivery.attempts] == [204] + [400] * (len(PAUSES) + 1)


def test_what_was_delivered_before_a_demotion_stays_so_when_sent_again(
    administrator: User, colleague: User, project: Project
) -> None:
    make_hook(administrator)
    make_entry(colleague, project)
    client = Script()
    send(client)
    User.objects.filter(pk=administrator.pk).update(is_superuser=False)
    delivery = Delivery.objects.get()
    put_back(delivery)
    send(client)
    delivery.refresh_from_db()
    assert len(client.sent) == 1
    assert delivery.state == "delivered"
    assert [each["error"] for each in delivery.attempts] == [None, NOT_SEEN]
    assert [*Queue.objects.get().attempts.values()] == [[1, 1]]


def test_what_is_held_back_says_when_it_is_tried(hook: Webhook) -> None:
    clients("A", "B")
    send(Script(status(400), status(503, retry_after=3600)))
    queue = Queue.objects.get()
    due = [*Delivery.objects.order_by("seq").values_list("next_attempt_at", flat=True)]
    assert due == [queue.paused_until] * 2


def test_of_what_is_out_of_sight_only_the_id_is_sent(
    owner: User, colleague: User, hook: Webhook, project: Project
) -> None:
    gone, moved = make_entry(owner, project), make_entry(owner, project, notes="secret")
    gone_id = gone.pk
    fill_queues()
    gone.delete()
    moved.user = colleague
    moved.save()
    client = Script()
    send(client)
    assert [(body["type"], body["data"]["time_entry"]) for body in client.bodies] == [
        ("time_entry.created", {"id": gone_id}),
        ("time_entry.created", {"id": moved.pk}),
        ("time_entry.deleted", {"id": gone_id}),
        ("time_entry.deleted", {"id": moved.pk}),
    ]


def test_what_is_sent_is_what_the_row_is_then(owner: User, hook: Webhook) -> None:
    client = make_client("Before")
    fill_queues()
    client.name = "After"
    client.save()
    script = Script()
    send(script)
    assert [body["data"]["client"]["name"] for body in script.bodies] == ["After", "After"]


def test_a_lease_that_was_lost_writes_nothing(hook: Webhook) -> None:
    clients("A")
    fill_queues()
    turn = claim()
    assert turn is not None
    client = Script()
    client.meanwhile = lambda: Queue.objects.update(lease="another's")
    turn.take(client, lambda: True)
    assert states() == ["waiting"]
    assert Queue.objects.get().lease == "another's"


def test_a_queue_is_taken_by_one_and_after_its_end_by_another(
    hook: Webhook, at: Callable[[timedelta], None]
) -> None:
    clients("A")
    fill_queues()
    assert claim() is not None
    assert claim() is None
    at(LEASE + timedelta(seconds=1))
    assert claim() is not None


def test_slow_receivers_can_be_left_out(hook: Webhook) -> None:
    clients("A")
    fill_queues()
    Queue.objects.update(slow=True)
    assert claim(slow_too=False) is None
    assert claim() is not None


def test_a_secret_that_cannot_be_read_disables_it(hook: Webhook, settings: Any) -> None:
    clients("A")
    settings.TOKEN_PEPPER = "another pepper, as after a restore without data/"
    client = Script()
    send(client)
    hook.refresh_from_db()
    assert (client.sent, hook.disabled_reason) == ([], UNREADABLE)


def test_a_new_secret_replaces_one_that_cannot_be_read(hook: Webhook, settings: Any) -> None:
    settings.TOKEN_PEPPER = "another pepper, as after a restore without data/"
    api = api_as(hook.user, "write:webhooks")
    assert api.post(f"/api/v1/webhooks/{hook.pk}/rotate-secret").status_code == 200
    clients("A")
    client = Script()
    send(client)
    hook.refresh_from_db()
    assert (len(client.sent), hook.active) == (1, True)


def test_what_is_new_for_a_webhook_being_sent_is_not_forgotten(hook: Webhook) -> None:
    clients("A")
    fill_queues()
    turn = claim()
    assert turn is not None
    client = Script()

    def another_one() -> None:
        if len(client.sent) == 1:
            clients("B")
            fill_queues()

    client.meanwhile = another_one
    turn.take(client, lambda: not client.sent)
    send(client)
    assert states() == ["delivered"] * 2
