"""The page of 50 as a textbook of DRF has it: what the service is measured against.

It is spared the rate limit, the scopes, the filters, the request id and the access log.
"""

from typing import TYPE_CHECKING

from django.urls import path
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.generics import ListAPIView
from rest_framework.pagination import PageNumberPagination

from apitokens.models import ApiToken
from timeentries.models import TimeEntry
from values.credentials import digest_of

if TYPE_CHECKING:
    from rest_framework.request import Request

    from users.models import User


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer …`, looked up by the ORM."""

    def authenticate(self, request: "Request") -> "tuple[User, ApiToken]":
        """Return whose token it is; 401 for an unknown one."""
        secret = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            token = ApiToken.objects.select_related("user").get(digest=digest_of(secret))
        except ApiToken.DoesNotExist as error:
            raise AuthenticationFailed from error
        return token.user, token


class EntrySerializer(serializers.ModelSerializer[TimeEntry]):
    """The twenty fields of a time entry that the service had when this was written."""

    user_name = serializers.CharField(source="user.username", read_only=True)
    project_name = serializers.CharField(source="project.name", read_only=True)
    task_name = serializers.CharField(source="task.name", default=None, read_only=True)
    client_id = serializers.IntegerField(source="project.client_id", read_only=True)
    client_name = serializers.CharField(source="project.client.name", read_only=True)
    duration_hours = serializers.SerializerMethodField()

    class Meta:
        model = TimeEntry
        fields = (
            *("id", "user_id", "user_name", "project_id", "project_name", "task_id", "task_name"),
            *("client_id", "client_name", "start_time", "end_time", "duration_seconds"),
            *("duration_hours", "active", "notes", "tags", "tag_list", "billable"),
            *("created_at", "updated_at"),
        )

    def get_duration_hours(self, entry: TimeEntry) -> float:
        """Return the duration in hours."""
        return round((entry.duration_seconds or 0) / 3600, 2)


class Pagination(PageNumberPagination):
    """Pages of 50, each with the count of all."""

    page_size = 50
    page_size_query_param = "per_page"


class Entries(ListAPIView[TimeEntry]):
    """The finished entries, newest first."""

    queryset = TimeEntry.objects.exclude(end_time=None).select_related(
        "user", "project__client", "task"
    )
    serializer_class = EntrySerializer
    authentication_classes = (TokenAuthentication,)
    pagination_class = Pagination


urlpatterns = [path("api/v1/time-entries", Entries.as_view())]
