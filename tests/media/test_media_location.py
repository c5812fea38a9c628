"""The place goes from what is served, everything else stays; Pillow is the oracle."""

import io
import random
import struct
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from baoguan.media import location
from baoguan.media.containers import READERS, sniff
from baoguan.media.location import clean_xmp, strip_location
from baoguan.media.tiff import blank_gps

XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:exif="http://ns.adobe.com/exif/'
    b'1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" exif:GPSLatitude="25,2.1N" exif:GPSLongitude=\'121,33.7E\' '
    b'dc:creator="A. Name">'
    b"<exif:GPSAltitude>12/1</exif:GPSAltitude><exif:GPSMapDatum/></rdf:Description></rdf:RDF></x:xmpmeta>"
)
PLACES = (b"25,2.1N", b"121,33.7E", b"GPSL", b"GPSA")


def exif(*, gps: bool = True) -> bytes:
    made = Image.Exif()
    made[0x0112], made[0x013B], made[0x8298] = 6, "A. Name", "(c) Somebody"
    made.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    if gps:
        made.get_ifd(0x8825).update({1: "N", 2: (25.0, 2.0, 6.5), 3: "E", 4: (121.0, 33.0, 42.0), 29: "2026:01:02"})
    return made.tobytes()


def image() -> Image.Image:
    return Image.radial_gradient("L").resize((64, 48)).convert("RGB")


def made(kind: str, *, gps: bool = True, xmp: bytes = b"") -> bytes:
    out = io.BytesIO()
    options: dict[str, object] = {"exif": exif(gps=gps)}
    if kind == "PNG" and xmp:
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=xmp == XMP)
        info.add_text("Title", "The quay")
        options["pnginfo"] = info
    elif xmp:
        options["xmp"] = xmp
    image().save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("xmp", [b"", XMP, XMP + b" "])
def test_the_place_goes_and_all_else_stays(kind: str, xmp: bytes) -> None:
    before = made(kind, xmp=xmp)
    after = strip_location(before)
    assert after is not before
    with Image.open(io.BytesIO(before)) as one, Image.open(io.BytesIO(after)) as other:
        assert dict(one.getexif().get_ifd(0x8825))
        assert not dict(other.getexif().get_ifd(0x8825))
        told = other.getexif()
        assert (told[0x0112], told[0x013B], told[0x8298]) == (6, "A. Name", "(c) Somebody")
        assert told.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"
        assert one.tobytes() == other.tobytes()
        if xmp:
            assert not any(place in other.info["xmp"] for place in PLACES)
            assert b"A. Name" in other.info["xmp"]
    assert not any(place in after for place in PLACES)
    found, was = READERS[sniff(after) or ""](after), READERS[sniff(before) or ""](before)
    assert found == was
    assert strip_location(after) is after or strip_location(after) == after


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP"])
def test_a_file_without_a_place_is_not_touched(kind: str) -> None:
    out = io.BytesIO()
    image().save(out, kind)
    plain = out.getvalue()
    assert strip_location(plain) is plain
    if kind not in ("GIF", "BMP"):
        data = made(kind, gps=False)
        assert strip_location(data) is data


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segments(*segments: bytes, tail: bytes = b"") -> bytes:
    out = io.BytesIO()
    image().save(out, "JPEG")
    data = out.getvalue()
    return data[:2] + b"".join(segments) + data[2:] + tail


IPTC = segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x08\x1c\x02\x50\x00\x03A.N")
C2PA = segment(0xEB, b"JP\x00\x01\x00\x00\x00\x01\x00\x00\x00\x20jumb" + b"c2pa manifest")


def test_captions_and_credits_stay_and_a_broken_signature_goes() -> None:
    plain = with_segments(IPTC, C2PA)
    assert strip_location(plain) is plain, "C2PA and IPTC alone name no place"
    placed = with_segments(IPTC, C2PA, segment(0xE1, exif()))
    after = strip_location(placed)
    assert IPTC in after
    assert b"c2pa manifest" not in after, "signed over bytes that changed"
    named = with_segments(segment(0xEB, b"JP\x00\x01jumb" + b'{"exif:GPSLatitude":"25,2.1N"}'))
    assert b"GPS" not in strip_location(named)


def test_what_hides_behind_the_picture_goes_with_its_place() -> None:
    second = made("JPEG")
    data = with_segments(tail=second)
    assert strip_location(data) == with_segments()
    assert strip_location(with_segments(tail=b"\x00\x00\x00\x18ftypmp42")) == with_segments()
    padded = with_segments(tail=b"\x00" * 20)
    assert strip_location(padded) is padded


@pytest.mark.parametrize(
    "payload",
    [
        b"Exif\x00\x00nonsense",
        b"Exif\x00\x00II*\x00\xff\xff\xff\xff",
        b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff" + b"\x01" * 40,
        b"http://ns.adobe.com/xmp/extension/\x00" + b"a" * 40 + b"<exif:GPSLatitude>25,2.1N</exif:GPSLatitude>",
        b"http://ns.adobe.com/xap/1.0/\x00" + "<x exif:GPSLatitude='25'/>".encode("utf-16-le"),
        b"http://ns.adobe.com/xap/1.0/\x00<GPSLatitude>25</GPSLatitude>",
    ],
)
def test_metadata_that_cannot_be_read_goes(payload: bytes) -> None:
    assert strip_location(with_segments(segment(0xE1, payload))) == with_segments()


def test_other_ways_of_png() -> None:
    out = io.BytesIO()
    image().save(out, "PNG")
    data = out.getvalue()

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    profile = chunk(b"zTXt", b"Raw profile type exif\x00\x00" + zlib.compress(b"\nexif\n 8\n4578696600004949"))
    assert strip_location(data[:33] + profile + data[33:]) == data
    bomb = chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x01\x00\x00\x00" + zlib.compress(b" " * 50_000_000))
    assert strip_location(data[:33] + bomb + data[33:]) == data
    text = chunk(b"tEXt", b"Comment\x00GPS is a word here")
    kept = data[:33] + text + data[33:]
    assert strip_location(kept) is kept


def test_xmp_keeps_its_length() -> None:
    cleaned = clean_xmp(XMP)
    assert cleaned is not None
    assert len(cleaned) == len(XMP)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"II*\x00", b"MM\x00*"]))
def test_no_directory_makes_it_fail(rest: bytes, head: bytes) -> None:
    found = blank_gps(head + rest)
    assert found is None or len(found) == len(head + rest)


HEADS = [made(kind, xmp=XMP) for kind in ("JPEG", "PNG", "WEBP", "AVIF")]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(HEADS), st.data())
def test_no_bytes_make_it_fail(head: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(head)))
    end = data.draw(st.integers(at, len(head)))
    assert isinstance(strip_location(head[:at] + data.draw(st.binary(max_size=30)) + head[end:]), bytes)


@pytest.mark.parametrize(
    "data",
    [
        with_segments(
            *[segment(0xE1, b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xd0\x07" + b"\x25\x88" * 30_000) for _ in range(40)]
        ),
        with_segments(tail=b"\xff\xd8\xff" * 2_000_000),
        HEADS[3] + b"<x:xmpmeta" * 1_000_000,
        HEADS[3] + b"Exif\x00\x00II*\x00" * 500_000,
        with_segments(*[segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + b"a:GPSa=" * 9000) for _ in range(60)]),
        b"\xff\xd8" + b"\xff" * 5_000_000,
    ],
)  # fmt: skip
def test_hostile_metadata_costs_little(data: bytes) -> None:
    began = time.process_time()
    strip_location(data)
    assert time.process_time() - began < 1.5


def test_the_quick_look_lets_nothing_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the walk through a file would change, the search for marks finds: over files made of all their parts."""
    chance = random.Random(6)
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x25\x88\x04\x00\x01\x00\x00\x00\x1a\x00\x00\x00" + b"\x00" * 40
    xmp = b'<x:xmpmeta><rdf:Description exif:GPSLatitude="52,1N"/></x:xmpmeta>'
    pieces = [exif, b"http://ns.adobe.com/xap/1.0/\x00" + xmp, b"http://ns.adobe.com/xmp/extension/\x00" + xmp, xmp]
    pieces += [
        b"jumb GPS",
        b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + xmp,
        b"Raw profile type exif\x00\x00abc",
        b"plain",
    ]
    names = (b"eXIf", b"iTXt", b"tEXt", b"zTXt", b"caBX", b"IDAT", b"EXIF", b"XMP ", b"C2PA", b"VP8 ")
    changed = 0
    for _ in range(3000):
        parts = chance.choices(pieces, k=chance.randrange(1, 4))
        tail = chance.choice((b"", b"", exif, b"....ftypmp42", b"\xa9xyz+52", b"<html>"))
        kind = chance.randrange(4)
        if kind == 0:
            marks = chance.choices(b"\xe1\xe1\xeb\xed", k=len(parts))
            body = b"".join(
                b"\xff" + bytes([mark]) + struct.pack(">H", len(part) + 2) + part
                for mark, part in zip(marks, parts, strict=True)
            )
            data = b"\xff\xd8" + body + b"\xff\xda\x00\x02\x01\x02\xff\xd9" + tail
        elif kind == 1:
            chunks = [(chance.choice(names), part) for part in parts] + [(b"IEND", b"")]
            body = b"".join(struct.pack(">I", len(part)) + name + part + b"\x00" * 4 for name, part in chunks)
            data = b"\x89PNG\r\n\x1a\n" + body + tail
        elif kind == 2:
            body = b"".join(
                chance.choice(names) + struct.pack("<I", len(part)) + part + b"\x00" * (len(part) & 1) for part in parts
            )
            data = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body + tail
        else:
            data = b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avif" + b"".join(parts) + tail
        quick = strip_location(data)
        with monkeypatch.context() as patch:
            patch.setattr(location, "_WAYS", {name: (way, (b"",)) for name, (way, _) in location._WAYS.items()})
            assert strip_location(data) == quick
        changed += quick != data
    assert changed > 500
