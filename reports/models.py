"""Saved and shared reports, and the permissions of reports; a report itself is no row."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.lookups import GreaterThanOrEqual
from django.utils import timezone

from timeentries.constraints import WholeSeconds
from values.text import DerivingMixin, FoldedField, NameField, SortField

LONGEST_SHARE_DAYS = 90


class Report(models.Model):
    """The Reports entry of the admin's menu, without a table."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = (
            ("view_reports", "Can view reports"),
            ("view_amounts", "Can view amounts in reports"),
        )

    def __str__(self) -> str:
        return "Report"


class SavedReport(DerivingMixin, models.Model):
    """A report that its owner opens by a name; of a relative period, always the current one."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_reports", db_index=False
    )
    name = NameField(max_length=100)
    folded_name = FoldedField(of="name")
    sort_name = SortField(of="name")
    query = models.JSONField()  # parameters of the report form that were valid when it was saved
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering = ("sort_name", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "folded_name"),
                name="saved_report_name_unique_per_owner",
                violation_error_message="You already have a saved report with this name.",
            ),
        )

    def __str__(self) -> str:
        return self.name


class SharedReportQuerySet(models.QuerySet["SharedReport"]):
    """Shared reports."""

    def valid(self, now: datetime) -> Self:
        """Keep those that are neither revoked nor expired."""
        return self.filter(revoked_at=None, expires_at__gt=now)


class SharedReport(models.Model):
    """A report that anyone with its link may see, for a while; of the link a digest is stored.

    It shows what its creator may see at that moment.
    """

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="shared_reports"
    )
    title = NameField(max_length=100)
    query = models.JSONField()  # as in a saved report
    digest = models.CharField(max_length=64, editable=False)
    hides_amounts = models.BooleanField(default=False)
    hides_names = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SharedReportQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("digest",), name="shared_report_once_per_link"),
            models.CheckConstraint(
                condition=Q(
                    GreaterThanOrEqual(
                        WholeSeconds("expires_at", "created_at"), -LONGEST_SHARE_DAYS * 86_400
                    )
                ),
                name="shared_report_lasts_at_most_90_days",
                violation_error_message="A link must not be valid for more than 90 days.",
            ),
        )

    def __str__(self) -> str:
        return self.title

    def state(self, now: datetime) -> str:
        """Return `valid`, `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        return "valid" if now < self.expires_at else "expired"
