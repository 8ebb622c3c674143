"""What the resources' endpoints share: the envelope, and how rows are reached and written."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import models
from django.http import Http404
from django.urls import reverse
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from tallies.versions import list_version
from timetracker.api.apiview import ApiView
from timetracker.api.exceptions import AccessDenied, Conflict
from timetracker.api.models import (
    ResourceQuerySet,
    constraints_as_errors,
    lock,
    refuse_if_used,
)
from timetracker.api.pagination import PagePagination
from timetracker.api.preconditions import entity_tag, is_conditional, judge, tag_of
from timetracker.api.representation import Representation, representation_of

M = TypeVar("M", bound=models.Model)
EXTERNAL_ID = r"(?!.*/$)[^\x00]+"  # as it comes out of a path; no path ends with a slash


class PageMixin(ApiView, viewsets.GenericViewSet[M]):
    """What DRF's ListModelMixin does, without making an instance of each row."""

    @property
    def representation(self) -> Representation:
        """What is shown of a row."""
        return representation_of(self.serializer_class)  # type: ignore[arg-type]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a page: `{"projects": […], "pagination": {…}}`."""
        queryset = self.filter_queryset(self.get_queryset())
        page: Iterable[Any] = self.paginate_queryset(queryset) or ()
        rows = [self.representation.of_row(row, self.request.now) for row in page]
        return self.get_paginated_response(rows)


class ListViewSet(PageMixin[M]):
    """List the rows of a model that the user may see, in pages."""

    tagged = True
    queryset: ResourceQuerySet[M]

    @property
    def key(self) -> str:
        """The name of one: `time_entry`."""
        return str(self._meta.verbose_name).replace(" ", "_")

    @property
    def plural_key(self) -> str:
        """The name of many: `time_entries`."""
        return str(self._meta.verbose_name_plural).replace(" ", "_")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a page, unless the caller has it: its tag is known before any row is read."""
        user = self.request.user
        tag = entity_tag(
            list_version(self.plural_key, user),
            (self.plural_key, user.pk, user.role, user.zone.key),
            sorted(request.query_params.items()),
        )
        judge(request, tag)
        response = super().list(request, *args, **kwargs)
        response["ETag"] = tag
        return response

    @property
    def _meta(self) -> Any:
        return self.queryset.model._meta

    def query_parameters(self) -> Sequence[str]:
        """Return the filters and the page of a list; a single object takes none."""
        if self.action != "list":
            return []
        filters = self.filterset_class.base_filters if self.filterset_class else {}
        return [*filters, *PagePagination.parameters]

    def get_queryset(self) -> ResourceQuerySet[M]:
        """Return the rows that the user may see."""
        return self.queryset.all().visible_to(self.request.user)

    def filter_queryset(self, queryset: models.QuerySet[M, Any]) -> models.QuerySet[M, Any]:
        """Apply the filters to lists; a single row is found by its id alone."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset


class ResourceViewSet(ListViewSet[M]):
    """List, create, read, change and delete the rows of a model, as CONTRACT §1 shapes them."""

    lookup_value_regex = "[0-9]{1,18}"

    def get_object(self) -> M:
        """Return the row of the path; 403 if it is another user's, 404 if there is none."""
        try:
            return super().get_object()
        except Http404 as error:
            raise self._not_found() from error

    def _not_found(self) -> AccessDenied | NotFound:
        if self.queryset.filter(pk=self.kwargs["pk"]).exists():
            return AccessDenied(f"You can only access your own {self._meta.verbose_name_plural}.")
        name = self._meta.verbose_name
        return NotFound(f"There is no {name} with the id {self.kwargs['pk']}.")

    @contextmanager
    def row_to_write(self) -> Iterator[M]:
        """Give the row of the path to a block that writes it.

        The row is locked before it is read and until the block is through: what is answered and
        told to the journal is what was written, and of those who saw the same version, exactly
        one writes.
        """
        with constraints_as_errors(self.queryset.model):
            lock(self.queryset.model, self.kwargs["pk"])
            instance = self.get_object()
            if is_conditional(self.request):
                tag = tag_of(self.representation, self.representation.row_of(instance))
                judge(self.request, tag, instance.version)  # type: ignore[attr-defined]
            yield instance

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one: `{"project": {…}}`."""
        one = self.get_queryset().order_by().filter(pk=self.kwargs["pk"])
        for row in self.representation.rows(one):
            tag = tag_of(self.representation, row)
            judge(request, tag)
            data = {self.key: self.representation.of_row(row, self.request.now)}
            return Response(data, headers={"ETag": tag})
        raise self._not_found()

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Insert one: 201 with a Location header."""
        return self._create(request.data)

    def _create(self, data: Any) -> Response:
        serializer = self.get_serializer(data=data)
        serializer.is_valid(raise_exception=True)
        created = serializer.save()
        response = self._written(created, "created", status.HTTP_201_CREATED)
        response["Location"] = reverse(f"{self.basename}-detail", args=[created.pk])
        return response

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the fields that were sent, for PUT and PATCH alike."""
        with self.row_to_write() as instance:
            serializer = self.get_serializer(instance, data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            changed = serializer.save()
        return self._written(changed, "updated")

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the fields that were sent."""
        return self.update(request, *args, **kwargs)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete one, unless others refer to it: 409 `in_use`."""
        with self.row_to_write() as instance:
            self.remove(instance)
        return Response({"message": self._message("deleted")})

    @action(
        detail=False, methods=["put"], url_path=f"by-external-id/(?P<external_id>{EXTERNAL_ID})"
    )
    def upsert(self, request: Request, external_id: str) -> Response:
        """Change the row to which the user gave an id, or create it: 200 or 201."""
        data: Any = request.data
        self._check_external_id(external_id, data)
        mine = self.queryset.model._default_manager.filter(
            external_user=self.request.user, external_id=external_id
        )
        mine_now = mine.order_by().values_list("pk", flat=True).first
        key = mine_now()
        while True:
            try:
                if key is None:
                    judge(request, None)
                    return self._create({**data, "external_id": external_id})
                self.kwargs = {"pk": str(key)}
                return self.update(request)
            except (Conflict, NotFound):  # made or deleted meanwhile, unless it is as it was
                before, key = key, mine_now()
                if key == before:
                    raise

    def _check_external_id(self, external_id: str, data: Any) -> None:
        """Raise 400 for an id that no row can have, or that is not the one in the body."""
        serializer: Any = self.get_serializer()
        try:
            serializer.fields["external_id"].run_validation(external_id)
        except ValidationError as error:
            raise ValidationError({"external_id": error.detail}) from error
        if data.get("external_id", external_id) != external_id:
            raise ValidationError({"external_id": ["Leave it out: it is in the path."]})

    def remove(self, instance: M) -> None:
        """Delete a row, unless others refer to it."""
        with constraints_as_errors(type(instance)):
            refuse_if_used(instance)
            instance.delete()

    def _written(
        self,
        instance: M,
        verb: str,
        status_code: int = status.HTTP_200_OK,
    ) -> Response:
        row = self.representation.row_of(instance)
        data = self.representation.of_row(row, self.request.now)
        body = {"message": self._message(verb), self.key: data}
        headers = {"ETag": tag_of(self.representation, row)}
        return Response(body, status=status_code, headers=headers)

    def _message(self, verb: str) -> str:
        return f"{str(self._meta.verbose_name).capitalize()} {verb} successfully"
