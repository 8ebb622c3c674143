"""Scopes and presets (docs/api.md, Scopes)."""

from collections.abc import Collection
from functools import cache
from typing import NamedTuple

from registry import declared

ADMIN_ALL, READ_ALL, WRITE_ALL, ALL = "admin:all", "read:*", "write:*", "*"
PRIVILEGED = {
    ADMIN_ALL: "Full administrative access (use with caution)",
    READ_ALL: "Read all resources (administrators only)",
    WRITE_ALL: "Write all resources (administrators only)",
    ALL: "Same as admin:all (administrators only)",
}


@cache
def known_scopes() -> dict[str, str]:
    """Return all scopes with descriptions: those declared by apps, then the privileged."""
    return {**declared.scopes(), **PRIVILEGED}


def effective(scopes: Collection[str], *, administrator: bool) -> list[str]:
    """Return the scopes that count: privileged ones only while an administrator holds them."""
    return [scope for scope in scopes if administrator or scope not in PRIVILEGED]


def allows(scopes: Collection[str], required: str) -> bool:
    """Return whether effective scopes grant the required one.

    `write:x` includes `read:x`; `read:*` opens every read but not `admin:all`; `write:*` opens
    the writable resources and their reads; `*` and `admin:all` open everything.
    """
    if ALL in scopes or ADMIN_ALL in scopes:
        return True
    if required == ADMIN_ALL:
        return False
    action, resource = required.split(":")
    granting = {required, f"{action}:*"}
    if action == "read" and f"write:{resource}" in known_scopes():
        granting |= {f"write:{resource}", WRITE_ALL}
    return not granting.isdisjoint(scopes)


def used_of(scopes: Collection[str], required: Collection[str]) -> set[str]:
    """Return the scopes that served calls which needed the `required` ones.

    A call that needs `read:tasks` is served by that very scope if it was given, else by any that
    includes it.
    """
    used: set[str] = set()
    for need in required:
        used |= {need} if need in scopes else {each for each in scopes if allows([each], need)}
    return used & set(scopes)


def narrowed(scopes: Collection[str], required: Collection[str]) -> list[str]:
    """Return the least of effective scopes that still serves every call made so far."""
    return [scope for scope in known_scopes() if scope in required and allows(scopes, scope)]


class Preset(NamedTuple):
    """A combination of scopes that the documents recommend."""

    key: str
    name: str
    purpose: str
    scopes: tuple[str, ...]


_READ_WORK = ("read:projects", "read:time_entries")


_DOCUMENTED = (
    Preset(
        "read-only",
        "Read-only",
        "Dashboards, reporting tools, read-only integrations",
        (*_READ_WORK, "read:tasks", "read:clients", "read:reports"),
    ),
    Preset(
        "time-tracking",
        "Time tracking integration",
        "Time tracking apps, timer integrations",
        (*_READ_WORK, "write:time_entries", "read:tasks"),
    ),
    Preset(
        "project-management",
        "Project management integration",
        "Project management tools, task synchronization",
        (*_READ_WORK, "write:projects", "read:tasks", "write:tasks"),
    ),
    Preset(
        "full-user",
        "Full user access",
        "Personal automation, full-featured integrations",
        (
            *(*_READ_WORK, "write:time_entries", "write:projects", "read:tasks", "write:tasks"),
            *("read:clients", "write:clients", "read:reports"),
        ),
    ),
    Preset(
        "dashboard",
        "Dashboard",
        "Display time tracking statistics",
        (*_READ_WORK, "read:reports"),
    ),
    Preset(
        "mobile-timer",
        "Mobile timer app",
        "Start and stop the timer, create time entries",
        (*_READ_WORK, "read:tasks", "write:time_entries"),
    ),
    Preset(
        "invoices",
        "Invoice generator",
        "Read time entries and generate invoices",
        (*_READ_WORK, "read:clients", "read:reports"),
    ),
    Preset(
        "admin",
        "Admin access",
        "Administrative tools, system automation",
        (ADMIN_ALL,),
    ),
)


def preset(key: str) -> Preset:
    """Return the combination with this key."""
    return next(preset for preset in _DOCUMENTED if preset.key == key)


def presets() -> tuple[Preset, ...]:
    """Return the combinations that the documents recommend."""
    return _DOCUMENTED
