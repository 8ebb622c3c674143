"""The token in the OpenAPI document."""

# drf-spectacular has types for a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from apitokens.authentication import ApiTokenAuthentication


class TokenSchemes(OpenApiAuthenticationExtension):
    """One token, in one of two headers."""

    target_class = ApiTokenAuthentication
    name = ["bearerAuth", "apiKeyAuth"]

    def get_security_requirement(self, auto_schema: object) -> list[dict[str, list[str]]]:
        """Return two alternatives; one mapping with two names would ask for both."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: object) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer", "description": "Recommended: `Bearer tt_…`"},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`tt_…`"},
        ]
