from ipaddress import ip_address

import pytest

from tests.webhooks.names import finds
from webhooks.addresses import special_kind
from webhooks.destinations import Refused, check


def special(address: str, kind: str) -> str:
    return f"The host must be public; {address} is {kind} address."


@pytest.mark.parametrize(
    ("host", "address", "kind"),
    [
        ("0.0.0.0", "0.0.0.0", "an unspecified"),  # noqa: S104 - an address to refuse
        ("0.1.2.3", "0.1.2.3", "an unspecified"),
        ("10.0.0.1", "10.0.0.1", "a private"),
        ("10.255.255.255", "10.255.255.255", "a private"),
        ("100.64.0.1", "100.64.0.1", "a carrier-grade NAT"),
        ("100.100.100.200", "100.100.100.200", "a carrier-grade NAT"),
        ("127.0.0.1", "127.0.0.1", "a loopback"),
        ("127.255.255.254", "127.255.255.254", "a loopback"),
        ("168.63.129.16", "168.63.129.16", "a metadata"),
        ("169.254.169.254", "169.254.169.254", "a metadata"),
        ("169.254.170.2", "169.254.170.2", "a link-local"),
        ("172.16.0.1", "172.16.0.1", "a private"),
        ("172.31.255.255", "172.31.255.255", "a private"),
        ("192.0.0.192", "192.0.0.192", "a reserved"),
        ("192.0.2.1", "192.0.2.1", "a documentation"),
        ("192.88.99.1", "192.88.99.1", "a 6to4"),
        ("192.168.1.1", "192.168.1.1", "a private"),
        ("198.18.0.1", "198.18.0.1", "a benchmarking"),
        ("198.19.255.255", "198.19.255.255", "a benchmarking"),
        ("198.51.100.7", "198.51.100.7", "a documentation"),
        ("203.0.113.7", "203.0.113.7", "a documentation"),
        ("224.0.0.1", "224.0.0.1", "a multicast"),
        ("239.255.255.250", "239.255.255.250", "a multicast"),
        ("240.0.0.1", "240.0.0.1", "a reserved"),
        ("255.255.255.255", "255.255.255.255", "a reserved"),
        ("\uff11\uff12\uff17.0.0.1", "127.0.0.1", "a loopback"),
        ("\u2460\u2461\u2466.\u24ea.\u24ea.\u2460", "127.0.0.1", "a loopback"),
        ("127\u30020\u30020\u30021", "127.0.0.1", "a loopback"),
        ("[::]", "::", "an unspecified"),
        ("[::1]", "::1", "a loopback"),
        ("[0:0:0:0:0:0:0:1]", "::1", "a loopback"),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1", "an IPv4-mapped"),
        ("[::ffff:8.8.8.8]", "::ffff:808:808", "an IPv4-mapped"),
        ("[::ffff:0:127.0.0.1]", "::ffff:0:7f00:1", "an IPv4-translated"),
        ("[::127.0.0.1]", "::7f00:1", "an IPv4-compatible"),
        ("[64:ff9b::10.0.0.1]", "64:ff9b::a00:1", "a NAT64"),
        ("[64:ff9b:1::a00:1]", "64:ff9b:1::a00:1", "a NAT64"),
        ("[100::1]", "100::1", "a reserved"),
        ("[2001::1]", "2001::1", "a Teredo"),
        ("[2001:2::1]", "2001:2::1", "a benchmarking"),
        ("[2001:20::1]", "2001:20::1", "a reserved"),
        ("[2001:db8::1]", "2001:db8::1", "a documentation"),
        ("[2002:7f00:1::1]", "2002:7f00:1::1", "a 6to4"),
        ("[3fff::1]", "3fff::1", "a documentation"),
        ("[4000::1]", "4000::1", "a reserved"),
        ("[5f00::1]", "5f00::1", "a reserved"),
        ("[fc00::1]", "fc00::1", "a private"),
        ("[fd00:ec2::254]", "fd00:ec2::254", "a private"),
        ("[fe80::1]", "fe80::1", "a link-local"),
        ("[febf::1]", "febf::1", "a link-local"),
        ("[fec0::1]", "fec0::1", "a private"),
        ("[ff02::1]", "ff02::1", "a multicast"),
    ],
)
def test_an_address_that_is_not_public_is_refused(host: str, address: str, kind: str) -> None:
    with pytest.raises(Refused) as caught:
        check(f"https://{host}/hook", finds("8.8.8.8"))
    assert (caught.value.rule, caught.value.message) == ("address", special(address, kind))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "2a02::1"])
def test_public_addresses_are_nothing_special(address: str) -> None:
    assert special_kind(ip_address(address)) is None
    assert ip_address(address).is_global


def test_what_python_calls_special_is_special_here() -> None:
    networks = [f"{first}.{second}.0.0" for first in range(256) for second in range(256)]
    missed = [
        text
        for text in networks
        if not ip_address(text).is_global and special_kind(ip_address(text)) is None
    ]
    assert missed == []
