"""Routes of the original that only its apps use."""

from django.urls import path, re_path

from timetracker.dialects.views import HeartbeatView, KanbanColumnsView, ModuleView

# Each alternative is a part of the original that is not here.
MODULES = (
    *("attendance", "calendar", "client-notes", "contacts", "credit-notes", "deals", "expenses"),
    *("invoice-approvals", "invoices", "issues", "leads", "mileage", "payments", "per-diem[^/]*"),
    *("quotes", "recurring-invoices", "time-entry-approvals", "time-off", "timesheet-periods"),
    *("workday", "reports/capacity"),
)
OF_A_ROW = (
    "clients/[0-9]+/(?P<module>contacts|notes)",
    "time-entries/[0-9]+/(?P<module>request-approval)",
)
BELOW = r"(?:/.*)?$"

urlpatterns = [
    path("api/v1/timer/heartbeat", HeartbeatView.as_view()),
    path("api/v1/kanban/columns", KanbanColumnsView.as_view()),
    re_path(rf"^api/v1/(?P<module>{'|'.join(MODULES)}){BELOW}", ModuleView.as_view()),
    *(re_path(rf"^api/v1/{route}{BELOW}", ModuleView.as_view()) for route in OF_A_ROW),
]
