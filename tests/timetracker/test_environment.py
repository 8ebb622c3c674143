import os
import runpy
import secrets
import traceback
from ipaddress import ip_network
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import ImproperlyConfigured

from timetracker import environment

ROOT = Path(__file__).resolve().parents[2]
LONG = secrets.token_hex(environment.SECRET_MIN_LENGTH // 2)
OTHER = secrets.token_hex(environment.SECRET_MIN_LENGTH // 2)

READERS: dict[str, Any] = {
    "boolean": environment.boolean,
    "positive_integer": lambda name: environment.positive_integer(name, 7),
    "names": lambda name: environment.names(name, ["localhost"]),
    "networks": environment.networks,
    "listener": environment.listener,
    "origins": environment.origins,
    "time_zone": lambda name: environment.time_zone(name, "UTC"),
    "log_level": environment.log_level,
    "base_url": environment.base_url,
    "url": lambda name: environment.url(name, "redis", "unix"),
    "redis": environment.redis,
    "database": environment.database,
}
ACCEPTED = {
    "boolean": "on or off",
    "positive_integer": "a whole number from 1 to 999999999",
    "networks": "addresses or networks separated by commas, such as 10.0.0.0/8",
    "listener": "an IP address and a port such as 127.0.0.1:9464 or [::1]:9464",
    "origins": "*, none, or origins separated by commas, such as https://app.example.com",
    "time_zone": "an IANA time zone name such as Europe/Berlin",
    "log_level": "one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
    "base_url": "a URL such as https://time.example.com",
    "url": "a URL such as redis://… or unix://…",
    "redis": "a URL such as redis",
    "database": "a URL such as postgres://… or postgresql://…",
}


def refusal(variables: dict[str, str]) -> ImproperlyConfigured:
    """The error with which the settings refuse an environment of these variables and secrets."""
    both = {"SECRET_KEY": LONG, "TOKEN_PEPPER": OTHER}
    with (
        patch.dict(os.environ, both | variables, clear=True),
        pytest.raises(ImproperlyConfigured) as refused,
    ):
        runpy.run_path(str(ROOT / "timetracker/settings.py"))
    return refused.value


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        pytest.param("boolean", "on", True, id="on"),
        pytest.param("boolean", "true", True, id="true"),
        pytest.param("boolean", "1", True, id="1"),
        pytest.param("boolean", " On ", True, id="space and case"),
        pytest.param("boolean", "off", False, id="off"),
        pytest.param("boolean", "FALSE", False, id="false"),
        pytest.param("boolean", "0", False, id="0"),
        pytest.param("positive_integer", "1", 1, id="smallest integer"),
        pytest.param("positive_integer", "999999999", 999_999_999, id="largest integer"),
        pytest.param("names", "a.example, b.example,,", ["a.example", "b.example"], id="names"),
        pytest.param(
            "networks",
            "10.0.0.0/8, ::1 ,",
            [ip_network("10.0.0.0/8"), ip_network("::1/128")],
            id="networks",
        ),
        pytest.param("listener", "127.0.0.1:9464", ("127.0.0.1", 9464), id="listener"),
        pytest.param("listener", "[::1]:65535", ("::1", 65_535), id="listener of IPv6"),
        pytest.param("origins", "*", ["*"], id="any origin"),
        pytest.param("origins", "None", [], id="no origin"),
        pytest.param(
            "origins",
            "https://App.example.com, http://[::1]:3000,null,chrome-extension://abc",
            ["https://app.example.com", "http://[::1]:3000", "null", "chrome-extension://abc"],
            id="origins",
        ),
        pytest.param("time_zone", "Europe/Berlin", "Europe/Berlin", id="time zone"),
        pytest.param("log_level", "debug", "DEBUG", id="log level in small letters"),
        pytest.param("log_level", "CRITICAL", "CRITICAL", id="log level"),
        pytest.param(
            "base_url", "https://t.example.com/", "https://t.example.com", id="base URL and slash"
        ),
        pytest.param(
            "base_url", "http://localhost:8000", "http://localhost:8000", id="base URL and port"
        ),
        pytest.param("url", "unix:///run/redis.sock", "unix:///run/redis.sock", id="socket"),
        pytest.param(
            "redis",
            "redis+sentinel://:p%40@a:26379,[::1]/main/2",
            "redis+sentinel://:p%40@a:26379,[::1]/main/2",
            id="sentinels",
        ),
        pytest.param("redis", "rediss://h:6379/0", "rediss://h:6379/0", id="Redis by TLS"),
        pytest.param("url", "redis://h:6379/0", "redis://h:6379/0", id="server"),
    ],
)
def test_a_good_value_is_read(
    monkeypatch: pytest.MonkeyPatch, reader: str, text: str, value: object
) -> None:
    monkeypatch.setenv("SETTING", text)
    assert READERS[reader]("SETTING") == value


@pytest.mark.parametrize("text", [None, "", "  "])
@pytest.mark.parametrize(
    ("reader", "default"),
    [
        ("boolean", False),
        ("positive_integer", 7),
        ("names", ["localhost"]),
        ("networks", []),
        ("listener", None),
        ("origins", ["*"]),
        ("time_zone", "UTC"),
        ("log_level", "INFO"),
        ("base_url", ""),
        ("url", ""),
        ("redis", ""),
        ("database", {}),
    ],
)
def test_a_missing_or_empty_value_is_the_default(
    monkeypatch: pytest.MonkeyPatch, reader: str, default: object, text: str | None
) -> None:
    monkeypatch.delenv("SETTING", raising=False)
    if text is not None:
        monkeypatch.setenv("SETTING", text)
    assert READERS[reader]("SETTING") == default


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        pytest.param("boolean", "yes", id="another word for on"),
        pytest.param("boolean", "2", id="neither 0 nor 1"),
        pytest.param("positive_integer", "0", id="zero"),
        pytest.param("positive_integer", "-1", id="negative"),
        pytest.param("positive_integer", "1.5", id="fraction"),
        pytest.param("positive_integer", "1e3", id="exponent"),
        pytest.param("positive_integer", "1_000", id="underscore"),
        pytest.param("positive_integer", "007", id="leading zeros"),
        pytest.param("positive_integer", "1000000000", id="too large"),
        pytest.param("positive_integer", "\u0661", id="Arabic digit"),
        pytest.param("positive_integer", "many", id="word"),
        pytest.param("origins", "app.example.com", id="origin without a scheme"),
        pytest.param("origins", "https://app.example.com/", id="origin with a path"),
        pytest.param("origins", "https://me@app.example.com", id="origin with a user"),
        pytest.param("origins", "https://a.example,*", id="any origin and one"),
        pytest.param("origins", "none,null", id="no origin and one"),
        pytest.param("origins", "https://a.example,", id="an origin left out"),
        pytest.param("listener", "9464", id="port alone"),
        pytest.param("listener", "localhost:9464", id="listener by name"),
        pytest.param("listener", "127.0.0.1:0", id="listener without a port"),
        pytest.param("listener", "127.0.0.1:65536", id="port of a listener out of range"),
        pytest.param("networks", "10.0.0.1/8", id="network with host bits"),
        pytest.param("networks", "10.0.0.0/8,proxy.example", id="host name"),
        pytest.param("networks", "10.0.0.300", id="no address"),
        pytest.param("time_zone", "Mars/Base", id="no such zone"),
        pytest.param("time_zone", "../../etc/passwd", id="path for a zone"),
        pytest.param("log_level", "LOUD", id="no such level"),
        pytest.param("base_url", "time.example.com", id="no scheme"),
        pytest.param("base_url", "ftp://time.example.com", id="another scheme"),
        pytest.param("base_url", "https://time.example.com/api", id="with a path"),
        pytest.param("base_url", "https://user@time.example.com", id="with a user"),
        pytest.param("base_url", "https://time.example.com?x=1", id="with a query"),
        pytest.param("base_url", "https://", id="no host"),
        pytest.param("url", "http://h:6379", id="not Redis"),
        pytest.param("url", "redis", id="only a scheme's name"),
        pytest.param("redis", "http://h:6379", id="neither Redis nor sentinels"),
        pytest.param("redis", "redis+sentinel://a:26379", id="sentinels without a name"),
        pytest.param("redis", "redis+sentinel://a:70000/main", id="port of a sentinel"),
        pytest.param("redis", "redis+sentinel://a:26379/main/x", id="no number of a database"),
        pytest.param("database", "mysql://u:p@h/db", id="another database"),
        pytest.param("database", "sqlite:///db.sqlite3", id="SQLite by URL"),
        pytest.param("database", "postgres://u:p@h:port/db", id="port that is no number"),
        pytest.param("database", "postgres://u:p@h:99999/db", id="port out of range"),
    ],
)
def test_a_bad_value_refuses_and_names_what_is_accepted(
    monkeypatch: pytest.MonkeyPatch, reader: str, text: str
) -> None:
    monkeypatch.setenv("SETTING", text)
    with pytest.raises(ImproperlyConfigured) as refusal:
        READERS[reader]("SETTING")
    assert str(refusal.value).startswith(f"SETTING must be {ACCEPTED[reader]}")


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ann:p%40ss@db.example:5433/tracker",
        "postgresql://ann:p%40ss@db.example:5433/tracker",
    ],
)
def test_a_database_url_becomes_djangos_settings(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("SETTING", url)
    assert environment.database("SETTING") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "tracker",
        "USER": "ann",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "5433",
    }


ADDRESS = "postgres://ann:secret@"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        pytest.param(
            f"{ADDRESS}one:5432,two:5433/db?target_session_attrs=read-write",
            {
                "HOST": "one,two",
                "PORT": "5432,5433",
                "OPTIONS": {"target_session_attrs": "read-write"},
            },
            id="two hosts",
        ),
        pytest.param(
            f"{ADDRESS}one,[::1]:5433/db",
            {"HOST": "one,::1", "PORT": ",5433"},
            id="one default port",
        ),
        pytest.param(
            f"{ADDRESS}/db?host=/run&port=5433", {"HOST": "/run", "PORT": "5433"}, id="socket"
        ),
        pytest.param(f"{ADDRESS}%2Frun/db", {"HOST": "/run"}, id="socket as a host"),
        pytest.param(
            f"{ADDRESS}h/db?prepare_threshold=None&server_side_binding=False",
            {"HOST": "h", "OPTIONS": {"prepare_threshold": None, "server_side_binding": False}},
            id="None and False",
        ),
        pytest.param(
            f"{ADDRESS}h/db?prepare_threshold=5&server_side_binding=true",
            {"HOST": "h", "OPTIONS": {"prepare_threshold": 5, "server_side_binding": True}},
            id="number and true",
        ),
        pytest.param(
            f"{ADDRESS}h/db?CONN_MAX_AGE=60&conn_health_checks=off&disable_server_side_cursors=on",
            {
                "HOST": "h",
                "CONN_MAX_AGE": 60,
                "CONN_HEALTH_CHECKS": False,
                "DISABLE_SERVER_SIDE_CURSORS": True,
            },
            id="Django's own",
        ),
        pytest.param(
            f"{ADDRESS}h/db?sslmode=verify-full&sslrootcert=/ca%20.pem",
            {"HOST": "h", "OPTIONS": {"sslmode": "verify-full", "sslrootcert": "/ca .pem"}},
            id="libpq's",
        ),
        pytest.param(
            "postgres://ann:a?b#c@h/db", {"HOST": "h", "PASSWORD": "a?b#c"}, id="odd password"
        ),
    ],
)
def test_a_database_url_is_libpqs(
    monkeypatch: pytest.MonkeyPatch, url: str, parts: dict[str, Any]
) -> None:
    monkeypatch.setenv("SETTING", url)
    common = {"NAME": "db", "USER": "ann", "PASSWORD": "secret"}
    engine = {"ENGINE": "django.db.backends.postgresql"}
    assert environment.database("SETTING") == {**engine, **common, **parts}


@pytest.mark.parametrize(
    ("option", "accepted"),
    [
        (
            "prepare_threshold=often",
            "prepare_threshold in SETTING must be a whole number or None.",
        ),
        ("prepare_threshold=-1", "prepare_threshold in SETTING must be a whole number or None."),
        ("server_side_binding=2", "server_side_binding in SETTING must be True or False."),
        ("conn_max_age=", "conn_max_age in SETTING must be a whole number or None."),
    ],
)
def test_a_bad_option_says_what_it_accepts(
    monkeypatch: pytest.MonkeyPatch, option: str, accepted: str
) -> None:
    monkeypatch.setenv("SETTING", f"{ADDRESS}h/db?{option}")
    with pytest.raises(ImproperlyConfigured) as refusal:
        environment.database("SETTING")
    assert str(refusal.value) == accepted


@pytest.mark.parametrize(
    ("name", "url"),
    [
        pytest.param("DATABASE_URL", "postgres://u:hunter2@h:99999/db", id="port"),
        pytest.param("DATABASE_URL", "postgres://u:hunter2@h:1,k:x/db", id="second port"),
        pytest.param("DATABASE_URL", "postgres://u:hunter2%zz@h/db", id="percent sign"),
        pytest.param("DATABASE_URL", "postgres://u:hunter2@[h/db", id="bracket"),
        pytest.param("DATABASE_URL", "postgres://u@h/db?pasword=hunter2", id="unknown option"),
        pytest.param("DATABASE_URL", "postgres://u:hun/ter2@h/db", id="slash in the password"),
        pytest.param("DATABASE_URL", "mysql://u:hunter2@h/db", id="another database"),
        pytest.param("DATABASE_URL", "postgres://h/db?prepare_threshold=hunter2", id="option"),
        pytest.param("REDIS_URL", "redis://:hunter2@h:99999/0", id="Redis"),
        pytest.param("REDIS_URL", "http://:hunter2@h/0", id="not Redis"),
        pytest.param("BASE_URL", "https://u:hunter2@t.example", id="public address"),
    ],
)
def test_a_password_in_a_bad_address_is_not_printed(name: str, url: str) -> None:
    error = refusal({name: url})
    assert name in str(error)
    assert "ter2" not in "".join(traceback.format_exception(error))


def test_a_secret_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PEPPER", LONG)
    assert environment.secret("PEPPER", tmp_path, required=True) == LONG
    assert list(tmp_path.iterdir()) == []


def test_a_short_secret_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PEPPER", LONG[1:])
    with pytest.raises(ImproperlyConfigured, match=r"^PEPPER must have at least 50 characters\.$"):
        environment.secret("PEPPER", tmp_path, required=False)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("s" * 60, id="one letter"),
        pytest.param("0123456789" * 6, id="ten digits again and again"),
        pytest.param("abcdefg" * 9 + "a", id="seven letters"),
    ],
)
def test_a_secret_that_repeats_itself_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    monkeypatch.setenv("PEPPER", value)
    with pytest.raises(ImproperlyConfigured, match=r"^PEPPER must be random, not repetitive"):
        environment.secret("PEPPER", tmp_path, required=False)


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "2000::/3"])
def test_nobody_trusts_half_of_the_world(monkeypatch: pytest.MonkeyPatch, network: str) -> None:
    monkeypatch.setenv("SETTING", f"10.0.0.0/8,{network}")
    with pytest.raises(ImproperlyConfigured) as refusal:
        environment.proxies("SETTING")
    assert f"must not trust a network as wide as {network}: " in str(refusal.value)


@pytest.mark.parametrize("network", ["10.0.0.0/8", "fc00::/7", "192.0.2.1/32"])
def test_a_private_network_may_be_of_proxies(
    monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    monkeypatch.setenv("SETTING", network)
    assert environment.proxies("SETTING") == [ip_network(network)]


def test_a_servers_secret_is_never_made_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PEPPER", raising=False)
    with pytest.raises(
        ImproperlyConfigured,
        match=r"^PEPPER is required with DATABASE_URL: at least 50 random characters\.$",
    ):
        environment.secret("PEPPER", tmp_path, required=True)
    assert list(tmp_path.iterdir()) == []


def test_the_first_run_makes_a_secret_that_only_its_owner_can_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PEPPER", raising=False)
    made = environment.secret("PEPPER", tmp_path / "data", required=False)
    file = tmp_path / "data" / "pepper"
    assert list(file.parent.iterdir()) == [file]
    assert file.read_text() == made
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert len(made) == 86  # 64 random bytes
    assert environment.secret("PEPPER", tmp_path / "data", required=False) == made


def test_every_first_run_makes_another_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PEPPER", raising=False)
    made = {environment.secret("PEPPER", tmp_path / str(n), required=False) for n in range(3)}
    assert len(made) == 3


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601], ids=oct)
def test_a_secret_that_others_can_reach_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int
) -> None:
    monkeypatch.delenv("PEPPER", raising=False)
    file = tmp_path / "pepper"
    file.write_text(LONG)
    file.chmod(mode)
    with pytest.raises(ImproperlyConfigured) as refusal:
        environment.secret("PEPPER", tmp_path, required=False)
    assert str(refusal.value) == f"{file} is readable by other users. Set its mode to 0600."


def test_a_secret_file_that_is_too_short_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PEPPER", raising=False)
    (tmp_path / "pepper").touch(mode=0o600)
    with pytest.raises(ImproperlyConfigured, match=r"^PEPPER must have at least 50 characters\.$"):
        environment.secret("PEPPER", tmp_path, required=False)


ROUNDS = 25
PROCESSES = 3


def read_secrets(folder: Path, start: Barrier, answers: "Queue[list[str]]") -> None:
    """Read a secret in each round at the same moment as the other processes."""
    read = []
    for number in range(ROUNDS):
        start.wait()
        read.append(environment.secret("PEPPER", folder / str(number), required=False))
    answers.put(read)


def test_racing_first_runs_agree_on_one_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PEPPER", raising=False)
    context = get_context("spawn")
    start, answers = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=read_secrets, args=(tmp_path, start, answers))
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    read = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    answers.close()
    answers.join_thread()
    on_disk = [(tmp_path / str(number) / "pepper").read_text() for number in range(ROUNDS)]
    assert read == [on_disk] * PROCESSES
    assert len(list(tmp_path.glob("*/*"))) == ROUNDS  # and no drafts


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        pytest.param({"DEBUG": "yes"}, "DEBUG must be on or off", id="DEBUG"),
        pytest.param({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of DEBUG,", id="LOG_LEVEL"),
        pytest.param(
            {"TIME_ZONE": "Mars"}, "TIME_ZONE must be an IANA time zone name", id="TIME_ZONE"
        ),
        pytest.param({"BASE_URL": "t.example"}, "BASE_URL must be a URL", id="BASE_URL"),
        pytest.param({"REDIS_URL": "h:6379"}, "REDIS_URL must be a URL", id="REDIS_URL"),
        pytest.param(
            {"DATABASE_URL": "mysql://h"}, "DATABASE_URL must be a URL", id="DATABASE_URL"
        ),
        pytest.param(
            {"DATABASE_REPLICA_URL": "postgres://h/db"},
            "DATABASE_REPLICA_URL needs DATABASE_URL: the PostgreSQL server that it is a replica "
            "of. SQLite has no replicas.",
            id="DATABASE_REPLICA_URL",
        ),
        pytest.param(
            {"TRUSTED_PROXIES": "proxy"}, "TRUSTED_PROXIES must be addresses", id="TRUSTED_PROXIES"
        ),
        pytest.param(
            {"WEBHOOK_ALLOWED_NETWORKS": "10.0.0.1/8"},
            "WEBHOOK_ALLOWED_NETWORKS must be addresses or networks",
            id="WEBHOOK_ALLOWED_NETWORKS",
        ),
        *(
            pytest.param(
                {"WEBHOOK_ALLOWED_NETWORKS": f"10.0.0.0/8,{network}"},
                f"WEBHOOK_ALLOWED_NETWORKS must not allow a network as wide as {network}",
                id=f"webhooks to {network}",
            )
            for network in ("0.0.0.0/0", "::/0", "128.0.0.0/1")
        ),
        pytest.param(
            {"RATE_LIMIT_PER_MINUTE": "0"},
            "RATE_LIMIT_PER_MINUTE must be a whole number",
            id="RATE_LIMIT_PER_MINUTE",
        ),
        pytest.param(
            {"RATE_LIMIT_PER_HOUR": "x"},
            "RATE_LIMIT_PER_HOUR must be a whole number",
            id="RATE_LIMIT_PER_HOUR",
        ),
        pytest.param({"SECRET_KEY": "short"}, "SECRET_KEY must have at least 50", id="SECRET_KEY"),
        pytest.param(
            {"TOKEN_PEPPER": "short"}, "TOKEN_PEPPER must have at least 50", id="TOKEN_PEPPER"
        ),
        pytest.param(
            {"TOKEN_PEPPER": LONG}, "SECRET_KEY must differ from TOKEN_PEPPER", id="one secret"
        ),
        pytest.param(
            {"TRUSTED_PROXIES": "10.0.0.1,0.0.0.0/0"},
            "TRUSTED_PROXIES must not trust a network as wide as 0.0.0.0/0",
            id="everybody as a proxy",
        ),
        pytest.param(
            {"DATABASE_URL": "postgres://h/db", "TOKEN_PEPPER": LONG, "SECRET_KEY": ""},
            "SECRET_KEY is required with DATABASE_URL",
            id="a server without a key",
        ),
        pytest.param(
            {"DATABASE_URL": "postgres://h/db", "SECRET_KEY": LONG, "TOKEN_PEPPER": ""},
            "TOKEN_PEPPER is required with DATABASE_URL",
            id="a server without a pepper",
        ),
    ],
)
def test_the_service_refuses_to_start_with_a_bad_value(
    variables: dict[str, str], sentence: str
) -> None:
    assert str(refusal(variables)).startswith(sentence)
