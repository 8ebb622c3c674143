"""Encoding of responses."""

from collections.abc import Mapping

import orjson
from rest_framework import renderers
from rest_framework.utils.encoders import JSONEncoder

_default = JSONEncoder().default  # for decimals and other types that orjson lacks


class JSONRenderer(renderers.JSONRenderer):
    """DRF's, encoded in C; instants are written as UTC with Z."""

    def render(
        self,
        data: object,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, object] | None = None,
    ) -> bytes:
        """Return the JSON of a response; no bytes for no data."""
        return b"" if data is None else encode(data)


def encode(data: object) -> bytes:
    """Return data as compact JSON in UTF-8."""
    return orjson.dumps(data, default=_default, option=orjson.OPT_UTC_Z)
