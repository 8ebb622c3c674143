"""What must hold for every endpoint is asked of every route of the URL conf."""

import re
from typing import Any

import pytest
from django.urls import get_resolver
from rest_framework.test import APIClient

from apitokens.models import ApiToken
from apitokens.permissions import required_scope
from apitokens.scopes import known_scopes
from tests.support.errors import error_of
from tests.support.factories import api_as, issue_token
from tests.support.routes import ALSO_OPENED_BY, LOGINS, ORDINARY, PRIVILEGED, PROBES, ROUTES
from users.models import User

pytestmark = pytest.mark.same_on_both

MISSING = "999999999"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _opening(route: str, required: str) -> set[str]:
    """The scopes, each of which opens a route for an administrator."""
    asked = {required, *ALSO_OPENED_BY.get(route, ())}
    return {scope for scope, opens in {**ORDINARY, **PRIVILEGED}.items() if opens & asked}


def _status(route: str, method: str) -> int:
    """The status of a call with an empty body and the id of a row that does not exist."""
    if "<id>" in route:
        return 400 if method == "PUT" and "by-external-id" in route else 404
    if "<path:" in route:
        return 404
    asks_for_nothing = route == "api/v1/rates/reprice"  # everything, as a preview
    return 400 if method == "POST" and not asks_for_nothing else 200


# operation: the scope that it needs, all scopes that open it, and the status that it then answers
OPERATIONS: dict[str, tuple[str, set[str], int]] = {
    f"{method} /{route.replace('<id>', '{id}')}": (
        scope,
        _opening(route, scope),
        _status(route, method),
    )
    for route, scopes in ROUTES.items()
    for method, scope in scopes.items()
    if method != "HEAD"
}
PUBLIC = {f"GET /{route}" for route in PROBES}
LOGIN, LOGOUT = (f"POST /{route}" for route in LOGINS)
ALLOW = {  # by the methods of a path, in the order in which the answer names them
    "GET": "GET, HEAD, OPTIONS",
    "POST": "POST, OPTIONS",
    "PUT": "PUT, OPTIONS",
    "GET PUT": "GET, PUT, HEAD, OPTIONS",
    "GET POST": "GET, POST, HEAD, OPTIONS",
    "DELETE": "DELETE, OPTIONS",
    "GET DELETE": "GET, DELETE, HEAD, OPTIONS",
    "GET PUT PATCH DELETE": "GET, PUT, PATCH, DELETE, HEAD, OPTIONS",
}


def views() -> dict[str, Any]:
    """Each path below /api/v1 with the view that answers it."""
    routes = {}
    for entry in get_resolver().url_patterns:
        path = re.sub(r"\(\?P<\w+>.*?[}+]\)", "{id}", str(entry.pattern).strip("^$"))
        if path.startswith("api/v1/"):
            routes[f"/{path}"] = entry.callback
    return routes


def methods_of(view: Any) -> list[str]:
    """The methods that a view answers, but HEAD and OPTIONS."""
    actions = getattr(view, "actions", None)
    return [
        method
        for method in METHODS
        if (method.lower() in actions if actions else hasattr(view.cls, method.lower()))
    ]


VIEWS = views()
WRONG = [
    (method, path)
    for path, view in VIEWS.items()
    for method in [*METHODS, "TRACE"]
    if method not in methods_of(view)
]


def call(client: APIClient, operation: str, query: str = "") -> Any:
    """Send a request with an empty object for a body, for the row that does not exist."""
    method, path = operation.split(" ")
    url = path.replace("{id}", MISSING) + query
    body = "" if method in ("GET", "HEAD", "TRACE") else "{}"
    return client.generic(method, url, body, content_type="application/json")


def test_the_table_knows_every_route() -> None:
    routed = {f"{method} {path}" for path, view in VIEWS.items() for method in methods_of(view)}
    assert routed == set(OPERATIONS) | PUBLIC | {LOGIN, LOGOUT}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_a_token_it_is_401_with_a_challenge(db: None, operation: str) -> None:
    response = call(APIClient(), operation)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="timetracker"'
    assert error_of(response)["error"] == "Authentication required"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_with_a_bad_token_it_is_401_invalid_token(db: None, operation: str) -> None:
    response = call(APIClient(HTTP_X_API_KEY="tt_" + "0" * 32), operation)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="timetracker", error="invalid_token"'
    assert error_of(response)["error"] == "Invalid token"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_with_every_scope_but_the_right_ones_it_is_403_and_named(
    administrator: User, operation: str
) -> None:
    required, opening, _ = OPERATIONS[operation]
    wrong = [scope for scope in known_scopes() if scope not in opening]
    response = call(api_as(administrator, *wrong), operation)
    assert response.status_code == 403
    assert response["WWW-Authenticate"] == (
        f'Bearer realm="timetracker", error="insufficient_scope", scope="{required}"'
    )
    assert error_of(response) == {
        "error": "Insufficient permissions",
        "message": f"This endpoint requires the '{required}' scope",
        "error_code": "forbidden",
        "required_scope": required,
        "available_scopes": wrong,
    }


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_right_scope_alone_opens_it(administrator: User, operation: str) -> None:
    _, opening, status = OPERATIONS[operation]
    answers = {
        scope: call(api_as(administrator, scope), operation).status_code for scope in opening
    }
    assert answers == dict.fromkeys(opening, status)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_code_names_the_scope_that_is_asked_for(operation: str) -> None:
    method, path = operation.split(" ")
    assert required_scope(VIEWS[path].cls, method) == OPERATIONS[operation][0]


@pytest.mark.parametrize(("method", "path"), WRONG)
def test_a_wrong_method_is_405_before_any_scope(owner: User, method: str, path: str) -> None:
    token, secret = issue_token(owner, "read:projects")
    ApiToken.objects.filter(pk=token.pk).update(scopes=[])
    response = call(APIClient(HTTP_X_API_KEY=secret), f"{method} {path}")
    assert response.status_code == 405
    assert response["Allow"] == ALLOW[" ".join(methods_of(VIEWS[path]))]
    assert error_of(response) == {
        "error": "Method not allowed",
        "message": f'Method "{method}" not allowed.',
        "error_code": "method_not_allowed",
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [wrong for wrong in WRONG if PUBLIC.isdisjoint({f"GET {wrong[1]}"}) and wrong[1] not in LOGIN],
)
def test_a_wrong_method_without_a_token_is_401(db: None, method: str, path: str) -> None:
    assert call(APIClient(), f"{method} {path}").status_code == 401


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_unknown_query_parameter_is_400_and_named(administrator: User, operation: str) -> None:
    api = api_as(administrator, "*")
    response = call(api, operation, "?zzzz=1")
    assert response.status_code == 400
    error = error_of(response)
    (sentence,) = error["errors"].pop("zzzz")
    assert sentence.startswith("Unknown parameter. ")
    assert error == {
        "error": f"zzzz: {sentence}",
        "message": f"zzzz: {sentence}",
        "error_code": "validation_error",
        "errors": {},
    }


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_missing_scope_is_judged_before_the_query_and_the_row(
    owner: User, operation: str
) -> None:
    token, secret = issue_token(owner, "read:projects")
    ApiToken.objects.filter(pk=token.pk).update(scopes=[])
    assert call(APIClient(HTTP_X_API_KEY=secret), operation, "?zzzz=1").status_code == 403


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name.startswith("GET")])
def test_head_is_get_without_a_body(administrator: User, operation: str) -> None:
    api = api_as(administrator, "*")
    get, head = call(api, operation), call(api, operation.replace("GET", "HEAD"))
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", VIEWS)
def test_options_is_small(administrator: User, path: str) -> None:
    response = call(api_as(administrator, "*"), f"OPTIONS {path}")
    allow = ALLOW[" ".join(methods_of(VIEWS[path]))]
    assert response.status_code == 200
    assert response["Allow"] == allow
    assert response.json() == {
        "methods": allow.split(", "),
        "documentation_url": "/api/docs",
    }


@pytest.mark.parametrize("path", VIEWS)
def test_a_slash_at_the_end_is_404(administrator: User, path: str) -> None:
    response = call(api_as(administrator, "*"), f"GET {path}/")
    assert response.status_code == 404
    assert error_of(response)["error_code"] == "not_found"


@pytest.mark.parametrize("path", VIEWS)
def test_no_cache_may_share_an_answer(administrator: User, path: str) -> None:
    response = call(api_as(administrator, "*"), f"GET {path}")
    assert response["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "X-API-Key"} <= set(response["Vary"].split(", "))


@pytest.mark.parametrize("operation", sorted(PUBLIC))
@pytest.mark.parametrize(
    "headers",
    [{}, {"HTTP_AUTHORIZATION": "Bearer nonsense"}, {"HTTP_X_API_KEY": "tt_" + "0" * 32}],
    ids=["no token", "malformed token", "unknown token"],
)
def test_what_is_public_is_open_to_anybody(
    db: None, operation: str, headers: dict[str, Any]
) -> None:
    assert call(APIClient(**headers), operation).status_code == 200
