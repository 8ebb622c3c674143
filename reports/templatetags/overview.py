"""The overview on the admin's home page, which belongs to `staff` and knows no reports."""

from django import template
from django.template.context import Context
from django.utils import timezone

from reports.admin.overview import Overview

register = template.Library()


@register.inclusion_tag("admin/reports/overview.html", takes_context=True)
def overview(context: Context) -> dict[str, object]:
    """Show the overview to those who may view reports."""
    viewer, now = context["request"].user, timezone.now()
    if not viewer.has_perm("reports.view_reports"):
        return {}
    return {"overview": Overview.of(viewer, now)}
