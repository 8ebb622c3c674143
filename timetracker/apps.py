"""The project as an app: its management commands, templates and checks, and its admin site."""

from django.contrib.admin import apps as admin

from resources.config import ApiAppConfig


class TimeTrackerConfig(ApiAppConfig):
    """Registers the system checks."""

    name = "timetracker"
    tags = {"System": "The state of the service itself; needs no token."}

    def ready(self) -> None:
        """Import what registers itself."""
        from timetracker import checks, resource_checks  # noqa: F401 - how checks are registered


class AdminConfig(admin.AdminConfig):
    """Django's admin with our own site."""

    default = False  # the configuration of `timetracker` is the other one
    default_site = "timetracker.admin.AdminSite"
