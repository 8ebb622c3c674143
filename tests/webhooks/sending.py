"""Sending to the receivers, and what came of it."""

from webhooks.connections import Fault
from webhooks.transport import Result, Sender

HEADERS = {"webhook-id": "msg_1"}
SOON = 0.6  # seconds, in place of ten


def post(client: Sender, url: str) -> Result:
    return client.post(url, b'{"seq":1}', HEADERS)


def outcome(result: Result) -> tuple[int | None, str, Fault | None, str]:
    return result.status, result.snippet, result.failure, result.message
