"""Errors as tests read them."""

import json
from typing import Any


def error_of(response: Any) -> dict[str, Any]:
    """The members of an error, without the request_id, which must be the header's."""
    assert response["Content-Type"] == "application/json"
    body: dict[str, Any] = json.loads(response.content)
    assert body.pop("request_id") == response["X-Request-ID"]
    return body
