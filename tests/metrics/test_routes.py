"""Routes are named as the OpenAPI document names them, whatever ids their paths have."""

from typing import Any

import pytest
import yaml
from django.test import RequestFactory
from django.urls import get_resolver

from metrics.routes import route_of, template_of
from tests.support.servers import ROOT

PATHS: dict[str, Any] = yaml.safe_load((ROOT / "schema.yml").read_text())["paths"]


def test_every_path_of_the_document_is_a_route() -> None:
    routes = {template_of(str(entry.pattern)) for entry in get_resolver().url_patterns}
    assert routes >= PATHS.keys()


@pytest.mark.parametrize(
    ("pattern", "template"),
    [
        pytest.param("", "/", id="root"),
        pytest.param("api/v1/billing/<path:reference>", "/api/v1/billing/{reference}", id="path"),
        pytest.param(
            "admin/users/user/<id>/password/", "/admin/users/user/{id}/password/", id="id"
        ),
        pytest.param(r"^api/v1/x/(?P<pk>[0-9]{1,18})/y$", "/api/v1/x/{id}/y", id="expression"),
        pytest.param(r"^x/(?P<name>(?!.*/$)[^\x00]+)$", "/x/{name}", id="group within"),
        pytest.param(r"admin/^(?P<app>a|b)/$", "/admin/{app}/", id="included"),
    ],
)
def test_template(pattern: str, template: str) -> None:
    assert template_of(pattern) == template


def test_a_path_without_a_route_has_none() -> None:
    assert route_of(RequestFactory().get("/api/v1/invented-by-a-caller")) == "none"
