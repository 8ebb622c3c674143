"""Reports on the wire."""

from rest_framework import serializers


class ProjectHoursSerializer(serializers.Serializer[object]):
    """The time of one project."""

    project_id = serializers.IntegerField()
    project_name = serializers.CharField()
    hours = serializers.FloatField(help_text="Rounded to two decimals.")
    entries = serializers.IntegerField()


class SummarySerializer(serializers.Serializer[object]):
    """The time in a range of dates, whole and by project."""

    start_date = serializers.DateTimeField(help_text="The first instant that counts, in UTC.")
    end_date = serializers.DateTimeField(help_text="The last second that counts, in UTC.")
    total_hours = serializers.FloatField(help_text="Rounded to two decimals.")
    billable_hours = serializers.FloatField(help_text="Rounded to two decimals.")
    total_entries = serializers.IntegerField()
    by_project = ProjectHoursSerializer(many=True)
