"""Customers and their default hourly rates."""

from django.db import models
from django.db.models import Q

from rates.rated import Rated
from resources.models import ResourceQuerySet, external_id_once
from values.money import CurrencyField, RoundingField, currency_shaped, rounding_known
from values.text import FoldedField, NameField, ProseField, SortField


class ClientQuerySet(ResourceQuerySet["Client"]):
    """Clients; all users share them."""


class Client(Rated):
    """A customer of projects."""

    class Status(models.TextChoices):
        """Whether work is still done for a client."""

        ACTIVE = "active"
        INACTIVE = "inactive"

    name = NameField(max_length=200)
    folded_name = FoldedField(of="name")
    sort_name = SortField(of="name")
    email = models.EmailField(blank=True)
    folded_email = FoldedField(of="email")
    company = NameField(max_length=200, blank=True)
    folded_company = FoldedField(of="company")
    phone = models.CharField(max_length=50, blank=True)
    address = ProseField(max_length=2000, blank=True)
    default_hourly_rate = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True
    )
    currency = CurrencyField(
        null=True,
        blank=True,
        help_text="ISO 4217, such as EUR; null for the service's own.",
    )
    rounding = RoundingField(
        help_text="How the time of each entry is rounded before it is billed.",
    )
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)

    rate_attribute = "default_hourly_rate"
    rate_place = "client"
    objects = ClientQuerySet.as_manager()

    class Meta:
        ordering = ("sort_name", "id")
        indexes = (models.Index(fields=["sort_name", "id"], name="client_by_name"),)
        constraints = (
            external_id_once("client_external_id_once_per_user"),
            models.UniqueConstraint(
                fields=["folded_name"],
                name="client_name_unique",
                violation_error_message="A client with this name already exists.",
            ),
            models.CheckConstraint(
                condition=Q(default_hourly_rate__gte=0),
                name="client_default_hourly_rate_not_negative",
                violation_error_message="The default hourly rate cannot be negative.",
            ),
            currency_shaped("currency", "client_currency_of_three_letters", null=True),
            rounding_known("rounding", "client_rounding_known"),
        )

    def __str__(self) -> str:
        return self.name
