"""Idempotency-Key: carry out a request once (draft-ietf-httpapi-idempotency-key-header)."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import APIException, ValidationError

from idempotency.models import IdempotencyKey

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response

METHODS = ("POST", "PUT", "PATCH", "DELETE")
HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
KEPT = timedelta(hours=24)
REPEATED_HEADERS = ("Location", "ETag")  # beside the body
DIGEST_BYTES = 32
# One in so many new keys throws away some of the expired ones.
TIDY_EVERY, TIDIED_AT_ONCE = 100, 500


class KeyReused(APIException):
    """422: the key was used for another request."""

    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = (
        "This Idempotency-Key was used for a different request within the last 24 hours. Use "
        "a new key for each request, and reuse a key only to retry."
    )


def key_of(request: "Request") -> str | None:
    """Return the key of a request that writes, if it has one; 400 for a malformed one."""
    if request.method not in METHODS:
        return None
    key: str | None = request.headers.get(HEADER)
    if key is None:
        return None
    if not KEY.fullmatch(key):
        raise ValidationError(
            {HEADER: ["Must be 1 to 255 visible ASCII characters, such as a UUID."]}
        )
    return key


def answer_once(
    request: "Request", key: str, answer: "Callable[[], Response]"
) -> "Response | HttpResponse":
    """Return the stored response for the key; otherwise run the handler and store its response.

    A concurrent duplicate waits for the end of this transaction. Only successful writes are
    stored: after an error the same key may be tried again. KeyReused if the key was used for a
    different request.
    """
    fingerprint = _fingerprint(request)
    with transaction.atomic():
        row = _claim(request.user, key, fingerprint)
        if row.status is not None:
            if row.fingerprint != fingerprint:
                raise KeyReused
            return _replay(row)
        response = answer()
        if _changed_something(response):
            _keep(row, request, response)
        else:
            transaction.set_rollback(True)
    return response


def prune(before: datetime, *, at_most: int | None = None) -> int:
    """Delete keys created before an instant; return how many."""
    expired = IdempotencyKey.objects.filter(created_at__lt=before).order_by("pk")
    ids = expired.select_for_update(skip_locked=True).values_list("pk", flat=True)[:at_most]
    with transaction.atomic():
        return IdempotencyKey.objects.filter(pk__in=list(ids)).delete()[0]


def _claim(user: object, key: str, fingerprint: str) -> IdempotencyKey:
    """Insert the key or return its row, after waiting for a concurrent duplicate."""
    now = timezone.now()
    mine = {"user": user, "key": key}
    try:
        with transaction.atomic():
            row = IdempotencyKey.objects.create(**mine, fingerprint=fingerprint, created_at=now)
    except IntegrityError:
        found = IdempotencyKey.objects.filter(**mine).first()
        if found is not None and found.created_at > now - KEPT:
            return found
        IdempotencyKey.objects.filter(**mine, created_at__lte=now - KEPT).delete()
        return _claim(user, key, fingerprint)
    if secrets.randbelow(TIDY_EVERY) == 0:
        prune(now - KEPT, at_most=TIDIED_AT_ONCE)
    return row


def _fingerprint(request: "Request") -> str:
    """Return a digest of method, path with query, and parsed body."""
    body = request.data if request.method != "DELETE" else None
    text = f"{request.method} {request.get_full_path()}\n{json.dumps(body, sort_keys=True)}"
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


def _changed_something(response: "Response") -> bool:
    """Return whether the request wrote anything; a bulk may report that it did not commit."""
    data: Mapping[str, object] = response.data
    return response.status_code < 300 and data.get("committed") is not False


def _keep(row: IdempotencyKey, request: "Request", response: "Response") -> None:
    kept = getattr(response, "kept", response.data)  # what may be stored of it: no secrets
    body = request.accepted_renderer.render(kept)
    row.status, row.body = response.status_code, body
    row.headers = {name: response[name] for name in REPEATED_HEADERS if name in response}
    row.save(update_fields=["status", "body", "headers"])


def _replay(row: IdempotencyKey) -> HttpResponse:
    return HttpResponse(
        bytes(row.body),
        status=row.status,
        content_type="application/json",
        headers={**row.headers, "Idempotency-Replayed": "true"},
    )
