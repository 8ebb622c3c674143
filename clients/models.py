"""Who is billed."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from timetracker.api.models import Resource, ResourceQuerySet


class ClientQuerySet(ResourceQuerySet["Client"]):
    """Clients; all users share them."""


class Client(Resource):
    """A customer for whom projects are done."""

    class Status(models.TextChoices):
        """Whether work is still done for a client."""

        ACTIVE = "active"
        INACTIVE = "inactive"

    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    company = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    address = models.TextField(max_length=2000, blank=True)
    default_hourly_rate = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True
    )
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)

    objects = ClientQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        indexes = (models.Index(fields=["name", "id"], name="client_by_name"),)
        constraints = (
            models.UniqueConstraint(
                Lower("name"),
                name="client_name_unique",
                violation_error_message="There is already a client of that name.",
            ),
            models.CheckConstraint(
                condition=Q(default_hourly_rate__gte=0),
                name="client_default_hourly_rate_not_negative",
                violation_error_message="The default hourly rate cannot be negative.",
            ),
        )

    def __str__(self) -> str:
        return self.name
