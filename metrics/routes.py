"""The route of a request: the template of its path, as the OpenAPI document writes it."""

import re
from functools import cache

from django.http import HttpRequest

NO_ROUTE = "none"
GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()\\]|\\.|\([^()]*\))*\)")  # may hold one more within it
CONVERTED = re.compile(r"<(?:\w+:)?(\w+)>")


def route_of(request: HttpRequest) -> str:
    """Return `/api/v1/projects/{id}` for any of its paths; `none` where no route matched."""
    match = request.resolver_match
    return template_of(match.route) if match else NO_ROUTE


@cache
def template_of(pattern: str) -> str:
    """Return the template of a URL pattern, of either kind that Django has."""
    named = CONVERTED.sub(r"{\1}", GROUP.sub(r"{\1}", pattern))
    return "/" + named.replace("^", "").replace("$", "").replace("{pk}", "{id}")
