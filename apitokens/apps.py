"""The name of the app in the admin."""

from registry.config import ApiAppConfig


class ApiTokensConfig(ApiAppConfig):
    """API tokens."""

    name = "apitokens"
    verbose_name = "API tokens"
    section = "Access"
