"""Starting the service: the first time, every later time, and when it cannot."""

import os
import re
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client as Browser
from pytest_django import Settings
from rest_framework.test import APIClient

from apitokens.models import ApiToken
from projects.models import Project
from tests.support.factories import make_administrator, make_project, make_user
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from timetracker.management.commands import serve
from users.models import User

NOWHERE = "redis://127.0.0.1:1"  # nothing connects before the first request
ALONE = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
SHARED = {"BACKEND": "ratelimit.counters.CounterCache", "LOCATION": NOWHERE}


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def port() -> int:
    """A port on which nothing listens."""
    return free_port()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[list[str]]:
    """The commands that would have replaced the process; one process, reached directly."""
    settings.CACHES = {**settings.CACHES, "ratelimit": ALONE}
    settings.BASE_URL = ""
    monkeypatch.setenv("THREADS", "4")
    commands: list[list[str]] = []
    monkeypatch.setattr(serve, "replace_process", commands.append)
    monkeypatch.setattr(serve, "keep_running", lambda words, at_end: None)
    return commands


def start(*arguments: str, port: int) -> str:
    """Run the command and return what it says."""
    out = StringIO()
    call_command("serve", *arguments, "--port", str(port), stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_first_demo_run_makes_what_the_printed_lines_need(
    started: list[list[str]], port: int
) -> None:
    said = start("--demo", port=port)
    address = f"http://127.0.0.1:{port}"
    assert started == [serve.granian("127.0.0.1", port, 1)]
    user = User.objects.get(is_superuser=True)
    token = ApiToken.objects.get()
    assert (user.username, token.user, token.scopes) == ("admin", user, ["admin:all"])
    assert (Project.objects.count(), TimeEntry.objects.count()) == (12, 2000)
    assert f"  documentation  {address}/api/docs\n" in said
    assert f"  admin          {address}/admin/\n" in said
    password = re.findall(r"^  password       (\S+)$", said, re.MULTILINE)[0]
    assert Browser().login(username="admin", password=password)
    curl, option, header, url = shlex.split(said.splitlines()[-1])
    assert (curl, option, url) == ("curl", "-H", f"{address}/api/v1/projects")
    authorization = header.removeprefix("Authorization: ")
    response = APIClient(HTTP_AUTHORIZATION=authorization).get(url.removeprefix(address))
    assert (response.status_code, response.json()["pagination"]["total"]) == (200, 12)


@pytest.mark.django_db
def test_a_later_demo_run_keeps_everything_and_says_how_to_get_in(
    started: list[list[str]], port: int
) -> None:
    make_administrator("ada")
    make_administrator("bob")
    make_project("Ours")
    said = start("--demo", port=port)
    assert started == [serve.granian("127.0.0.1", port, 1)]
    assert (User.objects.count(), ApiToken.objects.count()) == (2, 0)
    assert [project.name for project in Project.objects.all()] == ["Ours"]
    manage = f"{os.path.relpath(sys.executable)} {os.path.relpath(configured.BASE_DIR)}"
    manage = manage.removesuffix(".") + "manage.py"
    token = "create_api_token --user ada --name 'my token' --scope admin:all"
    assert said.splitlines()[3:] == [
        f"  administrator  ada; a new password: {manage} changepassword ada",
        f"  a new token    {manage} {token}",
    ]


@pytest.mark.django_db
def test_without_demo_an_empty_database_stays_empty(started: list[list[str]], port: int) -> None:
    said = start(port=port)
    assert len(started) == 1
    assert (User.objects.count(), Project.objects.count()) == (0, 0)
    assert re.search(r"administrator  none yet: \S+ manage\.py createsuperuser", said)


@pytest.mark.django_db
def test_a_database_with_users_but_no_administrator_gets_none(
    started: list[list[str]], port: int
) -> None:
    make_user("olga")
    make_user("gone", is_superuser=True, is_active=False)
    assert "administrator  none yet: " in start("--demo", port=port)
    assert (User.objects.count(), ApiToken.objects.count()) == (2, 0)


@pytest.mark.django_db
def test_a_demo_that_cannot_be_made_leaves_no_administrator(
    started: list[list[str]], port: int
) -> None:
    make_project()
    with pytest.raises(CommandError, match="demo data needs an empty one"):
        start("--demo", port=port)
    assert (User.objects.count(), ApiToken.objects.count(), started) == (0, 0, [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="one server runs on an SQLite file")
def test_servers_that_start_together_make_one_demo(started: list[list[str]]) -> None:
    ports = [free_port(), free_port()]

    def run(port: int) -> Callable[[], str]:
        return lambda: start("--demo", port=port)

    said = at_once([run(port) for port in ports])
    assert sorted("password     " in text for text in said) == [False, True]
    assert (ApiToken.objects.count(), TimeEntry.objects.count(), len(started)) == (1, 2000, 2)


@pytest.mark.django_db
def test_refuses_a_taken_port_before_it_touches_anything(started: list[list[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError) as refused:
            start("--demo", port=port)
    assert str(refused.value) == (
        f"Cannot listen on 127.0.0.1:{port}: Address already in use. "
        "Stop the other process or use another --host or --port."
    )
    assert (User.objects.count(), started) == (0, [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("counters", "arguments", "workers"),
    [
        pytest.param(ALONE, [], 1, id="alone"),
        pytest.param(ALONE, ["--workers", "1"], 1, id="alone-one"),
        pytest.param(SHARED, [], 2, id="shared"),
        pytest.param(SHARED, ["--workers", "1"], 1, id="shared-one"),
        pytest.param(SHARED, ["--workers", "5"], 5, id="shared-five"),
    ],
)
def test_runs_as_many_processes_as_can_share_counters(
    started: list[list[str]],
    settings: Settings,
    port: int,
    counters: dict[str, str],
    arguments: list[str],
    workers: int,
) -> None:
    settings.CACHES = {**settings.CACHES, "ratelimit": counters}
    start(*arguments, port=port)
    assert started == [serve.granian("127.0.0.1", port, workers)]


@pytest.mark.django_db
def test_runs_as_many_threads_as_it_is_told(started: list[list[str]], port: int) -> None:
    start("--threads", "2", port=port)
    assert started == [serve.granian("127.0.0.1", port, workers=1, threads=2)]
    assert started[0][started[0].index("--blocking-threads") + 1] == "14"  # 12 wait
    assert os.environ["THREADS"] == "2"


@pytest.mark.django_db
def test_refuses_several_processes_that_count_alone(started: list[list[str]], port: int) -> None:
    with pytest.raises(CommandError) as refused:
        start("--workers", "2", port=port)
    assert str(refused.value) == (
        "2 processes would each count rate limits separately, allowing 2 times the limit. "
        "Set REDIS_URL or run one process."
    )
    assert started == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["--port", "0"], "must be a number from 1 to 65535, not '0'", id="port-0"),
        pytest.param(["--port", "65536"], "must be a number from 1 to 65535", id="port-too-high"),
        pytest.param(["--port", "http"], "not 'http'", id="port-name"),
        pytest.param(["--workers", "0"], "must be a whole number, 1 or greater", id="no-workers"),
        pytest.param(["--threads", "x"], "must be a whole number, 1 or greater", id="no-threads"),
        pytest.param(["--host", "localhost"], "must be an IP address such as", id="host-name"),
    ],
)
def test_says_what_it_accepts(
    started: list[list[str]], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("serve", *arguments)
    assert started == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("host", "base_url", "address"),
    [
        pytest.param("0.0.0.0", "", "http://127.0.0.1:{port}", id="every-address"),  # noqa: S104
        pytest.param("127.0.0.2", "", "http://127.0.0.2:{port}", id="one-address"),
        pytest.param("127.0.0.1", "https://t.example", "https://t.example", id="behind-a-proxy"),
    ],
)
def test_says_where_it_can_be_reached(
    started: list[list[str]],
    settings: Settings,
    port: int,
    host: str,
    base_url: str,
    address: str,
) -> None:
    settings.BASE_URL = base_url
    said = start("--host", host, port=port)
    assert said.splitlines()[0].endswith(f" on {address.format(port=port)}")
    assert started == [serve.granian(host, port, 1)]


@contextmanager
def running_server(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The real server with a database that does not answer, as another user starts it."""
    environment = {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "TOKEN_PEPPER": secrets.token_urlsafe(64),
        "PATH": os.environ["PATH"],
    }
    command = serve.granian("127.0.0.1", port, 1)
    with subprocess.Popen(command, cwd="/", env=environment, stderr=subprocess.DEVNULL) as server:  # noqa: S603 - our own
        try:
            yield server
        finally:
            server.kill()


def status_of(url: str) -> int:
    """The status of an answer, waiting until the server has started."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - http
                status: int = response.status
                return status
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            time.sleep(0.1)
    raise AssertionError("The server did not start.")


@pytest.mark.slow
def test_the_server_answers_serves_static_files_and_ends_when_told(port: int) -> None:
    with running_server(port) as server:
        paths = ("api/v1/info", "api/docs", "static/admin/css/base.css", "api/v1/nothing")
        statuses = [status_of(f"http://127.0.0.1:{port}/{path}") for path in paths]
        server.send_signal(signal.SIGTERM)
        assert (statuses, server.wait(timeout=30)) == ([200, 200, 200, 404], 0)
