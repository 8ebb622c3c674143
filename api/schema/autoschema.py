"""The OpenAPI document: what drf-spectacular cannot see for itself."""

# drf-spectacular has types for a part of its functions.
# mypy: disable-error-code="no-untyped-call"

import re
from dataclasses import replace
from typing import Any

from django.db import models
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.plumbing import ResolvedComponent, get_doc
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers

from api.exceptions import error_body
from api.pagination.serializers import PAGE_PARAMETERS
from api.schema.answers import (
    ANSWERS,
    EXAMPLE_REQUEST_ID,
    FAILURES,
    HEADERS,
    RATE_LIMIT_HEADERS,
    Failure,
    MessageSerializer,
    envelope,
    list_envelope,
    written_envelope,
)
from api.schema.texts import TEXTS, with_article
from api.schema.types import (
    ALSO_ACCEPTED,
    PATH_PARAMETERS,
    REQUEST_HEADERS,
    UNDOCUMENTED,
    Direction,
    Schema,
    query_parameter,
)
from api.serializers.fields import AlsoAccepted, AnyField, AnySerializer
from api.serializers.schema import is_nullable
from api.views import METHODS_WITH_BODY
from api.viewsets import ListViewSet, ResourceViewSet
from apitokens.permissions import required_scope
from idempotency.idempotent import METHODS
from registry import declared
from resources.integrity import TriggerConstraint


class AutoSchema(SpectacularAutoSchema):
    """Envelopes, errors, headers, parameters and scopes of an operation, all from its view."""

    view: Any

    def get_operation(self, *args: Any) -> Schema | None:
        """Return the operation; one that needs no token says so."""
        operation = super().get_operation(*args)
        return operation and {"security": [], **operation}

    def get_operation_id(self) -> str:
        """Return `projects_list` for a resource, else the path: `timer_start`."""
        if isinstance(self.view, ListViewSet):
            return f"{self.view.plural_key}_{self.view.action}"
        return "_".join(self._tokenize_path()).replace("-", "_")

    def get_tags(self) -> list[str]:
        """Return the resource of the path, if an app declares it as a tag."""
        tag = self._tokenize_path()[0].replace("-", " ").capitalize()
        return [tag if tag in declared.tags() else "System"]

    def get_summary(self) -> str:
        """Return what the operation does, in a few words."""
        if self._has_own_docstring():
            return re.split("[:.]", self._docstring())[0]
        if isinstance(self.view, ListViewSet):
            return self._worded(TEXTS[self.view.action][0])
        return get_doc(type(self.view)).rstrip(".")

    def get_description(self) -> str:  # type: ignore[override]
        """Return what to know about the operation, and the scope that it needs."""
        if isinstance(self.view, ListViewSet) and not self._has_own_docstring():
            text = self._worded(TEXTS[self.view.action][1])
            if self.method == "DELETE" and self._may_be_in_use():
                text += " Answers 409 `in_use` while other resources refer to it."
        else:
            text = self._docstring()
        scope = self._scope()
        return f"{text}\n\nRequired scope: `{scope}`" if scope else text

    def get_extensions(self) -> Schema:
        """Return the scope that the operation needs, for machines."""
        scope = self._scope()
        return {"x-required-scope": scope} if scope else {}

    def get_request_serializer(self) -> AnySerializer | type[AnySerializer] | None:
        """Return the body's serializer; PUT takes a part of the fields, as PATCH does."""
        serializer = super().get_request_serializer()
        if self.method == "PUT" and isinstance(serializer, serializers.Serializer):
            serializer.partial = True
        return serializer

    def get_response_serializers(self) -> Any:
        """Return the envelope that a resource's action answers with."""
        if not isinstance(self.view, ListViewSet):
            return super().get_response_serializers()
        item: Any = self.view.get_serializer_class()
        match self.view.action:
            case "list":
                return list_envelope(item, self.view.plural_key)
            case "retrieve" | "retrieve_by_external_id":
                return envelope(item, self.view.key)
            case "destroy" | "destroy_by_external_id":
                return {200: MessageSerializer}
            case "upsert":
                return dict.fromkeys((200, 201), written_envelope(item, self.view.key))
            case "create" | "update" | "partial_update" | "update_by_external_id":
                return written_envelope(item, self.view.key)
        return super().get_response_serializers()

    def _get_response_bodies(self, direction: Direction = "response") -> Schema:
        bodies: Schema = super()._get_response_bodies(direction)
        if "If-None-Match" in self._request_headers():
            bodies["304"] = self._component("responses", "NotModified", self._not_modified())
        for status in self._failures():
            bodies.setdefault(str(status), self._failure(status))
        return dict(sorted(bodies.items()))

    def _get_response_for_code(
        self,
        serializer: object,
        status_code: str,
        media_types: object = None,
        direction: Direction = "response",
    ) -> Schema:
        response: Schema = super()._get_response_for_code(
            serializer, status_code, media_types, direction
        )
        response["description"] = response["description"] or ANSWERS[status_code]
        return response

    def _get_response_headers_for_code(
        self, status_code: str, direction: Direction = "response"
    ) -> Schema:
        location = ("Location",) if status_code == "201" else ()
        tag = ("ETag",) if self._is_tagged() and self.method != "DELETE" else ()
        limits = () if self._is_public() else RATE_LIMIT_HEADERS
        return self._headers(*location, *tag, *limits)

    def _resolve_path_parameters(self, variables: list[str]) -> list[Schema]:
        return [
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": self._worded(PATH_PARAMETERS[name][1]),
                "schema": PATH_PARAMETERS[name][0],
            }
            for name in variables
        ]

    def _get_filter_parameters(self) -> list[Schema]:
        """Return what the view's `query_parameters` names, so that both always agree."""
        if self._is_public():
            return []
        own = PAGE_PARAMETERS | getattr(self.view, "parameters", {})
        for name, each in getattr(self.view.filterset_class, "base_filters", {}).items():
            about = each.about.format(name.removesuffix("_id"))
            own[name] = (each.schema, each.extra.get("help_text") or about)
        names = [name for name in self.view.query_parameters() if name not in UNDOCUMENTED]
        return [query_parameter(name, *own[name]) for name in names]

    def get_override_parameters(
        self,
    ) -> list[OpenApiParameter | AnySerializer | type[AnySerializer]]:
        """Return the headers that the operation understands."""
        return [
            OpenApiParameter(
                name, schema, "header", description=text, examples=[OpenApiExample(name, example)]
            )
            for name, (schema, text, example) in REQUEST_HEADERS.items()
            if name in self._request_headers()
        ]

    def _request_headers(self) -> tuple[str, ...]:
        if self._is_public():
            return ()
        if self.method == "GET":
            return ("If-None-Match",) if self._is_tagged() else ()
        has_state = self.method != "POST" or self.view.conditional_post
        if self._is_tagged() and has_state:
            return ("If-Match", "Idempotency-Key")
        return ("Idempotency-Key",)

    def _is_tagged(self) -> bool:
        """Return whether what is shown has an entity tag."""
        return getattr(self.view, "tagged", False) and getattr(self.view, "action", "") != "bulk"

    def _get_pagination_parameters(self) -> list[Schema]:
        return []

    def _get_serializer_field_meta(self, field: AnyField, direction: Direction) -> Schema:
        meta: Schema = super()._get_serializer_field_meta(field, direction)
        meta.pop("title", None)
        if field.read_only and isinstance(field.parent, serializers.ModelSerializer):
            meta.pop("description", None)  # a column's help is for who fills it in
        if direction == "response" and is_nullable(field):
            meta["nullable"] = True
        return meta

    def _map_serializer_field(
        self, field: AnyField, direction: Direction, *args: object, **kwargs: object
    ) -> Schema:
        """Describe the type that a client should send; what else is accepted, only in words."""
        schema: Schema = super()._map_serializer_field(field, direction, *args, **kwargs)
        schema.pop("x-spec-enum-id", None)  # for a hook that `hooks.name_choices` replaces
        also_accepted: AlsoAccepted | None = getattr(field, "also_accepted", None)
        if direction == "request" and also_accepted:
            words, other = also_accepted
            about = f"{schema.get('description', '')} Also accepted: {words}."
            schema |= {"description": about.strip(), ALSO_ACCEPTED: other}
        return schema

    def _map_basic_serializer(self, serializer: AnySerializer, direction: Direction) -> Schema:
        """Require what an answer always has: a resource's every field, whatever input needs."""
        schema: Schema = super()._map_basic_serializer(serializer, direction)
        if direction == "response":
            optional = {
                name
                for name, field in serializer.fields.items()
                if not (field.required or field.read_only)
                and not isinstance(serializer, serializers.ModelSerializer)
            }
            schema["required"] = [name for name in schema["properties"] if name not in optional]
        return schema

    def _failures(self) -> list[int]:
        """Return the statuses of the errors that can happen."""
        if self._is_public():
            return [*getattr(self.view, "failures", ()), 500]
        statuses = [400, 401, 403, 429, 500, 503, *getattr(self.view, "failures", ())]
        if "{" in self.path:
            statuses.append(404)
        if "If-Match" in self._request_headers() or (self.method == "GET" and self._is_tagged()):
            statuses.append(412)
        if self.method in METHODS:
            statuses.append(422)
        if self.method in METHODS_WITH_BODY:
            statuses += [411, 413, 415]
        return [*statuses, 409] if self._can_conflict() else statuses

    def _can_conflict(self) -> bool:
        """Return whether stored rows can stand against a write; archiving never fails."""
        if self.method == "DELETE":
            if not isinstance(self.view, ResourceViewSet):
                return False
            constraints = self.view.queryset.model._meta.constraints
            has_triggers = any(isinstance(each, TriggerConstraint) for each in constraints)
            return has_triggers or self._may_be_in_use()
        return self.method in METHODS_WITH_BODY and self.get_request_serializer() is not None

    def _may_be_in_use(self) -> bool:
        """Return whether other rows can keep one from being deleted."""
        if type(self.view).remove is not ResourceViewSet.remove:
            return False
        relations = self.view.queryset.model._meta.related_objects
        return any(relation.on_delete is models.PROTECT for relation in relations)

    def _failure(self, status: int) -> Schema:
        """Return a reference to an error's named response."""
        failure = getattr(self.view, "own_failures", FAILURES).get(status, FAILURES[status])
        if status == 409 and hasattr(self.view, "conflict_serializer"):
            body = self.view.conflict_serializer
            name = body.__name__.removesuffix("ErrorSerializer")
            failure = replace(failure, name=name, serializer=body)
        return self._component("responses", failure.name, self._failure_response(status, failure))

    def _not_modified(self) -> Schema:
        headers = self._headers("ETag", *RATE_LIMIT_HEADERS)
        return {
            "description": "Not modified: you have the current state. No body.",
            "headers": headers,
        }

    def _failure_response(self, status: int, failure: Failure) -> Schema:
        body = self.resolve_serializer(failure.serializer, "response").ref
        example = error_body(status, failure.description, request_id=EXAMPLE_REQUEST_ID)
        return {
            "description": failure.description,
            "headers": self._headers(*failure.headers),
            "content": {
                "application/json": {"schema": body, "example": example | failure.example}
            },
        }

    def _headers(self, *names: str) -> Schema:
        """Return references to headers; every answer has the id of its request."""
        names = (*names, "X-Request-ID")
        return {name: self._component("headers", name, HEADERS[name]) for name in names}

    def _component(self, kind: str, name: str, schema: Schema) -> Schema:
        """Return a reference to a component, which is registered if it is new."""
        component = ResolvedComponent(name=name, type=kind, schema=schema, object=name)
        self.registry.register_on_missing(component)
        reference: Schema = component.ref
        return reference

    def _is_public(self) -> bool:
        return not self.view.get_permissions()

    def _scope(self) -> str:
        """Return the scope that the operation needs, if any."""
        if self._is_public() or self.view.any_scope:
            return ""
        return required_scope(self.view, self.method)

    def _worded(self, text: str) -> str:
        one, many = (key.replace("_", " ") for key in (self.view.key, self.view.plural_key))
        remove = getattr(self.view, "removed", "deleted").removesuffix("d").capitalize()
        return text.format(one=one, a_one=with_article(one), many=many, remove=remove)

    def _docstring(self) -> str:
        return get_doc(getattr(self.view, getattr(self.view, "action", self.method.lower())))

    def _has_own_docstring(self) -> bool:
        """Return whether a resource words an action itself, as projects do when archiving."""
        name = getattr(self.view, "action", None) or ""
        own, inherited = (
            getattr(each, name, None)
            for each in (type(self.view), super(type(self.view), self.view))
        )
        # `extend_schema_view` gives the class a copy, with the inherited docstring.
        return name in vars(type(self.view)) and own.__doc__ != inherited.__doc__
