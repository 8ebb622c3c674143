"""What was exported is imported again, to the same rows on the same and the other database."""

import json
from pathlib import Path

from rest_framework.test import APIClient

from clients.models import Client
from journal.models import Change, Feed
from moving.kinds import kinds
from moving.sequences import continue_after, last_id
from rates.models import Rate
from tallies.rebuilding import differences
from tallies.versions import list_version
from tests.moving.conftest import exported, imported
from tests.moving.world import CLOSED_THROUGH, make_everything, state
from tests.support.emptying import empty_tables
from tests.support.factories import api_as, make_client, make_project
from tests.support.following import PATH, Follower
from timeentries.models import TimeEntry
from users.models import User
from webhooks.models import Webhook

NAMES = [
    *("groups", "users", "bills", "saved_reports", "clients", "webhooks", "projects"),
    *(
        "favorite_projects",
        "tasks",
        "rates",
        "time_entries",
        "books",
        "zone_bounds",
        "user_bounds",
    ),
]


def files_in(folder: Path) -> dict[str, bytes]:
    """The files of an export by name; of the manifest what does not depend on the minute."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    manifest = json.loads(found["manifest.json"])
    del manifest["made_at"], manifest["sha256"]
    return {**found, "manifest.json": json.dumps(manifest).encode()}


def test_every_row_is_the_same_afterwards(transactional_db: None, tmp_path: Path) -> None:
    make_everything()
    before = state()
    assert [name for name, rows in before.items() if not rows] == []
    exported(tmp_path / "one")
    empty_tables()
    imported(tmp_path / "one")
    assert state() == before
    exported(tmp_path / "two")
    assert files_in(tmp_path / "one") == files_in(tmp_path / "two")
    assert differences() == []


def test_the_commands_say_what_they_did(transactional_db: None, tmp_path: Path) -> None:
    make_everything()
    said = exported(tmp_path / "export")
    rows = {name: len(rows) for name, rows in state().items()}
    counts = "".join(f"{name}: {count}\n" for name, count in rows.items())
    assert said.startswith(f"{counts}Exported to {tmp_path / 'export'}. Left out:\n")
    assert "  password of users\n" in said
    empty_tables()
    said = imported(tmp_path / "export")
    assert said.startswith(f"{counts}Everything has been read back and is the same.\n")
    assert "manage.py changepassword" in said


def test_an_empty_installation_moves_too(transactional_db: None, tmp_path: Path) -> None:
    before = state()
    exported(tmp_path / "export")
    imported(tmp_path / "export")
    assert state() == before
    assert {name for name, rows in before.items() if rows} <= {"books"}


def test_ids_of_deleted_rows_are_not_given_out_again(export: Path) -> None:
    imported(export)
    gone = json.loads((export / "manifest.json").read_text())["parts"]["clients"]["last_id"]
    assert gone == Client.objects.latest("id").pk + 1
    assert make_client("New").pk == gone + 1
    # An entry keeps the price of a deleted rate, which must not look like that of a new one.
    outlived = TimeEntry.objects.exclude(rate=None).latest("rate_id").rate_id
    assert outlived is not None
    assert not Rate.objects.filter(pk=outlived).exists()
    rate = Rate(project=make_project("Fresh"), hourly_rate=1)
    rate.save()
    assert rate.pk > outlived


def test_ids_begin_with_one_whatever_an_import_had_given_out_that_failed(
    transactional_db: None,
) -> None:
    [clients] = [kind for kind in kinds() if kind.name == "clients"]
    for last in (7, 0):
        continue_after(clients, last)
        assert last_id(clients) == last
    assert make_client().pk == 1


def test_nobody_can_log_in_until_a_password_is_set(export: Path) -> None:
    imported(export)
    users = User.objects.order_by("pk")
    assert [user.has_usable_password() for user in users] == [False] * 3
    assert len({user.password for user in users}) == 3


def test_webhooks_wait_for_a_new_secret(export: Path) -> None:
    imported(export)
    hook = Webhook.objects.get()
    assert (hook.active, hook.sealed_secret, hook.secret_hint) == (False, "", "")
    assert hook.disabled_at is not None
    api = api_as(hook.user, "write:webhooks", "write:clients", "admin:all")
    path = f"/api/v1/webhooks/{hook.pk}"
    shown = api.get(path).json()["webhook"]
    assert shown["disabled_reason"] == (
        "It was imported without its secret. Rotate it, then activate this."
    )
    assert api.post(f"{path}/rotate-secret").json()["secret"].startswith("whsec_")
    assert api.patch(path, {"active": True}).json()["webhook"]["disabled_reason"] is None
    hook.refresh_from_db()
    assert len(hook.secrets_at(hook.updated_at)) == 1
    assert hook.queue.position == Feed.current().last_seq


def test_consumers_of_the_old_feed_begin_again(transactional_db: None, tmp_path: Path) -> None:
    secret = make_everything()
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    follower = Follower(api)
    etag = api.get("/api/v1/clients")["ETag"]
    ada = User.objects.get(username="ada")
    version = list_version(["clients"], ada)
    exported(tmp_path / "export")
    empty_tables()
    imported(tmp_path / "export")

    assert Change.objects.count() == 0
    again = api_as(User.objects.get(username="ada"), "admin:all")
    response = again.get(PATH, {"cursor": follower.cursor})
    assert response.status_code == 410
    assert response.json()["error_code"] == "cursor_expired"
    assert list_version(["clients"], ada) > version
    assert again.get("/api/v1/clients", HTTP_IF_NONE_MATCH=etag).status_code == 200
    fresh = Follower(again, cursor=None)
    fresh.told()
    assert {kind for kind, _ in fresh.copy} == {"client", "project", "task", "rate", "time_entry"}


def test_what_was_closed_and_billed_stays_so(export: Path) -> None:
    imported(export)
    api = api_as(User.objects.get(username="ada"), "admin:all")
    entries = TimeEntry.objects.order_by("start_time")
    billed, closed = entries.exclude(bill=None)[0], entries.filter(bill=None)[0]
    refusal = api.patch(f"/api/v1/time-entries/{closed.pk}", {"notes": "changed"}).json()
    assert (refusal["error_code"], refusal["closed_through"]) == ("period_closed", CLOSED_THROUGH)
    assert api.put("/api/v1/books", {"closed_through": None}).status_code == 200
    refusal = api.patch(f"/api/v1/time-entries/{billed.pk}", {"notes": "changed"}).json()
    assert refusal["error_code"] == "entry_billed"


def test_files_are_in_the_order_in_which_rows_refer_to_each_other() -> None:
    assert [kind.name for kind in kinds()] == NAMES
