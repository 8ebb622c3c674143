"""The project as an app: its management commands, templates and checks."""

from django.apps import AppConfig


class TimeTrackerConfig(AppConfig):
    """Registers the system checks."""

    name = "timetracker"

    def ready(self) -> None:
        """Import what registers itself."""
        from timetracker import checks  # noqa: F401 - Django's way to register checks
