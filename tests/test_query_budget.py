"""How many queries each endpoint may make: benchmarks/budget.json, counts and never times."""

import json
import re
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.logins.logging_in import app_of
from tests.support.authorisation import Call
from tests.support.factories import NINE, api_as, make_entry
from tests.support.routes import LOGINS, OF_A_ROW, PUBLIC, ROUTES, TIMER_CHANGES
from tests.support.servers import ROOT
from tests.test_authorisation import MISSING, Office
from users.models import User

BUDGET: dict[str, dict[str, int]] = json.loads((ROOT / "benchmarks/budget.json").read_text())
OPERATIONS = [
    (route, method)
    for route, methods in {
        **ROUTES,
        **dict.fromkeys(LOGINS, ("POST",)),
        **dict.fromkeys(PUBLIC, ("GET",)),
    }.items()
    for method in methods
    if method != "HEAD" and route not in OF_A_ROW
]
# Not counted: within a test's transaction a BEGIN is a savepoint.
TRANSACTIONS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def budget_of(route: str) -> dict[str, int]:
    """The line of a route, or what any resource may spend where it has none of its own."""
    return BUDGET.get(route) or BUDGET[re.sub(r"^api/v1/[^/]+", "<resource>", route)]


def test_every_operation_has_its_budget_and_no_other_has() -> None:
    assert all(method in budget_of(route) for route, method in OPERATIONS)
    listed = {(r, method) for r in BUDGET if r[0] != "<" for method in BUDGET[r]}
    assert listed <= set(OPERATIONS)


def test_every_operation_stays_within_its_budget(administrator: User, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_HOUR = 10_000
    office = Office(administrator)
    over = []
    for route, method in OPERATIONS:
        with transaction.atomic():
            response, queries = carry_out(administrator, office, route, method)
            transaction.set_rollback(True)
        assert response.status_code in (200, 201), (method, route, response.content)
        if len(queries) > budget_of(route)[method]:
            over.append(f"{method} {route}: at most {budget_of(route)[method]} queries")
            over += queries
    if over:
        pytest.fail("\n".join(over), pytrace=False)


def carry_out(
    administrator: User, office: Office, route: str, method: str
) -> tuple[Any, list[str]]:
    """The answer to an operation, and the queries that it made."""
    call = Call(method, route, whose="own" if "<id>" in route else "")
    if route in TIMER_CHANGES:
        paused_at = NINE if route.endswith("resume") else None
        make_entry(administrator, office.project, lasting=None, paused_at=paused_at)
    if route == "api/v1/billing":
        make_entry(administrator, office.project)
    if "by-external-id" in route and method != "PUT":
        row = office.rows[route.replace("by-external-id/", "")][0]
        given = {"external_id": str(MISSING), "external_user": administrator}
        type(row).objects.filter(pk=row.pk).update(**given)
    api = app_of("ada") if route in LOGINS else api_as(administrator, "*")
    api.get("/api/v1/users/me")  # what is found out once for all requests

    with CaptureQueriesContext(connection) as captured:
        path, body = office.path(call), office.body(call)
        response = api.generic(method, path, body, content_type="application/json")
    queries = [query["sql"] for query in captured]
    return response, [query for query in queries if not query.startswith(TRANSACTIONS)]
