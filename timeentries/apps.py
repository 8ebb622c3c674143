"""The name of the app in the admin."""

from django.apps import AppConfig


class TimeEntriesConfig(AppConfig):
    """Time entries."""

    name = "timeentries"
    verbose_name = "Time entries"
