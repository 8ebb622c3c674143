"""The OpenAPI document."""

from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema


class AutoSchema(SpectacularAutoSchema):
    """What drf-spectacular cannot see for itself."""
