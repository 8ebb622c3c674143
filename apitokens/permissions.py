"""Scope checks."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission

from apitokens import usage
from apitokens.authentication import REALM
from apitokens.models import ApiToken
from apitokens.scopes import ADMIN_ALL, allows, known_scopes
from ratelimit.client_address import client_address

if TYPE_CHECKING:  # the settings name this module, and rest_framework.views reads the settings
    from rest_framework.request import Request
    from rest_framework.views import APIView

SAFE_METHODS = ("GET", "HEAD")

security_log = logging.getLogger("timetracker.security")


class InsufficientScope(PermissionDenied):
    """403 that names the missing scope and those that are there (RFC 6750 §3.1)."""

    error = "Insufficient permissions"

    def __init__(self, required: str, available: list[str]) -> None:
        super().__init__(f"This endpoint requires the '{required}' scope")
        self.extra = {"required_scope": required, "available_scopes": available}
        challenge = f'{REALM}, error="insufficient_scope", scope="{required}"'
        self.headers = {"WWW-Authenticate": challenge}


def required_scope(view: "APIView | type[APIView]", method: str) -> str:
    """Return the scope that a method of a view needs.

    Raises ImproperlyConfigured for a missing or unknown `scope_resource`, so that an omission
    fails closed.
    """
    resource = getattr(view, "scope_resource", None)
    if not resource:
        raise ImproperlyConfigured(f"{view} needs a scope_resource.")
    if getattr(view, "administrators_only", False):
        return ADMIN_ALL
    action = "read" if method in SAFE_METHODS else "write"
    scope = f"{action}:{resource}"
    if scope not in known_scopes():
        raise ImproperlyConfigured(f"{view} needs {scope}, which no app declares in its apps.py.")
    return scope


class ScopePermission(BasePermission):
    """Let a call through if its token holds the scope that the view's method needs, if any.

    A view of several resources is opened by the read scope of each that it `also_opened_by`.
    """

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        """Return True, or raise 401 without a token and 403 without the scope."""
        token = request.auth
        if not isinstance(token, ApiToken):
            raise NotAuthenticated("Send an API token: Authorization: Bearer tt_…")
        if request.method == "OPTIONS" or getattr(view, "any_scope", False):
            return True
        required = required_scope(view, str(request.method))
        opening = [required, *(f"read:{name}" for name in getattr(view, "also_opened_by", ()))]
        if opened := _opened(token, opening):
            usage.buffer.write_first_uses(token, opened)
            opened = _opened(token, opening)  # less, if it was narrowed since it was looked up
        usage.buffer.note(
            token.pk, opened or [required], client_address(request), allowed=bool(opened)
        )
        if not opened:
            security_log.warning("Scope denied", extra={"prefix": token.prefix, "scope": required})
            raise InsufficientScope(required, token.effective_scopes())
        return True


def _opened(token: ApiToken, scopes: Iterable[str]) -> list[str]:
    available = token.effective_scopes()
    return [scope for scope in scopes if allows(available, scope)]
