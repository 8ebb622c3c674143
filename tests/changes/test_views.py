"""GET /changes: who follows the feed misses nothing and sees nothing that is not for them."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.models import F
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from apitokens.models import ApiToken
from changes import feed, views
from clients.models import Client
from journal import numbering
from journal.journaled import Journaled, type_of
from journal.models import Change, Feed
from journal.numbering import expire_cursors
from projects.models import Project
from tests.support.errors import error_of
from tests.support.factories import (
    api_as,
    issue_token,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from tests.support.following import PATH, Follower, listed
from tests.test_schema import assert_as_documented
from timeentries.models import TimeEntry
from users.models import User

READS = ("read:projects", "read:clients", "read:tasks", "read:time_entries")
EXPIRED = {
    "error": "Gone",
    "message": (
        "This cursor has expired: it is too old, or your access or the requested types "
        "have changed. Discard your copy and start again without a cursor."
    ),
    "error_code": "cursor_expired",
}


def forged(listed: str) -> str:
    """A cursor that we never gave to anybody."""
    plain = f"1 {16 * '0'} 0 1 own client after {listed}"
    return base64.urlsafe_b64encode(plain.encode()).decode()


def test_now_is_the_cursor_of_now(owner: User, project: Project) -> None:
    api = api_as(owner, *READS)
    answer = api.get(PATH, {"cursor": "now"}).json()
    cursor = answer.pop("next_cursor")

    assert answer == {"changes": [], "has_more": False}
    assert api.get(PATH, {"cursor": cursor}).json() == {**answer, "next_cursor": cursor}


def test_without_a_cursor_it_begins_with_all_that_there_is(owner: User, colleague: User) -> None:
    project = make_project(client=make_client())
    make_entry(owner, project, task=make_task(project))
    make_entry(colleague, project)
    api = api_as(owner, *READS)

    response = api.get(PATH)

    assert_as_documented(response)
    told = response.json()
    assert told["has_more"] is False
    assert {
        (change["type"], change["id"]): change["data"] for change in told["changes"]
    } == listed(api, ["client", "project", "task", "time_entry"])
    assert {
        (change["op"], change["changed_at"] == change["data"]["updated_at"], change["changed_by"])
        for change in told["changes"]
    } == {("upsert", True, None)}


def test_what_there_is_comes_in_pages_and_so_does_what_changes_meanwhile(owner: User) -> None:
    clients = [make_client(f"Client {number}") for number in range(5)]
    projects = [make_project(f"Project {number}") for number in range(3)]
    follower = Follower(api_as(owner, *READS), per_page=2, cursor=None)

    pages = [follower.step() for _ in range(2)]
    clients[0].delete()  # what was told already
    clients[1].name = "Fern"
    clients[1].save()
    added = make_client("Moss")
    projects[1].archive()
    while follower.has_more:
        pages.append(follower.step())

    assert [len(page) for page in pages] == [2, 2, 2, 2, 1, 2, 2]
    assert follower.copy["client", added.pk]["name"] == "Moss"
    assert follower.copy == listed(api_as(owner, *READS), ["client", "project"])


def test_a_change_carries_the_row_as_its_own_endpoint_shows_it(owner: User) -> None:
    api = api_as(owner, "write:clients")
    follower = Follower(api_as(owner, *READS))
    client = api.post("/api/v1/clients", {"name": "Fern"}).json()["client"]
    change = Change.objects.get()

    response = follower.api.get(PATH, {"cursor": follower.cursor})

    assert_as_documented(response)
    assert response.json()["changes"] == [
        {
            "seq": change.seq or 1,
            "type": "client",
            "id": client["id"],
            "op": "upsert",
            "data": client,
            "changed_at": change.changed_at.isoformat().replace("+00:00", "Z"),
            "changed_by": owner.pk,
        }
    ]


def test_it_tells_of_every_type_in_the_order_of_the_writes(owner: User) -> None:
    follower = Follower(api_as(owner, *READS))
    client = make_client()
    project = make_project(client=client)
    task = make_task(project)
    entry = make_entry(owner, project, task=task)
    project.archive()
    entry.delete()
    gone = entry.pk or TimeEntry.objects.count() + 1

    told = follower.told()

    assert told[:2] == [("client", client.pk, "upsert"), ("task", task.pk, "upsert")]
    assert told[2] == ("project", project.pk, "upsert")
    assert told[3][::2] == ("time_entry", "delete"), gone
    assert follower.copy["project", project.pk]["status"] == "archived"
    assert follower.copy == listed(api_as(owner, *READS), ["client", "project", "task"])


def test_pages_follow_one_another(owner: User) -> None:
    follower = Follower(api_as(owner, *READS), per_page=2)
    clients = [make_client(f"Client {number}") for number in range(5)]

    def page() -> tuple[list[int], bool]:
        return [change["id"] for change in follower.step()], follower.has_more

    pages = [page() for _ in range(4)]

    one, two, three, four, five = (client.pk for client in clients)
    assert pages == [([one, two], True), ([three, four], True), ([five], False), ([], False)]


def test_many_changes_of_a_row_are_told_as_one(owner: User) -> None:
    follower = Follower(api_as(owner, *READS))
    client = make_client("Fern")
    other = make_client("Moss")
    client.name = "Fern & Sons"
    client.save()

    assert follower.told() == [("client", other.pk, "upsert"), ("client", client.pk, "upsert")]
    assert follower.copy["client", client.pk]["name"] == "Fern & Sons"


@pytest.mark.django_db(transaction=True)
def test_a_write_that_commits_late_is_told_late_but_told() -> None:
    owner, first_inserted, second_told = make_user(), Event(), Event()
    follower = Follower(api_as(owner, *READS))

    def slow() -> None:
        with transaction.atomic():
            make_client("First")
            first_inserted.set()
            assert second_told.wait(20)
        connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(slow)
        assert first_inserted.wait(20)
        if connection.vendor == "postgresql":  # SQLite has one writer at a time
            second = make_client("Second")
            assert follower.told() == [("client", second.pk, "upsert")]
        second_told.set()
        writing.result()

    first = Client.objects.get(name="First")
    assert follower.told() == [("client", first.pk, "upsert")]


def test_a_moved_entry_goes_from_one_to_the_other(
    owner: User, colleague: User, administrator: User, project: Project
) -> None:
    entry = make_entry(owner, project)
    followers = [Follower(api_as(user, *READS)) for user in (owner, colleague, administrator)]
    entry.user = colleague
    entry.save(update_fields=["user"])

    assert [follower.told() for follower in followers] == [
        [("time_entry", entry.pk, "delete")],
        [("time_entry", entry.pk, "upsert")],
        [("time_entry", entry.pk, "upsert")],
    ]


def test_it_tells_nobody_of_other_people_s_entries(
    owner: User, colleague: User, project: Project
) -> None:
    follower = Follower(api_as(owner, *READS))
    entry = make_entry(colleague, project)
    entry.notes = "Secret"
    entry.save()
    entry.delete()

    assert follower.told() == []


@pytest.mark.parametrize(
    ("scopes", "types", "told"),
    [
        pytest.param(READS, "", ["client", "project", "task", "time_entry"], id="all"),
        pytest.param(("read:tasks",), "", ["task"], id="one scope"),
        pytest.param(("write:tasks", "read:clients"), "", ["client", "task"], id="two"),
        pytest.param(READS, "task,client", ["client", "task"], id="asked for"),
    ],
)
def test_each_type_needs_its_scope(
    owner: User, scopes: tuple[str, ...], types: str, told: list[str]
) -> None:
    follower = Follower(api_as(owner, *scopes), types)
    project = make_project(client=make_client())
    make_entry(owner, project, task=make_task(project))

    assert [kind for kind, *_ in follower.told()] == told


def test_a_cursor_keeps_the_types_that_were_named_for_it(owner: User) -> None:
    make_client("Before")
    api = api_as(owner, *READS)
    first = api.get(PATH, {"types": "client"}).json()
    make_project()
    make_client("After")
    query = {"cursor": first["next_cursor"]}
    seen: list[str] = []
    has_more = True
    while has_more:
        answer = api.get(PATH, query).json()
        seen += [each["type"] for each in answer["changes"]]
        query, has_more = {"cursor": answer["next_cursor"]}, answer["has_more"]
    assert {*seen} == {"client"}
    assert api.get(PATH, {**query, "types": "client"}).json()["has_more"] is False
    assert api.get(PATH, {**query, "types": "client,task"}).status_code == 410
    of_all = api.get(PATH).json()["next_cursor"]
    assert api_as(owner, "read:tasks").get(PATH, {"cursor": of_all}).status_code == 410
    assert api_as(owner, "read:tasks").get(PATH, query).status_code == 403


def test_a_type_without_its_scope_is_403_and_named(owner: User) -> None:
    response = api_as(owner, "read:tasks").get(PATH, {"types": "task,client"})

    assert response.status_code == 403
    assert error_of(response) == {
        "error": "Insufficient permissions",
        "message": "This endpoint requires the 'read:clients' scope",
        "error_code": "forbidden",
        "required_scope": "read:clients",
        "available_scopes": ["read:tasks"],
    }


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param(
            {"types": "tasks"},
            "types: Must be any of: client, project, task, rate, time_entry.",
            id="unknown type",
        ),
        pytest.param(
            {"types": "task,"},
            "types: Must be any of: client, project, task, rate, time_entry.",
            id="no type",
        ),
        pytest.param(
            {"cursor": "7"},
            "cursor: Must be a next_cursor or now.",
            id="not base64",
        ),
        pytest.param(
            {"cursor": "w7w"},
            "cursor: Must be a next_cursor or now.",
            id="not ASCII",
        ),
        pytest.param(
            {"cursor": "é"},
            "cursor: Must be a next_cursor or now.",
            id="not a letter",
        ),
        pytest.param(
            {"cursor": "MSAw"},
            "cursor: Must be a next_cursor or now.",
            id="cut off",
        ),
        pytest.param(
            {"cursor": forged("user 7")},
            "cursor: Must be a next_cursor or now.",
            id="of no type",
        ),
        pytest.param(
            {"per_page": "0"}, "per_page: Must be a whole number, 1 or greater.", id="page of none"
        ),
    ],
)
def test_what_it_cannot_read_is_400(owner: User, query: dict[str, str], sentence: str) -> None:
    response = api_as(owner, *READS).get(PATH, query)

    assert response.status_code == 400
    assert error_of(response)["message"] == sentence


def test_another_user_s_cursor_is_400(owner: User, colleague: User) -> None:
    cursor = Follower(api_as(colleague, *READS)).cursor
    response = api_as(owner, *READS).get(PATH, {"cursor": cursor})

    assert response.status_code == 400
    assert error_of(response)["message"] == "cursor: This cursor belongs to another user."


def pruned(_: User) -> None:
    """The changes after the cursor are thrown away."""
    make_client()
    Change.objects.update(changed_at=timezone.now() - timedelta(days=91))
    call_command("prune_changes")


def filled(_: User) -> None:
    """Rows are written past the journal."""
    expire_cursors()


def restored(_: User) -> None:
    """An older copy of the database is put in place."""
    Change.objects.all().delete()
    Feed.objects.update(last_seq=0)


def demoted(administrator: User) -> None:
    """An administrator sees only their own entries from now on."""
    User.objects.filter(pk=administrator.pk).update(is_superuser=False)


def rescoped(_: User) -> None:
    """The token opens less."""
    ApiToken.objects.update(scopes=["read:tasks"])


@pytest.mark.parametrize("event", [pruned, filled, restored, demoted, rescoped])
def test_a_cursor_that_would_miss_something_is_410(
    administrator: User, event: Callable[[User], None]
) -> None:
    make_client("Before")
    follower = Follower(api_as(administrator, *READS))
    event(administrator)

    response = follower.api.get(PATH, {"cursor": follower.cursor})

    assert response.status_code == 410
    assert error_of(response) == EXPIRED
    assert_as_documented(response)


def test_what_is_thrown_away_while_one_reads_is_410(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(api_as(owner, *READS))
    make_client()
    numbered = numbering.numbered_feed

    def then_pruned() -> Feed:
        told = numbered()
        Change.objects.update(changed_at=timezone.now() - timedelta(days=91))
        call_command("prune_changes")
        return told

    monkeypatch.setattr(views, "numbered_feed", then_pruned)
    response = follower.api.get(PATH, {"cursor": follower.cursor})

    assert response.status_code == 410
    assert error_of(response) == EXPIRED


def test_a_far_way_is_gone_in_steps(
    owner: User, colleague: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "MOST_AT_ONCE", 4)
    monkeypatch.setattr(feed, "LOOKED_THROUGH", 3)
    follower = Follower(api_as(owner, *READS))
    others = [make_entry(colleague, project) for _ in range(10)]
    mine = make_entry(owner, project)

    steps = 0
    while ("time_entry", mine.pk) not in follower.copy:
        follower.step()
        steps += 1

    assert steps > len(others) / 3
    assert follower.told() == []


@pytest.mark.parametrize("begun", ["now", None], ids=["following", "listing"])
def test_there_is_more_while_changes_of_others_wait(
    owner: User,
    colleague: User,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    begun: str | None,
) -> None:
    """Whoever polls rarely must not take a pause in the numbering for the end."""
    monkeypatch.setattr(numbering, "MOST_AT_ONCE", 4)
    numbering.feed_of_now()
    follower = Follower(api_as(owner, *READS), cursor=begun)
    for _ in range(11):
        make_entry(colleague, project)
    mine = make_entry(owner, project)

    follower.told()

    assert ("time_entry", mine.pk) in follower.copy
    assert not Change.objects.waiting().exists()


def test_now_is_after_everything_however_much_waits(
    owner: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "MOST_AT_ONCE", 4)
    for _ in range(13):
        make_entry(owner, project)
    follower = Follower(api_as(owner, *READS))
    assert follower.told() == []
    later = make_entry(owner, project)
    assert follower.told() == [("time_entry", later.pk, "upsert")]


def test_now_that_is_too_far_is_nearer_the_next_time(
    owner: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "MOST_AT_ONCE", 1)
    api = api_as(owner, *READS)
    for _ in range(numbering.MOST_TURNS):  # and the change of the project
        make_entry(owner, project)

    far = api.get(PATH, {"cursor": "now"})
    assert (far.status_code, far["Retry-After"]) == (503, "1")
    assert error_of(far)["message"] == (
        "Too many new changes to catch up in one request. Retry until it succeeds."
    )
    assert api.get(PATH, {"cursor": "now"}).json()["changes"] == []


def test_who_has_heard_that_nothing_is_new_gets_304_until_something_is(
    owner: User, colleague: User, project: Project
) -> None:
    follower = Follower(api_as(owner, *READS))

    def poll(tag: str) -> int:
        query = {"cursor": follower.cursor}
        response = follower.api.get(PATH, query, headers={"If-None-Match": tag})
        if response.status_code == 304:
            assert response["ETag"] == tag.removeprefix("W/")
        return int(response.status_code)

    quiet = follower.api.get(PATH, {"cursor": follower.cursor})
    assert_as_documented(quiet)
    assert poll(quiet["ETag"]) == 304
    make_entry(colleague, project)
    assert poll(quiet["ETag"]) == 304  # nothing that the caller may see
    assert poll(f"W/{quiet['ETag']}") == 304
    make_entry(owner, project)
    assert poll(quiet["ETag"]) == 200
    [change] = follower.told()
    assert change[0] == "time_entry"
    assert poll(quiet["ETag"]) == 304  # the same word from a newer cursor on


def test_an_answer_with_news_or_with_more_to_come_has_no_tag(
    owner: User, colleague: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(api_as(owner, *READS))
    assert "ETag" not in follower.api.get(PATH)
    monkeypatch.setattr(feed, "LOOKED_THROUGH", 1)
    for _ in range(2):
        make_entry(colleague, project)
    sent = {"If-None-Match": "*"}
    response = follower.api.get(PATH, {"cursor": follower.cursor}, headers=sent)
    assert (response.status_code, response.json()["has_more"]) == (200, True)
    assert "ETag" not in response


@pytest.mark.parametrize("change", ["user", "role", "types", "epoch", "changes", "day"])
def test_that_nothing_is_new_is_true_for_one_caller_and_not_for_ever(
    administrator: User, colleague: User, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, query = api_as(administrator, *READS), {"cursor": "now"}
    before = api.get(PATH, query)["ETag"]
    if change == "user":
        api = api_as(colleague, *READS)
    elif change == "role":
        User.objects.filter(pk=administrator.pk).update(is_superuser=False)
    elif change == "types":
        query["types"] = "task"
    elif change == "epoch":
        expire_cursors()
    elif change == "changes":
        Feed.objects.update(last_seq=F("last_seq") + views.RENEWED_EVERY)
    else:
        tomorrow = timezone.now() + timedelta(days=1)
        monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    response = api.get(PATH, query, headers={"If-None-Match": before})
    assert response.status_code == 200
    assert response["ETag"] != before


def test_a_poll_without_news_counts_for_the_minute_only(owner: User, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 100, 5
    follower = Follower(api_as(owner, *READS))
    query = {"cursor": follower.cursor}
    sent = {"If-None-Match": follower.api.get(PATH, query)["ETag"]}
    for _ in range(10):
        assert follower.api.get(PATH, query, headers=sent).status_code == 304
    assert follower.api.get(PATH, query)["X-RateLimit-Remaining"] == "2"


@pytest.mark.usefixtures("project")
def test_polling_a_feed_at_rest_costs_two_queries(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    follower = Follower(api_as(owner, *READS))
    with django_assert_num_queries(2):  # token, feed
        assert follower.step() == []


def test_a_page_costs_the_same_for_any_number_of_rows(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    follower = Follower(api_as(owner, *READS))
    for count in (1, 20):
        project = make_project(f"Project {count}", client=make_client(f"Client {count}"))
        for _ in range(count):
            make_entry(owner, project, task=make_task(project))
        numbering.number_waiting()
        with django_assert_num_queries(8):  # token, feed, page, feed again, four types
            assert len(follower.step()) == 2 + 2 * count


def test_the_numbers_have_no_gaps(owner: User) -> None:
    issue_token(owner, "read:tasks")
    for number in range(5):
        make_client(f"Client {number}")
        numbering.numbered_feed()

    assert list(Change.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4, 5]


def test_every_journaled_resource_is_told_of() -> None:
    journaled = {type_of(model) for model in apps.get_models() if issubclass(model, Journaled)}

    assert journaled - set(feed.VIEWSETS) == {"books", "webhook"}


def test_demo_data_makes_consumers_begin_again(owner: User) -> None:
    follower = Follower(api_as(owner, *READS))
    call_command("seed_demo", "--entries", "20")

    assert follower.api.get(PATH, {"cursor": follower.cursor}).status_code == 410
