"""Serve the API: prepare the database, then become the production server."""

import os
import secrets
import shlex
import shutil
import socket
import sys
import tempfile
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address

from django.conf import settings
from django.core.cache import caches
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.urls import reverse

from apitokens.models import ApiToken
from database.postgresql.direct import directly
from database.postgresql.limits import limit_role
from ratelimit.counters import CounterCache
from timetracker.management.commands.serve_metrics import FOLDER
from timetracker.orphans import SERVER
from users.models import User
from values.arguments import at_least_one
from values.companions import keep_running

ADMINISTRATOR = "admin"
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on
HIGHEST_PORT = 65_535
# Two are faster where the database is near, but fewer wait for a far one, or for a slow caller
# (docs/decisions/0005-bytes-from-columns.md).
THREADS = 4
# Threads that wait for their turn beside those that work: room for what one token may have under
# way and for others (api/turns.py).
WAITING_THREADS = 12
# Of a process, idle ones included: granian keeps those for 30 seconds, and a small number would
# let them lock everybody else out. The usual limit of open files is 1024.
CONNECTIONS = 512
SECONDS_TO_FINISH = 25  # for requests under way; compose.yaml kills after 30
SECONDS_BETWEEN_ATTEMPTS = 0.2  # to prepare the database
PREPARATION_LOCK = 7_463_301  # an arbitrary number that nothing else here uses


class Command(BaseCommand):
    """Migrate, make demo data the first time if asked, and hand the process over to granian."""

    help = (
        "Migrate the database and serve the API with granian. With --demo, a database "
        "without users first gets an administrator, demo data and a token."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address, how many processes and threads, and whether to make demo data."""
        parser.add_argument(
            "--demo", action="store_true", help="create demo data on the first run"
        )
        parser.add_argument(
            "--host",
            type=_ip_address,
            default="127.0.0.1",
            help="IP address to listen on; default: 127.0.0.1",
        )
        parser.add_argument(
            "--port", type=_port, default=8000, help="port to listen on; default: 8000"
        )
        parser.add_argument(
            "--workers",
            type=at_least_one,
            metavar="N",
            help="number of processes; default: 2 with REDIS_URL, otherwise 1",
        )
        parser.add_argument(
            "--threads",
            type=at_least_one,
            metavar="N",
            default=THREADS,
            help=f"threads per process, each with a database connection; default: {THREADS}",
        )
        parser.add_argument(
            "--no-webhooks",
            action="store_true",
            help="do not send webhooks: `manage.py send_webhooks` runs elsewhere",
        )

    def handle(
        self,
        *,
        host: str,
        port: int,
        workers: int | None,
        threads: int,
        demo: bool,
        no_webhooks: bool,
        **_: object,
    ) -> None:
        """Prepare everything that can fail, print the URLs, and exec the server."""
        workers = _workers_that_share_counters(workers)
        for listener in [(host, port), settings.METRICS_ADDRESS]:
            if listener:
                _refuse_taken_port(*listener)
        address = settings.BASE_URL or _address(host, port)
        with _alone():
            if settings.DATABASE_POOLED:
                limit_role()
            call_command("migrate", verbosity=0, interactive=False)
            self._say_where(address)
            if not (demo and self._make_demo(address)):
                self._say_how_to_get_in()
        self.stdout.flush()
        os.environ["THREADS"] = str(threads)
        if settings.METRICS_ADDRESS:
            _keep_metrics()
        if not no_webhooks:
            _keep_running("send_webhooks")
        os.environ[SERVER] = str(os.getpid())  # which the server keeps
        replace_process(granian(host, port, workers, threads))

    def _say_where(self, address: str) -> None:
        self.stdout.write(
            f"TimeTracker {settings.APP_VERSION} on {address}\n"
            f"  documentation  {address}{reverse('docs')}\n"
            f"  admin          {address}{reverse('admin:index')}"
        )

    @transaction.atomic
    def _make_demo(self, address: str) -> bool:
        """Make an administrator with a token, and demo data, unless there are users already."""
        if User.objects.exists():
            return False
        password = secrets.token_urlsafe(12)
        user = User.objects.create_superuser(ADMINISTRATOR, password=password)
        _, secret = ApiToken.issue(user=user, name="demo", scopes=["admin:all"])
        call_command("seed_demo", stdout=self.stdout)
        self.stdout.write(
            f"  user           {ADMINISTRATOR}\n"
            f"  password       {password}\n"
            f"  token          {secret}\n"
            "The password and the token are shown only once. Try it:\n"
            f'  curl -H "Authorization: Bearer {secret}" {address}{reverse("project-list")}\n'
        )
        return True

    def _say_how_to_get_in(self) -> None:
        user = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if user is None:
            self.stdout.write(f"  administrator  none yet: {_manage('createsuperuser')}\n")
            return
        name = user.get_username()
        token = ("create_api_token", "--user", name, "--name", "my token", "--scope", "admin:all")
        self.stdout.write(
            f"  administrator  {name}; a new password: {_manage('changepassword', name)}\n"
            f"  a new token    {_manage(*token)}\n"
        )


def granian(host: str, port: int, workers: int, threads: int = THREADS) -> list[str]:
    """Return the command that serves the API."""
    return [
        *(sys.executable, "-m", "granian", "timetracker.wsgi:application"),
        *("--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--working-dir", str(settings.BASE_DIR), "--host", host, "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", str(threads + WAITING_THREADS)),
        *("--backpressure", str(CONNECTIONS)),
        *("--respawn-failed-workers", "--workers-kill-timeout", str(SECONDS_TO_FINISH)),
    ]


def replace_process(command: list[str]) -> None:
    """Become another program, which then gets our signals; does not return."""
    connections.close_all()
    os.execv(command[0], command)  # noqa: S606 - our own words, and no shell is wanted


def _keep_running(command: str, at_end: Callable[[], None] = lambda: None) -> None:
    """Run a command of ours beside the server."""
    keep_running([str(settings.BASE_DIR / "manage.py"), command], at_end)


def _keep_metrics() -> None:
    """Count from now on in a folder of this server's, and show it beside the server."""
    os.environ[FOLDER] = folder = tempfile.mkdtemp(prefix="timetracker-metrics-")
    _keep_running("serve_metrics", at_end=partial(shutil.rmtree, folder, ignore_errors=True))


@contextmanager
def _alone() -> Iterator[None]:
    """Let servers that start at the same time prepare their PostgreSQL database in turn.

    The lock ends with a transaction, on a connection of its own: one of a session would outlive
    us behind a pooler, which hands the session on to others.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with directly():
        waiting = connections[DEFAULT_DB_ALIAS].copy()
    try:
        waiting.set_autocommit(False)
        while not _takes_turn(waiting):
            waiting.rollback()  # nobody waits on one of a pooler's few connections
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        yield
    finally:
        waiting.close()


def _takes_turn(waiting: BaseDatabaseWrapper) -> bool:
    """Return whether the turn is ours until the transaction ends, idle as it will be."""
    with waiting.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [PREPARATION_LOCK])
        (is_ours,) = cursor.fetchone()
        # Last, because a SELECT would keep its snapshot, for which the migrations' CREATE INDEX
        # CONCURRENTLY would wait, until another statement takes the place of its portal.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    return bool(is_ours)


def _workers_that_share_counters(workers: int | None) -> int:
    shared = isinstance(caches["ratelimit"], CounterCache)
    if workers is None:
        return 2 if shared else 1
    if workers > 1 and not shared:
        raise CommandError(
            f"{workers} processes would each count rate limits separately, allowing "
            f"{workers} times the limit. Set REDIS_URL or run one process."
        )
    return workers


def _refuse_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {_joined(host, port)}: {error.strerror}. Stop the other "
            "process or use another --host or --port."
        ) from error


def _address(host: str, port: int) -> str:
    return f"http://{_joined('127.0.0.1' if host in EVERY_ADDRESS else host, port)}"


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _manage(*arguments: str) -> str:
    """Return a management command as it can be typed where we were started."""
    script = settings.BASE_DIR / "manage.py"
    return shlex.join([os.path.relpath(sys.executable), os.path.relpath(script), *arguments])


def _ip_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise ArgumentTypeError(
            f"must be an IP address such as 127.0.0.1, not {text!r}"
        ) from error


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= HIGHEST_PORT:
        raise ArgumentTypeError(f"must be a number from 1 to {HIGHEST_PORT}, not {text!r}")
    return int(text)
