"""How many queries each endpoint may make: benchmarks/budget.json, counts and never times."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.authorisation import PUBLIC, ROUTES, Call
from tests.support.factories import api_as, make_entry
from tests.support.servers import ROOT
from tests.test_authorisation import MISSING, Office
from users.models import User

BUDGET: dict[str, dict[str, int]] = json.loads((ROOT / "benchmarks/budget.json").read_text())
OPERATIONS = [(route, method) for route, methods in BUDGET.items() for method in methods]
# Not counted: within a test's transaction a BEGIN is a savepoint.
TRANSACTIONS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def test_every_operation_has_its_budget() -> None:
    public = {(route, "GET") for route in PUBLIC}
    routed = {(route, method) for route, methods in ROUTES.items() for method in methods}
    assert set(OPERATIONS) == {pair for pair in routed | public if pair[1] != "HEAD"}


@pytest.mark.parametrize(("route", "method"), OPERATIONS)
def test_an_operation_stays_within_its_budget(
    administrator: User, route: str, method: str
) -> None:
    call, office = (
        Call(method, route, whose="own" if "<id>" in route else ""),
        Office(administrator),
    )
    if route == "api/v1/timer/stop":
        make_entry(administrator, office.project, lasting=None)
    if "by-external-id" in route and method != "PUT":
        row = office.rows[route.replace("by-external-id/", "")][0]
        given = {"external_id": str(MISSING), "external_user": administrator}
        type(row).objects.filter(pk=row.pk).update(**given)
    api = api_as(administrator, "*")
    api.get("/api/v1/users/me")  # what is found out once for all requests

    with CaptureQueriesContext(connection) as captured:
        path, body = office.path(call), office.body(call)
        response = api.generic(method, path, body, content_type="application/json")

    queries = [query["sql"] for query in captured if not query["sql"].startswith(TRANSACTIONS)]
    assert response.status_code in (200, 201), response.content
    if len(queries) > BUDGET[route][method]:
        over = f"{method} {route}: {len(queries)} queries, at most {BUDGET[route][method]}"
        pytest.fail("\n".join([over, *queries]), pytrace=False)
