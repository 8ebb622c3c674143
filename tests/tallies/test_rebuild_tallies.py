"""`manage.py rebuild_tallies`, for when the triggers were off."""

import io

import pytest
from django.core.management import CommandError, call_command

from projects.models import Project
from tallies.models import Tally
from tallies.versions import list_version
from tests.factories import make_entry
from tests.tallies.counting import assert_right, fold
from users.models import User


def run(*arguments: str) -> str:
    """What the command prints."""
    output = io.StringIO()
    call_command("rebuild_tallies", *arguments, stdout=output)
    return output.getvalue()


def spoil(owner: User, project: Project) -> None:
    """An entry that the owner's tally counts twice."""
    make_entry(owner, project)
    fold()
    Tally.objects.filter(kind="entries_of_user").update(finished=2)


def test_check_says_what_is_wrong_and_leaves_it(owner: User, project: Project) -> None:
    spoil(owner, project)
    output = io.StringIO()
    with pytest.raises(CommandError, match="1 tallies are wrong"):
        call_command("rebuild_tallies", "--check", stdout=output)
    assert output.getvalue() == (
        f"entries_of_user {owner.pk}, 2024-01:"
        " finished -1, running +0, seconds +0, billable_seconds +0\n"
    )
    assert Tally.objects.get(kind="entries_of_user").finished == 2


def test_a_rebuild_mends_it_and_makes_the_list_newer(owner: User, project: Project) -> None:
    spoil(owner, project)
    before = list_version("time_entries", owner)
    assert run().endswith("The tallies are right.\n")
    assert_right()
    assert list_version("time_entries", owner) > before


def test_what_is_right_stays_as_it_is(owner: User, project: Project) -> None:
    make_entry(owner, project)
    fold()
    before = list(Tally.objects.order_by("pk").values())
    assert run("--check") == run() == "The tallies are right.\n"
    assert list(Tally.objects.order_by("pk").values()) == before
