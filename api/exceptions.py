"""The API's error format (docs/api.md, Errors), and exceptions that DRF lacks."""

import logging
import math
from typing import TypedDict

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from psycopg.errors import ReadOnlySqlTransaction
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response

from database.postgresql import commits
from resources.refusals import Invalid, Refusal, Vanished

RETRY_UNAVAILABLE_AFTER = 1  # seconds
RETRY_UNKNOWN_AFTER = 5

log = logging.getLogger("timetracker.errors")
security_log = logging.getLogger("timetracker.security")
INTERNAL_ERROR = "An unexpected error occurred. Quote the request_id when you report it."

# status: default (error, error_code). An empty error is the message instead: the original's
# clients show only `error`.
WORDS: dict[int, tuple[str, str]] = {
    400: ("", "bad_request"),
    401: ("Authentication required", "unauthorized"),
    403: ("Access denied", "forbidden"),
    404: ("Not found", "not_found"),
    405: ("Method not allowed", "method_not_allowed"),
    409: ("", "conflict"),
    410: ("Gone", "gone"),
    411: ("Length required", "length_required"),
    412: ("Precondition failed", "precondition_failed"),
    413: ("Payload too large", "payload_too_large"),
    415: ("Unsupported media type", "unsupported_media_type"),
    422: ("Unprocessable content", "idempotency_key_reused"),
    429: ("Rate limit exceeded", "rate_limited"),
    500: ("Internal server error", "internal_error"),
    503: ("Service unavailable", "unavailable"),
}


class Context(TypedDict):
    """The part of DRF's exception context that the handler reads."""

    request: HttpRequest | Request


class ApiError(exceptions.APIException):
    """An error with additional members and headers."""

    error = ""

    def __init__(
        self,
        detail: str | None = None,
        code: str | None = None,
        *,
        extra: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail, code)
        self.extra = extra or {}
        self.headers = headers or {}


class BadRequest(ApiError):
    """400: malformed request."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "The request could not be understood."
    default_code = "bad_request"


class AccessDenied(ApiError):
    """403: the scope suffices, but the object belongs to another user."""

    status_code = status.HTTP_403_FORBIDDEN
    default_detail = "You can only access your own data."
    default_code = "forbidden"


class Conflict(ApiError):
    """409: the request conflicts with the current state."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The request conflicts with the stored data."
    default_code = "conflict"


class LengthRequired(ApiError):
    """411: a body of unknown length (RFC 9110 §15.5.12).

    Its transfer coding is not plain `chunked`, or the server does not decode chunks.
    """

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send the body with a Content-Length."
    default_code = "length_required"


class NotModified(Exception):
    """304 (RFC 9110 §15.4.5): not an error, but raised like one."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


class PreconditionFailed(ApiError):
    """412: If-Match or If-None-Match does not hold."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "The resource has changed since you fetched it. Fetch it again and retry."
    default_code = "precondition_failed"

    def __init__(self, tag: str | None, version: int | None = None) -> None:
        current = {"version": version, "etag": tag}
        super().__init__(
            None if tag else "The resource does not exist.",
            extra={name: value for name, value in current.items() if value is not None},
            headers={"ETag": tag} if tag else {},
        )


class TooExpensive(ApiError):
    """400: the request exceeded its time limit."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "too_expensive"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"The request took longer than {seconds} s. Use a shorter date range or fewer "
            "filters or groups, or export the report as a file (format=csv)."
        )


class TooManyAtOnce(ApiError):
    """429: a token has too many concurrent requests, regardless of its rate limit."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "rate_limited"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"This token already has {most} requests in progress. Wait for one to finish.",
            headers={"Retry-After": "1"},
        )


class PayloadTooLarge(ApiError):
    """413: the body is too large."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body must not exceed 1 MiB."
    default_code = "payload_too_large"


class UnsupportedMediaType(ApiError):
    """415: unsupported Content-Type; names ours (RFC 9110 §12.5.1)."""

    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_detail = "Send the body as JSON in UTF-8, with Content-Type: application/json."
    default_code = "unsupported_media_type"

    def __init__(self) -> None:
        super().__init__(headers={"Accept": "application/json"})


class UnsupportedContentCoding(ApiError):
    """415: unsupported Content-Encoding (RFC 9110 §15.5.16)."""

    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_detail = "Send the body uncompressed, or with Content-Encoding: gzip."
    default_code = "unsupported_media_type"

    def __init__(self) -> None:
        super().__init__(headers={"Accept-Encoding": "gzip, identity"})


class Unavailable(ApiError):
    """503: the database is unavailable; retrying may succeed."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The service is temporarily unavailable. Try again."
    default_code = "unavailable"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": str(RETRY_UNAVAILABLE_AFTER)})


class OutcomeUnknown(ApiError):
    """503: the database did not confirm a commit."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = (
        "The outcome is unknown. Send the request again with the same Idempotency-Key; if it "
        "had none, first check whether it took effect."
    )
    default_code = "unavailable"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": str(RETRY_UNKNOWN_AFTER)})


def exception_handler(exc: Exception, context: Context) -> HttpResponse | None:
    """Turn an exception into an error response; None for a bug, which stays a 500."""
    if isinstance(exc, NotModified):
        return HttpResponseNotModified(headers={"ETag": exc.tag})
    error = _as_api_exception(exc)
    if error is None:
        return None
    request = context["request"]
    _log(exc, error, request)
    body = error_body(
        error.status_code,
        _message(error),
        request_id=getattr(request, "request_id", ""),
        error=getattr(error, "error", ""),
        code=_code(error),
    )
    if isinstance(error, exceptions.ValidationError):
        body["errors"] = flatten(error.detail)
    body.update(getattr(error, "extra", {}))
    return Response(body, status=error.status_code, headers=_headers(error))


def log_unavailable(exc: BaseException) -> None:
    """Log the cause of a 503.

    Only the server's primary message: its details may contain values of a row.
    """
    said = getattr(getattr(exc.__cause__, "diag", None), "message_primary", None) or str(exc)
    cause = f"{type(exc).__name__}: {' '.join(said.split())[:500]}"
    log.error("Unavailable: %s", cause, extra={"cause": cause})


def _log(exc: Exception, error: exceptions.APIException, request: HttpRequest | Request) -> None:
    if error.status_code == status.HTTP_503_SERVICE_UNAVAILABLE:
        log_unavailable(exc)
    elif isinstance(error, TooManyAtOnce):
        security_log.warning("Too many requests at once")
    elif isinstance(error, AccessDenied):
        security_log.warning(
            "Access denied", extra={"method": request.method, "path": request.path}
        )


def error_body(
    status_code: int, message: str, *, request_id: str, error: str = "", code: str = ""
) -> dict[str, object]:
    """Return the members common to all errors."""
    default_error, default_code = WORDS.get(status_code, ("Error", "error"))
    return {
        "error": error or default_error or message,
        "message": message,
        "error_code": code or default_code,
        "request_id": request_id,
    }


def flatten(detail: object) -> dict[str, list[str]]:
    """Return `{"field": ["sentence", …]}`; sentences about no field are `non_field_errors`."""
    if not isinstance(detail, dict):
        return {"non_field_errors": list(_sentences(detail))}
    return {str(field): list(_sentences(value)) for field, value in detail.items()}


def _sentences(detail: object) -> list[str]:
    if isinstance(detail, dict):
        return [text for value in detail.values() for text in _sentences(value)]
    if isinstance(detail, list | tuple):
        return [text for value in detail for text in _sentences(value)]
    return [str(detail)]


def _as_api_exception(exc: Exception) -> exceptions.APIException | None:
    if isinstance(exc, exceptions.UnsupportedMediaType):
        return UnsupportedMediaType()
    if isinstance(exc, exceptions.APIException):
        return exc
    if isinstance(exc, Refusal):
        return _answer_to(exc)
    if isinstance(exc, Http404):
        return exceptions.NotFound(*exc.args)
    if isinstance(exc, DjangoPermissionDenied):
        return AccessDenied(*exc.args)
    if isinstance(exc, RequestDataTooBig):
        return PayloadTooLarge()
    if isinstance(exc.__cause__, commits.CommitUnconfirmed):
        return OutcomeUnknown()
    return Unavailable() if is_unavailable(exc) else None


def _answer_to(refusal: Refusal) -> exceptions.APIException:
    """Return 400 for a check, 404 for a deleted row, and otherwise 409.

    A 409 includes what the refusal shows, such as the id of the conflicting row.
    """
    if isinstance(refusal, Invalid):
        return exceptions.ValidationError({refusal.field: [refusal.sentence]})
    if isinstance(refusal, Vanished):
        return exceptions.NotFound(refusal.sentence)
    return Conflict(refusal.sentence, refusal.code, extra=refusal.shown)


def is_unavailable(error: BaseException | None) -> bool:
    """Return whether an error means that the database is unavailable or read-only."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return isinstance(error, InternalError) and isinstance(error.__cause__, ReadOnlySqlTransaction)


def _code(error: exceptions.APIException) -> str:
    """Return an error's own code; DRF's generic ones give way to ours for the status."""
    if isinstance(error, exceptions.ValidationError):
        return "validation_error"
    return str(error.get_codes()) if isinstance(error, ApiError) else ""


def _message(error: exceptions.APIException) -> str:
    if not isinstance(error, exceptions.ValidationError):
        return str(error.detail)
    first_field, sentences = next(iter(flatten(error.detail).items()))
    return sentences[0] if first_field == "non_field_errors" else f"{first_field}: {sentences[0]}"


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = dict(getattr(error, "headers", {}))
    if auth_header := getattr(error, "auth_header", None):
        headers.setdefault("WWW-Authenticate", auth_header)
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return headers
