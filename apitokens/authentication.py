"""Authentication by a token in `Authorization: Bearer …` or `X-API-Key` (RFC 6750)."""

import logging
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from structlog.contextvars import bind_contextvars

from apitokens.dialects import has_scheme, is_scheme, name_for_client
from apitokens.models import ApiToken
from database.prepared import PreparedGet
from database.replicas import with_position
from ratelimit import limits as rate_limit
from ratelimit.client_address import client_address, network_of
from values.credentials import digest_of, imported_digest

if TYPE_CHECKING:  # the settings name this module, and rest_framework.views reads the settings
    from django.contrib.auth.models import AbstractBaseUser
    from rest_framework.request import Request

REALM = 'Bearer realm="timetracker"'
NO_TOKEN = ""  # credentials that cannot be a token
# Ours have no hyphen and no underscore; those of an installation that moved in do.
SECRET = re.compile(r"tt_[0-9A-Za-z_-]{32}", re.ASCII)
FAILURES_PER_MINUTE = 30  # refused credentials of one address, before 429 instead of 401

# Both in one query: between two, another request may rewrite an imported one.
token_of_digests = PreparedGet(
    with_position(ApiToken.objects.select_related("user")),
    "digest__in",
    example=("one", "another"),
)
security_log = logging.getLogger("timetracker.security")


class InvalidToken(AuthenticationFailed):
    """401 with the same words whatever is wrong with a token."""

    default_detail = "The provided API token is invalid or expired"
    error = "Invalid token"
    headers = {"WWW-Authenticate": f'{REALM}, error="invalid_token"'}


class TwoCredentials(APIException):
    """400: two different tokens, and which is meant? RFC 6750 §3.1 invalid_request."""

    status_code = 400
    default_detail = "Send one API token, in one header only"
    default_code = "bad_request"


class ApiTokenAuthentication(BaseAuthentication):
    """Authenticate by an API token; nothing about tokens and users is cached."""

    def authenticate(self, request: "Request") -> "tuple[AbstractBaseUser, ApiToken] | None":
        """Return the user and the token; None without credentials; 401 for bad ones.

        A token in the URL is never read but refused, beside a good one too: proxies and
        histories keep URLs, so it has leaked.
        """
        if SECRET.search(request.META.get("QUERY_STRING", "")):
            raise _refusal(request, None, "token in the URL")
        scheme, secret = _credentials(request)
        if secret is None:
            return None
        token = _find(request, secret)
        if scheme and token and not has_scheme(token, scheme):
            raise _refusal(request, token, "not a Bearer token")
        if token is None or not token.usable(timezone.now()):
            raise _refusal(request, token)
        if token.allowed_networks and not token.admits(client_address(request)):
            raise _refusal(request, token, "address not allowed")
        # For the lines of this request in all logs.
        bind_contextvars(user_id=token.user_id, prefix=token.prefix)
        return token.acting_user(), token

    def authenticate_header(self, request: "Request") -> str:
        """Return the challenge of a 401."""
        return REALM


def _credentials(request: "Request") -> tuple[str, str | None]:
    """Return the token that was sent, well-formed or not, or None; and a dialect's scheme of it.

    Another scheme beside X-API-Key is a proxy's (Basic, for instance) and not for us.
    """
    authorization = request.META.get("HTTP_AUTHORIZATION")
    api_key: str | None = request.META.get("HTTP_X_API_KEY")
    if authorization is None:
        return "", api_key
    scheme, _, credentials = authorization.strip().partition(" ")
    scheme = scheme.lower()
    if scheme == "bearer":
        scheme = ""
    elif api_key is not None or not is_scheme(scheme):
        return "", NO_TOKEN if api_key is None else api_key
    bearer: str = credentials.strip()
    if api_key is not None and api_key != bearer:
        raise TwoCredentials
    return scheme, bearer


def _find(request: "Request", secret: str) -> ApiToken | None:
    """Return the token of a secret; malformed secrets are not looked up."""
    if not SECRET.fullmatch(secret):
        return None
    digest = digest_of(secret)
    token = token_of_digests(digest, imported_digest(sha256(secret.encode()).hexdigest()))
    if token is not None and token.digest != digest:
        _adopt(request, token, digest)
    return token


def _adopt(request: "Request", token: ApiToken, digest: str) -> None:
    """Give an imported token our digest at its first use, and the dialect of the app it is in."""
    http_request = request._request  # noqa: SLF001 - DRF has no other way to Django's
    token.dialect = token.dialect or name_for_client(http_request)
    same = ApiToken.objects.filter(pk=token.pk, digest=token.digest)
    same.update(digest=digest, dialect=token.dialect)


def _refusal(request: "Request", token: ApiToken | None, reason: str = "") -> APIException:
    """Return the 401, or 429 once an address has sent too many bad credentials.

    The reason goes only to the security log: it would help an attacker.
    """
    address = client_address(request)
    reason = reason or (token.state(timezone.now()) if token else "unknown")
    security_log.warning(
        "Credentials refused",
        extra={"reason": reason, "prefix": token and token.prefix, "address": str(address)},
    )
    failures = rate_limit.count(
        request, "failed-credentials", network_of(address), FAILURES_PER_MINUTE, rate_limit.MINUTE
    )
    return Throttled(failures.retry_after) if failures.exceeded else InvalidToken()
