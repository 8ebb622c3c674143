"""Many writes in one request, each handled like a single request."""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any, Generic, TypeVar

from django.db import models, transaction
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from api.bulk.serializers import (
    ATOMIC,
    BulkOperationSerializer,
    BulkResponseSerializer,
    BulkSerializer,
    Operation,
)
from api.conditional import names, tag_of
from api.exceptions import PreconditionFailed, exception_handler
from api.serializers import fields
from api.serializers.fields import Validated
from api.views import ApiRequest
from api.viewsets import ResourceViewSet
from resources.foreseen import foreseen
from resources.integrity import constraints_as_errors, references_as_conflicts
from resources.locks import free_unseen_ids, lock_shared
from resources.models import Resource
from resources.refusals import Refusal, Taken

M = TypeVar("M", bound=models.Model)
R = TypeVar("R", bound=Resource)
Result = dict[str, object]
Row = tuple[int, Validated]  # its position in the request, and its validated data

COUNTED_AS_ONE = 100  # operations, in the rate limit

# Failures that only the database detects, such as a key taken by a concurrent write: finding one
# among 500 takes nine attempts.
MOST_FAILURES = 50

NOT_WRITTEN = {
    "error": "Failed dependency",
    "message": "Another operation failed, so nothing was written.",
    "error_code": "failed_dependency",
}
NOT_ATTEMPTED = {
    **NOT_WRITTEN,
    "message": "Not attempted because of concurrent writes. Send it again.",
}

ID_HELD = Refusal(
    "Another request is changing the row that has this external_id. Send it again.",
    "external_id_taken",
)


class BulkMixin(ResourceViewSet[R]):
    """Adds `POST …/bulk` to a resource."""

    @extend_schema(request=BulkSerializer, responses=BulkResponseSerializer)
    @action(detail=False, methods=["post"])
    def bulk(self, request: ApiRequest) -> Response:
        """Return the result of each operation: `{"committed": …, "results": […]}`."""
        asked = BulkSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        operations = asked.validated_data["operations"]
        self.count_more((len(operations) - 1) // COUNTED_AS_ONE)
        with references_as_conflicts(), transaction.atomic():
            results = Bulk(self).carry_out(operations)
            refused = ["error" in result for result in results]
            broken = any(refused) and asked.validated_data["mode"] == ATOMIC
            committed = not (broken or all(refused) or asked.validated_data["dry_run"])
            transaction.set_rollback(not committed)
        if not committed:
            results = [_rolled_back(result, cascaded=broken) for result in results]
        return Response({"committed": committed, "results": results})


class Bulk(Generic[R]):
    """The operations of one request, carried out in one transaction.

    Consecutive creates are one INSERT. If the database refuses it, rows with predictable errors
    are left out, and any other bad row is found by bisection.
    """

    def __init__(self, view: ResourceViewSet[R]) -> None:
        self.view = view
        self.model: type[R] = view.queryset.model
        self.context = {**view.get_serializer_context(), "references": {}}
        self.new: Any = view.get_serializer(context=self.context)
        self.locked_reference: str = getattr(self.model, "locked_reference", "")
        self.results: dict[int, Result] = {}
        self.failures = 0
        self.locked: set[int] = set()

    def carry_out(self, operations: Sequence[Operation]) -> list[Result]:
        """Carry out the operations in order; return their results."""
        valid = [*filter(None, map(self._validate_operation, range(len(operations)), operations))]
        self._fetch_references(valid, self._lock(valid))
        valid = self._with_free_external_ids(valid)
        for kind, group in groupby(valid, key=lambda operation: operation["op"]):
            if kind == "create":
                self._create([*filter(None, map(self._validated, group))])
            else:
                for operation in group:
                    self._write(operation)
        return [self.results[index] for index in range(len(operations))]

    def _validate_operation(self, index: int, operation: Operation) -> Operation | None:
        try:
            is_plain = operation.keys() == PLAIN.keys() and operation["op"] == PLAIN["op"]
            if not (is_plain and isinstance(operation["data"], dict)):
                operation = OPERATION.run_validation(operation)
            return {**operation, "index": index}
        except APIException as error:
            self._fail(index, error)
            return None

    def _fetch_references(self, operations: Iterable[Operation], kept: Iterable[int]) -> None:
        """Fetch every row that the operations refer to, with one query per field.

        Those that a write holds, or may hold because the row refers to them (`locked_reference`),
        are locked in the order of their ids, and after the rows to change, as a single write
        does: however two requests mix them, both get through.
        """
        sent = [operation["data"] for operation in operations if "data" in operation]
        for name, field in self.new.fields.items():
            if isinstance(field, fields.ReferenceField) and not field.read_only:
                texts = {str(data.get(name)) for data in sent}
                ids = [int(text) for text in texts if fields.ID.fullmatch(text)]
                rows = field.rows.select_related(None)
                ids += kept if name == self.locked_reference else ()
                find = lock_shared if name == self.locked_reference else _by_id
                self.context["references"][name] = find(rows, ids) if ids else {}

    def _with_free_external_ids(self, operations: Sequence[Operation]) -> list[Operation]:
        """Free reassigned external ids from rows that the caller can no longer see.

        Return the operations without those whose id another request holds: the INSERT would wait
        for that one, which may be waiting for a row that is locked here.
        """
        user = self.view.request.user
        ids = {_external_id(operation) for operation in operations} - {""}
        held = () if user.is_superuser else free_unseen_ids(self.model, user, ids)[1]
        for operation in operations if held else ():
            if _external_id(operation) in held:
                self._fail(operation["index"], ID_HELD, operation.get("id"))
        return [each for each in operations if each["index"] not in self.results]

    def _lock(self, operations: Sequence[Operation]) -> set[int]:
        """Lock the rows to change in the order of their ids, so that two requests do not cross.

        Return the ids that those to update have in the reference that a write may hold.
        """
        ids = {operation["id"] for operation in operations if "id" in operation}
        if not ids:
            return set()
        rows = self.view.get_queryset().filter(pk__in=ids).order_by("pk")
        locked = rows.select_for_update(no_key=True).values_list(
            "pk", self.locked_reference or "pk"
        )
        found = [*locked]
        self.locked = {pk for pk, _ in found}
        updated = {operation["id"] for operation in operations if operation["op"] == "update"}
        return {kept for pk, kept in found if self.locked_reference and pk in updated}

    def _validated(self, operation: Operation) -> Row | None:
        try:
            return operation["index"], self.new.run_validation(operation["data"])
        except APIException as error:
            self._fail(operation["index"], error)
            return None

    def _create(self, rows: Sequence[Row]) -> None:
        """Insert rows; if that fails, retry without those whose refusal can be predicted."""
        if rows and not self._inserted(rows):
            refusals = foreseen(self.new.made_of([row for _, row in rows]))
            self._show(refusals)
            for (index, _), refusal in zip(rows, refusals, strict=True):
                if refusal:
                    self._fail(index, refusal)
            self._halve([row for row, refusal in zip(rows, refusals, strict=True) if not refusal])

    def _show(self, refusals: Iterable[Refusal | None]) -> None:
        """Add the ids of conflicting rows that the caller may see."""
        taken = [each for each in refusals if isinstance(each, Taken) and self.new.shows_id(each)]
        ids = {each.pk for each in taken if each.pk}
        seen = self.view.get_queryset().in_bulk(ids) if ids else ()
        for each in taken:
            if each.pk in seen:
                each.shown["conflicting_id"] = each.pk

    def _halve(self, rows: Sequence[Row]) -> None:
        """Isolate the few bad rows by bisection, so that all others are inserted."""
        if not rows or self._inserted(rows):
            return
        self.failures += 1
        half = len(rows) // 2
        for part in (rows[:half], rows[half:]) if half else ():
            if self.failures < MOST_FAILURES:
                self._halve(part)
            else:
                self._skip(part)

    def _inserted(self, rows: Sequence[Row]) -> bool:
        """Insert rows and return whether that succeeded. Record the error if there is only one."""
        try:
            with constraints_as_errors(self.model):
                created = self.new.create_all([row for _, row in rows])
        except Refusal as error:
            if len(rows) == 1:
                self._fail(rows[0][0], error)
            return False
        for (index, _), instance in zip(rows, created, strict=True):
            self._succeed(index, status.HTTP_201_CREATED, instance.pk)
        return True

    def _skip(self, rows: Sequence[Row]) -> None:
        for index, _ in rows:
            self.results[index] = {
                "index": index,
                "status": status.HTTP_424_FAILED_DEPENDENCY,
                "id": None,
                "error": NOT_ATTEMPTED,
            }

    def _write(self, operation: Operation) -> None:
        """Update or delete a row."""
        index, key = operation["index"], operation["id"]
        try:
            with transaction.atomic():
                if key not in self.locked:  # it may have come into sight since
                    raise self.view.not_found(pk=key)
                instance = self.view.visible_row(pk=key)
                if "if_match" in operation:
                    self._check_match(operation["if_match"], instance)
                if operation["op"] == "delete":
                    self.view.remove(instance)
                else:
                    serializer = self.view.get_serializer(
                        instance, data=operation["data"], partial=True, context=self.context
                    )
                    serializer.is_valid(raise_exception=True)
                    serializer.save()
        except (APIException, Refusal) as error:
            self._fail(index, error, key)
        else:
            self._succeed(index, status.HTTP_200_OK, key)

    def _check_match(self, asked: int | str, instance: R) -> None:
        """Raise 412 unless a row has the requested version or entity tag."""
        representation = self.view.representation
        row = representation.row_of(instance)
        tag = tag_of(representation, row, self.view.request.caller)
        if not (asked == instance.version if isinstance(asked, int) else names(asked, tag)):
            raise PreconditionFailed(tag, instance.version)

    def _succeed(self, index: int, status_code: int, key: int) -> None:
        self.results[index] = {"index": index, "status": status_code, "id": key}

    def _fail(self, index: int, error: APIException | Refusal, key: int | None = None) -> None:
        answer: Any = exception_handler(error, {"request": self.view.request})
        words = {name: value for name, value in answer.data.items() if name != "request_id"}
        self.results[index] = {
            "index": index,
            "status": answer.status_code,
            "id": key,
            "error": words,
        }


def _external_id(operation: Operation) -> str:
    given = operation.get("data", {}).get("external_id")
    return given if isinstance(given, str) else ""


def _by_id(rows: models.QuerySet[M], ids: Collection[int]) -> dict[int, M]:
    return rows.in_bulk(ids)


OPERATION = BulkOperationSerializer()
PLAIN: Operation = {"op": "create", "data": {}}  # the common case, which skips validation


def _rolled_back(result: Result, *, cascaded: bool) -> Result:
    """Return the result of an operation that was rolled back."""
    if "error" in result:
        return result
    if result["status"] == status.HTTP_201_CREATED:
        result = {**result, "id": None}
    if not cascaded:
        return result
    return {**result, "status": status.HTTP_424_FAILED_DEPENDENCY, "error": NOT_WRITTEN}
