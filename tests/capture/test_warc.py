"""What is written as WARC, what strangers' headers can't do to it, and reading it again."""

import base64
import gzip
import hashlib
import io
import random
import subprocess
import sys
import uuid
import zlib
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baoguan.backends.clock import SeededEntropy
from baoguan.capture.read import iter_members, iter_responses, parse_record, read_member, scan_captures, to_response
from baoguan.capture.warc import WarcWriter, base32, clean_url, digest, http_head, record_urn
from baoguan.errors import Corrupt
from baoguan.model.capture import CaptureRef, Hop, Response

AT = datetime(2026, 3, 1, 12, 30, 15, 250000, tzinfo=UTC)
BODY = "<p>你好，世界</p>".encode() * 50


def response(**changes) -> Response:
    fields = {
        "url": "http://a.example/",
        "final_url": "http://a.example/",
        "status": 200,
        "reason": "OK",
        "headers": (("Content-Type", "text/html"), ("Content-Length", str(len(BODY)))),
        "raw": BODY,
        "body": BODY,
        "at": AT,
    }
    return Response(**{**fields, **changes})


def writer() -> WarcWriter:
    return WarcWriter(entropy=SeededEntropy("warc"))


def one(**changes):
    """(member, record) of a response."""
    member = writer().response(response(**changes))[-1]
    return member, read_member(member.data)


def tool_passes(folder: Path, data: bytes) -> None:
    file = folder / "x.warc.gz"
    file.write_bytes(data)
    for tool in ("warcio", "fastwarc"):
        command = [str(Path(sys.executable).parent / tool), "check", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (tool, done.stdout, done.stderr)


def test_what_was_received_comes_back():
    member, record = one()
    assert member.ref.sha256 == hashlib.sha256(member.data).hexdigest()
    assert record.record_id == member.ref.record_id
    assert (record.kind, record.at_ms, record.url) == ("response", member.ref.at_ms, "http://a.example/")
    assert record.header("WARC-Payload-Digest") == digest(BODY)
    again = to_response(record)
    assert (again.raw, again.body, again.status, again.at) == (BODY, BODY, 200, AT)


def test_every_kind_passes_the_tools(tmp_path):
    maker = writer()
    packed = gzip.compress(BODY)
    first = maker.response(response())[-1]
    chunked = (("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip"), ("Content-Type", "text/html"))
    hops = (Hop(url="http://s.example/", status=302, location="http://a.example/"),)
    members = [
        maker.info("x.warc.gz", 0),
        *maker.response(response(hops=hops)),
        *maker.response(response(headers=chunked, raw=packed)),
        *maker.response(response(), payload_in_media=True),
        *maker.response(response(headers=chunked, raw=packed), payload_in_media=True),
        first,
        *maker.response(response(), revisit_of=first.ref),
        *maker.response(response(status=304, raw=b"", body=b""), revisit_of=first.ref),
        *maker.response(response(status=304, raw=b"", body=b"")),
        *maker.response(response(status=404, reason="", headers=(), raw=b"", body=b"")),
        *maker.response(response(raw=BODY[:9], body=BODY[:9], truncated="time")),
        maker.resource("file:///x.md", "text/markdown", b"text", 1),
    ]
    data = b"".join(member.data for member in members)
    tool_passes(tmp_path, data)
    scanned = list(scan_captures(data))
    assert [ref for ref, _, _ in scanned] == [member.ref for member in members]
    assert sum(length for _, _, length in scanned) == len(data)
    assert [offset for _, offset, _ in scanned][1] == len(members[0].data)


def test_cookies_and_addresses_are_left_out():
    headers = (("Set-Cookie", "id=1"), ("X-Client-IP", "192.0.2.7"), ("X-Forwarded-For", "192.0.2.7"), ("ETag", '"x"'))
    member, record = one(headers=headers)
    text = zlib.decompress(member.data, 31)
    assert b"192.0.2.7" not in text
    assert b"id=1" not in text
    assert to_response(record).header("etag") == '"x"'


def test_headers_that_no_longer_fit_get_another_name():
    head = http_head(response(headers=(("Content-Length", "7"), ("Transfer-Encoding", "chunked"))), size=650).decode()
    assert "X-Baoguan-Orig-Content-Length: 7\r\n" in head
    assert "X-Baoguan-Orig-Transfer-Encoding: chunked\r\n" in head
    assert head.endswith("Content-Length: 650\r\n\r\n")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.binary(max_size=60))
def test_no_stranger_ends_a_header(name, value, url, body):
    hostile = f"{value}\r\nWARC-Type: metadata\r\n\r\nHTTP/1.1 200 OK\r\n"
    member, record = one(
        headers=((name + "X", hostile), ("X-Plain", value)),
        reason=hostile,
        url=url,
        final_url="http://h.example/" + url + "\r\nWARC-Type: metadata",
        raw=body,
        body=body,
    )
    assert record.kind == "response"
    assert [key for key, _ in record.headers].count("WARC-Type") == 1
    again = to_response(record)
    assert again.raw == body
    assert again.status == 200
    assert member.ref.url == record.url
    assert record.url.isascii()


def test_bytes_of_headers_that_are_no_utf8_stay():
    _, record = one(headers=(("X-Name", b"\xb1\xb1".decode("utf-8", "surrogateescape")),))
    assert b"X-Name: \xb1\xb1\r\n" in record.block


@pytest.mark.parametrize("pack", ["plain", "members", "whole"])
def test_foreign_files(tmp_path, pack):
    warc = b""
    for number in range(3):
        block = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        )
        head = (
            f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: <http://f.example/{number}>\r\n"
            f"WARC-Date: 2019-05-04T03:02:01Z\r\nWARC-Record-ID: <urn:uuid:{number}>\r\n"
            f"Content-Length: {len(block)}\r\n\r\n"
        ).encode()
        record = head + block + b"\r\n\r\n"
        warc += gzip.compress(record) if pack == "members" else record
    file = tmp_path / "foreign.warc.gz"
    file.write_bytes(gzip.compress(warc) if pack == "whole" else warc)
    found = list(iter_responses(file))
    assert [item.url for item in found] == [f"http://f.example/{number}" for number in range(3)]
    assert {item.body for item in found} == {b"hello"}
    assert found[0].at == datetime(2019, 5, 4, 3, 2, 1, tzinfo=UTC)
    file.write_bytes(file.read_bytes()[:-70])
    assert len(list(iter_responses(file))) <= 3
    assert list(iter_responses(io.BytesIO(b"no warc"))) == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, br", "unknown"])
def test_content_encodings(encoding):
    import brotli
    import zstandard

    pack = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": brotli.compress,
        "zstd": zstandard.compress,
        "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
        "unknown": bytes,
    }[encoding]
    _, record = one(headers=(("Content-Encoding", encoding),), raw=pack(BODY))
    assert to_response(record).body == BODY
    _, record = one(headers=(("Content-Encoding", encoding),), raw=b"\x00not packed at all")
    assert to_response(record).body in (b"\x00not packed at all", b"")


def test_damage_is_an_error_in_our_own_files():
    member, _ = one()
    for broken in (member.data[:-3], member.data + b"junk", b"junk"):
        with pytest.raises(Corrupt):
            list(scan_captures(broken))
    with pytest.raises(Corrupt):
        parse_record(b"WARC/1.1\r\nContent-Length: 5\r\n\r\nabc")
    assert list(iter_members(b"")) == []


def test_a_revisit_names_what_it_repeats():
    older = CaptureRef(record_id="urn:uuid:1", sha256="0", url="http://a.example/", at_ms=1000)
    record = read_member(writer().response(response(), revisit_of=older)[-1].data)
    assert record.kind == "revisit"
    assert record.header("WARC-Refers-To") == "<urn:uuid:1>"
    assert record.header("WARC-Refers-To-Date") == "1970-01-01T00:00:01.000Z"
    assert record.header("WARC-Profile").endswith("identical-payload-digest")
    assert to_response(record).raw == b""


@given(st.binary(min_size=32, max_size=32))
def test_names_and_digests_are_those_of_the_standard_library(chance: bytes) -> None:
    assert base32(chance) == base64.b32encode(chance).decode()
    assert record_urn(chance[:16]) == uuid.UUID(bytes=chance[:16], version=4).urn


@given(st.text())
def test_urls_are_quoted_as_the_standard_library_does(url: str) -> None:
    safe = "!#$%&'()*+,-./:;=?@[]_~|^`{}\\\""
    assert clean_url(url) == quote(url.strip(), safe=safe, errors="replace")


def test_members_of_any_size() -> None:
    """Smaller and larger than the pieces in which they are unpacked, empty, ending with a piece; cut ones are named."""
    bodies = [b"", b"a" * 3_000_000, *(random.Random(size).randbytes(size) for size in (7, 16_361, 16_384, 50_000))]
    members = [gzip.compress(body, 1) for body in bodies]
    data = b"".join(members)
    offsets = [sum(map(len, members[:number])) for number in range(len(members))]
    assert list(iter_members(data)) == list(zip(offsets, map(len, members), bodies, strict=True))
    for cut in (data[:-1], data[: offsets[1] + 3], b"junk"):
        with pytest.raises(Corrupt):
            list(iter_members(cut))


def test_a_digest_that_is_known_is_not_computed_again() -> None:
    one = writer().resource("https://a.example/", "text/markdown", BODY, 5)
    assert one == writer().resource(
        "https://a.example/", "text/markdown", BODY, 5, sha256=hashlib.sha256(BODY).hexdigest()
    )
