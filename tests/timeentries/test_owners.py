"""Whose entries one may see and write."""

import pytest

from projects.models import Project
from tests.support.answers import invalid, refusal
from tests.support.expected import entry_json, hour
from tests.support.factories import api_as, make_entry, make_user
from timeentries.models import TimeEntry
from users.models import User

PATH = "/api/v1/time-entries"
DENIED = "You can only log time for yourself."
NOT_YOURS = "You can only access your own time entries."
OTHERS = [
    pytest.param("get", None, id="get"),
    pytest.param("put", {"notes": "Mine"}, id="put"),
    pytest.param("patch", {"notes": "Mine"}, id="patch"),
    pytest.param("delete", None, id="delete"),
]


@pytest.mark.parametrize(("method", "body"), OTHERS)
def test_a_colleagues_entry_is_denied(
    owner: User, colleague: User, project: Project, method: str, body: dict[str, str] | None
) -> None:
    entry = make_entry(colleague, project)
    api = api_as(owner, "write:time_entries")
    response = getattr(api, method)(f"{PATH}/{entry.pk}", body)
    assert response.status_code == 403
    assert response.json() == refusal(response, "forbidden", NOT_YOURS)
    assert entry_json(TimeEntry.objects.get()) == entry_json(entry)


@pytest.mark.parametrize(("method", "body"), OTHERS)
def test_a_missing_entry_is_not_found(
    owner: User, method: str, body: dict[str, str] | None
) -> None:
    api = api_as(owner, "write:time_entries")
    response = getattr(api, method)(f"{PATH}/999999", body)
    assert response.status_code == 404
    assert response.json() == refusal(
        response, "not_found", "There is no time entry with the id 999999."
    )


@pytest.mark.parametrize(("method", "body"), OTHERS)
def test_an_administrator_handles_everyones_entries(
    owner: User, administrator: User, project: Project, method: str, body: dict[str, str] | None
) -> None:
    entry = make_entry(owner, project)
    api = api_as(administrator, "write:time_entries")
    response = getattr(api, method)(f"{PATH}/{entry.pk}", body)
    assert response.status_code == 200
    if method == "delete":
        assert TimeEntry.objects.count() == 0
    else:
        kept = TimeEntry.objects.get()
        assert kept.user == owner
        assert kept.notes == ("Mine" if body else "")


def test_staff_who_are_no_administrators_have_their_own_only(
    owner: User, project: Project
) -> None:
    staff = make_user("stan", is_staff=True)
    entry = make_entry(owner, project)
    response = api_as(staff, "read:time_entries").get(f"{PATH}/{entry.pk}")
    assert response.status_code == 403
    assert response.json() == refusal(response, "forbidden", NOT_YOURS)


@pytest.mark.parametrize("user_id", ["COLLEAGUE", 999999])
@pytest.mark.parametrize("method", ["post", "patch"])
def test_booking_for_a_colleague_is_for_administrators(
    owner: User, colleague: User, project: Project, method: str, user_id: int | str
) -> None:
    number = colleague.pk if user_id == "COLLEAGUE" else user_id
    api = api_as(owner, "write:time_entries")
    if method == "post":
        response = api.post(PATH, hour(project, user_id=number))
    else:
        entry = make_entry(owner, project)
        response = api.patch(f"{PATH}/{entry.pk}", {"user_id": number})
    assert response.status_code == 403
    assert response.json() == refusal(response, "forbidden", DENIED)
    assert not TimeEntry.objects.exclude(user=owner).exists()


def test_an_administrator_books_for_a_colleague(
    administrator: User, colleague: User, project: Project
) -> None:
    api = api_as(administrator, "write:time_entries")
    response = api.post(PATH, hour(project, user_id=colleague.pk))
    assert response.status_code == 201
    assert response.json()["time_entry"]["user_id"] == colleague.pk
    assert response.json()["time_entry"]["user_name"] == "carl"
    assert TimeEntry.objects.get().user == colleague


def test_an_administrator_hands_an_entry_over(
    administrator: User, owner: User, colleague: User, project: Project
) -> None:
    entry = make_entry(owner, project)
    api = api_as(administrator, "write:time_entries")
    response = api.put(f"{PATH}/{entry.pk}", {"user_id": colleague.pk})
    assert response.status_code == 200
    assert TimeEntry.objects.get().user == colleague


def test_an_administrator_cannot_book_for_nobody(administrator: User, project: Project) -> None:
    api = api_as(administrator, "write:time_entries")
    response = api.post(PATH, hour(project, user_id=999999))
    assert response.status_code == 400
    assert response.json() == invalid(response, user_id="There is no user with the id 999999.")
