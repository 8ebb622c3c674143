"""Bodies and rows of any resource, made from the example that its app declares."""

from typing import Any

from django.apps import apps
from django.db import models
from rest_framework.test import APIClient

from api.serializers.fields import ReferenceField
from api.viewsets import ResourceViewSet
from apitokens.models import ApiToken
from apitokens.scopes import known_scopes
from registry import declared
from tests.support.factories import make_user
from users.models import User

RESOURCES: dict[str, type[ResourceViewSet[Any]]] = {
    name: viewset
    for name, viewset in declared.viewsets().items()
    if issubclass(viewset, ResourceViewSet)
}


NEEDS_ONE_OF = {"rates": "project_id"}  # each reference may be left out, but not all of them


def path_of(viewset: Any) -> str:
    """The path of a resource's list."""
    return f"/api/v1/{declared.path_of(viewset.queryset.model)}"


def example_of(viewset: Any) -> dict[str, Any]:
    """The example of a resource, as its app declares it."""
    component = viewset.serializer_class.__name__.removesuffix("Serializer")
    config: Any = apps.get_containing_app_config(viewset.__module__)
    return dict(config.examples[component])


def change_of(viewset: Any) -> dict[str, Any]:
    """The declared example of a change."""
    component = viewset.serializer_class.__name__.removesuffix("Serializer")
    config: Any = apps.get_containing_app_config(viewset.__module__)
    return dict(config.examples[f"Patched{component}Request"])


def body_of(viewset: Any, user: User, number: int = 1) -> dict[str, Any]:
    """A body to create a row with; it refers to rows that are there or made for it."""
    fields = {n: f for n, f in viewset.serializer_class().fields.items() if not f.read_only}
    body = {name: value for name, value in example_of(viewset).items() if name in fields}
    if "name" in body:
        body["name"] = f"{body['name']} {number}"
    if "valid_from" in body:  # a place has one rate from a day on
        body["valid_from"] = f"2024-02-{number:02}"
    made: dict[str, models.Model] = {}
    for name, field in fields.items():
        if name in body and body[name] is not None and isinstance(field, ReferenceField):
            row = referred_to(field, user, made)
            made[name], body[name] = row, row.pk
    return body


def smallest_body_of(viewset: Any, user: User, number: int = 1) -> dict[str, Any]:
    """A body without the references that a row can do without."""
    fields = viewset.serializer_class().fields
    return {
        name: value
        for name, value in body_of(viewset, user, number).items()
        if fields[name].required
        or not isinstance(fields[name], ReferenceField)
        or name == NEEDS_ONE_OF.get(viewset.scope_resource)
    }


def referred_to(field: Any, user: User, made: dict[str, models.Model]) -> Any:
    """The row that a reference is given: the caller, or one of the resource it refers to."""
    model = field.get_queryset().model
    if model is User:
        return user
    among = {name: row for name, row in made.items() if hasattr(model, name.removesuffix("_id"))}
    same = {name.removesuffix("_id"): row for name, row in among.items()}
    found = model.objects.filter(**same).order_by("pk").first()
    return found or make_row(RESOURCES[declared.plural_key_of(model)], user)


def make_row(viewset: Any, user: User, number: int = 1) -> Any:
    """A row of a resource, made from its example."""
    serializer = viewset.serializer_class(
        data=body_of(viewset, user, number), context={"request": _Request(user)}
    )
    serializer.is_valid(raise_exception=True)
    return serializer.save()


class _Request:
    """As much of a request as a serializer asks."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.auth = ApiToken(user=user, scopes=[*known_scopes()])


def create(api: APIClient, viewset: Any, user: User, number: int = 1) -> dict[str, Any]:
    """Create a row through the API; return what it answers."""
    response: Any = api.post(path_of(viewset), body_of(viewset, user, number))
    assert response.status_code == 201, response.content
    found: dict[str, Any] = response.json()[declared.key_of(viewset.queryset.model)]
    return found


def someone() -> User:
    """A user beside the cast."""
    return make_user("erik")
