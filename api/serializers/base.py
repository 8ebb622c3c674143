"""Serializers that refuse unknown fields and write only the fields sent."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, TypeVar

from django.db import models
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.utils.model_meta import FieldInfo
from rest_framework.validators import UniqueTogetherValidator

from api.exceptions import Conflict, PreconditionFailed
from api.serializers import fields
from api.serializers.fields import AnyField, Validated, own_external_id
from api.suggestions import unknown_names
from resources.foreseen import row_in_the_way
from resources.integrity import constraints_as_errors
from resources.locks import free_unseen_ids
from resources.models import Resource
from resources.refusals import Taken

M = TypeVar("M", bound=models.Model)

IF_UPDATED_AT = "if_updated_at"
ANOTHERS_ID_REPLACED = "; this replaced another user's external_id"


def refuse_unknown(data: Iterable[str], known: Collection[str]) -> None:
    """Raise 400 that names the fields of a body that are not known."""
    if unknown := unknown_names(data, known):
        raise serializers.ValidationError(unknown)


@cache
def _fields_of(
    serializer_class: "type[ModelSerializer[M]]", *, is_change: bool
) -> dict[str, AnyField]:
    """Return the fields of a change, or those of a new row; what is shown is in both."""
    serializer = serializer_class()
    left_out = serializer.created_with if is_change else serializer.changed_with
    built = serializer.build_fields()
    return {name: field for name, field in built.items() if name not in left_out}


def _copied(field: AnyField) -> AnyField:
    """Return a shallow copy, faster than copy.copy."""
    copied = object.__new__(type(field))
    copied.__dict__.update(field.__dict__)
    return copied


class ModelSerializer(serializers.ModelSerializer[M]):
    """DRF's, with strict fields; foreign keys are `<name>_id`; constraints judge the rest.

    A name in `Meta.accepted_and_ignored` is neither an error nor stored: a known client sends it.
    """

    note = ""  # appended to the response's message
    created_with: ClassVar[Collection[str]] = ()  # fields that only a new row takes
    changed_with: ClassVar[Collection[str]] = (IF_UPDATED_AT,)  # and that only a change takes

    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.BooleanField: fields.SwitchField,
        models.CharField: fields.TextField,
        models.DateField: fields.DateField,
        models.DateTimeField: fields.InstantField,
        models.DecimalField: fields.NumberField,
        models.EmailField: fields.EmailField,
        models.IntegerField: fields.IntegerField,
        models.PositiveSmallIntegerField: fields.IntegerField,
        models.TextField: fields.TextField,
    }
    serializer_choice_field = fields.ChoiceField
    serializer_related_field = fields.ReferenceField

    def get_fields(self) -> dict[str, AnyField]:
        """Return fields to bind to this serializer, copied from those of its class.

        To build them costs a tenth of a POST, and gives the same each time. Where there is input,
        those that are only shown have nothing to do.
        """
        has_input = hasattr(self, "initial_data")
        return {
            name: _copied(field)
            for name, field in _fields_of(type(self), is_change=bool(self.partial)).items()
            if not (has_input and field.read_only)
        }

    def build_fields(self) -> dict[str, AnyField]:
        """Return the fields that the class declares, those of its model, and the condition."""
        built = super().get_fields()
        if issubclass(self.Meta.model, Resource):
            built[IF_UPDATED_AT] = fields.InstantField(
                write_only=True,
                required=False,
                help_text=(
                    "The `updated_at` that your change is based on: 409 `conflict` if the row has"
                    " changed since."
                ),
            )
        return built

    def build_field(
        self, field_name: str, info: FieldInfo, model_class: type[M], nested_depth: int
    ) -> tuple[type[AnyField], dict[str, object]]:
        """Build a field; `client_id` is the foreign key `client`."""
        relation = field_name.removesuffix("_id")
        if relation == field_name or relation not in info.forward_relations:
            return super().build_field(field_name, info, model_class, nested_depth)
        field_class, kwargs = super().build_field(relation, info, model_class, nested_depth)
        kwargs["source"] = relation
        if "queryset" in kwargs:
            kwargs["queryset"] = kwargs["queryset"].with_details()
        return field_class, kwargs

    def build_standard_field(
        self,
        field_name: str,
        model_field: models.Field[object, object],
    ) -> tuple[type[AnyField], dict[str, object]]:
        """Build a field without a SELECT in front of a unique index, which would race."""
        field_class, kwargs = super().build_standard_field(field_name, model_field)
        if isinstance(model_field, models.TextField):
            kwargs["trim_whitespace"] = False
        if field_name == "external_id":
            field_class, kwargs["trim_whitespace"] = fields.ExternalIdField, False
        if isinstance(model_field, models.CharField) and model_field.null:
            kwargs["allow_blank"] = False  # one word for nothing is enough
        return field_class, kwargs

    def get_unique_together_validators(self) -> list[UniqueTogetherValidator]:
        """Leave uniqueness to the database: a SELECT in front of the write would race."""
        return []

    @cached_property
    def _writable_fields(self) -> list[AnyField]:
        """DRF's, looked for once: one serializer judges many rows."""
        return [*super()._writable_fields]

    def run_validators(self, value: object) -> None:
        """Collect the defaults of read-only fields only where validators will read them."""
        if self.validators:
            super().run_validators(value)

    def to_internal_value(self, data: Mapping[str, object]) -> Validated:
        """Return the values to write; 400 names every unknown field."""
        known = _fields_of(type(self), is_change=bool(self.partial))
        self._refuse_misplaced(data)
        refuse_unknown(data, [*known, *getattr(self.Meta, "accepted_and_ignored", ())])
        values: Validated = super().to_internal_value(data)
        if "external_id" in values:
            self._give_external_id(values)
        return values

    def _refuse_misplaced(self, data: Mapping[str, object]) -> None:
        """Raise 400 for what only the other kind of write takes, which is no slip of the pen."""
        misplaced, sentence = self.changed_with, "Only a change takes this: PATCH or PUT."
        if self.partial:
            misplaced, sentence = self.created_with, "Only a new row takes this: POST."
        if found := {name: [sentence] for name in misplaced if name in data}:
            raise serializers.ValidationError(found)

    def run_validation(self, data: object = serializers.empty) -> Validated:
        """Return the values to write; 409 if the row is not the one that the change is based on.

        A change is validated under the lock of its row, so of several that are based on the same
        state one succeeds.
        """
        values: Validated = super().run_validation(data)
        expected, row = values.pop(IF_UPDATED_AT, None), self.instance
        if expected is not None and isinstance(row, Resource) and row.updated_at != expected:
            raise Conflict(PreconditionFailed.default_detail)
        return values

    def _give_external_id(self, values: Validated) -> None:
        """Assign an external id to the caller, unless it was sent back unchanged."""
        user, before = self.context["request"].user, self.instance
        given, shown = values.pop("external_id"), own_external_id(before, user.pk)
        if before is not None and given == shown:
            return
        values |= {"external_id": given, "external_user": user if given is not None else None}
        if before is not None and shown is None and getattr(before, "external_id", None):
            self.note = ANOTHERS_ID_REPLACED

    def save(self, **kwargs: object) -> M:
        """Write in one transaction; a broken constraint is answered with its own sentence."""
        try:
            return self._saved(**kwargs)
        except Taken as taken:
            if not self._freed(taken):
                self.show_row_in_the_way(taken)
                raise
            return self._saved(**kwargs)

    def _freed(self, taken: Taken) -> bool:
        """Free the external id if its row is out of the user's sight; return whether it was."""
        ids = [self.validated_data.get("external_id")]
        user = self.context["request"].user
        if taken.code != "external_id_taken":
            return False
        freed, _ = free_unseen_ids(self.Meta.model, user, ids)
        return bool(freed)

    def _saved(self, **kwargs: object) -> M:
        with constraints_as_errors(self.Meta.model):
            saved: M = super().save(**kwargs)
        return saved

    def shows_id(self, taken: Taken) -> bool:
        """Return whether a 409 has the id of the row in the way."""
        return True

    def show_row_in_the_way(self, taken: Taken) -> None:
        """Add the id of the conflicting row, if the caller may see it."""
        row: Any = self.instance or self.made_of([self.validated_data])[0]
        model: Any = self.Meta.model
        seen = model.objects.visible_to(self.context["request"].user)
        taken.pk = row_in_the_way(taken.constraint, row)
        if seen.filter(pk=taken.pk).exists():
            taken.shown["conflicting_id"] = taken.pk

    def create(self, validated_data: Validated) -> M:
        """Insert a row."""
        return self.create_all([validated_data])[0]

    def create_all(self, rows: Sequence[Validated]) -> list[M]:
        """Insert rows of validated data, all with one statement."""
        model: Any = self.Meta.model
        instances = self.made_of(rows)
        model.insert(instances)
        return instances

    def made_of(self, rows: Sequence[Validated]) -> list[M]:
        """Return new instances of validated data."""
        model: Any = self.Meta.model
        return [model(**row) for row in rows]

    def update(self, instance: M, validated_data: Validated) -> M:
        """Write the columns that were sent and no others, so that racing changes both stay."""
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save(update_fields=[*validated_data, "updated_at"])
        return instance
