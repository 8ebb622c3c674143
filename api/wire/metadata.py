"""The response to OPTIONS."""

from typing import TYPE_CHECKING

from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request

if TYPE_CHECKING:  # the settings name this module, and rest_framework.views reads the settings
    from rest_framework.views import APIView


class SmallMetadata(BaseMetadata):
    """Name the methods and lead to the documentation; DRF's own answer lists every choice."""

    def determine_metadata(self, request: Request, view: "APIView") -> dict[str, object]:
        """Return `{"methods": […], "documentation_url": "…"}`."""
        return {"methods": view.allowed_methods, "documentation_url": "/api/docs"}
