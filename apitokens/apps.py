"""The name of the app in the admin."""

from registry.config import ApiAppConfig


class ApiTokensConfig(ApiAppConfig):
    """API tokens."""

    name = "apitokens"
    verbose_name = "API tokens"
    section = "Access"

    def ready(self) -> None:
        """Register the security schemes of the OpenAPI document."""
        from apitokens import schema  # noqa: F401 - models can be imported only now
