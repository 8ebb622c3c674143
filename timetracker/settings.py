"""Settings; values that differ between installations come from the environment.

docs/operations.md has the table of variables. A bad value refuses to start.
"""

import re
from pathlib import Path

import django_stubs_ext

from database import url as database_url
from timetracker import environment, logs

# Makes classes generic at run time: admin.ModelAdmin[Project].
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / "data"
DATA_DIR.mkdir(mode=0o700, exist_ok=True)

_SERVER = environment.database("DATABASE_URL")
_REDIS_URL = environment.redis("REDIS_URL")
BASE_URL = environment.base_url("BASE_URL")
_HTTPS = BASE_URL.startswith("https://")

_CHANGELOG = (BASE_DIR / "CHANGELOG.md").read_text()
APP_VERSION = re.findall(r"^## \[([0-9.]+)\]", _CHANGELOG, re.MULTILINE)[0]  # the newest first
DEBUG = environment.boolean("DEBUG")
SECRET_KEY = environment.secret("SECRET_KEY", DATA_DIR, required=bool(_SERVER))
TOKEN_PEPPER = environment.secret("TOKEN_PEPPER", DATA_DIR, required=bool(_SERVER))
environment.two_secrets(SECRET_KEY, TOKEN_PEPPER)

# Health checks come from the machine itself, whatever the service's public name.
ALLOWED_HOSTS = [*environment.names("ALLOWED_HOSTS", []), "localhost", "127.0.0.1", "[::1]"]
TRUSTED_PROXIES = environment.proxies("TRUSTED_PROXIES")
# Whose pages may call the API: edge/cors.py.
CORS_ALLOWED_ORIGINS = environment.origins("CORS_ALLOWED_ORIGINS")
# Where webhooks may be sent although it is not public: webhooks/destinations.py.
WEBHOOK_ALLOWED_NETWORKS = environment.receivers("WEBHOOK_ALLOWED_NETWORKS")
# Where `serve` shows what it counts, apart from the service: docs/monitoring.md.
METRICS_ADDRESS = environment.listener("METRICS_ADDRESS")
CSRF_TRUSTED_ORIGINS = [BASE_URL] if BASE_URL else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _HTTPS
SECURE_REDIRECT_EXEMPT = [r"^api/v1/(health|live|ready)$"]  # arrival.PROBES
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SESSION_COOKIE_AGE = 12 * 3600  # seconds: a working day
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "idempotency",
    "tallies",
    # Resources, in the order in which people see them: docs/architecture.md.
    "projects",
    "timeentries",
    "tasks",
    "clients",
    "rates",
    "billing",
    "books",
    "webhooks",
    "changes",
    "journal",
    "reports",
    "users",
    "apitokens",
    "logins",
    # Of the original's apps. Nothing else names the folder: it can be deleted.
    *(["timetracker.dialects"] if (BASE_DIR / "timetracker/dialects/apps.py").exists() else []),
    "timetracker",
    "demo",
    "moving",
    "staff",
    "staff.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "metrics.counting.MetricsMiddleware",
    "edge.cors.CorsMiddleware",
    "edge.middleware.ForwardedSchemeMiddleware",
    "edge.middleware.RequestIdMiddleware",
    "edge.cors.PreflightMiddleware",
    "rates.rollover.RolloverMiddleware",
    "journal.actor.ActorMiddleware",
    "edge.middleware.UnreadBodyMiddleware",
    "edge.middleware.SecurityHeadersMiddleware",
    "edge.middleware.PageBodyLimitMiddleware",
    "edge.arrival.HttpsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "edge.middleware.SessionMiddleware",
    "edge.arrival.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "edge.middleware.AuthenticationMiddleware",
    "edge.middleware.MessageMiddleware",
    "edge.middleware.ViewerZoneMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "timetracker.urls"
WSGI_APPLICATION = "timetracker.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# SQLite: WAL and IMMEDIATE, or parallel writers fail with "database is locked"; FULL, because
# NORMAL may lose acknowledged writes when the power goes.
_SQLITE: dict[str, object] = {
    "ENGINE": "database.sqlite",
    "NAME": DATA_DIR / "timetracker.sqlite3",
    "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
    "CONN_MAX_AGE": None,  # to open the file and read its schema is a tenth of a page
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
    },
}
# Of a request, in milliseconds: database/postgresql/limits.py.
POSTGRESQL_LIMITS = {
    "statement_timeout": 15_000,
    "lock_timeout": 5_000,
    "idle_in_transaction_session_timeout": 30_000,
}
# Whether a pooler hands each transaction another connection, as PgBouncer does in that mode.
DATABASE_POOLED = environment.boolean("DATABASE_POOLED")
if _SERVER:
    _SERVER = database_url.served(_SERVER, POSTGRESQL_LIMITS, pooled=DATABASE_POOLED)
# Past the pooler, for migrations: database/postgresql/direct.py.
DATABASE_DIRECT = environment.database("DATABASE_DIRECT_URL")
if DATABASE_DIRECT:
    DATABASE_DIRECT = database_url.served(DATABASE_DIRECT, POSTGRESQL_LIMITS, pooled=False)
DATABASES = {"default": _SERVER or _SQLITE}
# A standby of the server, for reads: database/replicas.py.
_REPLICA = environment.replica("DATABASE_REPLICA_URL", has_server=bool(_SERVER))
if _REPLICA:
    DATABASES["replica"] = database_url.served(_REPLICA, POSTGRESQL_LIMITS, pooled=DATABASE_POOLED)
    DATABASE_ROUTERS = ["database.replicas.Router"]
DATABASE_REPLICA_LAG = environment.positive_integer("DATABASE_REPLICA_LAG", 10)  # seconds
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "ratelimit": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "ratelimit",
        # The default of 300 would evict counters that still count.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}
if _REDIS_URL:
    CACHES["ratelimit"] = {
        "BACKEND": "ratelimit.counters.CounterCache",
        "LOCATION": _REDIS_URL,
        "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25},
    }
RATELIMIT_USE_CACHE = "ratelimit"
RATE_LIMIT_PER_MINUTE = environment.positive_integer("RATE_LIMIT_PER_MINUTE", 100)
RATE_LIMIT_PER_HOUR = environment.positive_integer("RATE_LIMIT_PER_HOUR", 1000)
# Of one token, in one process (api/turns.py): a browser's six, and some twins.
REQUESTS_AT_ONCE = environment.positive_integer("REQUESTS_AT_ONCE", 10)
# How many requests a process works on at a time; `serve --threads` sets it.
THREADS = environment.positive_integer("THREADS", 4)
# Seconds in the database, of a request that reads; not of a file, which is the way to all rows.
READ_DEADLINE = environment.positive_integer("READ_DEADLINE", 2)

AUTH_USER_MODEL = "users.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name}
    for name in (
        "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "django.contrib.auth.password_validation.MinimumLengthValidator",
        "django.contrib.auth.password_validation.CommonPasswordValidator",
        "django.contrib.auth.password_validation.NumericPasswordValidator",
        "logins.passwords.LogsAppsOut",
    )
]
# Django's, and that of imported passwords.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "users.hashers.WerkzeugScryptHasher",
]
# Whether apps may log in with a password: logins/views.py.
APP_LOGIN = environment.boolean("APP_LOGIN", default=True)

LANGUAGE_CODE = "en"
USE_I18N = False
FORMAT_MODULE_PATH = "staff.formats"
USE_TZ = True
TIME_ZONE = environment.time_zone("TIME_ZONE", "UTC")
# Of clients that have none of their own.
CURRENCY = environment.currency("CURRENCY", "USD")

STATIC_URL = "static/"
# The files of the admin and of the documentation pages come straight from their packages.
WHITENOISE_USE_FINDERS = True

# A body larger than this is 413.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS: list[str] = []  # no page takes files: they are read past, and kept nowhere

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apitokens.authentication.ApiTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apitokens.permissions.ScopePermission"],
    "DEFAULT_THROTTLE_CLASSES": ["api.throttling.TokenThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["api.wire.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.wire.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.wire.negotiation.JSONOnlyNegotiation",
    "DEFAULT_METADATA_CLASS": "api.wire.metadata.SmallMetadata",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "api.pagination.pages.PagePagination",
    "DEFAULT_SCHEMA_CLASS": "api.schema.autoschema.AutoSchema",
    "EXCEPTION_HANDLER": "api.exceptions.exception_handler",
    "COERCE_DECIMAL_TO_STRING": False,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
SPECTACULAR_SETTINGS: dict[str, object] = {
    "TITLE": "TimeTracker API",
    "SERVERS": [{"url": "/", "description": "This service"}],
    "VERSION": APP_VERSION,
    "DESCRIPTION": (
        "Clients, projects, tasks, time entries, a timer and reports.\n\n"
        "Send an API token as `Authorization: Bearer tt_…` or `X-API-Key: tt_…`; "
        "administrators issue tokens, and apps get one for a password. Each operation lists its "
        "required scope; `write:x` "
        "includes `read:x`.\n\n"
        "Times are returned in UTC with `Z`. Lists are paginated. Unknown fields and "
        "parameters are rejected with 400. Every error has an `error_code` for programs "
        "and a `message` for people. Each token is limited to 100 requests a minute and "
        "1000 an hour."
    ),
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SORT_OPERATION_PARAMETERS": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "webhooks.schema.add_webhooks",
        "api.schema.hooks.name_choices",
        "api.schema.hooks.add_declared",
    ],
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # No token in the browser's storage, and nothing about us to validator.swagger.io.
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "persistAuthorization": False,
        "validatorUrl": None,
    },
    "REDOC_DIST": "SIDECAR",
}

LOGGING = logs.logging_settings(environment.log_level("LOG_LEVEL"))
# django-ratelimit's checks know only memcached and Redis. One process with its own counters is
# what we offer without REDIS_URL, and Django's Redis backend counts atomically.
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.E003", "django_ratelimit.W001"]
