"""The parts of a response that all endpoints share, for the OpenAPI document."""

from dataclasses import dataclass, field
from functools import cache

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from api.pagination.serializers import PaginationSerializer
from api.serializers.fields import AnyField, AnySerializer

Fields = dict[str, AnyField]


class MessageSerializer(serializers.Serializer[object]):
    """Confirms what was done."""

    message = serializers.CharField()


class CommonErrorSerializer(serializers.Serializer[object]):
    """What every error has: test `error_code`, show `message`."""

    error = serializers.CharField(help_text="A short title; of a 400 or 409 the message.")
    message = serializers.CharField(help_text="What went wrong, and what to do about it.")
    error_code = serializers.CharField(help_text="A stable code for programs to test.")
    request_id = serializers.CharField(help_text="Quote it when you report a problem.")


class BadRequestErrorSerializer(CommonErrorSerializer):
    """An invalid request; with `error_code` `validation_error` it has `errors`."""

    errors = serializers.DictField(  # type: ignore[assignment] # a field, not the property
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Messages by the name of the field or parameter.",
    )


class ForbiddenErrorSerializer(CommonErrorSerializer):
    """A refusal; if a scope is missing, it has `required_scope` and `available_scopes`."""

    required_scope = serializers.CharField(required=False)
    available_scopes = serializers.ListField(child=serializers.CharField(), required=False)


class PreconditionErrorSerializer(CommonErrorSerializer):
    """A failed precondition, with the current `etag`, and the `version` if there is a row."""

    version = serializers.IntegerField(required=False)
    etag = serializers.CharField(required=False)


class ConflictErrorSerializer(CommonErrorSerializer):
    """A conflict with stored data."""

    conflicting_id = serializers.IntegerField(
        required=False,
        help_text="The row that already has this name or id, if you may see it.",
    )


@dataclass(frozen=True)
class Failure:
    """How an error is published: as a named response with a body and headers.

    `example` is what an example of it has beyond, or instead of, what every error has.
    """

    name: str
    description: str
    serializer: type[CommonErrorSerializer] = CommonErrorSerializer
    headers: tuple[str, ...] = ()
    example: dict[str, object] = field(default_factory=dict)


EXAMPLE_REQUEST_ID = "8f14e45fceea167a5a36dedd4bea2543"
RATE_LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")

FAILURES = {
    400: Failure(
        "BadRequest",
        "A field or parameter is missing, unknown or invalid, or the request cannot be read.",
        BadRequestErrorSerializer,
        RATE_LIMIT_HEADERS,
        {
            "error": "name: This field is required.",
            "message": "name: This field is required.",
            "error_code": "validation_error",
            "errors": {"name": ["This field is required."]},
        },
    ),
    401: Failure(
        "Unauthorized",
        "The token is missing, unknown, expired or revoked.",
        headers=("WWW-Authenticate",),
        example={
            "error": "Invalid token",
            "message": "The provided API token is invalid or expired",
        },
    ),
    403: Failure(
        "Forbidden",
        "The token lacks the required scope, or the resource is another user's.",
        ForbiddenErrorSerializer,
        ("WWW-Authenticate", *RATE_LIMIT_HEADERS),
        {
            "error": "Insufficient permissions",
            "message": "This endpoint requires the 'write:projects' scope",
            "required_scope": "write:projects",
            "available_scopes": ["read:projects", "read:time_entries"],
        },
    ),
    404: Failure("NotFound", "Not found.", headers=RATE_LIMIT_HEADERS),
    409: Failure(
        "Conflict",
        "The request conflicts with stored data.",
        ConflictErrorSerializer,
        RATE_LIMIT_HEADERS,
        {"conflicting_id": 7},
    ),
    410: Failure(
        "CursorExpired",
        "The cursor has expired, or what you may see has changed: start again without a cursor.",
        headers=RATE_LIMIT_HEADERS,
        example={"error_code": "cursor_expired"},
    ),
    411: Failure(
        "LengthRequired",
        "The body has no Content-Length and is not sent in plain chunks.",
        headers=RATE_LIMIT_HEADERS,
    ),
    412: Failure(
        "PreconditionFailed",
        "The current state does not meet `If-Match` or `If-None-Match`.",
        PreconditionErrorSerializer,
        ("ETag", *RATE_LIMIT_HEADERS),
        {"version": 4, "etag": '"9d2c71a04b5e8f3360ad1c47"'},
    ),
    413: Failure(
        "PayloadTooLarge",
        "The body exceeds 1 MiB, compressed or decompressed.",
        headers=RATE_LIMIT_HEADERS,
    ),
    415: Failure(
        "UnsupportedMediaType",
        "The body is not JSON, or its content encoding is not gzip.",
        headers=("Accept", "Accept-Encoding", *RATE_LIMIT_HEADERS),
    ),
    422: Failure(
        "IdempotencyKeyReused",
        "The Idempotency-Key has been used for a different request.",
        headers=RATE_LIMIT_HEADERS,
    ),
    429: Failure(
        "RateLimited",
        "Too many requests with this token, or too many invalid tokens from this address.",
        headers=("Retry-After", *RATE_LIMIT_HEADERS),
    ),
    500: Failure("InternalError", "A bug in the service: report it with the `request_id`."),
    503: Failure(
        "Unavailable", "The database is temporarily unavailable.", headers=("Retry-After",)
    ),
}

# What a view answers by itself; 503 is how /health reports a problem.
ANSWERS = {"200": "Success.", "201": "Created.", "503": "The service is not able to work."}


def _header(description: str, kind: str = "integer", **more: bool) -> dict[str, object]:
    return {"description": description, "schema": {"type": kind}, **more}


HEADERS = {
    "Accept": _header("The accepted media type of a body.", "string"),
    "Accept-Encoding": _header("The accepted content encoding of a body.", "string"),
    "ETag": _header("The entity tag of what is shown, for conditional requests.", "string"),
    "Location": _header("The path of what was created.", "string", required=True),
    "Retry-After": _header("Try again after this many seconds.", required=True),
    "WWW-Authenticate": _header("The challenge of RFC 6750 §3.", "string"),
    "X-RateLimit-Limit": _header("Requests allowed in the window with fewer requests left."),
    "X-RateLimit-Remaining": _header("Requests left in that window."),
    "X-RateLimit-Reset": _header("The Unix time, in seconds, of the next allowed request."),
    "X-Request-ID": _header("The request's id: yours, if well formed.", "string", required=True),
}


# Each is one class per resource, however often the document is made.
@cache
def list_envelope(item: type[AnySerializer], key: str) -> type[AnySerializer]:
    """Return the serializer of `{"projects": […], "pagination": {…}}`."""
    envelope = _around(item, "List", {key: item(many=True), "pagination": PaginationSerializer()})
    # many=False: drf-spectacular would take the envelope for one of the rows.
    return extend_schema_serializer(many=False)(envelope)


@cache
def envelope(item: type[AnySerializer], key: str) -> type[AnySerializer]:
    """Return the serializer of `{"project": {…}}`."""
    return _around(item, "Envelope", {key: item()})


@cache
def written_envelope(item: type[AnySerializer], key: str) -> type[AnySerializer]:
    """Return the serializer of `{"message": "…", "project": {…}}`."""
    return _around(item, "Written", {"message": serializers.CharField(), key: item()})


def _around(item: type[AnySerializer], suffix: str, fields: Fields) -> type[AnySerializer]:
    name = item.__name__.removesuffix("Serializer") + suffix
    return type(name, (serializers.Serializer,), fields)
