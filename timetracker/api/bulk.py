"""Many writes in one request, each judged as if it came alone."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, ClassVar, TypeVar

from django.db import models, transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from timetracker.api import fields
from timetracker.api.exceptions import PreconditionFailed, exception_handler
from timetracker.api.models import constraints_as_errors, references_as_conflicts
from timetracker.api.preconditions import tag_of
from timetracker.api.serializers import refuse_unknown
from timetracker.api.viewsets import ApiRequest, ResourceViewSet

M = TypeVar("M", bound=models.Model)
Operation = dict[str, Any]
Result = dict[str, Any]

MOST_OPERATIONS = 500
ATOMIC, PARTIAL = "atomic", "partial"
NOT_WRITTEN = {
    "error": "Failed dependency",
    "message": "Another operation failed, so nothing was written.",
    "error_code": "failed_dependency",
}


class IdField(serializers.Field[int, Any, int, Any]):
    """The id of a row, as an integer or a string of digits."""

    def to_internal_value(self, data: Any) -> int:
        """Return the id; 400 for anything else."""
        return fields.id_of(data)


class FieldsField(serializers.Field[dict[str, Any], Any, Any, Any]):
    """The fields of a row, judged by the row's own serializer."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the object; 400 for anything else."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("Give an object.")
        return data


class OperationSerializer(serializers.Serializer[Operation]):
    """One write: `create` with `data`, `update` with `id` and `data`, `delete` with `id`."""

    op = fields.ChoiceField(["create", "update", "delete"])
    id = IdField(required=False)
    if_match = fields.IntegerField(
        required=False, min_value=1, help_text="The `version` that the row must have: else 412."
    )
    data = FieldsField(required=False)  # type: ignore[assignment] # a field, not the property

    needed: ClassVar[dict[str, set[str]]] = {
        "create": {"data"},
        "update": {"id", "data"},
        "delete": {"id"},
    }
    taken: ClassVar[dict[str, set[str]]] = {
        "create": {"data"},
        "update": {"id", "data", "if_match"},
        "delete": {"id", "if_match"},
    }

    def to_internal_value(self, data: Any) -> Operation:
        """Return an operation; 400 names every unknown member."""
        refuse_unknown(data, self.fields)
        operation: Operation = super().to_internal_value(data)
        return operation

    def validate(self, attrs: Operation) -> Operation:
        """Refuse what is missing for the kind of write, or has no meaning with it."""
        kind, given = attrs["op"], set(attrs) - {"op"}
        missing = {name: ["This field is required."] for name in self.needed[kind] - given}
        surplus = {name: [f"Leave it out of a {kind}."] for name in given - self.taken[kind]}
        if missing or surplus:
            raise serializers.ValidationError(missing | surplus)
        return attrs


class UnjudgedOperationSerializer(OperationSerializer):
    """An operation whose turn to be judged comes later: what is wrong with it is its own."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the object as it came."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("Each operation is an object.")
        return data


class BulkSerializer(serializers.Serializer[object]):
    """What to write, all of it or as much of it as is accepted."""

    mode = fields.ChoiceField(
        [ATOMIC, PARTIAL],
        default=ATOMIC,
        help_text="`atomic`: all or nothing; `partial`: whatever is accepted.",
    )
    dry_run = fields.SwitchField(default=False, help_text="Judge everything and write nothing.")
    operations = UnjudgedOperationSerializer(  # type: ignore[call-arg] # many=True takes it
        many=True, allow_empty=False, max_length=MOST_OPERATIONS
    )

    def to_internal_value(self, data: Any) -> Any:
        """Return the values; 400 names every unknown field."""
        refuse_unknown(data, self.fields)
        return super().to_internal_value(data)


class OperationErrorSerializer(serializers.Serializer[object]):
    """Why an operation was not carried out, as a single request would be told."""

    error = serializers.CharField()
    message = serializers.CharField()
    error_code = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment] # a field, not the property
        child=serializers.ListField(child=serializers.CharField()), required=False
    )
    version = serializers.IntegerField(required=False)
    etag = serializers.CharField(required=False)


class ResultSerializer(serializers.Serializer[object]):
    """What became of an operation."""

    index = serializers.IntegerField(help_text="Its place among the operations, from 0.")
    status = serializers.IntegerField(
        help_text="What a single request would be answered; 424 for one that another took along."
    )
    id = serializers.IntegerField(
        allow_null=True, help_text="As it was sent; of a create null where nothing was created."
    )
    error = OperationErrorSerializer(required=False)


class BulkAnswerSerializer(serializers.Serializer[object]):
    """Whether anything was written, and what became of each operation."""

    committed = serializers.BooleanField()
    results = ResultSerializer(many=True)


class BulkMixin(ResourceViewSet[M]):
    """Adds `POST …/bulk` to a resource."""

    @extend_schema(request=BulkSerializer, responses=BulkAnswerSerializer)
    @action(detail=False, methods=["post"])
    def bulk(self, request: ApiRequest) -> Response:
        """Return what became of each operation: `{"committed": …, "results": […]}`."""
        asked = BulkSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with references_as_conflicts(), transaction.atomic():
            results = Bulk(self).carry_out(asked.validated_data["operations"])
            refused = ["error" in result for result in results]
            broken = any(refused) and asked.validated_data["mode"] == ATOMIC
            committed = not (broken or all(refused) or asked.validated_data["dry_run"])
            transaction.set_rollback(not committed)
        if not committed:
            results = [_undone(result, taken_along=broken) for result in results]
        return Response({"committed": committed, "results": results})


class Bulk:
    """The operations of one request, carried out in its transaction.

    Creates that follow each other are one INSERT. What goes wrong with one is found by halving
    them, so that all the others are in.
    """

    def __init__(self, view: ResourceViewSet[Any]) -> None:
        self.view = view
        self.model: type[models.Model] = view.queryset.model
        self.context = {**view.get_serializer_context(), "references": {}}
        self.new: Any = view.get_serializer(context=self.context)
        self.held: str = getattr(view.serializer_class.Meta, "held", "")  # type: ignore[union-attr]
        self.results: dict[int, Result] = {}

    def carry_out(self, operations: Sequence[Operation]) -> list[Result]:
        """Carry out the operations in their order; return what became of each."""
        judged = [*filter(None, map(self._judge, range(len(operations)), operations))]
        held = self._lock(judged)
        self._fetch_references(judged, held)
        for kind, group in groupby(judged, key=lambda operation: operation["op"]):
            if kind == "create":
                self._create([*filter(None, map(self._validated, group))])
            else:
                for operation in group:
                    self._write(operation)
        return [self.results[index] for index in range(len(operations))]

    def _judge(self, index: int, operation: Operation) -> Operation | None:
        try:
            return {**OPERATION.run_validation(operation), "index": index}
        except APIException as error:
            self._fail(index, error)
            return None

    def _fetch_references(self, operations: Iterable[Operation], held: Iterable[int]) -> None:
        """Fetch every row that the operations refer to, with one query for each field.

        Those that a write holds, or may hold because the row to change refers to them (`held`),
        are locked in the order of their ids, and after the rows to change, as a single write
        does: however two requests mix them, both get through.
        """
        sent = [operation["data"] for operation in operations if "data" in operation]
        for name, field in self.new.fields.items():
            if isinstance(field, fields.ReferenceField) and not field.read_only:
                texts = {str(data.get(name)) for data in sent}
                ids = [int(text) for text in texts if fields.ID.fullmatch(text)]
                rows: Any = field.get_queryset().select_related(None)  # type: ignore[union-attr]
                if name == self.held:
                    ids += held
                    rows = rows.order_by("pk").select_for_update(of=("self",), no_key=True)
                self.context["references"][name] = rows.in_bulk(ids) if ids else {}

    def _lock(self, operations: Sequence[Operation]) -> set[int]:
        """Lock the rows to change in the order of their ids, so that two requests do not cross.

        Return the ids that those to update have in the reference that a write may hold.
        """
        ids = {operation["id"] for operation in operations if "id" in operation}
        if not ids:
            return set()
        rows = self.view.get_queryset().select_related(None).filter(pk__in=ids).order_by("pk")
        locked = rows.select_for_update(no_key=True).values_list("pk", self.held or "pk")
        updated = {operation["id"] for operation in operations if operation["op"] == "update"}
        return {held for pk, held in locked if self.held and pk in updated}

    def _validated(self, operation: Operation) -> tuple[int, dict[str, Any]] | None:
        try:
            return operation["index"], self.new.run_validation(operation["data"])
        except APIException as error:
            self._fail(operation["index"], error)
            return None

    def _create(self, rows: Sequence[tuple[int, dict[str, Any]]]) -> None:
        if not rows:
            return
        try:
            with constraints_as_errors(self.model):
                created = self.new.create_all([row for _, row in rows])
        except APIException as error:
            if len(rows) == 1:
                self._fail(rows[0][0], error)
                return
            half = len(rows) // 2
            self._create(rows[:half])
            self._create(rows[half:])
            return
        for (index, _), instance in zip(rows, created, strict=True):
            self._succeed(index, status.HTTP_201_CREATED, instance.pk)

    def _write(self, operation: Operation) -> None:
        """Update or delete a row."""
        index, key = operation["index"], operation["id"]
        self.view.kwargs = {"pk": str(key)}
        try:
            with transaction.atomic():
                instance = self.view.get_object()
                if operation.get("if_match", instance.version) != instance.version:
                    raise PreconditionFailed(self._tag_of(instance), instance.version)
                if operation["op"] == "delete":
                    self.view.remove(instance)
                else:
                    serializer = self.view.get_serializer(
                        instance, data=operation["data"], partial=True, context=self.context
                    )
                    serializer.is_valid(raise_exception=True)
                    serializer.save()
        except APIException as error:
            self._fail(index, error, key)
        else:
            self._succeed(index, status.HTTP_200_OK, key)

    def _tag_of(self, instance: Any) -> str:
        representation = self.view.representation
        return tag_of(representation, representation.row_of(instance))

    def _succeed(self, index: int, status_code: int, key: int) -> None:
        self.results[index] = {"index": index, "status": status_code, "id": key}

    def _fail(self, index: int, error: APIException, key: int | None = None) -> None:
        answer: Any = exception_handler(error, {"request": self.view.request})
        words = {name: value for name, value in answer.data.items() if name != "request_id"}
        self.results[index] = {
            "index": index,
            "status": error.status_code,
            "id": key,
            "error": words,
        }


OPERATION = OperationSerializer()


def _undone(result: Result, *, taken_along: bool) -> Result:
    """Return the result of an operation that was rolled back: what it created is not there."""
    if "error" in result:
        return result
    if result["status"] == status.HTTP_201_CREATED:
        result = {**result, "id": None}
    if not taken_along:
        return result
    return {**result, "status": status.HTTP_424_FAILED_DEPENDENCY, "error": NOT_WRITTEN}
