from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from ratelimit.client_address import client_address, network_of

CALLER = "203.0.113.9"
OURS = "10.0.0.1"


@pytest.mark.parametrize(
    ("remote_address", "forwarded_for", "expected"),
    [
        pytest.param(CALLER, None, CALLER, id="direct"),
        pytest.param(CALLER, "198.51.100.7", CALLER, id="a stranger's header is not believed"),
        pytest.param(OURS, None, OURS, id="our proxy itself"),
        pytest.param(OURS, CALLER, CALLER, id="one hop"),
        pytest.param(OURS, f"198.51.100.7, {CALLER}", CALLER, id="the left is invention"),
        pytest.param(OURS, f"10.9.9.9, {CALLER}", CALLER, id="invention of a trusted address"),
        pytest.param(OURS, f"{CALLER}, 10.0.0.2", CALLER, id="two proxies of ours"),
        pytest.param(OURS, f"{CALLER},10.0.0.2 , 10.0.0.3", CALLER, id="three, odd spaces"),
        pytest.param(OURS, "10.0.0.3, 10.0.0.2", "10.0.0.3", id="nobody but proxies of ours"),
        pytest.param(OURS, "2001:db8::9", "2001:db8::9", id="IPv6 caller"),
        pytest.param("fd00::1", CALLER, CALLER, id="IPv6 proxy"),
        pytest.param("2001:db8::9", CALLER, "2001:db8::9", id="IPv6 stranger"),
        pytest.param(f"::ffff:{CALLER}", None, CALLER, id="mapped caller"),
        pytest.param(f"::ffff:{OURS}", CALLER, CALLER, id="mapped proxy"),
        pytest.param(OURS, f"::ffff:{CALLER}", CALLER, id="mapped hop"),
        pytest.param(OURS, f"{CALLER}, ::ffff:10.0.0.2", CALLER, id="mapped proxy as a hop"),
        pytest.param(OURS, f"{CALLER}:4711", CALLER, id="a port"),
        pytest.param(OURS, "[2001:db8::9]:4711", "2001:db8::9", id="brackets and a port"),
        pytest.param(OURS, "[2001:db8::9]", "2001:db8::9", id="brackets"),
        pytest.param(OURS, f"[::ffff:{CALLER}]:1", CALLER, id="mapped, brackets and a port"),
        pytest.param(OURS, f"{CALLER}:1, 10.0.0.2:2, [fd00::1]:3", CALLER, id="ports everywhere"),
        pytest.param(OURS, "2001:db8::9:4711", "2001:db8::9:4711", id="no brackets, so no port"),
        pytest.param(OURS, "unknown", None, id="a word"),
        pytest.param(OURS, "_hidden", None, id="a name of RFC 7239"),
        pytest.param(OURS, f"{CALLER}, unknown", None, id="a word after an address"),
        pytest.param(OURS, f"{CALLER}, unknown, 10.0.0.2", None, id="a word between"),
        pytest.param(OURS, f"unknown, {CALLER}", CALLER, id="a word before an address"),
        pytest.param(OURS, "", None, id="what granian makes of bytes outside ASCII"),
        pytest.param(OURS, ",", None, id="only a comma"),
        pytest.param(OURS, f"{CALLER},", None, id="comma at the end"),
        pytest.param(OURS, f",{CALLER}", CALLER, id="comma before"),
        pytest.param(OURS, "203.0.113.009", None, id="leading zeros"),
        pytest.param(OURS, f"[{CALLER}]:80", None, id="brackets around IPv4"),
        pytest.param(OURS, f"{CALLER}:http", None, id="no number for a port"),
        pytest.param(OURS, f"{CALLER}:", None, id="no port after a colon"),
        pytest.param(OURS, f"{CALLER}:123456", None, id="no such port"),
        pytest.param(OURS, f'"{CALLER}:80"', None, id="quotes"),
        pytest.param(OURS, "[2001:db8::9", None, id="half a bracket"),
        pytest.param(OURS, "[2001:db8::9]4711", None, id="no colon"),
        pytest.param("", None, None, id="no address: a Unix socket"),
        pytest.param("", CALLER, None, id="no address, and a header to believe"),
        pytest.param("localhost", CALLER, None, id="a name for an address"),
    ],
)
def test_the_nearest_address_that_is_not_ours_counts(
    settings: Settings,
    rf: RequestFactory,
    remote_address: str,
    forwarded_for: str | None,
    expected: str | None,
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    headers: dict[str, Any] = {}
    if forwarded_for is not None:
        headers["HTTP_X_FORWARDED_FOR"] = forwarded_for
    request = rf.get("/", REMOTE_ADDR=remote_address, **headers)
    assert client_address(request) == (expected and ip_address(expected))


def test_without_trusted_proxies_no_header_counts(settings: Settings, rf: RequestFactory) -> None:
    settings.TRUSTED_PROXIES = []
    request = rf.get("/", REMOTE_ADDR=OURS, HTTP_X_FORWARDED_FOR=CALLER)
    assert client_address(request) == ip_address(OURS)


def test_a_request_without_any_address_has_none(rf: RequestFactory) -> None:
    request = rf.get("/")
    del request.META["REMOTE_ADDR"]
    assert client_address(request) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("203.0.113.9", "203.0.113.9", True, id="IPv4"),
        pytest.param("203.0.113.9", "203.0.113.10", False, id="IPv4 neighbours"),
        pytest.param("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True, id="one IPv6 /64"),
        pytest.param("2001:db8:0:1::1", "2001:db8:0:2::1", False, id="two IPv6 /64"),
        pytest.param("::1", "203.0.113.9", False, id="two families"),
        pytest.param("0.0.0.1", "::1", False, id="two families with small numbers"),
    ],
)
def test_a_caller_is_counted_by_address_or_ipv6_site(one: str, other: str, *, same: bool) -> None:
    assert (network_of(ip_address(one)) == network_of(ip_address(other))) is same


def test_callers_without_an_address_are_counted_together() -> None:
    assert network_of(None) == "None"
