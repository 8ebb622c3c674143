"""Two who free each other's external ids at once do not wait for each other for ever."""

from contextlib import suppress
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from rest_framework.test import APIClient

from api.bulk import views
from resources.locks import free_unseen_ids
from tests.support.factories import api_as, make_entry, make_project, make_user
from tests.support.racing import at_once


@pytest.mark.parametrize("order", [1, -1], ids=["create first", "update first"])
def test_rows_that_another_request_holds_are_left_as_they_are(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    """Each has the entry locked on which the other's id stands."""
    olga, carl = make_user("olga"), make_user("carl")
    project = make_project()
    hers = make_entry(olga, project, external_id="his", external_user=carl)
    his = make_entry(carl, project, external_id="hers", external_user=olga)
    both = Barrier(2)

    def together(*args: Any) -> Any:
        # On SQLite the other waits for the whole transaction; there is no lock to cross.
        with suppress(BrokenBarrierError):
            both.wait(1)
        return free_unseen_ids(*args)

    monkeypatch.setattr(views, "free_unseen_ids", together)

    def write(api: APIClient, entry: Any, external_id: str) -> Any:
        data = {
            "project_id": project.pk,
            "start_time": "2024-02-01T09:00:00Z",
            "end_time": "2024-02-01T10:00:00Z",
            "external_id": external_id,
        }
        operations = [
            {"op": "create", "data": data},
            {"op": "update", "id": entry.pk, "data": {"notes": "Call"}},
        ]
        body = {"mode": "partial", "operations": operations[::order]}
        return api.post("/api/v1/time-entries/bulk", body, format="json")

    calls = [
        partial(write, api_as(olga, "write:time_entries"), hers, "hers"),
        partial(write, api_as(carl, "write:time_entries"), his, "his"),
    ]
    answers = at_once(calls)
    assert [answer.status_code for answer in answers] == [200, 200], [a.content for a in answers]
    for answer in answers:
        created, updated = [each["status"] for each in answer.json()["results"]][::order]
        assert (created in (201, 409), updated) == (True, 200), answer.json()
