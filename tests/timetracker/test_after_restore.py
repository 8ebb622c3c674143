"""`manage.py after_restore`; the whole drill is in tests/operations/restore.py."""

import io

from django.core.management import call_command

from projects.models import Project
from tallies.models import Tally
from tests.support.counting import assert_right, fold
from tests.support.factories import api_as, make_entry
from users.models import User


def test_tallies_that_were_restored_without_triggers_are_corrected(
    owner: User, project: Project
) -> None:
    make_entry(owner, project)
    fold()
    Tally.objects.filter(kind="entries_of_user").update(finished=2)
    output = io.StringIO()
    call_command("after_restore", stdout=output)
    assert_right()
    assert "2 tallies were wrong and have been corrected." in output.getvalue()


def test_cursors_of_before_have_expired(owner: User, project: Project) -> None:
    api = api_as(owner, "read:projects")
    cursor = api.get("/api/v1/changes?cursor=now").json()["next_cursor"]
    output = io.StringIO()
    call_command("after_restore", stdout=output)
    assert api.get(f"/api/v1/changes?cursor={cursor}").status_code == 410
    assert "0 tallies were wrong" in output.getvalue()
