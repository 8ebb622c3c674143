"""Reports on the wire."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.schema.answers import PaginationSerializer
from timeentries.serializers import TimeEntrySerializer


class ProjectHoursSerializer(serializers.Serializer[object]):
    """The time of one project."""

    project_id = serializers.IntegerField()
    project_name = serializers.CharField()
    hours = serializers.FloatField(help_text="Rounded to two decimals.")
    entries = serializers.IntegerField()


@extend_schema_field({"type": ["integer", "string", "null"]})
class KeyField(serializers.Field[object, object, object, object]):
    """What a group is told by: an id, tags, or a date."""


class GroupSerializer(serializers.Serializer[object]):
    """The time of a group, and of the groups within it."""

    key = KeyField(
        help_text="An id, null for none; the tags in order; a day, a week's Monday, a month."
    )
    name = serializers.CharField()
    seconds = serializers.IntegerField()
    hours = serializers.FloatField(help_text="Rounded to two decimals.")
    entries = serializers.IntegerField()
    billable_seconds = serializers.IntegerField()
    children = serializers.SerializerMethodField()

    @extend_schema_field({"type": "array", "items": {"$ref": "#/components/schemas/Group"}})
    def get_children(self, group: object) -> object:
        """Return the groups within; none in a leaf."""
        raise NotImplementedError


class TotalsSerializer(serializers.Serializer[object]):
    """The time of all entries of a report."""

    seconds = serializers.IntegerField()
    hours = serializers.FloatField(help_text="Rounded to two decimals.")
    entries = serializers.IntegerField()
    billable_seconds = serializers.IntegerField()


class EntriesReportSerializer(serializers.Serializer[object]):
    """A page of the entries of a report, and what all of them add up to."""

    start_date = serializers.DateTimeField(help_text="The first instant that counts, in UTC.")
    end_date = serializers.DateTimeField(help_text="The last second that counts, in UTC.")
    timezone = serializers.CharField(help_text="Whose days were meant.")
    totals = TotalsSerializer()
    time_entries = TimeEntrySerializer(many=True)
    pagination = PaginationSerializer()


class UserWeekSerializer(serializers.Serializer[object]):
    """The time of a user on each day of a week."""

    user_id = serializers.IntegerField()
    user_name = serializers.CharField()
    seconds = serializers.ListField(
        child=serializers.IntegerField(), min_length=7, max_length=7, help_text="Of each day."
    )
    total_seconds = serializers.IntegerField()
    hours = serializers.FloatField(help_text="Rounded to two decimals.")


class WeeklySerializer(serializers.Serializer[object]):
    """The time in a week, by user and day."""

    week = serializers.CharField(help_text="As ISO 8601 writes it: 2024-W03.")
    start_date = serializers.DateTimeField(help_text="The first instant that counts, in UTC.")
    end_date = serializers.DateTimeField(help_text="The last second that counts, in UTC.")
    timezone = serializers.CharField(help_text="Whose days were meant.")
    days = serializers.ListField(
        child=serializers.DateField(), min_length=7, max_length=7, help_text="From Monday on."
    )
    users = UserWeekSerializer(
        many=True, help_text="Those with finished entries in the week, by name."
    )
    totals = serializers.ListField(
        child=serializers.IntegerField(),
        min_length=7,
        max_length=7,
        help_text="The seconds of all users on each day.",
    )
    total_seconds = serializers.IntegerField()
    hours = serializers.FloatField(help_text="Rounded to two decimals.")


class SummarySerializer(serializers.Serializer[object]):
    """The time in a range of dates, whole and by project."""

    start_date = serializers.DateTimeField(help_text="The first instant that counts, in UTC.")
    end_date = serializers.DateTimeField(help_text="The last second that counts, in UTC.")
    total_hours = serializers.FloatField(help_text="Rounded to two decimals.")
    billable_hours = serializers.FloatField(help_text="Rounded to two decimals.")
    total_entries = serializers.IntegerField()
    by_project = ProjectHoursSerializer(many=True)
    timezone = serializers.CharField(required=False, help_text="With `group_by`: whose days.")
    totals = TotalsSerializer(required=False, help_text="With `group_by`: the sum of all leaves.")
    groups = GroupSerializer(many=True, required=False, help_text="With `group_by`.")
