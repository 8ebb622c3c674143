"""Saved reports, and the permissions of the reports; the reports themselves are no rows."""

from django.conf import settings
from django.db import models

from values.text import DerivingMixin, FoldedField, NameField, SortField


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
