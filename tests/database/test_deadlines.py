"""What takes too long in the database is broken off, and only that."""

from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings
from rest_framework.response import Response

from database.deadlines import Deadline
from reports.views import EntriesView
from tests.support.errors import error_of
from tests.support.factories import api_as, make_administrator

ENDLESS = {
    "postgresql": "SELECT pg_sleep(60)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    " SELECT count(*) FROM n",
}
REPORT = "/api/v1/reports/entries"


def endlessly(*_: object, **__: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(ENDLESS[connection.vendor])


@pytest.mark.django_db(transaction=True)
def test_a_statement_is_broken_off_and_the_next_one_runs() -> None:
    deadline = Deadline(0.1)
    with pytest.raises(OperationalError) as caught, deadline:
        endlessly()
    assert deadline.broke_off(caught.value)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_what_is_through_in_time_keeps_its_connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    kept = connection.connection
    with Deadline(0.01):
        pass
    assert connection.connection is kept


@pytest.mark.django_db(transaction=True)
def test_another_error_is_not_taken_for_it() -> None:
    deadline = Deadline(60)
    with pytest.raises(OperationalError) as caught, deadline:
        raise OperationalError("interrupted")
    assert not deadline.broke_off(caught.value)


@pytest.mark.django_db(transaction=True)
def test_a_read_that_takes_too_long_is_400(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.READ_DEADLINE = 1
    api = api_as(make_administrator(), "*")
    monkeypatch.setattr(EntriesView, "report", endlessly)
    response = api.get(REPORT)
    assert response.status_code == 400
    sentence = (
        "The request took longer than 1 s. Use a shorter date range or fewer filters "
        "or groups, or export the report as a file (format=csv)."
    )
    assert error_of(response) == {
        "error": sentence,
        "message": sentence,
        "error_code": "too_expensive",
    }
    assert api.get("/api/v1/users/me").status_code == 200


@pytest.mark.parametrize(
    ("call", "has_one"),
    [
        pytest.param(("get", "/api/v1/time-entries"), True, id="list"),
        pytest.param(("get", REPORT), True, id="report"),
        pytest.param(("get", f"{REPORT}?format=json"), True, id="report in JSON"),
        pytest.param(("get", f"{REPORT}?format=csv"), False, id="file"),
        pytest.param(("get", "/api/v1/changes"), False, id="changes"),
        pytest.param(("post", "/api/v1/projects"), False, id="write"),
    ],
)
def test_who_has_a_deadline(
    db: None,
    monkeypatch: pytest.MonkeyPatch,
    call: tuple[str, str],
    has_one: bool,  # noqa: FBT001
) -> None:
    begun: list[Deadline] = []
    enter = Deadline.__enter__

    def note(deadline: Deadline) -> Deadline:
        begun.append(deadline)
        return enter(deadline)

    monkeypatch.setattr(Deadline, "__enter__", note)
    response: Response = getattr(api_as(make_administrator(), "*"), call[0])(call[1])
    assert response.status_code in (200, 400)
    assert bool(begun) is has_one
