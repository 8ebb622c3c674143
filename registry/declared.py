"""All resources, derived from what the installed apps declare."""

from collections.abc import Iterable, Mapping
from functools import cache
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import models
from django.utils.module_loading import import_string

from registry.config import ApiAppConfig

if TYPE_CHECKING:
    from api.viewsets import ListViewSet
    from apitokens.dialects import Dialect


def api_apps() -> list[ApiAppConfig]:
    """Return the apps that declare something, in the order in which they are shown."""
    return [config for config in apps.get_app_configs() if isinstance(config, ApiAppConfig)]


@cache
def viewsets() -> dict[str, "type[ListViewSet[models.Model]]"]:
    """Return each resource's viewset by its plural key: `time_entries`."""
    return {
        plural_key_of(model_of(config)): import_string(config.viewset)
        for config in api_apps()
        if config.viewset
    }


@cache
def viewsets_by_key() -> dict[str, "type[ListViewSet[models.Model]]"]:
    """Return each resource's viewset by the key of one row: `time_entry`."""
    return {key_of(viewset.queryset.model): viewset for viewset in viewsets().values()}


def model_of(config: ApiAppConfig) -> type[models.Model]:
    """Return the model of an app's resource."""
    model: type[models.Model] = import_string(config.viewset).queryset.model
    return model


@cache
def scopes() -> dict[str, str]:
    """Return the scopes of all apps with their descriptions."""
    return {scope: text for config in api_apps() for scope, text in config.scopes.items()}


def examples() -> dict[str, Mapping[str, object]]:
    """Return the example of each component of the OpenAPI document that has one."""
    return {name: each for config in api_apps() for name, each in config.examples.items()}


@cache
def tags() -> dict[str, str]:
    """Return the tags of the OpenAPI document with their descriptions, in their order."""
    return {tag: text for config in api_apps() for tag, text in config.tags.items()}


@cache
def example_calls() -> dict[str, str]:
    """Return the name of a route that a new token can be tried on, by the scope that opens it."""
    found: dict[str, str] = {}
    for config in api_apps():
        if config.viewset and not config.example_calls:
            model = model_of(config)
            found[f"read:{plural_key_of(model)}"] = f"{basename_of(model)}-list"
        found |= config.example_calls
    return found


@cache
def dialects() -> "dict[str, Dialect]":
    """Return the dialects that tokens may have, by name."""
    return {
        name: import_string(path)()
        for config in api_apps()
        for name, path in config.dialects.items()
    }


def unpublished_urls() -> list[str]:
    """Return the modules of routes that are not part of the published API."""
    return [config.unpublished_urls for config in api_apps() if config.unpublished_urls]


def basename_of(model: type[models.Model]) -> str:
    """Return the beginning of the names of a resource's routes: `time-entry`."""
    return key_of(model).replace("_", "-")


def path_of(model: type[models.Model]) -> str:
    """Return the last part of the path of a resource's list: `time-entries`."""
    return plural_key_of(model).replace("_", "-")


def key_of(model: type[models.Model]) -> str:
    """Return the name of one row on the wire: `time_entry`."""
    return str(model._meta.verbose_name).replace(" ", "_")


def plural_key_of(model: type[models.Model]) -> str:
    """Return the name of many rows on the wire: `time_entries`."""
    return str(model._meta.verbose_name_plural).replace(" ", "_")


def references_first(found: Iterable[type[models.Model]]) -> list[type[models.Model]]:
    """Return models so that each comes after those that it refers to; otherwise in their order."""
    among = list(found)
    references = {
        model: [each for each in among if each in {*_referred_to(model)}] for model in among
    }
    return list(TopologicalSorter(references).static_order())


def _referred_to(model: type[models.Model]) -> Iterable[type[models.Model]]:
    fields = (*model._meta.concrete_fields, *model._meta.many_to_many)
    return (field.related_model for field in fields if field.related_model)
