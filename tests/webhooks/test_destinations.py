from ipaddress import ip_network

import pytest
from pytest_django import Settings

from tests.webhooks.names import finds
from webhooks.destinations import MAX_URL, Refused, Rule, check, parse

DECIMAL = "An IPv4 address must be four decimal numbers from 0 to 255, as in 8.8.4.4."
LABELS = (
    "The host must be labels of 1 to 63 letters, digits and hyphens, at most 253 characters in"
    " all."
)
PORT = "The port must be 443 or from 1024 to 65535."
ALL = "The host must be public, with all of its addresses."
UNREADABLE = "The host must be a name or an address, with or without a port."
PRINTED = "The URL must not contain spaces, backslashes or non-printable characters."


@pytest.mark.parametrize(
    ("url", "rule", "message"),
    [
        pytest.param("https://2130706433/", "host", DECIMAL, id="decimal"),
        pytest.param("https://0x7f000001/", "host", DECIMAL, id="hexadecimal"),
        pytest.param("https://0X7F.0.0.1/", "host", DECIMAL, id="hexadecimal byte"),
        pytest.param("https://127.0.0.0x1/", "host", DECIMAL, id="hexadecimal at the end"),
        pytest.param("https://0x/", "host", DECIMAL, id="empty hexadecimal"),
        pytest.param("https://017700000001/", "host", DECIMAL, id="octal"),
        pytest.param("https://0177.0.0.1/", "host", DECIMAL, id="octal byte"),
        pytest.param("https://8.8.8.010/", "host", DECIMAL, id="leading zero"),
        pytest.param("https://127.1/", "host", DECIMAL, id="short"),
        pytest.param("https://0/", "host", DECIMAL, id="zero"),
        pytest.param("https://8.8.8.8.8/", "host", DECIMAL, id="five numbers"),
        pytest.param("https://8.8.8.256/", "host", DECIMAL, id="too large"),
        pytest.param("https://receiver.123/", "host", DECIMAL, id="name that ends in a number"),
        pytest.param("https://2606:4700::1111/", "host", UNREADABLE, id="IPv6 without brackets"),
        pytest.param("https://[fe80::1%25eth0]/", "host", UNREADABLE, id="zone"),
        pytest.param("https://[v1.a]/", "host", UNREADABLE, id="future address"),
        pytest.param(
            "https://[1:2:3]/",
            "host",
            "An IPv6 address must be in brackets, as in [2606:4700::1111].",
            id="short IPv6",
        ),
        pytest.param(
            "https://receiver.example./",
            "host",
            "The host must not end with a dot.",
            id="trailing dot",
        ),
        pytest.param(
            "https://127.0.0.1./",
            "host",
            "The host must not end with a dot.",
            id="dot after an address",
        ),
        pytest.param("https://a..example/", "host", LABELS, id="empty label"),
        pytest.param("https://.example/", "host", LABELS, id="leading dot"),
        pytest.param("https://-a.example/", "host", LABELS, id="leading hyphen"),
        pytest.param(f"https://{'a' * 64}.example/", "host", LABELS, id="label of 64"),
        pytest.param(f"https://{'a.' * 127}example/", "host", LABELS, id="host of 254 or more"),
        pytest.param("https://exa%6dple.com/", "host", LABELS, id="percent-encoded host"),
        pytest.param("https://a,b.example/", "host", LABELS, id="comma"),
        pytest.param("https://a\u200bb.example/", "characters", PRINTED, id="zero width"),
        pytest.param("https://\u0378.example/", "characters", PRINTED, id="unassigned"),
        pytest.param(
            "https://xn--\u00fc.example/",
            "host",
            "The host must be a valid international name.",
            id="mixed punycode",
        ),
        pytest.param("https:///hook", "host", UNREADABLE, id="no host"),
        pytest.param("https://:8443/", "host", UNREADABLE, id="only a port"),
        pytest.param("https://a.example:/", "host", UNREADABLE, id="empty port"),
        pytest.param("https://a.example:+443/", "host", UNREADABLE, id="signed port"),
        pytest.param("https://a.example:\u0664\u0664\u0663/", "host", UNREADABLE, id="Arabic"),
        pytest.param("https://a.example:0/", "port", PORT, id="port 0"),
        pytest.param("https://a.example:65536/", "port", PORT, id="port 65536"),
        pytest.param("https://a.example:22/", "port", PORT, id="SSH"),
        pytest.param("https://a.example:80/", "port", PORT, id="port of http"),
        pytest.param("https://a.example:1023/", "port", PORT, id="port 1023"),
        pytest.param(
            "http://a.example/", "scheme", "The URL must begin with https://.", id="http"
        ),
        pytest.param(
            "http://8.8.8.8:8080/",
            "scheme",
            "The URL must begin with https://.",
            id="http to an address",
        ),
        *(
            pytest.param(text, "scheme", "The URL must begin with https:// and a host.", id=text)
            for text in (
                "",
                "ftp://a.example/",
                "file://hooks.example.com/x",
                "gopher://a.example/",
                "a.example",
                "//a.example/",
                "https:a.example",
                "https:/a.example",
                "javascript:alert(1)",
                "unix:///run/redis.sock",
            )
        ),
        *(
            pytest.param(
                url,
                "credentials",
                "The URL must not contain a user name or a password: each request is signed.",
                id=url,
            )
            for url in (
                "https://u:p@a.example/",
                "https://@a.example/",
                "https://a.example:443@127.0.0.1/",
            )
        ),
        pytest.param(
            "https://a.example/#b",
            "fragment",
            "The URL must not contain a fragment (#…).",
            id="fragment",
        ),
        pytest.param(
            "https://a.example#@127.0.0.1/",
            "fragment",
            "The URL must not contain a fragment (#…).",
            id="fragment in place of a path",
        ),
        pytest.param("https://a.example\\@127.0.0.1/", "characters", PRINTED, id="backslash"),
        pytest.param(" https://a.example/", "characters", PRINTED, id="space"),
        pytest.param("https://a.example/\r\nX: y", "characters", PRINTED, id="line end"),
        pytest.param("https://a.example/\0", "characters", PRINTED, id="NUL"),
        pytest.param("https://a.example/\ud800", "characters", PRINTED, id="surrogate"),
        pytest.param(
            "https://a.example/é",
            "characters",
            "Characters after the host must be percent-encoded ASCII.",
            id="path",
        ),
        pytest.param(
            f"https://a.example/{'a' * MAX_URL}",
            "length",
            "The URL must have at most 2000 characters.",
            id="length",
        ),
    ],
)
def test_what_is_not_an_acceptable_url_is_refused(url: str, rule: Rule, message: str) -> None:
    with pytest.raises(Refused) as caught:
        check(url, finds("8.8.8.8"))
    assert (caught.value.rule, caught.value.message) == (rule, message)


@pytest.mark.parametrize(
    ("url", "scheme_host_port_target"),
    [
        ("https://a.example", ("https", "a.example", 443, "/")),
        ("HTTPS://A.Example/Hook", ("https", "a.example", 443, "/Hook")),
        ("https://a.example:443/", ("https", "a.example", 443, "/")),
        ("https://a.example:1024/", ("https", "a.example", 1024, "/")),
        ("https://a.example:65535/", ("https", "a.example", 65535, "/")),
        ("https://a.example?a=b", ("https", "a.example", 443, "/?a=b")),
        (
            "https://a.example/a/../b//c;d?e=%2F@:",
            ("https", "a.example", 443, "/a/../b//c;d?e=%2F@:"),
        ),
        ("https://a.example//b", ("https", "a.example", 443, "//b")),
        ("https://bücher.example/", ("https", "xn--bcher-kva.example", 443, "/")),
        ("https://straße.example/", ("https", "xn--strae-oqa.example", 443, "/")),
        ("https://BÜCHER\u3002example/", ("https", "xn--bcher-kva.example", 443, "/")),
        ("https://xn--bcher-kva.example/", ("https", "xn--bcher-kva.example", 443, "/")),
        ("https://my_receiver/", ("https", "my_receiver", 443, "/")),
        ("https://1.2.3.4.example/", ("https", "1.2.3.4.example", 443, "/")),
        ("https://0x7f.example/", ("https", "0x7f.example", 443, "/")),
        ("https://8.8.4.4/", ("https", "8.8.4.4", 443, "/")),
        ("https://1.1.1.1:8443/", ("https", "1.1.1.1", 8443, "/")),
        ("https://9.255.255.255/", ("https", "9.255.255.255", 443, "/")),
        ("https://11.0.0.0/", ("https", "11.0.0.0", 443, "/")),
        ("https://100.63.255.255/", ("https", "100.63.255.255", 443, "/")),
        ("https://100.128.0.0/", ("https", "100.128.0.0", 443, "/")),
        ("https://172.15.255.255/", ("https", "172.15.255.255", 443, "/")),
        ("https://172.32.0.0/", ("https", "172.32.0.0", 443, "/")),
        ("https://192.167.255.255/", ("https", "192.167.255.255", 443, "/")),
        ("https://223.255.255.255/", ("https", "223.255.255.255", 443, "/")),
        ("https://[2606:4700:4700::1111]/", ("https", "2606:4700:4700::1111", 443, "/")),
        ("https://[2A00:1450:4001:0::1]:8443/x", ("https", "2a00:1450:4001::1", 8443, "/x")),
        ("https://[2001:200::1]/", ("https", "2001:200::1", 443, "/")),
    ],
)
def test_what_is_public_is_accepted(
    url: str, scheme_host_port_target: tuple[str, str, int, str]
) -> None:
    check(url, finds("8.8.8.8", "2606:4700::1111"))
    parsed = parse(url)
    assert (
        parsed.scheme,
        parsed.host,
        parsed.port,
        parsed.target,
    ) == scheme_host_port_target


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param(["127.0.0.1"], id="loopback"),
        pytest.param(["8.8.8.8", "10.0.0.1"], id="one of two"),
        pytest.param(["2606:4700::1111", "fd00::1"], id="one of two, IPv6"),
        pytest.param(["::ffff:8.8.8.8"], id="mapped"),
    ],
)
def test_a_name_is_refused_for_any_address_and_without_telling_which(
    addresses: list[str],
) -> None:
    with pytest.raises(Refused) as caught:
        check("https://receiver.example/", finds(*addresses))
    assert (caught.value.rule, caught.value.message) == ("address", ALL)


def test_a_name_without_addresses_is_refused() -> None:
    names = finds()
    with pytest.raises(Refused) as caught:
        check("https://BÜCHER.example/", names)
    assert caught.value.message == "The host name could not be resolved."
    assert names.asked == ["xn--bcher-kva.example"]


def test_an_address_asks_no_resolver() -> None:
    names = finds("8.8.8.8")
    check("https://8.8.4.4/", names)
    assert names.asked == []


def test_what_no_address_could_excuse_asks_no_resolver() -> None:
    names = finds("8.8.8.8")
    with pytest.raises(Refused):
        check("http://receiver.example/", names)
    assert names.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://10.1.2.3/",
        "http://10.1.2.3:22/",
        "https://10.1.2.3:1/",
        "http://receiver.example:80/",
        "http://[fd00::5]:8080/",
    ],
)
def test_allowed_networks_may_be_http_and_any_port(url: str, settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    check(url, finds("10.9.9.9", "fd00::9"))


@pytest.mark.parametrize(
    ("url", "addresses", "message"),
    [
        ("http://a.example/", ["8.8.8.8"], "The URL must begin with https://."),
        ("http://a.example/", ["10.0.0.1", "8.8.8.8"], "The URL must begin with https://."),
        ("https://a.example:25/", ["10.0.0.1", "8.8.8.8"], PORT),
        ("https://a.example/", ["10.0.0.1", "192.168.0.1"], ALL),
        ("https://a.example/", ["::ffff:10.0.0.1"], ALL),
        ("https://a.example/", ["64:ff9b::a00:1"], ALL),
    ],
)
def test_allowed_networks_excuse_nothing_else(
    url: str, addresses: list[str], message: str, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("10.0.0.0/8")]
    with pytest.raises(Refused) as caught:
        check(url, finds(*addresses))
    assert caught.value.message == message
