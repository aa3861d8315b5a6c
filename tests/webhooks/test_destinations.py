"""Outgoing requests never reach our own network: a corpus of URLs that try."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.webhooks.outgoing.destinations import (
    DestinationRefused,
    destination_of,
    refusal,
)

EVIL = """
http://hooks.shop.com/in
ftp://hooks.shop.com/in
gopher://hooks.shop.com:70/_GET
javascript:alert(1)
data:text/plain,hello
//hooks.shop.com/in
hooks.shop.com/in
https://
https:///in
https://user@hooks.shop.com/
https://user:pass@hooks.shop.com/
https://hooks.shop.com@127.0.0.1/
https://127.0.0.1#@hooks.shop.com/
https://hooks.shop.com\\@127.0.0.1/
https://hooks.shop.com%2f@127.0.0.1/
https://127.0.0.1%00.shop.com/
https://hooks.shop.com:22/
https://hooks.shop.com:25/
https://hooks.shop.com:5432/
https://hooks.shop.com:6379/
https://hooks.shop.com:0/
https://hooks.shop.com:99999/
https://hooks.shop.com:-1/
https://hooks.shop.com:abc/
https://localhost/
https://LOCALHOST/
https://localhost./
https://foo.localhost/
https://printer.local/
https://db.internal/
https://metadata.google.internal/computeMetadata/v1/
https://router.lan/
https://intranet/
https://database/
https://host.home.arpa/
https://127.0.0.1/
https://127.1/
https://127.0.1/
https://127.255.255.254/
https://0/
https://0.0.0.0/
https://2130706433/
https://017700000001/
https://0177.0.0.1/
https://0x7f.0.0.1/
https://0x7f000001/
https://0x7f.1/
https://127.0.0.1./
https://127.000.000.001/
https://10.0.0.1/
https://10.255.255.255/
https://172.16.0.1/
https://172.31.255.255/
https://192.168.0.1/
https://169.254.169.254/latest/meta-data/
https://169.254.170.2/v2/credentials
https://0xa9fea9fe/latest/meta-data/
https://2852039166/latest/meta-data/
https://0251.0376.0251.0376/
https://100.100.100.200/latest/meta-data/
https://100.64.0.1/
https://168.63.129.16/metadata
https://192.0.0.192/
https://198.18.0.1/
https://224.0.0.1/
https://240.0.0.1/
https://255.255.255.255/
https://[::1]/
https://[::]/
https://[0:0:0:0:0:0:0:1]/
https://[::127.0.0.1]/
https://[::ffff:127.0.0.1]/
https://[::ffff:7f00:1]/
https://[::ffff:169.254.169.254]/
https://[::ffff:10.0.0.1]/
https://[64:ff9b::7f00:1]/
https://[64:ff9b::a9fe:a9fe]/
https://[64:ff9b:1::a00:1]/
https://[2002:7f00:1::]/
https://[2002:a9fe:a9fe::1]/
https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/
https://[fe80::1]/
https://[fe80::1%25eth0]/
https://[fec0::1]/
https://[fc00::1]/
https://[fd00:ec2::254]/latest/meta-data/
https://[ff02::1]/
https://[100::1]/
https://[2001:db8::1]/
https://[127.0.0.1]/
https://[::1/
https://[gggg::1]/
https://-bad.shop.com/
https://bad-.shop.com/
https://a..shop.com/
https://hooks.shop.com /in
https://hooks.shop.com/in#fragment
https://hööks.shop.com/
https://①②⑦.⓪.⓪.①/
https://ⓛocalhost/
https://127。0。0。1/
""".strip().splitlines()

ODD = [
    "",
    "file:" + "///etc/passwd",
    "https://hooks.shop.com/\nHost: inner",
    "https://hooks.shop.com/\tx",
    "https://hooks.shop.com/\x00",
    "\thttps://127.0.0.1/",
    "https://" + "a" * 64 + ".com/",
    "https://" + "a." * 130 + "com/",
    "https://hooks.shop.com/" + "a" * 2048,
]

GOOD = [
    ("https://hooks.shop.com/in", "hooks.shop.com", 443),
    ("https://hooks.shop.com./in", "hooks.shop.com", 443),
    ("https://HOOKS.Shop.COM:8443/in?x=1", "hooks.shop.com", 8443),
    ("https://xn--hks-sna2a.shop.com/", "xn--hks-sna2a.shop.com", 443),
    ("https://1.hooks.shop.com/", "1.hooks.shop.com", 443),
    ("https://8.8.8.8/", "8.8.8.8", 443),
    ("https://[2606:4700::1111]/", "2606:4700::1111", 443),
]


@pytest.mark.parametrize("url", EVIL + ODD)
def test_evil_urls_are_refused(url: str) -> None:
    with pytest.raises(DestinationRefused) as caught:
        destination_of(url)
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(("url", "host", "port"), GOOD)
def test_public_urls_are_taken(url: str, host: str, port: int) -> None:
    found = destination_of(url)
    assert (found.host, found.port, found.url) == (host, port, url)
    assert found.address is None or refusal(found.address) is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/in", "http://localhost:9000/", "http://shop/"]
)
def test_development_may_call_this_machine(url: str) -> None:
    assert destination_of(url, development=True).url == url
    with pytest.raises(DestinationRefused):
        destination_of(url)


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://u@localhost/", "http://localhost:22/", "http://0x7f.1/"]
)
def test_development_is_no_licence_for_nonsense(url: str) -> None:
    with pytest.raises(DestinationRefused):
        destination_of(url, development=True)


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_within_ipv6_is_judged_as_itself(address: object) -> None:
    whole = int(ip_address(str(address)))
    for disguise in (
        (0xFFFF << 32) | whole,
        (0x64FF9B << 96) | whole,
        (0x2002 << 112) | (whole << 80),
    ):
        assert refusal(ip_address(disguise.to_bytes(16, "big"))) is not None


@given(st.ip_addresses())
def test_what_is_allowed_is_global(address: object) -> None:
    found = ip_address(str(address))
    if refusal(found) is None:
        assert found.is_global
        assert not any([found.is_private, found.is_loopback, found.is_link_local])
        assert not any([found.is_multicast, found.is_reserved, found.is_unspecified])


@given(st.text(max_size=60))
def test_any_text_gets_an_answer(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}/in"):
        try:
            destination_of(url)
        except DestinationRefused:
            continue
