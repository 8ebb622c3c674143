"""The API speaks JSON whatever a client says it accepts."""

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from api.wire.renderers import JSONRenderer


class JSONOnlyNegotiation(DefaultContentNegotiation):
    """Answer with the first renderer; DRF would answer 406 before it asks for credentials."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Return the view's first renderer and its media type; pages are for GET alone."""
        renderer = next(iter(renderers))
        if request.method not in ("GET", "HEAD"):
            renderer = JSONRenderer()
        return renderer, str(renderer.media_type)
