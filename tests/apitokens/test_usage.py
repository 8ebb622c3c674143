"""The use of tokens: counted without a query, written together, never lost by a failure."""

import logging
import os
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from functools import partial
from ipaddress import ip_address

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from apitokens import life, usage
from apitokens.models import ApiToken, Performer, TokenUsage
from tests.support.factories import api_as, issue_token
from tests.support.racing import at_once
from tests.support.servers import ROOT
from users.models import User

HOME = ip_address("192.0.2.7")
NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


def counts() -> dict[tuple[int, str], tuple[int, int]]:
    """Calls and refusals as they are stored, by token and scope."""
    return {
        (row.token_id, row.scope): (row.calls, row.refused) for row in TokenUsage.objects.all()
    }


def test_calls_are_counted_by_the_scope_they_need(owner: User) -> None:
    api = api_as(owner, "write:projects")
    token = ApiToken.objects.get()
    assert api.get("/api/v1/projects").status_code == 200
    assert api.get("/api/v1/projects/1").status_code == 404
    assert api.post("/api/v1/projects", {"name": "Site"}).status_code == 201
    assert api.get("/api/v1/tasks").status_code == 403
    assert api.options("/api/v1/projects").status_code == 200
    assert api.get("/api/v1/info").status_code == 200
    assert counts() == {}
    usage.buffer.flush()
    assert counts() == {
        (token.pk, "read:projects"): (2, 0),
        (token.pk, "write:projects"): (1, 0),
        (token.pk, "read:tasks"): (0, 1),
    }
    assert usage.required_scopes(token) == {"read:projects", "write:projects"}
    assert {row.day for row in TokenUsage.objects.all()} == {timezone.now().date()}


def test_the_feed_counts_once_and_uses_each_scope_that_it_shows(owner: User) -> None:
    api = api_as(owner, "read:time_entries", "read:tasks")
    token = ApiToken.objects.get()
    assert api.get("/api/v1/changes").status_code == 200
    usage.buffer.flush()
    assert counts() == {(token.pk, "read:time_entries"): (1, 0), (token.pk, "read:tasks"): (0, 0)}
    assert usage.required_scopes(token) == {"read:time_entries", "read:tasks"}


def test_the_last_use_is_kept_with_its_address(owner: User) -> None:
    api = api_as(owner, "read:projects")
    before = timezone.now()
    api.get("/api/v1/projects", REMOTE_ADDR="2001:db8::7")
    usage.buffer.flush()
    token = ApiToken.objects.get()
    assert token.last_used_at
    assert before <= token.last_used_at <= timezone.now()
    assert token.last_address == "2001:db8::7"


def test_a_call_costs_no_query_for_its_count(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api = api_as(owner, "read:users")
    with django_assert_num_queries(1):  # the token with its user
        assert api.get("/api/v1/users/me").status_code == 200


def test_flushes_add_up(owner: User) -> None:
    token, _ = issue_token(owner, "read:tasks")
    for _ in range(3):
        usage.buffer.note(token.pk, ["read:tasks"], HOME, allowed=True)
        usage.buffer.note(token.pk, ["read:tasks"], HOME, allowed=False)
        usage.buffer.flush()
    usage.buffer.flush()
    assert counts() == {(token.pk, "read:tasks"): (3, 3)}


def test_two_processes_write_at_once_and_nothing_is_lost(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    user = User.objects.create_user("olga")
    tokens = [issue_token(user, "read:tasks")[0].pk for _ in range(5)]

    def count(order: int) -> None:
        process = usage.UsageBuffer(seconds=None)
        for _ in range(20):
            for pk in tokens[::order]:
                process.note(pk, ["read:tasks"], HOME, allowed=True)
            process.flush()

    at_once([lambda: count(1), lambda: count(-1)])
    assert counts() == {(pk, "read:tasks"): (40, 0) for pk in tokens}
    assert caplog.records == []  # none was a deadlock's victim and wrote again


def test_days_are_counted_apart_and_a_late_flush_leaves_a_later_use(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, _ = issue_token(owner, "read:tasks")
    early, late = usage.UsageBuffer(seconds=None), usage.UsageBuffer(seconds=None)
    for process, now in ((early, NOON), (late, NOON + timedelta(days=1))):
        monkeypatch.setattr(timezone, "now", lambda now=now: now)
        process.note(token.pk, ["read:tasks"], HOME, allowed=True)
    late.flush()
    early.flush()
    token.refresh_from_db()
    assert token.last_used_at == NOON + timedelta(days=1)
    days = TokenUsage.objects.order_by("day").values_list("day", "calls")
    assert list(days) == [(date(2024, 1, 15), 1), (date(2024, 1, 16), 1)]


def test_a_token_that_is_gone_does_not_keep_others_from_being_written(owner: User) -> None:
    token, _ = issue_token(owner, "read:tasks")
    for pk in (token.pk, token.pk + 1000):
        usage.buffer.note(pk, ["read:tasks"], None, allowed=True)
    usage.buffer.flush()
    assert counts() == {(token.pk, "read:tasks"): (1, 0)}


def test_a_failure_keeps_the_counts_for_the_next_time(
    owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token, _ = issue_token(owner, "read:tasks")
    usage.buffer.note(token.pk, ["read:tasks"], HOME, allowed=True)
    with monkeypatch.context() as away, caplog.at_level(logging.ERROR, "timetracker.usage"):

        def fail(*_: object) -> None:
            usage.buffer.note(token.pk, ["read:tasks"], HOME, allowed=False)  # meanwhile
            raise DatabaseError("away")

        away.setattr(usage, "_write", fail)
        usage.buffer.flush()
    assert [record.message for record in caplog.records] == [
        "Could not record token usage; will retry"
    ]
    assert counts() == {}
    usage.buffer.flush()
    assert counts() == {(token.pk, "read:tasks"): (1, 1)}


def test_writing_costs_the_same_for_one_call_and_for_many(owner: User) -> None:
    token, _ = issue_token(owner, "read:tasks")
    for calls in (1, 50):
        for _ in range(calls):
            usage.buffer.note(token.pk, ["read:tasks"], HOME, allowed=True)
        with CaptureQueriesContext(connection) as captured:
            usage.buffer.flush()
        words = [query["sql"].split()[0] for query in captured]
        assert [word for word in words if word not in ("SAVEPOINT", "RELEASE", "SET")] in (
            ["SELECT", "INSERT", "UPDATE"],
            ["SELECT", "1", "UPDATE"],  # "1 times: INSERT …", as Django logs an executemany
        )


def test_it_is_written_by_itself_after_a_while(transactional_db: None) -> None:
    token, _ = issue_token(User.objects.create_user("olga"), "read:tasks")
    process, others = usage.UsageBuffer(seconds=0.01), threading.enumerate()
    process.note(token.pk, ["read:tasks"], HOME, allowed=True)
    for thread in threading.enumerate():
        if thread not in others:
            thread.join(10)
    assert counts() == {(token.pk, "read:tasks"): (1, 0)}


ENDING = """
import multiprocessing

def count():
    import django
    django.setup()
    from apitokens import usage
    usage.UsageBuffer.flush = lambda self: print("written", flush=True)

child = multiprocessing.get_context("fork").Process(target=count)
child.start()
child.join()
count()
"""


def test_a_process_that_ends_writes_first() -> None:
    """A command ends by Python's exit, a process of the server by multiprocessing's."""
    settings = {**os.environ, "DJANGO_SETTINGS_MODULE": "timetracker.settings"}
    command = [sys.executable, "-c", ENDING]
    ended = subprocess.run(  # noqa: S603 - our own words
        command, cwd=ROOT, env=settings, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (0, "written\n" * 2), ended.stderr


def test_the_first_use_of_a_scope_is_known_to_all_processes_at_once(owner: User) -> None:
    """Who narrows a token in another process must not take away what is in use."""
    token, _ = issue_token(owner, "write:projects", "read:tasks")
    elsewhere = usage.UsageBuffer(seconds=3600)
    elsewhere.write_first_uses(token, ["read:projects"])
    assert counts() == {(token.pk, "read:projects"): (0, 0)}
    assert life.narrow(token, Performer("ada")) == ["read:projects"]
    with CaptureQueriesContext(connection) as captured:
        elsewhere.write_first_uses(token, ["read:projects"])
    assert len(captured) == 0


def test_a_scope_that_was_refused_before_is_known_to_be_used(
    administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the same day: an administrator's token lacked it while its user was none."""
    User.objects.filter(pk=administrator.pk).update(is_superuser=False)
    token, secret = issue_token(administrator, "read:tasks")
    ApiToken.objects.filter(pk=token.pk).update(scopes=["*", "read:tasks"])
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert api.get("/api/v1/projects").status_code == 403
    usage.buffer.flush()
    User.objects.filter(pk=administrator.pk).update(is_superuser=True)
    monkeypatch.setattr(usage, "buffer", usage.UsageBuffer(seconds=3600))
    assert api.get("/api/v1/projects").status_code == 200
    assert counts() == {(token.pk, "read:projects"): (0, 1)}
    assert life.narrow(token, Performer("ada")) == ["read:projects"]


def test_a_refusal_in_the_same_minute_does_not_hide_a_use(owner: User) -> None:
    """Of several scopes that open a page, one counts; the others are only known to be used."""
    token, _ = issue_token(owner, "read:projects", "read:tasks")
    usage.buffer.note(token.pk, ["read:projects", "read:tasks"], HOME, allowed=True)
    usage.buffer.note(token.pk, ["read:tasks"], HOME, allowed=False)
    usage.buffer.flush()
    assert usage.required_scopes(token) == {"read:projects", "read:tasks"}


def test_a_scope_that_was_just_taken_away_is_not_used_any_more(owner: User) -> None:
    """The request had looked up its token before, and comes to the lock after who narrowed."""
    token, _ = issue_token(owner, "read:projects", "read:tasks")
    usage.buffer.note(token.pk, ["read:tasks"], HOME, allowed=True)
    usage.buffer.flush()
    life.narrow(token, Performer("ada"))
    usage.UsageBuffer(seconds=3600).write_first_uses(token, ["read:projects"])
    assert token.scopes == ["read:tasks"]
    assert usage.required_scopes(token) == {"read:tasks"}


def status_of(api: APIClient) -> int:
    """The answer to a call that needs read:projects."""
    return int(api.get("/api/v1/projects").status_code)


def kept_by(token: ApiToken) -> int:
    """How many of two scopes a token keeps that is narrowed."""
    try:
        return len(life.narrow(token, Performer("ada")))
    except ValidationError:  # it uses all that it has
        return 2


def test_a_first_use_is_seen_by_who_narrows_or_refused(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.READ_DEADLINE = 60  # on a busy machine, to wait for the other takes its time
    user = User.objects.create_user("olga")
    for _ in range(10):
        token, secret = issue_token(user, "read:projects", "read:tasks")
        TokenUsage.objects.create(token=token, day=NOON.date(), scope="read:tasks", calls=1)
        monkeypatch.setattr(usage, "buffer", usage.UsageBuffer(seconds=3600))
        api = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")

        status, kept = at_once([partial(status_of, api), partial(kept_by, token)])
        assert (status, kept) in ((200, 2), (403, 1))


def test_a_first_use_and_a_flush_do_not_wait_for_each_other_for_ever(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    user = User.objects.create_user("olga")
    scopes = ["read:clients", "read:projects", "read:tasks"]
    tokens = [issue_token(user, *scopes)[0] for _ in range(4)]

    def begin() -> None:
        for _ in range(20):
            for token in tokens:
                usage.UsageBuffer(seconds=3600).write_first_uses(token, scopes)

    def count() -> None:
        process = usage.UsageBuffer(seconds=None)
        for _ in range(20):
            for token in tokens:
                process.note(token.pk, scopes, HOME, allowed=True)
            process.flush()

    at_once([begin, count])
    assert caplog.records == []


@pytest.mark.parametrize("used", ["read:projects", "read:tasks"])
def test_narrowing_gives_nothing_to_a_token_that_has_no_effect(owner: User, used: str) -> None:
    """The user was an administrator when the token was issued, and its calls were counted."""
    User.objects.filter(pk=owner.pk).update(is_superuser=True)
    owner.refresh_from_db()
    token, _ = issue_token(owner, "*")
    usage.buffer.note(token.pk, [used], HOME, allowed=True)
    usage.buffer.flush()
    User.objects.filter(pk=owner.pk).update(is_superuser=False)
    with pytest.raises(ValidationError):
        life.narrow(token, Performer("ada"))
    token.refresh_from_db()
    assert token.scopes == ["*"]
