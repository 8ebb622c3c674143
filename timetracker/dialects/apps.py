"""App declaration of the dialects of the original's apps."""

from registry.config import ApiAppConfig


class DialectsConfig(ApiAppConfig):
    """How tokens of the original TimeTracker's apps are served: docs/original-clients.md."""

    name = "timetracker.dialects"
    dialects = {
        "desktop": "timetracker.dialects.spoken.Desktop",
        "extension": "timetracker.dialects.spoken.Extension",
        "mobile": "timetracker.dialects.spoken.Mobile",
    }
    unpublished_urls = "timetracker.dialects.urls"
