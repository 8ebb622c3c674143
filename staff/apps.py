"""The Django admin with our site, templates and formats."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class StaffConfig(AppConfig):
    """Pages of the admin; before Django's admin in `INSTALLED_APPS`, so that its templates win."""

    default = True
    name = "staff"


class AdminConfig(admin.AdminConfig):
    """Django's admin with our own site."""

    default = False  # that of `staff` is the other one
    default_site = "staff.site.AdminSite"
