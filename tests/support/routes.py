"""Every route of the service, with the scope that each of its methods needs.

Those of a resource follow from its declaration, the others stand here. A route that is not here
fails, as does one that answers another method than its row names.
"""

from typing import Any, cast

from api.bulk.views import BulkMixin
from changes.feed import VIEWSETS
from registry import declared
from tests.support.examples import RESOURCES, path_of

Scopes = dict[str, str]  # by method

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
WITH_BODY = ("POST", "PUT", "PATCH")


def _reading(scope: str) -> Scopes:
    return {"GET": scope, "HEAD": scope}


def _resource(viewset: Any) -> dict[str, Scopes]:
    """The routes of a resource: its list, one of its rows by either id, and many at once."""
    path, name = path_of(viewset).strip("/"), declared.plural_key_of(viewset.queryset.model)
    read, write = _reading(f"read:{name}"), f"write:{name}"
    one = {**read, "PUT": write, "PATCH": write, "DELETE": write}
    routes = {
        path: {**read, "POST": write},
        f"{path}/<id>": one,
        f"{path}/by-external-id/<id>": one,
    }
    if issubclass(viewset, BulkMixin):
        routes[f"{path}/bulk"] = {"POST": write}
    return routes


ROUTES: dict[str, Scopes] = {
    **{route: row for viewset in RESOURCES.values() for route, row in _resource(viewset).items()},
    "api/v1/webhooks/event-types": _reading("read:webhooks"),
    "api/v1/webhooks/<id>/test": {"POST": "write:webhooks"},
    "api/v1/webhooks/<id>/replay": {"POST": "write:webhooks"},
    "api/v1/webhooks/<id>/rotate-secret": {"POST": "write:webhooks"},
    "api/v1/webhooks/<id>/deliveries": _reading("read:webhooks"),
    "api/v1/webhooks/<id>/deliveries/<id>/redeliver": {"POST": "write:webhooks"},
    "api/v1/rates/reprice": {"POST": "write:rates"},
    "api/v1/billing": {**_reading("read:time_entries"), "POST": "write:time_entries"},
    "api/v1/billing/<path:reference>": {
        **_reading("read:time_entries"),
        "DELETE": "write:time_entries",
    },
    "api/v1/time-entries/<id>/rate": _reading("read:time_entries"),
    "api/v1/timer/status": _reading("read:time_entries"),
    "api/v1/timer/start": {"POST": "write:time_entries"},
    "api/v1/timer/stop": {"POST": "write:time_entries"},
    "api/v1/timer/pause": {"POST": "write:time_entries"},
    "api/v1/timer/resume": {"POST": "write:time_entries"},
    "api/v1/reports/summary": _reading("read:reports"),
    "api/v1/reports/entries": _reading("read:reports"),
    "api/v1/reports/weekly": _reading("read:reports"),
    "api/v1/books": {**_reading("read:time_entries"), "PUT": "write:time_entries"},
    "api/v1/changes": _reading("read:time_entries"),
    "api/v1/users/me": _reading("read:users"),
    "api/v1/users/me/favorites/projects": {
        **_reading("read:projects"),
        "POST": "write:projects",
    },
    "api/v1/users/me/favorites/projects/<id>": {"DELETE": "write:projects"},
    "api/v1/users": _reading("admin:all"),
}
# What a row can do beside being read and written: its resource's own tests ask it.
OF_A_ROW = tuple(route for route in ROUTES if "<id>/" in route or "<path:" in route)
# What only administrators may do, though the scope is an ordinary one.
BILLING = ("api/v1/billing", "api/v1/billing/<path:reference>")
WRITTEN_BY_ADMINISTRATORS = (
    *("api/v1/rates", "api/v1/rates/<id>", "api/v1/rates/by-external-id/<id>"),
    *("api/v1/rates/reprice", "api/v1/books"),
)
# What a body names is another resource's, and only who may read that may name it.
NAMED_BY_BODIES = dict.fromkeys(
    ("api/v1/webhooks", "api/v1/webhooks/by-external-id/<id>"), "read:time_entries"
)
# The feed shows each resource that the caller may read; the 403 names the first.
ALSO_OPENED_BY = {
    "api/v1/changes": tuple(
        f"read:{viewset.scope_resource}"
        for viewset in VIEWSETS.values()
        if viewset.scope_resource != "time_entries"
    )
}
PROBES = ("api/v1/info", "api/v1/health", "api/v1/live", "api/v1/ready")
PUBLIC = (*PROBES, "api/docs", "api/redoc", "api/schema", "api/openapi.json")
# By a password, and by any token that was got so: tests/logins.
LOGINS = ("api/v1/auth/login", "api/v1/auth/logout")
NOT_THE_API = ("", "admin/api-tokens", "admin/", "shared/reports/<str:secret>")

# Rows that are one user's own: who may not see all of them may not see another's.
OWNED = tuple(
    path_of(viewset).strip("/")
    for viewset in RESOURCES.values()
    if viewset.queryset.model.owner_attribute
)
REPORTS = tuple(route for route in ROUTES if route.startswith("api/v1/reports/"))
ASSIGNED = tuple(  # and whose user can be named
    path_of(viewset).strip("/")
    for viewset in RESOURCES.values()
    if "user_id" in cast("Any", viewset.serializer_class)().fields
)
TAKE_USER_ID = {
    *((method, path) for path in ASSIGNED for method in ("GET", "POST")),
    *((method, f"{path}/<id>") for path in ASSIGNED for method in ("PUT", "PATCH")),
    *(("GET", route) for route in REPORTS),
}

READS = {*(f"read:{name}" for name in RESOURCES), "read:reports", "read:users"}
WRITES = {f"write:{name}" for name in RESOURCES}
EVERYTHING = READS | WRITES | {"admin:all"}
# What each scope opens to everybody, and what the privileged ones open to administrators alone.
ORDINARY: dict[str, set[str]] = {
    **{scope: {scope} for scope in sorted(READS)},
    **{f"write:{name}": {f"read:{name}", f"write:{name}"} for name in RESOURCES},
}
PRIVILEGED: dict[str, set[str]] = {
    "read:*": READS,
    "write:*": WRITES | {f"read:{name}" for name in RESOURCES},
    "admin:all": EVERYTHING,
    "*": EVERYTHING,
}
# POSTs of the running timer, without which they are 400.
TIMER_CHANGES = {f"api/v1/timer/{change}" for change in ("stop", "pause", "resume")}
