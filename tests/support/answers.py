"""What answers look like, so that a test compares the whole body."""

from datetime import UTC, datetime
from typing import Any

ERRORS = {403: "Access denied", 404: "Not found"}  # of a 400 or 409 it is the message


def instant(moment: datetime | None) -> str | None:
    """Return a stored moment as the API writes it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def page_of(key: str, rows: list[Any]) -> dict[str, Any]:
    """Return a list that fits on one page."""
    return {
        key: rows,
        "pagination": {
            "page": 1,
            "per_page": 50,
            "total": len(rows),
            "pages": 1 if rows else 0,
            "has_next": False,
            "has_prev": False,
            "next_page": None,
            "prev_page": None,
            "next_cursor": None,
        },
    }


def refusal(response: Any, error_code: str, message: str, **members: Any) -> dict[str, Any]:
    """Return an error with this code and sentence, for the request that was answered."""
    return {
        "error": ERRORS.get(response.status_code, message),
        "message": message,
        "error_code": error_code,
        "request_id": response["X-Request-ID"],
        **members,
    }


def invalid(response: Any, **errors: str) -> dict[str, Any]:
    """Return a 400 `validation_error` with one sentence for each field."""
    field, sentence = next(iter(errors.items()))
    return refusal(response, "validation_error", f"{field}: {sentence}") | {
        "errors": {name: [text] for name, text in errors.items()},
    }


def restricted(answer: Any, like: Any) -> Any:
    """An answer without what it has besides an older or a documented one."""
    if isinstance(like, dict):
        return {key: restricted(answer[key], value) for key, value in like.items()}
    if isinstance(like, list):
        return [restricted(each, its) for each, its in zip(answer, like, strict=True)]
    return answer
