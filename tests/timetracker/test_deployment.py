"""The files that a deployment is made of, tried with the real nginx and PostgreSQL."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from django.conf import settings as configured
from psycopg.conninfo import make_conninfo

from tests.support.servers import ROOT, NoServer, free_port, postgresql_of_our_own, wait_for_port

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
STARTED = 10  # seconds


class Echo(BaseHTTPRequestHandler):
    """Answers with what the proxy says of the caller."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer the headers that we believe."""
        names = ("X-Forwarded-For", "X-Forwarded-Proto", "Host")
        body = json.dumps({name: self.headers[name] for name in names}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the library's

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's
        """Say nothing."""


class Application:
    """A server that can be taken away from its port and come back."""

    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    def start(self) -> None:
        """Listen."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Echo)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def nginx(applications: list[Application], terminator: str = "127.0.0.9") -> Iterator[int]:
    """Run nginx with our file as compose.yaml does, and return its port."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("no nginx")
    port = free_port()
    text = (ROOT / "nginx.conf").read_text().replace("${TLS_TERMINATOR}", terminator)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    for number, application in enumerate(applications, 1):
        text = text.replace(f"application{number}:8000", f"127.0.0.1:{application.port}")
    with tempfile.TemporaryDirectory(prefix="timetracker-") as name:
        folder = Path(name)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"pid {folder}/pid; error_log {folder}/error.log; daemon off; master_process off;"
            f"events {{}} http {{ {paths} {text} }}"
        )
        command: list[str | Path] = [
            program,
            "-p",
            folder,
            "-e",
            f"{folder}/error.log",
            "-c",
            f"{folder}/nginx.conf",
        ]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 - ours
        try:
            wait_for_port(port)
            yield port
        finally:
            process.kill()
            process.wait(STARTED)


@pytest.fixture
def applications() -> Iterator[list[Application]]:
    """Two servers."""
    both = [Application(), Application()]
    yield both
    for application in both:
        application.stop()


def ask(
    port: int, method: str = "GET", source: str = "127.0.0.1", **headers: str
) -> tuple[int, dict[str, Any]]:
    """Ask nginx, from an address of the loopback network."""
    connection = http.client.HTTPConnection("127.0.0.1", port, 20, (source, 0))
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/api/v1/info", headers=sent)
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()
    return response.status, body


def test_two_restarts_in_a_row_leave_no_caller_without_an_answer(
    applications: list[Application],
) -> None:
    with nginx(applications) as port:
        statuses = []
        for application in applications:
            application.stop()
            statuses += [ask(port, method)[0] for method in ("GET", "POST") * 5]
            application.start()
        statuses += [ask(port)[0] for _ in range(10)]
    assert statuses == [200] * 30


def test_without_any_server_the_answer_is_in_our_shape(applications: list[Application]) -> None:
    with nginx(applications) as port:
        for application in applications:
            application.stop()
        status, body = ask(port)
        for application in applications:
            application.start()
        assert ask(port)[0] == 200
    assert (status, set(body)) == (503, {"error", "message", "error_code", "request_id"})
    assert body["error_code"] == "unavailable"


@pytest.mark.parametrize(
    ("path", "shown"), [("/api/v1/info", ["*"]), ("/admin/", None)], ids=["API", "admin"]
)
@pytest.mark.parametrize(
    ("length", "status"), [("0", 503), ("3000000", 413)], ids=["no server", "body too large"]
)
def test_pages_of_other_origins_can_read_refusals_of_the_proxy_itself(
    applications: list[Application], path: str, shown: list[str] | None, length: str, status: int
) -> None:
    with nginx(applications) as port:
        for application in applications:
            application.stop()
        connection = http.client.HTTPConnection("127.0.0.1", port, 20)
        connection.request("POST", path, headers={"Content-Length": length})
        response = connection.getresponse()
        body = json.loads(response.read())
        connection.close()
        for application in applications:
            application.start()
    assert response.status == status
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert response.headers.get_all("Access-Control-Allow-Origin") == shown


@pytest.mark.parametrize(
    ("source", "headers", "address", "scheme"),
    [
        pytest.param("127.0.0.2", {}, "127.0.0.2", "http", id="direct"),
        pytest.param(
            "127.0.0.2",
            {"X_Forwarded_For": "203.0.113.9", "X_Forwarded_Proto": "https"},
            "127.0.0.2",
            "http",
            id="a stranger's word",
        ),
        pytest.param(
            "127.0.0.9",
            {"X_Forwarded_For": "203.0.113.9", "X_Forwarded_Proto": "https"},
            "203.0.113.9",
            "https",
            id="the terminator's word",
        ),
        pytest.param(
            "127.0.0.9",
            {"X_Forwarded_For": "198.51.100.1, 203.0.113.9", "X_Forwarded_Proto": "http"},
            "203.0.113.9",
            "http",
            id="a caller's invention before it",
        ),
        pytest.param(
            "127.0.0.9", {"X_Forwarded_Proto": "javascript"}, "127.0.0.9", "http", id="nonsense"
        ),
    ],
)
def test_the_terminator_says_who_calls_and_how(
    applications: list[Application],
    source: str,
    headers: dict[str, str],
    address: str,
    scheme: str,
) -> None:
    with nginx(applications) as port:
        _, seen = ask(port, source=source, Host="t.example", **headers)
    assert seen == {"X-Forwarded-For": address, "X-Forwarded-Proto": scheme, "Host": "t.example"}


@pytest.mark.slow
def test_the_databases_role_owns_its_database_and_no_more() -> None:
    if shutil.which("psql") is None:
        pytest.skip("no psql")
    with ExitStack() as lent:
        try:
            server = lent.enter_context(postgresql_of_our_own())
        except NoServer as missing:
            pytest.skip(str(missing))
        environment = {**os.environ, "PGHOST": str(server.folder), "PGPORT": "5432"}
        subprocess.run(  # noqa: S603 - ours
            [ROOT / "database.sh"], env={**environment, "DATABASE_PASSWORD": "it's"}, check=True
        )
        role = f"postgres://timetracker@/timetracker?host={server.folder}"
        secrets = {"SECRET_KEY": configured.SECRET_KEY, "TOKEN_PEPPER": configured.TOKEN_PEPPER}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"],
            cwd=ROOT,
            env={**environment, **secrets, "DATABASE_URL": role},
            check=True,
        )
        conninfo = make_conninfo(role)
        with psycopg.connect(conninfo) as connection:
            rights = "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
            found = connection.execute(f"{rights} FROM pg_roles WHERE rolname = current_user")
            assert found.fetchone() == (False,) * 5
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(conninfo, dbname="postgres")


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_each_container_restarts_and_is_limited(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["restart"] == "unless-stopped"
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service)
    if "image" in service:
        tag = service["image"].rpartition(":")[2]
        assert tag.count(".") >= 1
        assert "healthcheck" in service


def test_the_image_holds_each_package_and_no_secrets() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    taken = {line[1:] for line in lines if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["importlinter"]["root_packages"]
    assert lines[1] == "*"
    assert taken == {
        *packages,
        *("CHANGELOG.md", "LICENSE", "manage.py", "requirements.txt"),
    }


@pytest.mark.parametrize(
    "path",
    [".env", ".env.local", "backup.sqlite3", "data/secret_key", "timetracker.dump", "tls.key"],
)
def test_git_takes_no_secret(path: str) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    command = ["git", "check-ignore", "--quiet", path]
    asked = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 - ours
    assert asked.returncode == 0
