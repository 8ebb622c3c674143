"""The decision table of docs/api.md (Scopes, Errors): none of the service's code is asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tests.support.routes import (
    ALSO_OPENED_BY,
    BILLING,
    METHODS,
    NAMED_BY_BODIES,
    OF_A_ROW,
    ORDINARY,
    OWNED,
    PRIVILEGED,
    REPORTS,
    ROUTES,
    TAKE_USER_ID,
    TIMER_CHANGES,
    WITH_BODY,
    WRITTEN_BY_ADMINISTRATORS,
)

Whose = Literal["", "own", "other's", "missing"]
Body = Literal["good", "unreadable", "unknown field"]


@dataclass(frozen=True)
class Caller:
    """Who calls: with which scopes, administrator or not, with a token that counts or not."""

    name: str
    scopes: tuple[str, ...] = ()
    administrator: bool = False
    refused: bool = False

    def may(self, scope: str) -> bool:
        """Return whether one of the scopes opens this one."""
        table = {**ORDINARY, **(PRIVILEGED if self.administrator else {})}
        return any(scope in table.get(held, ()) for held in self.scopes)


CALLERS = [
    *(
        Caller(name, ("*",), administrator=True, refused=True)
        for name in ("none", "malformed", "unknown", "expired", "revoked", "inactive")
    ),
    Caller("user: no scope"),
    *(Caller(f"user: {scope}", (scope,)) for scope in ORDINARY),
    Caller("user: all of these", tuple(ORDINARY)),
    Caller("staff: all of these", tuple(ORDINARY)),
    *(Caller(f"demoted: {scope}", (scope,)) for scope in PRIVILEGED),
    Caller("demoted: * beside read:time_entries", ("*", "read:time_entries")),
    Caller("admin: no scope", administrator=True),
    *(
        Caller(f"admin: {scope}", (scope,), administrator=True)
        for scope in ("read:time_entries", "write:time_entries", "read:reports", *PRIVILEGED)
    ),
]


@dataclass(frozen=True)
class Call:
    """One request: about whose row, with whose `user_id`, with what body."""

    method: str
    route: str
    whose: Whose = ""
    user_id: Whose = ""
    body: Body = "good"

    def __str__(self) -> str:
        user_id = f"user_id={self.user_id}" if self.user_id else ""
        body = "" if self.body == "good" else self.body
        return " ".join(filter(None, (self.method, self.route, self.whose, user_id, body)))


def calls() -> Iterator[Call]:
    """Yield every call that the contract tells apart."""
    for route in ROUTES:
        if route in OF_A_ROW:
            continue
        is_of_row = route.endswith("<id>") and "by-external-id" not in route
        targets: tuple[Whose, ...] = ("own", "other's", "missing") if is_of_row else ("",)
        for method in METHODS:
            for whose in targets:
                yield Call(method, route, whose)
                if (method, route) in TAKE_USER_ID:
                    yield Call(method, route, whose, user_id="own")
                    yield Call(method, route, whose, user_id="other's")
                    yield Call(method, route, whose, user_id="missing")
                if method in ("POST", "PUT") and method in ROUTES[route]:
                    yield Call(method, route, whose, body="unreadable")
                    yield Call(method, route, whose, body="unknown field")


COUNTED = ("api/v1/time-entries", *REPORTS)
# How many entries an answer counts tells whose it counts.
ENTRIES_OF: dict[Whose, int] = {"own": 1, "other's": 2, "": 3, "missing": 0}


def expected(caller: Caller, call: Call) -> str:
    """Return the promised answer: its status, and the code or scope of an error."""
    answer = _refusal(caller, call) or _judgement(caller, call)
    return answer[:3] if call.method == "HEAD" else answer


def _refusal(caller: Caller, call: Call) -> str:
    """Return what credentials, method and scope refuse, in this order."""
    if caller.refused:
        return "401 unauthorized"
    if call.method == "OPTIONS":
        return "200"
    scope = ROUTES[call.route].get(call.method)
    if scope is None:
        return "405 method_not_allowed"
    opening = (scope, *ALSO_OPENED_BY.get(call.route, ()))
    if not any(map(caller.may, opening)):
        return f"403 {scope}"
    is_write = call.method in WITH_BODY or call.method == "DELETE"
    is_refused = call.route in BILLING or (is_write and call.route in WRITTEN_BY_ADMINISTRATORS)
    return "403 forbidden" if is_refused and not caller.administrator else ""


def _judgement(caller: Caller, call: Call) -> str:
    """Return what body, object, owner, validation and state give, in this order."""
    foreign = call.whose == "other's" and call.route.removesuffix("/<id>") in OWNED
    for_another = call.user_id in ("other's", "missing")
    if call.body == "unreadable":
        return "400 bad_request"
    gives_no_id = "by-external-id" in call.route and call.method != "PUT"
    if call.whose == "missing" or gives_no_id:
        return "404 not_found"
    if not caller.administrator and (foreign or for_another):
        return "403 forbidden"
    if call.body == "unknown field" or (call.method in WITH_BODY and call.user_id == "missing"):
        return "400 validation_error"
    named = NAMED_BY_BODIES.get(call.route)
    if call.method in WITH_BODY and named and not caller.may(named):
        return f"403 {named}"
    if call.route in TIMER_CHANGES:
        return "400 no_active_timer"
    return _success(caller, call)


def _success(caller: Caller, call: Call) -> str:
    """Return the status of what is done, and how many entries it counts."""
    if call.route in ("api/v1/rates/reprice", "api/v1/billing"):
        return "200"
    if call.method == "POST" or "by-external-id" in call.route:
        return "200" if call.route.endswith("/bulk") else "201"
    if call.route in COUNTED:
        counted: Whose = call.user_id or ("" if caller.administrator else "own")
        return f"200 of {ENTRIES_OF[counted]}"
    return "200"
