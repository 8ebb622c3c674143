"""The project as an app: its management commands, templates and checks."""

from registry.config import ApiAppConfig


class TimeTrackerConfig(ApiAppConfig):
    """Registers the system checks."""

    name = "timetracker"
    tags = {"System": "Service information and health checks. No token required."}

    def ready(self) -> None:
        """Import the modules that register themselves."""
        from timetracker import checks, migration_checks, resource_checks  # noqa: F401 - how checks are registered
