"""Reports on the wire."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.pagination.serializers import PaginationSerializer
from api.serializers.fields import AnyField
from timeentries.serializers import TimeEntrySerializer

LAST = ("rounded_seconds", "rounded_hours", "amounts", "estimated_hours", "estimate_used")


class CurrencyAmountSerializer(serializers.Serializer[object]):
    """An amount in one currency."""

    currency = serializers.CharField(help_text="A code of ISO 4217, such as EUR.")
    amount = serializers.FloatField()
    billed = serializers.FloatField(help_text="The part of the amount that is billed.")
    unbilled = serializers.FloatField(help_text="The part of the amount that is not billed.")


class WorthSerializer(serializers.Serializer[object]):
    """Rounded time, and what it is worth."""

    rounded_seconds = serializers.IntegerField(
        help_text="The sum of each entry's time as it is rounded before it is billed."
    )
    rounded_hours = serializers.FloatField(help_text="Rounded to two decimals.")
    amounts = CurrencyAmountSerializer(
        many=True, help_text="For each currency with an amount, ordered by code."
    )

    def get_fields(self) -> dict[str, AnyField]:
        """Return the fields, a report's own ones first."""
        fields = super().get_fields()
        return fields | {name: fields.pop(name) for name in LAST if name in fields}


class ProjectWorthSerializer(WorthSerializer):
    """Rounded time, what it is worth, and how much of a project's estimate is used."""

    estimated_hours = serializers.FloatField(
        allow_null=True, help_text="The project's estimate; null without one."
    )
    estimate_used = serializers.FloatField(
        allow_null=True,
        help_text="These hours as a share of the estimate: 1 is all of it.",
    )


class ProjectHoursSerializer(ProjectWorthSerializer):
    """The time of one project."""

    project_id = serializers.IntegerField()
    project_name = serializers.CharField()
    hours = serializers.FloatField(help_text="Rounded to two decimals.")
    entries = serializers.IntegerField()


@extend_schema_field(OpenApiTypes.ANY)
class KeyField(serializers.Field[object, object, object, object]):
    """The key of a group: an id, tags, or a date."""


class ReportGroupSerializer(ProjectWorthSerializer):
    """Totals of a group and of the groups nested in it."""

    key = KeyField(
        help_text=(
            "By client, project, task or user: its id as an integer, or null for none. By tag: the"
            " tags in order. By day, week or month: `2024-01-15`, its Monday, `2024-01`."
        )
    )
    name = serializers.CharField()
    seconds = serializers.IntegerField()
    hours = serializers.FloatField(help_text="Rounded to two decimals.")
    entries = serializers.IntegerField()
    billable_seconds = serializers.IntegerField()
    children = serializers.SerializerMethodField()

    @extend_schema_field({"type": "array", "items": {"$ref": "#/components/schemas/ReportGroup"}})
    def get_children(self, group: object) -> object:
        """Return the groups within; none in a leaf."""
        raise NotImplementedError


class ReportTotalsSerializer(WorthSerializer):
    """Totals of all entries in a report."""

    seconds = serializers.IntegerField()
    hours = serializers.FloatField(help_text="Rounded to two decimals.")
    entries = serializers.IntegerField()
    billable_seconds = serializers.IntegerField()


class EntriesReportSerializer(serializers.Serializer[object]):
    """A page of a report's time entries, and the totals of all pages."""

    start_date = serializers.DateTimeField(help_text="Start of the range (UTC).")
    end_date = serializers.DateTimeField(help_text="Last second of the range (UTC).")
    timezone = serializers.CharField(help_text="Time zone of the dates.")
    totals = ReportTotalsSerializer()
    time_entries = TimeEntrySerializer(many=True)
    pagination = PaginationSerializer()


class UserWeekSerializer(WorthSerializer):
    """A user's totals for each day of a week."""

    user_id = serializers.IntegerField()
    user_name = serializers.CharField()
    seconds = serializers.ListField(
        child=serializers.IntegerField(),
        min_length=7,
        max_length=7,
        help_text="Seconds per day, from Monday to Sunday.",
    )
    total_seconds = serializers.IntegerField()
    hours = serializers.FloatField(help_text="Rounded to two decimals.")


class WeeklyReportSerializer(WorthSerializer):
    """Totals of a week, per user and day."""

    week = serializers.CharField(help_text="ISO 8601 week, such as 2024-W03.")
    start_date = serializers.DateTimeField(help_text="Start of the range (UTC).")
    end_date = serializers.DateTimeField(help_text="Last second of the range (UTC).")
    timezone = serializers.CharField(help_text="Time zone of the dates.")
    days = serializers.ListField(
        child=serializers.DateField(),
        min_length=7,
        max_length=7,
        help_text="The seven dates from Monday to Sunday.",
    )
    users = UserWeekSerializer(
        many=True, help_text="Users with finished entries in the week, ordered by name."
    )
    totals = serializers.ListField(
        child=serializers.IntegerField(),
        min_length=7,
        max_length=7,
        help_text="Total seconds of all users per day.",
    )
    total_seconds = serializers.IntegerField()
    hours = serializers.FloatField(help_text="Rounded to two decimals.")


class SummaryReportSerializer(WorthSerializer):
    """Totals of a date range, overall and per project."""

    start_date = serializers.DateTimeField(help_text="Start of the range (UTC).")
    end_date = serializers.DateTimeField(help_text="Last second of the range (UTC).")
    total_hours = serializers.FloatField(help_text="Rounded to two decimals.")
    billable_hours = serializers.FloatField(help_text="Rounded to two decimals.")
    total_entries = serializers.IntegerField()
    by_project = ProjectHoursSerializer(many=True)
    timezone = serializers.CharField(
        required=False, help_text="Time zone of the dates; only with `group_by`."
    )
    totals = ReportTotalsSerializer(
        required=False, help_text="Totals of all groups; only with `group_by`."
    )
    groups = ReportGroupSerializer(
        many=True, required=False, help_text="Nested groups; only with `group_by`."
    )
