"""What a token may be allowed to do (shared/spec/API_TOKEN_SCOPES.md, CONTRACT §5)."""

from collections.abc import Collection
from typing import NamedTuple

from django.db import models


class Scope(models.TextChoices):
    """The scopes that a token can be given."""

    READ_PROJECTS = "read:projects", "View projects"
    WRITE_PROJECTS = "write:projects", "Create, update and archive projects"
    READ_TIME_ENTRIES = "read:time_entries", "View time entries and the timer"
    WRITE_TIME_ENTRIES = "write:time_entries", "Create, update and delete time entries; the timer"
    READ_TASKS = "read:tasks", "View tasks"
    WRITE_TASKS = "write:tasks", "Create, update and delete tasks"
    READ_CLIENTS = "read:clients", "View clients"
    WRITE_CLIENTS = "write:clients", "Create, update and delete clients"
    READ_REPORTS = "read:reports", "View reports"
    READ_USERS = "read:users", "View one's own user information"
    ADMIN_ALL = "admin:all", "Full administrative access (use with caution)"
    READ_ALL = "read:*", "Read all resources (administrators only)"
    WRITE_ALL = "write:*", "Write all resources (administrators only)"
    ALL = "*", "The same as admin:all (administrators only)"


PRIVILEGED = frozenset({Scope.ADMIN_ALL, Scope.READ_ALL, Scope.WRITE_ALL, Scope.ALL})
WRITABLE = frozenset({"projects", "time_entries", "tasks", "clients"})


def effective(scopes: Collection[str], *, administrator: bool) -> list[str]:
    """Return the scopes that count: privileged ones only while an administrator holds them."""
    return [scope for scope in scopes if administrator or scope not in PRIVILEGED]


def allows(scopes: Collection[str], required: str) -> bool:
    """Return whether effective scopes grant the required one.

    `write:x` includes `read:x`; `read:*` opens every read but not `admin:all`; `write:*` opens
    the four writable resources and their reads; `*` and `admin:all` open everything.
    """
    if Scope.ALL in scopes or Scope.ADMIN_ALL in scopes:
        return True
    if required == Scope.ADMIN_ALL:
        return False
    action, resource = required.split(":")
    granting = {required, f"{action}:*"}
    if action == "read" and resource in WRITABLE:
        granting |= {f"write:{resource}", Scope.WRITE_ALL}
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
    """Return the least that still serves every call made so far."""
    return [scope.value for scope in Scope if scope in required and allows(scopes, scope)]


class Preset(NamedTuple):
    """A combination of scopes that the documents recommend."""

    key: str
    name: str
    purpose: str
    scopes: tuple[Scope, ...]


_READ_WORK = (Scope.READ_PROJECTS, Scope.READ_TIME_ENTRIES)
PRESETS = (
    Preset(
        "read-only",
        "Read-only",
        "Dashboards, reporting tools, read-only integrations",
        (*_READ_WORK, Scope.READ_TASKS, Scope.READ_CLIENTS, Scope.READ_REPORTS),
    ),
    Preset(
        "time-tracking",
        "Time tracking integration",
        "Time tracking apps, timer integrations",
        (*_READ_WORK, Scope.WRITE_TIME_ENTRIES, Scope.READ_TASKS),
    ),
    Preset(
        "project-management",
        "Project management integration",
        "Project management tools, task synchronization",
        (*_READ_WORK, Scope.WRITE_PROJECTS, Scope.READ_TASKS, Scope.WRITE_TASKS),
    ),
    Preset(
        "full-user",
        "Full user access",
        "Personal automation, full-featured integrations",
        tuple(scope for scope in Scope if scope not in PRIVILEGED and scope != Scope.READ_USERS),
    ),
    Preset(
        "dashboard",
        "Dashboard",
        "Display time tracking statistics",
        (*_READ_WORK, Scope.READ_REPORTS),
    ),
    Preset(
        "mobile-timer",
        "Mobile timer app",
        "Start and stop the timer, create time entries",
        (*_READ_WORK, Scope.READ_TASKS, Scope.WRITE_TIME_ENTRIES),
    ),
    Preset(
        "invoices",
        "Invoice generator",
        "Read time entries and generate invoices",
        (*_READ_WORK, Scope.READ_CLIENTS, Scope.READ_REPORTS),
    ),
    Preset(
        "admin",
        "Admin access",
        "Administrative tools, system automation",
        (Scope.ADMIN_ALL,),
    ),
)
