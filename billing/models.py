"""Bills: references under which time entries are billed."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:  # it imports this
    from billing.bills import Sums

REFERENCE_LENGTH = 100


class Bill(models.Model):
    """A reference, such as the number of an invoice, and what was asked for under it.

    Its entries point to it; which they are is written in their transaction, and in the journal.
    """

    reference = models.CharField(max_length=REFERENCE_LENGTH, unique=True)
    selection = models.JSONField()  # the filters or ids, as they were understood
    billed_at = models.DateTimeField()
    billed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True
    )

    sums: "Sums"  # where the admin's pages have looked them up

    class Meta:
        ordering = ("-billed_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=~Q(reference=""),
                name="bill_reference_not_blank",
                violation_error_message="The reference must not be blank.",
            ),
        )

    def __str__(self) -> str:
        return self.reference
