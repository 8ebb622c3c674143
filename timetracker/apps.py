"""The project as an app: its management commands, templates and checks, and its admin site."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class TimeTrackerConfig(AppConfig):
    """Registers the system checks."""

    name = "timetracker"

    def ready(self) -> None:
        """Import what registers itself."""
        from timetracker import checks  # noqa: F401 - Django's way to register checks


class AdminConfig(admin.AdminConfig):
    """Django's admin with our own site."""

    default = False  # the configuration of `timetracker` is the other one
    default_site = "timetracker.admin.AdminSite"
