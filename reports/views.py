"""The reports' endpoints."""

from django_filters.utils import translate_validation
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework.response import Response

from reports.filters import SummaryFilter
from reports.queries import totals_by_project
from reports.serializers import SummarySerializer
from timeentries.models import TimeEntry
from timetracker.api.instants import format_instant, hours
from timetracker.api.viewsets import ApiRequest, ApiView


class SummaryView(ApiView):
    """Sum up the finished time entries of a range of dates."""

    scope_resource = "reports"
    filterset_class = SummaryFilter

    def query_parameters(self) -> list[str]:
        """Return the filters of the report."""
        return list(self.filterset_class.base_filters)

    @extend_schema(
        responses=inline_serializer("SummaryEnvelope", {"summary": SummarySerializer()})
    )
    def get(self, request: ApiRequest) -> Response:
        """Return the hours, whole and by project; one's own unless an administrator asks."""
        entries = TimeEntry.objects.visible_to(request.user)
        report = SummaryFilter(request.query_params, entries, request=request)
        report.now = request.now
        if not report.is_valid():
            raise translate_validation(report.errors)  # type: ignore[misc]
        projects = list(totals_by_project(report.qs))
        start, end = report.date_range()
        summary = {
            "start_date": format_instant(start.first),
            "end_date": format_instant(end.last),
            "total_hours": hours(sum(project["seconds"] for project in projects)),
            "billable_hours": hours(sum(project["billable_seconds"] for project in projects)),
            "total_entries": sum(project["entries"] for project in projects),
            "by_project": [
                {
                    "project_id": project["project_id"],
                    "project_name": project["project_name"],
                    "hours": hours(project["seconds"]),
                    "entries": project["entries"],
                }
                for project in projects
            ],
        }
        return Response({"summary": summary})
