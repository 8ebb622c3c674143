"""The command that keeps the journal to a length."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from journal import numbering
from journal.models import Change, Feed
from tests.support.factories import make_client


def made_days_ago(*ages: int) -> None:
    """A client for each age in days, the oldest first."""
    for number, days in enumerate(ages):
        make_client(f"Client {number}")
        last = Change.objects.latest("id")
        Change.objects.filter(pk=last.pk).update(changed_at=timezone.now() - timedelta(days=days))


def test_it_throws_away_what_is_older_than_90_days(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    made_days_ago(200, 91, 89, 0)

    call_command("prune_changes")

    assert capsys.readouterr().out == "Deleted 2 changes older than 90 days.\n"
    assert list(Change.objects.order_by("seq").values_list("seq", flat=True)) == [3, 4]
    assert (Feed.current().last_seq, Feed.current().pruned_through) == (4, 2)


def test_numbers_go_on_after_everything_was_thrown_away(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "DELETED_AT_ONCE", 2)
    monkeypatch.setattr(numbering, "MOST_AT_ONCE", 2)
    made_days_ago(9, 8, 7, 6, 5)

    call_command("prune_changes", "--days", "3")
    make_client("Next")
    numbering.numbered_feed()

    assert [change.seq for change in Change.objects.all()] == [6]


def test_nothing_is_thrown_away_after_what_is_kept(db: None) -> None:
    made_days_ago(200, 10, 200)

    call_command("prune_changes")

    assert list(Change.objects.order_by("seq").values_list("seq", flat=True)) == [2, 3]


@pytest.mark.django_db(transaction=True)
def test_readers_do_not_wait_while_it_looks_for_the_first_change_to_keep() -> None:
    made_days_ago(200, 91, 0)
    numbering.numbered_feed()

    with CaptureQueriesContext(connection) as captured:
        call_command("prune_changes")

    statements = [query["sql"] for query in captured]
    [looks] = [place for place, sql in enumerate(statements) if '"changed_at" >=' in sql]
    assert not any(sql.startswith("BEGIN") for sql in statements[:looks])


@pytest.mark.parametrize("days", ["0", "-1", "a", "36501"])
def test_it_refuses_days_that_it_does_not_understand(days: str) -> None:
    with pytest.raises(CommandError, match="must be a whole number of days, 1 or greater"):
        call_command("prune_changes", f"--days={days}")


def test_it_makes_consumers_list_afresh(db: None) -> None:
    before = Feed.current().epoch

    call_command("prune_changes", "--expire-cursors")

    assert Feed.current().epoch != before
