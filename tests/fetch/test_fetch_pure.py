"""Addresses, headers and decoding without a network."""

import gzip
import ipaddress
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from baoguan.fetch.addresses import check_target, parse_networks, refusal
from baoguan.fetch.decode import BodyDecoder, EncodingError
from baoguan.fetch.headers import cache_max_age, parse_retry_after, request_headers
from baoguan.model.capture import FetchRequest

REFUSED = [
    "127.0.0.1",
    "127.255.255.255",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "0.0.0.0",
    "0.1.2.3",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2001:0:1:2:3:4:5:6",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001:db8::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
]
ALLOWED = [
    "8.8.8.8",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1",
    "64:ff9b::808:808",
    "2002:808:808::",
    "::ffff:8.8.8.8",
]


@pytest.mark.parametrize("address", REFUSED)
def test_refused(address):
    assert refusal(address)


@pytest.mark.parametrize("address", ALLOWED)
def test_not_refused(address):
    assert refusal(address) == ""


def test_allowed_networks_also_inside_other_addresses():
    loopback = parse_networks(["127.0.0.0/8"])
    assert refusal("127.9.9.9", loopback) == refusal("::ffff:127.0.0.1", loopback) == ""
    assert refusal("10.0.0.1", loopback)
    assert refusal("::1", loopback)
    with pytest.raises(ValueError, match="appear"):
        parse_networks(["loopback"])


@given(st.integers(0, 2**32 - 1))
def test_no_wrapping_opens_a_refused_address(number):
    inner = ipaddress.IPv4Address(number)
    if refusal(str(inner)):
        for base in (0xFFFF << 32, 0x0064_FF9B << 96):
            assert refusal(str(ipaddress.IPv6Address(base + number)))
        assert refusal(str(ipaddress.IPv6Address((0x2002 << 112) + (number << 80))))


def test_targets():
    assert "scheme" in check_target("gopher://e.org/")
    assert "port" in check_target("http://e.org:25/")
    assert "local" in check_target("http://printer.local/")
    assert "local" in check_target("http://LOCALHOST./")
    assert check_target("http://127.1/")
    assert check_target("https://e.org:8443/") == ""
    assert check_target("http://localhost/", parse_networks(["127.0.0.0/8"])) == ""


NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Mon, 23 Nov 2026 12:01:00 GMT", 60.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
        ("1.5", None),
        ("", None),
        ("99999999999999999999", None),
    ],
)
def test_retry_after(value, expected):
    assert parse_retry_after(value, NOW) == expected


@given(st.text())
def test_retry_after_never_raises(value):
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or seconds >= 0
    assert (cache_max_age([("Cache-Control", value), ("Expires", value), ("Age", value)]) or 0) >= 0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([("cache-control", "public, max-age=600")], 600),
        ([("Cache-Control", "max-age=600"), ("Age", "100")], 500),
        ([("Cache-Control", "s-maxage=9, max-age=60")], 60),
        ([("Cache-Control", "s-maxage=9")], None),
        ([("Cache-Control", "no-cache, max-age=60")], 0),
        ([("Expires", "0")], 0),
        ([("Expires", "Mon, 23 Nov 2026 13:00:00 GMT"), ("Date", "Mon, 23 Nov 2026 12:00:00 GMT")], 3600),
        ([("Expires", "Mon, 23 Nov 2026 13:00:00 GMT")], None),
    ],
)
def test_max_age(headers, expected):
    assert cache_max_age(headers) == expected


def test_validators_go_out_exactly_and_cannot_become_headers():
    request = FetchRequest(url="http://e.org", kind="feed", etag='W/"a b"', referer="x\r\nCookie: 1")
    headers = request_headers(request, "agent", identity=False, once=True)
    assert headers["If-None-Match"] == 'W/"a b"'
    assert headers["Connection"] == "close"
    assert "\n" not in headers["Referer"]


def raw_deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


ENCODERS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=5000), st.sampled_from([*ENCODERS, "raw"]), st.integers(1, 900))
def test_decoding_in_pieces(data, name, step):
    encoded = raw_deflate(data) if name == "raw" else ENCODERS[name](data)
    decoder = BodyDecoder("deflate" if name == "raw" else name, 10_000)
    for start in range(0, len(encoded), step):
        decoder.feed(encoded[start : start + step])
    assert decoder.body == data
    assert decoder.ended()
    assert not decoder.over


def test_members_garbage_and_unknown_words():
    decoder = BodyDecoder("x-gzip", 100)
    decoder.feed(gzip.compress(b"ab") + gzip.compress(b"cd") + b"\0garbage")
    assert (decoder.body, decoder.ended()) == (b"abcd", True)
    plain = BodyDecoder("utf-8", 100)
    plain.feed(b"text")
    assert (plain.body, plain.ended()) == (b"text", True)
    cut = BodyDecoder("gzip", 10_000)
    cut.feed(gzip.compress(bytes(range(256)))[:-9])
    assert not cut.ended()
    with pytest.raises(EncodingError) as caught:
        BodyDecoder("gzip", 100).feed(b"<html>")
    assert caught.value.at_start


@pytest.mark.parametrize("name", list(ENCODERS))
def test_a_bomb_gives_exactly_the_cap(name):
    encoded = ENCODERS[name](bytes(50_000_000))
    decoder = BodyDecoder(name, 1_000_000)
    tracemalloc.start()
    decoder.feed(encoded)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert decoder.over
    assert len(decoder.body) == 1_000_000
    assert peak < 12_000_000


def test_dates_without_a_zone_are_utc():
    assert parse_retry_after("Mon, 23 Nov 2026 12:00:30", NOW) == timedelta(seconds=30).total_seconds()
