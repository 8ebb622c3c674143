"""No table: a place for the permissions of the reports, and for the admin's pages."""

from django.db import models


class Report(models.Model):
    """The Reports entry of the admin's menu."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = (
            ("view_reports", "Can view reports"),
            ("view_amounts", "Can view amounts in reports"),
        )

    def __str__(self) -> str:
        return "Report"
