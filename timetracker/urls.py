"""Every route of the service."""

from django.contrib import admin
from django.urls import path
from django.urls.resolvers import URLPattern, URLResolver
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from changes.views import ChangesView
from clients.views import ClientViewSet
from projects.views import ProjectViewSet
from reports.views import EntriesView, SummaryView, WeeklyView
from tasks.views import TaskViewSet
from timeentries.views import TimeEntryViewSet, TimerStartView, TimerStatusView, TimerStopView
from timetracker.api.probes import HealthView, LiveView, ReadyView
from timetracker.api.views import InfoView
from timetracker.documentation import JSON, YAML, DocumentView
from users.views import CurrentUserView, UserViewSet

router = SimpleRouter(trailing_slash=False)
router.register("api/v1/projects", ProjectViewSet, basename="project")
router.register("api/v1/time-entries", TimeEntryViewSet, basename="time-entry")
router.register("api/v1/tasks", TaskViewSet, basename="task")
router.register("api/v1/clients", ClientViewSet, basename="client")
router.register("api/v1/users", UserViewSet, basename="user")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="docs")),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="openapi"), name="docs"),
    path("api/redoc", SpectacularRedocView.as_view(url_name="openapi"), name="redoc"),
    path("api/schema", DocumentView.as_view(media_type=YAML), name="schema"),
    path("api/openapi.json", DocumentView.as_view(media_type=JSON), name="openapi"),
    path("api/v1/info", InfoView.as_view(), name="info"),
    path("api/v1/health", HealthView.as_view(), name="health"),
    path("api/v1/live", LiveView.as_view(), name="live"),
    path("api/v1/ready", ReadyView.as_view(), name="ready"),
    path("api/v1/timer/status", TimerStatusView.as_view(), name="timer-status"),
    path("api/v1/timer/start", TimerStartView.as_view(), name="timer-start"),
    path("api/v1/timer/stop", TimerStopView.as_view(), name="timer-stop"),
    path("api/v1/reports/summary", SummaryView.as_view(), name="summary-report"),
    path("api/v1/reports/entries", EntriesView.as_view(), name="entries-report"),
    path("api/v1/reports/weekly", WeeklyView.as_view(), name="weekly-report"),
    path("api/v1/changes", ChangesView.as_view(), name="changes"),
    path("api/v1/users/me", CurrentUserView.as_view(), name="current-user"),
    *router.urls,
    path(
        "admin/api-tokens",
        RedirectView.as_view(pattern_name="admin:apitokens_apitoken_changelist"),
    ),
    path("admin/", admin.site.urls),
]

handler400 = "timetracker.api.views.bad_request"
handler403 = "timetracker.api.views.permission_denied"
handler404 = "timetracker.api.views.page_not_found"
handler500 = "timetracker.api.views.server_error"
