"""What the processes of a server count; the names that a dashboard knows.

Each process writes to files of its own in PROMETHEUS_MULTIPROC_DIR, which `serve` makes, and
`serve_metrics` reads all of them.
"""

from prometheus_client import Counter, Histogram

# Seconds: from a row by its id to the limit of a statement.
BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)

REQUESTS = Histogram(
    "timetracker_request_seconds",
    "Requests, and the seconds until the first byte of their response.",
    ["method", "route", "status"],
    buckets=BUCKETS,
)
DATABASE = Counter(
    "timetracker_request_database_seconds",
    "Seconds that requests waited for statements and commits of the database.",
    ["route"],
)
STATEMENTS = Counter(
    "timetracker_request_statements", "Statements of requests in the database.", ["route"]
)
REDIS = Counter(
    "timetracker_request_redis_seconds", "Seconds that requests waited for Redis.", ["route"]
)
READS = Counter(
    "timetracker_reads",
    "Requests that may be read on the replica, by where they were, and why on the primary.",
    ["server", "why"],
)
EVENTS = Counter(
    "timetracker_log_events",
    "Lines of the log from WARNING up: refused and rate-limited calls, causes of 503, errors.",
    ["logger", "event"],
)
