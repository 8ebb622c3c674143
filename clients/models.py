"""Who is billed."""

import unicodedata
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q

from timetracker.api.models import Resource, ResourceQuerySet, external_id_once


class FoldedField(models.CharField[str, str]):
    """Another field's text without its case, written whenever the row is.

    A column, because SQLite's LOWER knows A to Z only, and PostgreSQL's depends on its locale.
    """

    def __init__(self, *, of: str, **kwargs: Any) -> None:
        """Fold the field `of`."""
        super().__init__(editable=False, blank=True, **kwargs)
        self.of = of

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: FBT001 - Django's
        """Return what is stored."""
        folded = fold(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, folded)
        return folded

    def deconstruct(self) -> Any:
        """Return what migrations write."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {"of": self.of, "max_length": kwargs["max_length"]}


def fold(text: str) -> str:
    """Return a text as it is compared without regard to case."""
    return unicodedata.normalize("NFC", text.casefold())


class ClientQuerySet(ResourceQuerySet["Client"]):
    """Clients; all users share them."""


class Client(Resource):
    """A customer for whom projects are done."""

    class Status(models.TextChoices):
        """Whether work is still done for a client."""

        ACTIVE = "active"
        INACTIVE = "inactive"

    name = models.CharField(max_length=200)
    folded_name = FoldedField(of="name", max_length=600)  # folding may triple a letter
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
            external_id_once("client_external_id_once_per_user"),
            models.UniqueConstraint(
                fields=["folded_name"],
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

    def clean(self) -> None:
        """Fold the name, so that the constraint can be judged before the row is written."""
        super().clean()
        self.folded_name = fold(self.name)

    def save(self, *, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save; the folded name goes with the name."""
        if update_fields is not None and "name" in update_fields:
            update_fields = {*update_fields, "folded_name"}
        super().save(update_fields=update_fields, **kwargs)
