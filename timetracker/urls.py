"""Every route of the service."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.urls.resolvers import URLPattern, URLResolver
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from billing.views import BillingView, BillView, RepriceView
from books.views import BooksView
from changes.views import ChangesView
from logins.views import LoginView, LogoutView
from projects.views import FavoriteProjectViewSet
from registry import declared
from reports.shared import shared_report
from reports.views import EntriesView, SummaryView, WeeklyView
from timeentries.views import (
    TimerPauseView,
    TimerResumeView,
    TimerStartView,
    TimerStatusView,
    TimerStopView,
)
from timetracker.documentation import JSON, YAML, DocumentView
from timetracker.probes import HealthView, LiveView, ReadyView
from timetracker.system import InfoView
from users.views import CurrentUserView

router = SimpleRouter(trailing_slash=False)
for viewset in declared.viewsets().values():
    model = viewset.queryset.model
    path_of_list, basename = declared.path_of(model), declared.basename_of(model)
    router.register(f"api/v1/{path_of_list}", viewset, basename=basename)

urlpatterns: list[URLPattern | URLResolver] = [
    # Most frequent first: Django tries the routes in order.
    path("api/v1/timer/status", TimerStatusView.as_view(), name="timer-status"),
    path("api/v1/timer/start", TimerStartView.as_view(), name="timer-start"),
    path("api/v1/timer/stop", TimerStopView.as_view(), name="timer-stop"),
    path("api/v1/timer/pause", TimerPauseView.as_view(), name="timer-pause"),
    path("api/v1/timer/resume", TimerResumeView.as_view(), name="timer-resume"),
    path("api/v1/rates/reprice", RepriceView.as_view(), name="reprice"),
    *router.urls,
    path("", RedirectView.as_view(pattern_name="docs")),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="openapi"), name="docs"),
    path("api/redoc", SpectacularRedocView.as_view(url_name="openapi"), name="redoc"),
    path("api/schema", DocumentView.as_view(media_type=YAML), name="schema"),
    path("api/openapi.json", DocumentView.as_view(media_type=JSON), name="openapi"),
    path("api/v1/info", InfoView.as_view(), name="info"),
    path("api/v1/health", HealthView.as_view(), name="health"),
    path("api/v1/live", LiveView.as_view(), name="live"),
    path("api/v1/ready", ReadyView.as_view(), name="ready"),
    path("api/v1/auth/login", LoginView.as_view(), name="login"),
    path("api/v1/auth/logout", LogoutView.as_view(), name="logout"),
    path("api/v1/reports/summary", SummaryView.as_view(), name="summary-report"),
    path("api/v1/reports/entries", EntriesView.as_view(), name="entries-report"),
    path("api/v1/reports/weekly", WeeklyView.as_view(), name="weekly-report"),
    path("api/v1/billing", BillingView.as_view(), name="billing"),
    path("api/v1/billing/<path:reference>", BillView.as_view(), name="bill"),
    path("api/v1/books", BooksView.as_view(), name="books"),
    path("api/v1/changes", ChangesView.as_view(), name="changes"),
    path("api/v1/users/me", CurrentUserView.as_view(), name="current-user"),
    path(
        "api/v1/users/me/favorites/projects",
        FavoriteProjectViewSet.as_view({"get": "list", "post": "create"}),
        name="favorite-projects",
    ),
    re_path(
        r"^api/v1/users/me/favorites/projects/(?P<project_id>[0-9]{1,18})$",
        FavoriteProjectViewSet.as_view({"delete": "destroy"}),
        name="favorite-project",
    ),
    path(
        "admin/api-tokens",
        RedirectView.as_view(pattern_name="admin:apitokens_apitoken_changelist"),
    ),
    path("admin/", admin.site.urls),
    path("shared/reports/<str:secret>", shared_report, name="shared-report"),
    *(path("", include(module)) for module in declared.unpublished_urls()),
]

handler400 = "timetracker.system.bad_request"
handler403 = "timetracker.system.permission_denied"
handler404 = "timetracker.system.page_not_found"
handler500 = "timetracker.system.server_error"
