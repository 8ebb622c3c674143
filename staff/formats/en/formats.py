"""How the admin shows dates and times: the same everywhere, and sortable by eye."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i"
