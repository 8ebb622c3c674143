"""Sending to the receivers, and what came of it."""

from webhooks.connections import Failure
from webhooks.transport import Client, Result

HEADERS = {"webhook-id": "msg_1"}
SOON = 0.6  # seconds, in place of ten


def post(client: Client, url: str) -> Result:
    return client.post(url, b'{"seq":1}', HEADERS)


def outcome(result: Result) -> tuple[int | None, str, Failure | None, str]:
    return result.status, result.snippet, result.failure, result.message
