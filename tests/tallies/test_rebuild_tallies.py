"""`manage.py rebuild_tallies`, for when the triggers were off."""

import io
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from projects.models import Project
from tallies.models import Tally
from tallies.versions import list_version
from tests.support.counting import assert_right, counted, fold, tallied
from tests.support.factories import make_entry
from users.models import User


def run(*arguments: str) -> str:
    """What the command prints."""
    output = io.StringIO()
    call_command("rebuild_tallies", *arguments, stdout=output)
    return output.getvalue()


DAY = date(2024, 1, 15).toordinal()


def spoil(owner: User, project: Project, day: int) -> None:
    """An entry that the owner's tally of the day, or with 0 of the month, counts twice."""
    make_entry(owner, project)
    fold()
    Tally.objects.filter(kind="entries_of_user", day=day).update(finished=2)


@pytest.mark.parametrize(("day", "period"), [(0, "2024-01"), (DAY, "2024-01-15")])
def test_check_says_what_is_wrong_and_leaves_it(
    owner: User, project: Project, day: int, period: str
) -> None:
    spoil(owner, project, day)
    output = io.StringIO()
    with pytest.raises(CommandError, match="1 tallies are wrong"):
        call_command("rebuild_tallies", "--check", stdout=output)
    assert output.getvalue() == (
        f"entries_of_user {owner.pk}, {period}:"
        " finished -1, running +0, seconds +0, billable_seconds +0, rounded_seconds +0,"
        " priced +0, amount +0, billed +0\n"
    )
    assert Tally.objects.get(kind="entries_of_user", day=day).finished == 2


@pytest.mark.parametrize("day", [0, DAY])
def test_a_rebuild_mends_it_and_makes_the_list_newer(
    owner: User, project: Project, day: int
) -> None:
    spoil(owner, project, day)
    before = list_version("time_entries", owner)
    assert run().endswith("The tallies are correct.\n")
    assert_right()
    assert list_version("time_entries", owner) > before


def test_fresh_rows_are_folded_once_after_a_rebuild(owner: User, project: Project) -> None:
    make_entry(owner, project)
    Tally.objects.filter(kind="entries").delete()
    run()
    assert_right()
    fold()
    assert_right()
    assert tallied("entries") == counted()


def test_what_is_right_stays_as_it_is(owner: User, project: Project) -> None:
    make_entry(owner, project)
    fold()
    before = list(Tally.objects.order_by("pk").values())
    assert run("--check") == run() == "The tallies are correct.\n"
    assert list(Tally.objects.order_by("pk").values()) == before
