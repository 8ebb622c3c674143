"""The name of the app in the admin."""

from django.apps import AppConfig


class ApiTokensConfig(AppConfig):
    """API tokens."""

    name = "apitokens"
    verbose_name = "API tokens"
