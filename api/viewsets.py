"""Base viewsets of resources."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.options import Options
from django.urls import reverse
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from api.conditional import check_preconditions, entity_tag, is_conditional, tag_of
from api.exceptions import AccessDenied, Conflict
from api.pagination.pages import PagePagination, most_per_page
from api.serializers.base import IF_UPDATED_AT
from api.serializers.representation import Representation, representation_of
from api.views import ApiView
from database.columns import model_behind
from registry.declared import key_of, plural_key_of
from resources.integrity import constraints_as_errors, refuse_if_used
from resources.locks import lock
from resources.models import Resource, ResourceQuerySet
from resources.refusals import Invalid, Refusal, Vanished
from tallies.versions import list_version

M = TypeVar("M", bound=models.Model)
R = TypeVar("R", bound=Resource)
T = TypeVar("T")
UPSERT_TRIES = 10  # against concurrent creates and deletes of the same row
EXTERNAL_ID = r"(?!.*/$)[^\x00]+"  # as it comes out of a path; no path ends with a slash


class PageMixin(ApiView, viewsets.GenericViewSet[M]):
    """Like DRF's ListModelMixin, without creating an instance of each row."""

    serializer_class: type[Serializer[M]]

    @property
    def representation(self) -> Representation:
        """How rows are shown."""
        return representation_of(self.serializer_class)

    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return a page: `{"projects": […], "pagination": {…}}`."""
        queryset = self.filter_queryset(self.get_queryset())
        page: Iterable[Any] = self.paginate_queryset(queryset) or ()
        rows = [self.representation.of_row(row, self.request.caller) for row in page]
        return self.get_paginated_response(rows)


def _shown_keys(model: type[models.Model], sources: Iterable[str]) -> tuple[str, ...]:
    """Return the plural keys of a list's resource and of those that its rows show columns of."""
    shown = {model: None}
    for source in sources:
        at = model
        for name in source.split(".")[:-1]:
            shown[at := model_behind(at, name)] = None
    return tuple(plural_key_of(each) for each in shown)


class ListViewSet(PageMixin[M]):
    """List the rows of a model that the user may see, in pages."""

    tagged = True
    queryset: ResourceQuerySet[M]
    plain_rows: ResourceQuerySet[M]
    shown_keys: ClassVar[Sequence[str]]

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Raise ImproperlyConfigured for unsupported DRF features."""
        super().__init_subclass__(**kwargs)
        if cls.get_serializer_class is not viewsets.GenericViewSet.get_serializer_class:
            raise ImproperlyConfigured(
                f"{cls.__name__}.get_serializer_class is not supported. Set serializer_class;"
                " write a separate view for another one."
            )
        if cls.serializer_class:
            sources = representation_of(cls.serializer_class).sources
            cls.shown_keys = _shown_keys(cls.queryset.model, sources)
            cls.plain_rows = cls.queryset.select_related(None)

    @property
    def key(self) -> str:
        """The name of one: `time_entry`."""
        return key_of(self.queryset.model)

    @property
    def plural_key(self) -> str:
        """The name of many: `time_entries`."""
        return plural_key_of(self.queryset.model)

    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return a page, or 304; the tag is computed without reading any row."""
        user = self.request.user
        tag = entity_tag(
            list_version(self.shown_keys, user),
            (self.plural_key, user.pk, user.role, user.zone.key, self.request.caller.dialect),
            sorted(request.query_params.items()),
            most_per_page(request),
        )
        check_preconditions(request, tag)
        response = super().list(request, *args, **kwargs)
        response["ETag"] = tag
        return response

    @property
    def _meta(self) -> Options[M]:
        return self.queryset.model._meta

    def query_parameters(self) -> Sequence[str]:
        """Return the filters and pagination parameters of a list; other actions take none."""
        if self.action != "list":
            return []
        filters = self.filterset_class.base_filters if self.filterset_class else {}
        return [*filters, *PagePagination.parameters]

    def get_queryset(self) -> ResourceQuerySet[M]:
        """Return the rows that the user may see; a representation selects the columns it needs.

        Without details, which Django would copy, all of them, with each condition.
        """
        return self.plain_rows.all().visible_to(self.request.user)

    def filter_queryset(self, queryset: models.QuerySet[M, T]) -> models.QuerySet[M, T]:
        """Apply the filters, to lists only."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset


class ResourceViewSet(ListViewSet[R]):
    """List, create, read, change and delete the rows of a model, in the shapes of docs/api.md."""

    lookup_value_regex = "[0-9]{1,18}"
    removed = "deleted"  # the effect of DELETE, as a participle

    def get_object(self) -> R:
        """Return the row of the path; 403 if it is another user's, 404 if it does not exist."""
        return self.visible_row(pk=self.kwargs["pk"])

    def visible_row(self, **found: object) -> R:
        """Return the row matching a lookup, like `get_object`."""
        rows = self.get_queryset().with_details()
        instance: R | None = rows.order_by().filter(**found).first()
        if instance is None:
            raise self.not_found(**found)
        return instance

    def not_found(self, **found: object) -> AccessDenied | NotFound:
        """Return 404, or 403 if the row belongs to another user."""
        name = self._meta.verbose_name
        if "pk" not in found:
            return NotFound(f"You have not assigned this external_id to any {name}.")
        if self.queryset.filter(**found).exists():
            return AccessDenied(f"You can only access your own {self._meta.verbose_name_plural}.")
        return NotFound(f"There is no {name} with the id {found['pk']}.")

    @contextmanager
    def row_to_write(self, **found: object) -> Iterator[R]:
        """Lock and yield a row for writing.

        The row is locked before it is read, so the response and the journal match the write, and
        of several requests with the same version exactly one succeeds. The lookup is repeated
        under the lock, because an external id may have moved to another row in the meantime.
        """
        with constraints_as_errors(self.queryset.model):
            if lock(self.queryset.model, **found) is None:
                raise self.not_found(**found)
            instance = self.visible_row(**found)
            if is_conditional(self.request):
                tag = self._tag_of(instance)
                check_preconditions(self.request, tag, instance.version)
            yield instance

    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return one: `{"project": {…}}`."""
        return self._retrieve(pk=self.kwargs["pk"])

    def _retrieve(self, **found: object) -> Response:
        one = self.get_queryset().order_by().filter(**found)
        for row in self.representation.rows(one):
            tag = tag_of(self.representation, row, self.request.caller)
            check_preconditions(self.request, tag)
            data = {self.key: self.representation.of_row(row, self.request.caller)}
            return Response(data, headers={"ETag": tag})
        raise self.not_found(**found)

    def create(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Insert one: 201 with a Location header."""
        return self._create(request.data)

    def _create(self, data: object) -> Response:
        serializer = self.get_serializer(data=data)
        serializer.is_valid(raise_exception=True)
        created = serializer.save()
        response = self._written(created, "created", status.HTTP_201_CREATED)
        response["Location"] = reverse(f"{self.basename}-detail", args=[created.pk])
        return response

    def update(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Change the fields that were sent, for PUT and PATCH alike."""
        return self._update(pk=self.kwargs["pk"])

    def _update(self, **found: object) -> Response:
        with self.row_to_write(**found) as instance:
            serializer: Any = self.get_serializer(instance, data=self.request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            changed = serializer.save()
        return self._written(changed, "updated", note=serializer.note)

    def partial_update(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Change the fields that were sent."""
        return self.update(request, *args, **kwargs)

    def destroy(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Delete one, unless others refer to it: 409 `in_use`."""
        return self._destroy(pk=self.kwargs["pk"])

    def _destroy(self, **found: object) -> Response:
        with self.row_to_write(**found) as instance:
            self.remove(instance)
        return Response({"message": self._message(self.removed)})

    @action(
        detail=False, methods=["get"], url_path=f"by-external-id/(?P<external_id>{EXTERNAL_ID})"
    )
    def retrieve_by_external_id(self, request: Request, external_id: str) -> Response:
        """Return the row with the user's external id."""
        return self._retrieve(**self._mine(external_id))

    @retrieve_by_external_id.mapping.patch
    def update_by_external_id(self, request: Request, external_id: str) -> Response:
        """Change the row with the user's external id."""
        return self._update(**self._mine(external_id))

    @retrieve_by_external_id.mapping.delete
    def destroy_by_external_id(self, request: Request, external_id: str) -> Response:
        """Delete the row with the user's external id."""
        return self._destroy(**self._mine(external_id))

    @retrieve_by_external_id.mapping.put
    def upsert(self, request: Request, external_id: str) -> Response:
        """Change the row with the user's external id (200), or create it (201)."""
        data: Any = request.data
        mine = self._mine(external_id)
        if data.get("external_id", external_id) != external_id:
            raise ValidationError(
                {"external_id": ["Omit this field: the path already contains it."]}
            )
        is_there = self.get_queryset().order_by().filter(**mine).exists
        for _ in range(UPSERT_TRIES):
            found = is_there()
            try:
                if found:
                    return self._update(**mine)
                check_preconditions(request, None)
                if IF_UPDATED_AT in data:
                    raise Conflict("The resource does not exist.")
                return self._create({**data, "external_id": external_id})
            except (NotFound, Vanished) as error:  # deleted or reassigned concurrently
                refusal: Exception = error
            except Refusal as error:  # created concurrently, or another conflict
                is_taken = error.code == "external_id_taken"
                if found or isinstance(error, Invalid) or not (is_taken or is_there()):
                    raise
                refusal = error
        raise refusal

    def _mine(self, external_id: str) -> dict[str, object]:
        """Return the lookup for the user's external id; 400 for an invalid one."""
        self._check_external_id(external_id)
        return {"external_user": self.request.user, "external_id": external_id}

    def _check_external_id(self, external_id: str) -> None:
        """Raise 400 for an invalid external id."""
        serializer: Any = self.get_serializer()
        try:
            serializer.fields["external_id"].run_validation(external_id)
        except ValidationError as error:
            raise ValidationError({"external_id": error.detail}) from error

    def remove(self, instance: R) -> None:
        """Delete a row, unless others refer to it."""
        with constraints_as_errors(type(instance)):
            refuse_if_used(instance)
            instance.delete()

    def _written(
        self,
        instance: R,
        verb: str,
        status_code: int = status.HTTP_200_OK,
        note: str = "",
    ) -> Response:
        row = self.representation.row_of(instance)
        data = self.representation.of_row(row, self.request.caller)
        body = {"message": f"{self._message(verb)}{note}", self.key: data}
        headers = {"ETag": tag_of(self.representation, row, self.request.caller)}
        return Response(body, status=status_code, headers=headers)

    def _tag_of(self, instance: R) -> str:
        return tag_of(
            self.representation, self.representation.row_of(instance), self.request.caller
        )

    def _message(self, verb: str) -> str:
        return f"{str(self._meta.verbose_name).capitalize()} {verb} successfully"
