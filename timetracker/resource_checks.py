"""System checks of resource declarations; each names the file to fix."""

from collections.abc import Iterator, Sequence

from django.apps import AppConfig, apps
from django.contrib import admin
from django.core.checks import CheckMessage, Error, register
from django.db import models
from django.utils.module_loading import import_string

from api.serializers.representation import representation_of
from api.viewsets import ListViewSet, ResourceViewSet
from journal.journaled import Journaled
from moving.kinds import unnamed
from registry import declared
from registry.config import ApiAppConfig
from resources.models import Resource

Viewset = type[ListViewSet[models.Model]]

# Fields that every resource needs, so that clients can follow, cache and merge rows.
OF_EVERY_ROW = {"id", "created_at", "updated_at", "version", "external_id"}
FILTERS_OF_EVERY_LIST = {"updated_since", "external_id"}


@register
def resources_are_declared(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    """Refuse a resource whose declaration is incomplete."""
    found = list(_models_without_viewset())
    for config in declared.api_apps():
        if config.viewset:
            found += _check(config)
    return found or [*_models_not_moved()]


def _models_without_viewset() -> Iterator[CheckMessage]:
    served = {config.name for config in declared.api_apps() if config.viewset}
    for model in apps.get_models():
        name = model._meta.app_config.name
        if issubclass(model, Resource) and name not in served:
            yield _error(
                10,
                f"{model.__name__} is a Resource, but its app declares no viewset.",
                f"Write an ApiAppConfig with `viewset` in {name}/apps.py.",
            )


def _models_not_moved() -> Iterator[CheckMessage]:
    for model in unnamed():
        yield _error(
            23,
            f"An export would lose the rows of {model._meta.label}, or should not have them.",
            "Name it in OTHERS or in LEFT_OUT in moving/kinds.py.",
        )


def _check(config: ApiAppConfig) -> Iterator[CheckMessage]:
    """Yield the errors of one declaration; later checks rely on earlier ones."""
    try:
        viewset: object = import_string(config.viewset)
    except ImportError as error:
        yield _error(
            11,
            f"{config.name} declares the viewset {config.viewset}: {error}.",
            f"Correct `viewset` in {config.name}/apps.py.",
        )
        return
    if not (isinstance(viewset, type) and issubclass(viewset, ListViewSet)):
        yield _error(
            11,
            f"{config.viewset} is not a ListViewSet.",
            f"Inherit ResourceViewSet in {config.name}/views.py.",
        )
        return
    for check in (_scopes, _tag, _example, _admin, _model, _serializer, _filters, _fetching):
        yield from check(config, viewset)


def _scopes(config: ApiAppConfig, viewset: Viewset) -> Iterator[CheckMessage]:
    name = declared.plural_key_of(viewset.queryset.model)
    if getattr(viewset, "scope_resource", None) != name:
        yield _error(
            12,
            f"{viewset.__name__} must have scope_resource = {name!r}.",
            f'Write `scope_resource = "{name}"` in {config.name}/views.py.',
        )
    actions = ["read", "write"] if issubclass(viewset, ResourceViewSet) else ["read"]
    for action in actions:
        if f"{action}:{name}" not in config.scopes:
            yield _error(
                13,
                f"No app declares the scope {action}:{name}, so no token can be issued for it.",
                f"Add it to `scopes` in {config.name}/apps.py.",
            )


def _tag(config: ApiAppConfig, viewset: Viewset) -> Iterator[CheckMessage]:
    tag = declared.plural_key_of(viewset.queryset.model).replace("_", " ").capitalize()
    if tag not in config.tags:
        yield _error(
            14,
            f"The OpenAPI document has no description of {tag!r}.",
            f"Add it to `tags` in {config.name}/apps.py.",
        )


def _example(config: ApiAppConfig, viewset: Viewset) -> Iterator[CheckMessage]:
    component = viewset.serializer_class.__name__.removesuffix("Serializer")
    fields = viewset.serializer_class().fields.items()
    shown = {name for name, field in fields if not field.write_only} - OF_EVERY_ROW | {"id"}
    example = config.examples.get(component, {})
    if missing := sorted(shown - set(example)):
        yield _error(
            15,
            f"The example of {component} lacks {', '.join(missing)}.",
            f'Complete `examples["{component}"]` in {config.name}/apps.py.',
        )


def _admin(config: ApiAppConfig, viewset: Viewset) -> Iterator[CheckMessage]:
    if not admin.site.is_registered(viewset.queryset.model):
        yield _error(
            16,
            f"{viewset.queryset.model.__name__} is not in the admin.",
            f"Register a ModelAdmin in {config.name}/admin.py.",
        )


def _model(config: ApiAppConfig, viewset: Viewset) -> Iterator[CheckMessage]:
    model = viewset.queryset.model
    if not issubclass(viewset, ResourceViewSet):
        return
    if not issubclass(model, Resource):
        yield _error(
            17,
            f"{model.__name__} is not a Resource, so its changes are not recorded.",
            f"Inherit Resource in {config.name}/models.py.",
        )
    elif not any(_is_once_per_user(each) for each in model._meta.constraints):
        yield _error(
            18,
            f"A user could assign the same external_id to two rows of {model.__name__}.",
            f"Add external_id_once(…) to Meta.constraints in {config.name}/models.py.",
        )
    if not model._meta.ordering or model._meta.ordering[-1] not in ("id", "-id"):
        yield _error(
            19,
            f"The ordering of {model.__name__} must end in id, or pages could overlap.",
            f"End Meta.ordering in id in {config.name}/models.py.",
        )


def _is_once_per_user(constraint: models.BaseConstraint) -> bool:
    return isinstance(constraint, models.UniqueConstraint) and constraint.fields == (
        "external_user",
        "external_id",
    )


def _serializer(config: ApiAppConfig, viewset: Viewset) -> Iterator[CheckMessage]:
    missing = OF_EVERY_ROW - set(viewset.serializer_class().fields)
    if issubclass(viewset.queryset.model, Journaled) and missing:
        yield _error(
            20,
            f"{viewset.serializer_class.__name__} does not show {', '.join(sorted(missing))}.",
            f"Add it to Meta.fields in {config.name}/serializers.py.",
        )


def _filters(config: ApiAppConfig, viewset: Viewset) -> Iterator[CheckMessage]:
    known = set(viewset.filterset_class.base_filters) if viewset.filterset_class else set()
    missing = sorted(FILTERS_OF_EVERY_LIST - known)
    if issubclass(viewset.queryset.model, Journaled) and missing:
        yield _error(
            21,
            f"The list of {viewset.__name__} cannot be filtered by {', '.join(missing)}.",
            f"Add it to the FilterSet in {config.name}/filters.py, and set filterset_class "
            "in the view.",
        )


def _fetching(config: ApiAppConfig, viewset: Viewset) -> Iterator[CheckMessage]:
    """A relation that is shown and not fetched would cost a query for each row written."""
    selected = viewset.queryset.query.select_related
    for source in representation_of(viewset.serializer_class).sources:
        path = source.split(".")[:-1]
        at: object = selected
        for name in path:
            at = at.get(name) if isinstance(at, dict) else None
            if at is None:
                yield _error(
                    22,
                    f"{viewset.__name__} shows {source}, but does not fetch it.",
                    f"Select {'__'.join(path)} in with_details() in {config.name}/models.py.",
                )
                break


def _error(number: int, message: str, hint: str) -> CheckMessage:
    return Error(message, hint=hint, id=f"timetracker.E{number:03}")
