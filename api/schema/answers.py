"""What answers look like beside the resource itself, for the OpenAPI document."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

Fields = dict[str, serializers.Field[Any, Any, Any, Any]]


class PaginationSerializer(serializers.Serializer[object]):
    """Where a page stands among the others; after a cursor it has no number and no total."""

    page = serializers.IntegerField(min_value=1, required=False)
    per_page = serializers.IntegerField(min_value=1, max_value=100)
    total = serializers.IntegerField(
        min_value=0, required=False, help_text="How many there are on all pages."
    )
    pages = serializers.IntegerField(min_value=0, required=False)
    has_next = serializers.BooleanField()
    has_prev = serializers.BooleanField(required=False)
    next_page = serializers.IntegerField(min_value=2, allow_null=True, required=False)
    prev_page = serializers.IntegerField(min_value=1, allow_null=True, required=False)
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Send it as `cursor` to go on; null when this is the end."
    )


class MessageSerializer(serializers.Serializer[object]):
    """What was done."""

    message = serializers.CharField()


class InfoSerializer(serializers.Serializer[object]):
    """The service, its version and where its endpoints are."""

    api_version = serializers.CharField()
    app_version = serializers.CharField()
    documentation_url = serializers.CharField()
    endpoints = serializers.DictField(child=serializers.CharField(), help_text="Paths by name.")
    setup_required = serializers.BooleanField()
    timezone = serializers.CharField(help_text="The server's; a user may have another.")


class HealthySerializer(serializers.Serializer[object]):
    """All is well."""

    status = serializers.ChoiceField(["healthy"])


class UnhealthySerializer(serializers.Serializer[object]):
    """What is not well."""

    status = serializers.ChoiceField(["unhealthy"])
    checks = serializers.DictField(
        child=serializers.ChoiceField(["ok", "read_only", "unavailable"])
    )


class LiveSerializer(serializers.Serializer[object]):
    """The process answers."""

    status = serializers.ChoiceField(["live"])


class ReadinessSerializer(serializers.Serializer[object]):
    """What the service needs, and how each of it is."""

    database = serializers.ChoiceField(["ok", "read_only", "unavailable"])
    migrations = serializers.ChoiceField(["ok", "pending", "unavailable"])
    cache = serializers.ChoiceField(["ok", "unavailable"])


class ReadySerializer(serializers.Serializer[object]):
    """Requests can be sent here."""

    status = serializers.ChoiceField(["ready"])
    checks = ReadinessSerializer()


class NotReadySerializer(serializers.Serializer[object]):
    """Requests are better sent elsewhere."""

    status = serializers.ChoiceField(["not_ready"])
    checks = ReadinessSerializer()


class ErrorSerializer(serializers.Serializer[object]):
    """What went wrong: test `error_code`, show `message`."""

    error = serializers.CharField(help_text="A short sentence.")
    message = serializers.CharField(help_text="What to do about it.")
    error_code = serializers.CharField(help_text="A word that stays the same: test this one.")
    request_id = serializers.CharField(help_text="Name it when you report a problem.")


class BadRequestErrorSerializer(ErrorSerializer):
    """What cannot be accepted; `errors` is there when `error_code` is `validation_error`."""

    errors = serializers.DictField(  # type: ignore[assignment] # a field, not the property
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Sentences by the name of the field or parameter that they are about.",
    )


class ForbiddenErrorSerializer(ErrorSerializer):
    """What the token may not do; the two lists are there when it is its scopes that lack."""

    required_scope = serializers.CharField(required=False)
    available_scopes = serializers.ListField(child=serializers.CharField(), required=False)


class PreconditionErrorSerializer(ErrorSerializer):
    """What is stored now, if anything is: its tag, and of a row its version."""

    version = serializers.IntegerField(required=False)
    etag = serializers.CharField(required=False)


class ConflictErrorSerializer(ErrorSerializer):
    """What is stored already."""

    conflicting_id = serializers.IntegerField(
        required=False,
        help_text="The row that has the name or the id, if you may see it.",
    )


@dataclass(frozen=True)
class Failure:
    """How an error is published: as a named response with a body and headers.

    `example` is what an example of it has beyond, or instead of, what every error has.
    """

    name: str
    description: str
    serializer: type[ErrorSerializer] = ErrorSerializer
    headers: tuple[str, ...] = ()
    example: dict[str, Any] = field(default_factory=dict)


EXAMPLE_REQUEST_ID = "8f14e45fceea167a5a36dedd4bea2543"
RATE_LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")

FAILURES = {
    400: Failure(
        "BadRequest",
        "A field or parameter is missing, unknown or not acceptable, or the body cannot be read.",
        BadRequestErrorSerializer,
        RATE_LIMIT_HEADERS,
        {
            "error": "Validation failed",
            "message": "name: This field is required.",
            "error_code": "validation_error",
            "errors": {"name": ["This field is required."]},
        },
    ),
    401: Failure(
        "Unauthorized",
        "There is no token, or it is unknown, expired or revoked.",
        headers=("WWW-Authenticate",),
        example={
            "error": "Invalid token",
            "message": "The provided API token is invalid or expired",
        },
    ),
    403: Failure(
        "Forbidden",
        "The token lacks the scope, or the object is another user's.",
        ForbiddenErrorSerializer,
        ("WWW-Authenticate", *RATE_LIMIT_HEADERS),
        {
            "error": "Insufficient permissions",
            "message": "This endpoint requires the 'write:projects' scope",
            "required_scope": "write:projects",
            "available_scopes": ["read:projects", "read:time_entries"],
        },
    ),
    404: Failure("NotFound", "There is none of that id.", headers=RATE_LIMIT_HEADERS),
    409: Failure(
        "Conflict",
        "It does not fit what is stored.",
        ConflictErrorSerializer,
        RATE_LIMIT_HEADERS,
        {"conflicting_id": 7},
    ),
    410: Failure(
        "CursorExpired",
        "The cursor is too old, or of another view: list everything, then follow a new one.",
        headers=RATE_LIMIT_HEADERS,
        example={"error_code": "cursor_expired"},
    ),
    411: Failure(
        "LengthRequired",
        "The body has no length, and is not sent in chunks alone.",
        headers=RATE_LIMIT_HEADERS,
    ),
    412: Failure(
        "PreconditionFailed",
        "What is stored is not what `If-Match` or `If-None-Match` asks for.",
        PreconditionErrorSerializer,
        ("ETag", *RATE_LIMIT_HEADERS),
        {"version": 4, "etag": '"9d2c71a04b5e8f3360ad1c47"'},
    ),
    413: Failure(
        "PayloadTooLarge",
        "The body is over 1 MiB, packed or unpacked.",
        headers=RATE_LIMIT_HEADERS,
    ),
    415: Failure(
        "UnsupportedMediaType",
        "The body is not JSON, or packed by something else than gzip.",
        headers=("Accept", "Accept-Encoding", *RATE_LIMIT_HEADERS),
    ),
    422: Failure(
        "IdempotencyKeyReused",
        "The Idempotency-Key was used for another request.",
        headers=RATE_LIMIT_HEADERS,
    ),
    429: Failure(
        "RateLimited",
        "Too many requests of this token, or too many bad tokens from this address.",
        headers=("Retry-After", *RATE_LIMIT_HEADERS),
    ),
    500: Failure("InternalError", "A bug of ours: tell us the `request_id`."),
    503: Failure("Unavailable", "The database is away for a moment.", headers=("Retry-After",)),
}

# What a view answers by itself; 503 is how /health tells that something is wrong.
ANSWERS = {"200": "Done.", "201": "Created.", "503": "The service cannot do its work."}


def _header(description: str, kind: str = "integer", **more: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}, **more}


HEADERS = {
    "Accept": _header("What the body may be.", "string"),
    "Accept-Encoding": _header("How the body may be packed.", "string"),
    "ETag": _header("What is shown, in a word: see Conditional requests.", "string"),
    "Location": _header("The path of what was created.", "string", required=True),
    "Retry-After": _header("Try again after this many seconds.", required=True),
    "WWW-Authenticate": _header("The challenge of RFC 6750 §3.", "string"),
    "X-RateLimit-Limit": _header("Requests allowed in the window that has less left."),
    "X-RateLimit-Remaining": _header("Requests left in that window."),
    "X-RateLimit-Reset": _header("The Unix second from which requests are allowed again."),
    "X-Request-ID": _header("The id of this request: yours, if sane.", "string", required=True),
}


# Each is one class per resource, however often the document is made.
@cache
def list_envelope(item: type[serializers.Serializer[Any]], key: str) -> Any:
    """Return the serializer of `{"projects": […], "pagination": {…}}`."""
    fields: Fields = {key: item(many=True), "pagination": PaginationSerializer()}
    # many=False: drf-spectacular would take the envelope for one of the rows.
    return extend_schema_serializer(many=False)(_serializer(f"{_name(item)}List", fields))


@cache
def envelope(item: type[serializers.Serializer[Any]], key: str) -> Any:
    """Return the serializer of `{"project": {…}}`."""
    return _serializer(f"{_name(item)}Envelope", {key: item()})


@cache
def written_envelope(item: type[serializers.Serializer[Any]], key: str) -> Any:
    """Return the serializer of `{"message": "…", "project": {…}}`."""
    return _serializer(f"{_name(item)}Written", {"message": serializers.CharField(), key: item()})


def _serializer(name: str, fields: Fields) -> type[serializers.Serializer[Any]]:
    return type(name, (serializers.Serializer,), fields)


def _name(item: type[serializers.Serializer[Any]]) -> str:
    return item.__name__.removesuffix("Serializer")
