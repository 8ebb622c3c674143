"""The journal as an app."""

from registry.config import ApiAppConfig


class JournalConfig(ApiAppConfig):
    """The journal of all writes; the feed (`changes`) reads it."""

    name = "journal"
    label = "changes"  # of its tables and permissions
    verbose_name = "Changes"
