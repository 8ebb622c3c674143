"""The OpenAPI document as it is served."""

from functools import cache

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer2
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from api.views import PublicView

YAML = "application/yaml"
JSON = "application/json"
RENDERERS = {YAML: OpenApiYamlRenderer2, JSON: JSONRenderer}


@cache
def document(media_type: str) -> str | bytes:
    """Return the OpenAPI document, which is made once in a process: it takes a while."""
    schema = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return RENDERERS[media_type]().render(schema, renderer_context={})


class DocumentView(PublicView):
    """The OpenAPI document; it is not part of itself."""

    schema = None
    media_type = YAML

    def get(self, request: Request) -> HttpResponse:
        """Return the document."""
        return HttpResponse(document(self.media_type), content_type=self.media_type)
