"""Health checks."""

import logging
from functools import cache

from django.core.cache import caches
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.exceptions import log_unavailable
from api.views import PublicView
from database.replicas import BEHIND, OK, UNAVAILABLE, is_configured, replica
from ratelimit.counters import CounterCache

log = logging.getLogger("timetracker.errors")

READ_ONLY, PENDING = "read_only", "pending"


class HealthySerializer(serializers.Serializer[object]):
    """The service and everything it uses works."""

    status = serializers.ChoiceField(["healthy"])
    replica = serializers.ChoiceField(
        [OK, BEHIND, UNAVAILABLE],
        required=False,
        help_text="If one is configured. Without it the primary is read.",
    )


class UnhealthySerializer(serializers.Serializer[object]):
    """Something that the service uses does not work."""

    status = serializers.ChoiceField(["unhealthy"])
    checks = serializers.DictField(
        child=serializers.ChoiceField([OK, READ_ONLY, BEHIND, UNAVAILABLE])
    )


class LiveSerializer(serializers.Serializer[object]):
    """The process answers."""

    status = serializers.ChoiceField(["live"])


class ReadinessChecksSerializer(serializers.Serializer[object]):
    """The state of each thing that the service uses."""

    database = serializers.ChoiceField([OK, READ_ONLY, UNAVAILABLE])
    migrations = serializers.ChoiceField([OK, PENDING, UNAVAILABLE])
    cache = serializers.ChoiceField([OK, UNAVAILABLE])
    replica = serializers.ChoiceField([OK, BEHIND, UNAVAILABLE], required=False)


class ReadySerializer(serializers.Serializer[object]):
    """The process can take requests."""

    status = serializers.ChoiceField(["ready"])
    checks = ReadinessChecksSerializer()


class NotReadySerializer(serializers.Serializer[object]):
    """Requests should go elsewhere."""

    status = serializers.ChoiceField(["not_ready"])
    checks = ReadinessChecksSerializer()


class LiveView(PublicView):
    """Report whether the process is alive."""

    @extend_schema(responses=LiveSerializer)
    def get(self, request: Request) -> Response:
        """Return 200 `{"status": "live"}`, for a liveness probe.

        Nothing else is checked: restarting the process would not bring a database back.
        """
        return Response({"status": "live"})


class ReadyView(PublicView):
    """Report whether this process is ready for requests."""

    @extend_schema(responses={200: ReadySerializer, 503: NotReadySerializer})
    def get(self, request: Request) -> Response:
        """Return 200 if the database is writable and migrated, otherwise 503.

        `cache` (Redis) is for information only: without it the service keeps running, and each
        process counts rate limits separately. So is `replica`, which is there if one is
        configured: without it the primary is read.
        """
        checks = parts()
        ready = {checks["database"], checks["migrations"]} == {OK}
        if not ready:
            log.error("Not ready", extra={"cause": checks})
        return Response(
            {"status": "ready" if ready else "not_ready", "checks": checks},
            status=200 if ready else 503,
        )


class HealthView(PublicView):
    """Report whether the service and its dependencies are healthy."""

    @extend_schema(responses={200: HealthySerializer, 503: UnhealthySerializer})
    def get(self, request: Request) -> Response:
        """Return 200 `{"status": "healthy"}`, or 503 naming what has failed; for monitoring."""
        checks = {"database": _database(), "cache": _cache()}
        if set(checks.values()) == {OK}:
            return Response({"status": "healthy", **_replica()})
        log.error("Unhealthy", extra={"cause": checks})
        return Response({"status": "unhealthy", "checks": checks}, status=503)


def parts() -> dict[str, str]:
    """Return the state of each part that readiness looks at."""
    return {"database": _database(), "migrations": _migrations(), "cache": _cache(), **_replica()}


def _database() -> str:
    try:
        return OK if connection.is_writable() else READ_ONLY  # type: ignore[attr-defined]
    except Error as error:
        log_unavailable(error)
        return UNAVAILABLE


def _migrations() -> str:
    try:
        applied = MigrationRecorder(connection).applied_migrations()
    except Error as error:
        log_unavailable(error)
        return UNAVAILABLE
    return OK if _known_migrations() <= applied.keys() else PENDING


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Return the migrations of the code that runs."""
    return frozenset(MigrationLoader(None).disk_migrations)


def _replica() -> dict[str, str]:
    """Return whether this process reads on the replica, as it found when it last looked."""
    if not is_configured():
        return {}
    replica.watch()
    return {"replica": replica.state}


def _cache() -> str:
    """Return whether Redis answers; counters in this process always do."""
    counters = caches["ratelimit"]
    away = isinstance(counters, CounterCache) and not counters.counters.answers()
    return UNAVAILABLE if away else OK
