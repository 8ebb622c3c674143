"""Billing on the wire."""

from collections.abc import Mapping

from rest_framework import serializers

from api.serializers.base import refuse_unknown
from api.serializers.fields import DateField, SwitchField, TextField, Validated, id_of
from billing.models import REFERENCE_LENGTH

MOST_IDS = 10_000
FILTERS = ("client_id", "project_id", "user_id", "start_date", "end_date")


class IdsField(serializers.ListField):
    """The ids of entries."""

    child = serializers.IntegerField(min_value=1)

    def to_internal_value(self, data: object) -> list[int]:
        """Return the ids in order, each once."""
        if not isinstance(data, list) or not data or len(data) > MOST_IDS:
            raise serializers.ValidationError(f"Must be a list of 1 to {MOST_IDS} ids.")
        return sorted({id_of(each) for each in data})


class KeyParameter(serializers.IntegerField):
    """The id that entries are to have."""

    def to_internal_value(self, data: object) -> int:
        return id_of(data)


class SelectionSerializer(serializers.Serializer[object]):
    """Which entries; all that are given must hold."""

    client_id = KeyParameter(required=False)
    project_id = KeyParameter(required=False)
    user_id = KeyParameter(required=False)
    start_date = DateField(required=False, help_text="First day, in the token user's time zone.")
    end_date = DateField(required=False, help_text="Last day, in the token user's time zone.")

    def to_internal_value(self, data: Mapping[str, object]) -> Validated:
        """Return the values; 400 names every unknown field."""
        refuse_unknown(data, self.fields)
        values: Validated = super().to_internal_value(data)
        return values

    def validate(self, attrs: Validated) -> Validated:
        """Refuse a range that ends before it begins."""
        first, last = attrs.get("start_date"), attrs.get("end_date")
        if first and last and first > last:
            raise serializers.ValidationError({"end_date": ["Must not be before start_date."]})
        return attrs


class BillRequestSerializer(SelectionSerializer):
    """The time entries to bill, and a reference for them."""

    reference = TextField(
        max_length=REFERENCE_LENGTH, help_text="For example, the number of an invoice."
    )
    preview = SwitchField(default=False, help_text="Only report what would be billed.")
    entry_ids = IdsField(required=False, help_text="Ids of entries, instead of the filters.")

    def validate(self, attrs: Validated) -> Validated:
        """Refuse ids beside filters, and everything at once."""
        attrs = super().validate(attrs)
        given = [name for name in FILTERS if name in attrs]
        if "entry_ids" in attrs and given:
            sentence = f"Send entry_ids or filters ({', '.join(given)}), not both."
            raise serializers.ValidationError({"entry_ids": [sentence]})
        if "entry_ids" not in attrs and not given:
            raise serializers.ValidationError(
                f"Send entry_ids, or at least one of {', '.join(FILTERS)}."
            )
        return attrs


class RepriceRequestSerializer(SelectionSerializer):
    """The entries to price again by the current rates."""

    preview = SwitchField(
        default=True, help_text="Only report what would change; true by default."
    )


class AmountSerializer(serializers.Serializer[object]):
    """An amount in one currency."""

    currency = serializers.CharField()
    amount = serializers.FloatField()


class BillingSerializer(serializers.Serializer[object]):
    """The sums billed under a reference."""

    reference = serializers.CharField()
    entries = serializers.IntegerField()
    seconds = serializers.IntegerField()
    rounded_seconds = serializers.IntegerField()
    amounts = AmountSerializer(many=True)
    billed_at = serializers.DateTimeField(allow_null=True, help_text="Null in a preview.")


class BillingLineSerializer(serializers.Serializer[object]):
    """A line of an invoice: a project, user or task at one rate."""

    key = serializers.IntegerField(allow_null=True, help_text="The id of the group.")
    name = serializers.CharField()
    entries = serializers.IntegerField()
    seconds = serializers.IntegerField()
    rounded_seconds = serializers.IntegerField()
    rounded_hours = serializers.FloatField()
    hourly_rate = serializers.FloatField(allow_null=True)
    currency = serializers.CharField(allow_null=True)
    amount = serializers.FloatField(allow_null=True)


class BillingWithLinesSerializer(BillingSerializer):
    """The sums billed under a reference, with the lines of an invoice."""

    lines = BillingLineSerializer(many=True)


class RepricingSerializer(serializers.Serializer[object]):
    """The effect of pricing entries again."""

    preview = serializers.BooleanField()
    entries = serializers.IntegerField(help_text="The number of entries priced.")
    changed = serializers.IntegerField(help_text="The number of entries whose price changes.")
    before = AmountSerializer(many=True)
    after = AmountSerializer(many=True)
