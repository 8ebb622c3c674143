"""The staff's report pages in the Django admin."""

from reports.admin import views  # noqa: F401 - registers the pages
