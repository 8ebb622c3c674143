"""What is forgotten of a resource is said by `manage.py check`, with the file to write it in."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.core.checks import run_checks

from clients.apps import ClientsConfig
from clients.models import Client
from clients.views import ClientViewSet

M = pytest.MonkeyPatch


def examples_without(name: str) -> dict[str, Any]:
    client = dict(ClientsConfig.examples["Client"])
    del client[name]
    return {**ClientsConfig.examples, "Client": client}


def found() -> list[tuple[str, str]]:
    """The ids and hints of what is wrong with resources."""
    return [(str(error.id), str(error.hint)) for error in run_checks() if "E0" in str(error.id)]


@pytest.mark.parametrize(
    ("forget", "number", "hint"),
    [
        pytest.param(
            lambda patch: patch.setattr(ClientsConfig, "viewset", ""),
            "E010",
            "Write an ApiAppConfig with `viewset` in clients/apps.py.",
            id="the declaration",
        ),
        pytest.param(
            lambda patch: patch.setattr(ClientsConfig, "viewset", "clients.views.Nothing"),
            "E011",
            "Correct `viewset` in clients/apps.py.",
            id="a viewset that is not there",
        ),
        pytest.param(
            lambda patch: patch.delattr(ClientViewSet, "scope_resource"),
            "E012",
            'Write `scope_resource = "clients"` in clients/views.py.',
            id="the scope of the view",
        ),
        pytest.param(
            lambda patch: patch.setattr(ClientsConfig, "scopes", {"read:clients": "View clients"}),
            "E013",
            "Add it to `scopes` in clients/apps.py.",
            id="a scope",
        ),
        pytest.param(
            lambda patch: patch.setattr(ClientsConfig, "tags", {}),
            "E014",
            "Add it to `tags` in clients/apps.py.",
            id="the tag",
        ),
        pytest.param(
            lambda patch: patch.setattr(ClientsConfig, "examples", examples_without("phone")),
            "E015",
            'Complete `examples["Client"]` in clients/apps.py.',
            id="a field of the example",
        ),
        pytest.param(
            lambda patch: patch.delitem(admin.site._registry, Client),  # noqa: SLF001 - as unregister
            "E016",
            "Register a ModelAdmin in clients/admin.py.",
            id="the admin",
        ),
        pytest.param(
            lambda patch: patch.setattr(Client._meta, "constraints", []),
            "E018",
            "Add external_id_once(…) to Meta.constraints in clients/models.py.",
            id="the constraint of external ids",
        ),
        pytest.param(
            lambda patch: patch.setattr(Client._meta, "ordering", ("name",)),
            "E019",
            "End Meta.ordering in id in clients/models.py.",
            id="the end of the order",
        ),
        pytest.param(
            lambda patch: patch.setattr(ClientViewSet, "filterset_class", None),
            "E021",
            "Add it to the FilterSet in clients/filters.py, and set filterset_class in the view.",
            id="the filters",
        ),
        pytest.param(
            lambda patch: patch.setattr("moving.kinds.LEFT_OUT", {}),
            "E023",
            "Name it in OTHERS or in LEFT_OUT in moving/kinds.py.",
            id="whether an export has it",
        ),
    ],
)
def test_what_is_forgotten_is_named(
    monkeypatch: M, forget: Callable[[M], None], number: str, hint: str
) -> None:
    assert found() == []
    forget(monkeypatch)
    assert (f"timetracker.{number}", hint) in found()
