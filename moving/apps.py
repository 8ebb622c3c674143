"""Moving installations as an app."""

from django.apps import AppConfig


class MovingConfig(AppConfig):
    """Moves all data into an installation and out of it."""

    name = "moving"
