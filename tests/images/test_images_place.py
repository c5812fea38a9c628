"""Where a photo was taken leaves by no way out: EXIF and XMP of every format, passed through and as every other."""

import functools
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))

from image_origin import Origin, Proxy

pytest.importorskip("pyvips")
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="39,54.26N"'
    b' exif:GPSLongitude="116,23.29E" exif:Flash="no"/></rdf:RDF></x:xmpmeta>'
)
PLACE = (b"39,54.26N", b"116,23.29E", b"GPSLatitude", (54).to_bytes(4, "little") + (7).to_bytes(4, "little"))
"""What tells it: XMP's coordinates, and the minutes 54/7 of EXIF."""
KINDS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF")
OUTPUTS = ("", "jpg", "png", "webp", "avif", "gif", "tiff", "auto")


@functools.cache
def photo(kind: str) -> bytes:
    """With a place in EXIF (but GIF, which has none) and in XMP."""
    image = Image.effect_noise((64, 48), 50).convert("RGB")
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (39.0, 54 / 7, 16.0), 3: "E", 4: (116.0, 54 / 7, 29.0)})
    sink = io.BytesIO()
    if kind == "GIF":
        image.save(sink, "GIF")
        plain = sink.getvalue()
        trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
        return plain[:-1] + b"\x21\xff\x0bXMP DataXMP" + XMP + trailer + b";"
    if kind == "TIFF":
        image.save(sink, "TIFF", exif=exif, tiffinfo={700: XMP})
    else:
        image.save(sink, kind, exif=exif.tobytes(), xmp=XMP)
    return sink.getvalue()


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    origin = Origin()
    origin.routes = {f"/{kind}": {"body": photo(kind)} for kind in KINDS}
    yield origin
    origin.close()


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    proxy = Proxy(tmp_path, allow=("127.0.0.0/8",))
    yield proxy
    proxy.close()


def told(body: bytes) -> str:
    """What of the place stands in a picture."""
    found = [mark.decode("latin-1") for mark in PLACE if mark in body]
    image = Image.open(io.BytesIO(body))
    gps = image.getexif().get_ifd(0x8825)
    return " ".join([*found, *(str(value) for value in gps.values() if re.search("[1-9NSEW]", str(value)))])


@pytest.mark.parametrize("kind", KINDS)
def test_no_way_out_tells_the_place(proxy: Proxy, origin: Origin, kind: str) -> None:
    assert told(photo(kind)), "the test's own photo tells it"
    for output in OUTPUTS:
        for more in ("", "&w=32", "&ll", "&il", "&n=-1"):
            answer = proxy.ask(
                f"url={origin.base}/{kind}&output={output}{more}" if output or more else f"url={origin.base}/{kind}"
            )
            assert answer.status == 200, (output, more, answer.body)
            assert not told(answer.body), (output, more)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
def test_a_bare_address_passes_everything_else_through(proxy: Proxy, origin: Origin, kind: str) -> None:
    """The same pixels, the camera's name: nothing is encoded anew."""
    whole, passed = photo(kind), proxy.ask(f"url={origin.base}/{kind}").body
    one, other = Image.open(io.BytesIO(whole)), Image.open(io.BytesIO(passed))
    assert one.convert("RGB").tobytes() == other.convert("RGB").tobytes()
    assert other.getexif().get(0x010F) == one.getexif().get(0x010F)
    assert abs(len(passed) - len(whole)) < 900


def test_without_a_place_the_very_bytes_pass(proxy: Proxy, origin: Origin) -> None:
    sink = io.BytesIO()
    Image.effect_noise((64, 48), 50).save(sink, "JPEG")
    origin.routes["/plain"] = {"body": sink.getvalue()}
    assert proxy.ask(f"url={origin.base}/plain").body == sink.getvalue()
