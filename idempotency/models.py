"""Stored responses to requests with an Idempotency-Key."""

from django.conf import settings
from django.db import models


class IdempotencyKey(models.Model):
    """A user's key, the fingerprint of its request, and the response.

    The row is written in the transaction of the work: there is no work without it, and it is not
    there without the work.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "idempotency key"
        constraints = (
            models.UniqueConstraint(fields=("user", "key"), name="idempotency_key_once_per_user"),
        )

    def __str__(self) -> str:
        return self.key
