"""Behind PgBouncer, and without: who is limited by time and who is not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError, connection, connections, transaction
from psycopg import sql
from pytest_django import Settings

from database.postgresql.limits import lifted
from database.url import served
from tests.support.servers import ROOT, NoServer, free_port, pgbouncer, postgresql_without_password

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL")

LIMITS = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}
# Migrates as `serve` does, says so, and stops where it would become the server.
PREPARE = """
import django
django.setup()
from timetracker.management.commands import serve
serve.replace_process = lambda command: print("ready")
from django.core.management import execute_from_command_line
import sys
execute_from_command_line(["manage.py", "serve", "--no-webhooks", "--port", sys.argv[1]])
"""
ASK = """
import django
django.setup()
from django.db import connection, transaction
from projects.models import Project
print([Project.objects.filter(name="x").count() for _ in range(9)][-1])
print(list(Project.objects.iterator()))
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute("SHOW statement_timeout")
    print(cursor.fetchone()[0])
"""


def limits() -> dict[str, str]:
    """The limits of our connection."""
    shown = {}
    with connection.cursor() as cursor:
        for name in LIMITS:
            cursor.execute(f"SHOW {name}")
            shown[name] = cursor.fetchone()[0]
    return shown


@pytest.mark.django_db(transaction=True)
def test_a_migration_has_no_limit_and_a_request_after_it_has() -> None:
    assert limits() == LIMITS
    with lifted():
        assert set(limits().values()) == {"0"}
    assert limits() == LIMITS


@pytest.mark.django_db(transaction=True)
def test_migrate_has_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    monkeypatch.setattr(
        "django.core.management.commands.migrate.Command.handle",
        lambda *_, **__: seen.update(limits()),
    )
    call_command("migrate", verbosity=0)
    assert set(seen.values()) == {"0"}


@pytest.mark.django_db(transaction=True)
def test_behind_a_pooler_a_limit_is_lifted_for_a_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connection.settings_dict, "POOLED", "on")
    with lifted():
        assert limits() == LIMITS
        with transaction.atomic():
            assert set(limits().values()) == {"0"}
            with pytest.raises(ValueError, match="undone"), transaction.atomic():
                raise ValueError("undone")
            assert set(limits().values()) == {"0"}
        assert limits() == LIMITS
        with pytest.raises(OperationalError), transaction.atomic():
            connection.cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The URL of an empty database on the tests' server."""
    url = os.environ.get("TEST_POSTGRES_URL") or postgresql_without_password()
    if not url:
        pytest.skip("no PostgreSQL server that lets us in")
    name = f"{connection.settings_dict['NAME']}_pooled"
    remove = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(url, dbname="postgres", autocommit=True) as server:
        server.execute(remove)
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield url.rpartition("/")[0] + f"/{name}"
        server.execute(remove)


def manage(code: str, *arguments: str, url: str, pooled: str = "on") -> str:
    """Run code with the service's settings and return what it prints."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DATABASE_POOLED": pooled,
        "REDIS_URL": "",
        "DJANGO_SETTINGS_MODULE": "timetracker.settings",
    }
    ended = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_nodes_that_start_together_behind_pgbouncer_all_start(database: str) -> None:
    try:
        with pgbouncer(database, pool_size=2) as pooled, ThreadPoolExecutor(4) as nodes:
            starts = [
                nodes.submit(manage, PREPARE, str(free_port()), url=pooled) for _ in range(4)
            ]
            assert [start.result().splitlines()[-1] for start in starts] == ["ready"] * 4
        with pgbouncer(database) as pooled:
            assert manage(ASK, url=pooled).splitlines() == ["0", "[]", "15s"]
    except NoServer as missing:
        pytest.skip(str(missing))


@pytest.mark.django_db(transaction=True)
def test_migrations_go_past_the_pooler(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Where there is a direct address; the connection of before is there afterwards."""
    settings.DATABASE_DIRECT = {**connection.settings_dict, "TEST": {}, "CONN_MAX_AGE": 1}
    monkeypatch.setitem(connection.settings_dict, "POOLED", "on")
    seen: dict[str, object] = {}
    monkeypatch.setattr(
        "django.core.management.commands.migrate.Command.handle",
        lambda *_, **__: seen.update(limits(), kept=connection.settings_dict["CONN_MAX_AGE"]),
    )
    before = connections["default"]
    call_command("migrate", verbosity=0)
    assert seen == {**dict.fromkeys(LIMITS, "0"), "kept": 1}
    assert connections["default"] is before
    assert limits() == LIMITS


@pytest.mark.django_db(transaction=True)
def test_instants_can_be_read_whatever_the_server_prefers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting, source FROM pg_settings WHERE name = 'DateStyle'")
        style, source = cursor.fetchone()
    assert (style.partition(",")[0], source) == ("ISO", "client")


def test_a_role_cannot_be_assumed_behind_a_pooler() -> None:
    with pytest.raises(ImproperlyConfigured, match="cannot be used with DATABASE_POOLED"):
        served({"OPTIONS": {"assume_role": "owner"}}, {}, pooled=True)
    assert served({"OPTIONS": {"assume_role": "owner"}}, {}, pooled=False)["POOLED"] is False
