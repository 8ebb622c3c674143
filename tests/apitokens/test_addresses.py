"""Allow-lists of addresses: how they are read, and what they admit."""

import logging
from ipaddress import ip_address, ip_network

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from apitokens.addresses import MOST_NETWORKS, admits, parse_networks
from apitokens.models import ApiToken
from tests.apitokens.test_authentication import INVALID
from tests.support.errors import error_of
from tests.support.factories import api_as
from users.models import User

NEITHER = (
    " is neither an address such as 203.0.113.7 nor a network such as 10.0.0.0/8 or 2001:db8::/32."
)


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(" \n ", [], id="white space"),
        pytest.param("203.0.113.7", ["203.0.113.7/32"], id="an address"),
        pytest.param("10.0.0.0/8", ["10.0.0.0/8"], id="a network"),
        pytest.param("0.0.0.0/0, ::/0", ["0.0.0.0/0", "::/0"], id="everything"),
        pytest.param("2001:DB8::7", ["2001:db8::7/128"], id="IPv6"),
        pytest.param("::ffff:192.0.2.1", ["192.0.2.1/32"], id="IPv4 in IPv6"),
        pytest.param("::ffff:192.0.2.0/120", ["192.0.2.0/24"], id="IPv4 network in IPv6"),
        pytest.param("10.0.0.0/8\r\n10.0.0.0/8\r\n", ["10.0.0.0/8"], id="twice"),
        pytest.param("10.0.0.0/255.0.0.0", ["10.0.0.0/8"], id="a mask"),
    ],
)
def test_networks_are_read_as_people_write_them(text: str, networks: list[str]) -> None:
    assert parse_networks(text) == networks


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("example.com", f"“example.com”{NEITHER}", id="a name"),
        pytest.param("10.0.0.0/33", f"“10.0.0.0/33”{NEITHER}", id="too long"),
        pytest.param("300.1.1.1", f"“300.1.1.1”{NEITHER}", id="no byte"),
        pytest.param("fe80::1%eth0", f"“fe80::1%eth0”{NEITHER}", id="a zone"),
        pytest.param(
            "10.1.2.3/8",
            "“10.1.2.3/8” has host bits set; did you mean 10.0.0.0/8?",
            id="host bits",
        ),
        pytest.param(
            "\n".join(f"10.0.0.{number}" for number in range(MOST_NETWORKS + 1)),
            "Enter at most 50 networks.",
            id="too many",
        ),
    ],
)
def test_what_is_no_network_is_named(text: str, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_networks(text)
    assert refused.value.messages == [words]


@pytest.mark.parametrize(
    ("networks", "address", "admitted"),
    [
        pytest.param(["203.0.113.7/32"], "203.0.113.7", True, id="the address"),
        pytest.param(["203.0.113.7/32"], "203.0.113.8", False, id="its neighbour"),
        pytest.param(["10.0.0.0/8"], "10.255.255.255", True, id="last of a network"),
        pytest.param(["10.0.0.0/8"], "11.0.0.0", False, id="after a network"),
        pytest.param(["2001:db8::/32"], "2001:db8:ffff::1", True, id="IPv6"),
        pytest.param(["2001:db8::/32"], "2001:db9::", False, id="other IPv6"),
        pytest.param(["0.0.0.0/0"], "2001:db8::1", False, id="IPv6 is not in IPv4"),
        pytest.param(["10.0.0.0/8", "::/0"], "2001:db8::1", True, id="one of two"),
    ],
)
def test_a_network_admits_its_addresses(
    networks: list[str], address: str, *, admitted: bool
) -> None:
    assert admits(networks, ip_address(address)) is admitted
    assert not admits(networks, None)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param({"REMOTE_ADDR": "203.0.113.7"}, 200, id="allowed"),
        pytest.param({"REMOTE_ADDR": "::ffff:203.0.113.7"}, 200, id="IPv4 in IPv6"),
        pytest.param({"REMOTE_ADDR": "2001:db8::5"}, 200, id="allowed IPv6"),
        pytest.param({"REMOTE_ADDR": "203.0.113.8"}, 401, id="another"),
        pytest.param({"REMOTE_ADDR": ""}, 401, id="unknown"),
        pytest.param(
            {"REMOTE_ADDR": "198.51.100.1", "HTTP_X_FORWARDED_FOR": "203.0.113.7"},
            401,
            id="pretended by somebody",
        ),
        pytest.param(
            {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.7"},
            200,
            id="told by our proxy",
        ),
        pytest.param(
            {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.7, 192.0.2.9"},
            401,
            id="pretended to our proxy",
        ),
    ],
)
def test_a_token_is_refused_from_elsewhere_as_if_it_did_not_exist(
    owner: User,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    sent: dict[str, str],
    status: int,
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    api = api_as(owner, "read:projects")
    ApiToken.objects.update(allowed_networks=["203.0.113.7/32", "2001:db8::/32"])
    with caplog.at_level(logging.WARNING, "timetracker.security"):
        response = api.get("/api/v1/projects", **sent)  # type: ignore[arg-type]
    assert response.status_code == status
    reasons = [record.__dict__["reason"] for record in caplog.records]
    assert reasons == ([] if status == 200 else ["address not allowed"])
    if status == 401:
        assert error_of(response) == INVALID


@pytest.mark.parametrize("hop", ["unknown", "", "203.0.113.7, unknown", "203.0.113.7:x", ","])
def test_a_hop_that_cannot_be_read_is_not_the_proxy(
    owner: User, settings: Settings, hop: str
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    api = api_as(owner, "read:projects")
    ApiToken.objects.update(allowed_networks=["10.0.0.0/8", "203.0.113.7/32", "::/0"])
    sent = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": hop}
    assert api.get("/api/v1/projects", **sent).status_code == 401  # type: ignore[arg-type]
    sent["HTTP_X_FORWARDED_FOR"] = "203.0.113.7:4711"
    assert api.get("/api/v1/projects", **sent).status_code == 200  # type: ignore[arg-type]
