"""Which addresses may be asked: every form of a private one is refused, when it is registered and
when it is asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.syncing import addresses
from console.syncing.addresses import Refused
from schema.errors import BadParameter

PRIVATE = [
    *("http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://2130706433/"),
    *("http://0x7f000001/", "http://0177.0.0.1/", "http://0x7f.1/", "http://017700000001/"),
    *("http://0/", "http://0.0.0.0/", "http://10.0.0.1/", "http://172.16.5.4/"),
    *("http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/"),
    *("http://100.100.100.200/", "http://168.63.129.16/", "http://192.0.0.192/"),
    *("http://224.0.0.1/", "http://255.255.255.255/", "http://240.0.0.1/", "http://198.18.0.1/"),
    *("http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
    *("http://[::127.0.0.1]/", "http://[fe80::1]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/"),
    *("http://[ff02::1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/"),
    *("http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "http://[::ffff:0:127.0.0.1]/"),
    *("http://127.0.0.1./", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/"),
]
FORMS = [
    *("ftp://example.org/a.csv", "file:///etc/passwd", "gopher://example.org/", "//example.org/"),
    *("example.org/a.csv", "http:///a.csv", "http://", "http://user:pass@example.org/"),
    *("http://user@example.org/", "http://example.org@127.0.0.1/", "http://example.org:99999/"),
    *("http://exa mple.org/", "http://example.org/\r\nHost: other", "http://exämple.org/"),
    *("http://\u2460\u2461\u2466.0.0.1/", "http://example.org\\@127.0.0.1/"),
    *(
        "https://example.org/a?token=abc",
        "https://example.org/a?x=1&api_key=",
        "https://example.org/?X-Amz-Signature=abc",
        "http://-a.org/",
    ),
]


@pytest.mark.parametrize("url", [*PRIVATE, *FORMS])
def test_what_is_not_public_and_plain_is_not_registered(url: str) -> None:
    with pytest.raises(BadParameter, match="location=") as refused:
        addresses.checked(url)
    assert "user:" not in str(refused.value)
    assert "abc" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["https://example.org/a.csv?x=1", "http://8.8.8.8:8080/a", "http://[2001:4860:4860::8888]/"],
)
def test_public_addresses_may_be_registered(url: str) -> None:
    assert addresses.checked(url) == url


def test_a_host_that_the_operator_named_may_be_asked() -> None:
    url = "http://127.0.0.1:8000/a.csv"
    assert addresses.checked(url, allowed=["127.0.0.1:8000"]) == url
    assert addresses.checked(url, allowed=["127.0.0.1"]) == url
    for other in (["127.0.0.1:9000"], ["localhost"], ["127.0.0.2"]):
        with pytest.raises(BadParameter):
            addresses.checked(url, allowed=other)


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "10.0.0.1"],  # one bad one is enough
        ["::1"],
        ["fe80::1%eth0"],
        ["::ffff:192.168.0.1"],
        ["169.254.169.254"],
    ],
)
def test_a_name_is_judged_by_every_address_that_it_has(found: Sequence[str]) -> None:
    with pytest.raises(Refused, match="no public address"):
        addresses.resolved("rebound.example", 80, lookup=lambda host, port: found)


def test_a_public_name_gives_its_addresses() -> None:
    there = ["8.8.8.8", "2001:4860:4860::8888"]
    assert addresses.resolved("good.example", 80, lookup=lambda host, port: there) == there


@given(st.integers(0, 2**32 - 1))
def test_an_ipv6_address_is_never_more_public_than_the_ipv4_one_in_it(number: int) -> None:
    inner = ipaddress.IPv4Address(number)
    for prefix in ("::ffff:0:0", "64:ff9b::", "2002::"):
        base = int(ipaddress.IPv6Address(prefix))
        shift = 80 if prefix == "2002::" else 0
        outer = ipaddress.IPv6Address(base | (number << shift))
        assert not addresses.is_public(outer) or addresses.is_public(inner)
