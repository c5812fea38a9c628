"""What goes out of a picture that names its place: a cut copy under /media/, the very bytes under /archive/."""

import hashlib
import io

import pytest
from PIL import Image

from baoguan.media.location import strip_location
from tests.media.test_media_location import made
from tests.web.conftest import MakeReader


@pytest.mark.parametrize(("kind", "ending"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_the_place_is_not_served(reader: MakeReader, kind: str, ending: str) -> None:
    source, ask = reader()
    data = made(kind)
    ref = source.add_picture(data, ending)
    for _ in range(2):
        reply = ask(f"/{ref.path}")
        assert reply.status == 200
        assert reply.body == strip_location(data)
        assert "immutable" in reply.headers["cache-control"]
        assert reply.headers["content-type"] == f"image/{kind.lower()}"
        with Image.open(io.BytesIO(reply.body)) as image:
            assert not dict(image.getexif().get_ifd(0x8825))
    part = ask(f"/{ref.path}", headers={"range": "bytes=4-9"})
    assert (part.status, part.body) == (206, strip_location(data)[4:10])
    assert ask(f"/{ref.path}", headers={"if-none-match": reply.headers["etag"]}).status == 304
    assert ask(f"/{ref.path}", headers={"range": "bytes=99999999-"}).status == 416
    assert ask(f"/{ref.path}", method="HEAD").status == 200
    raw = ask(f"/archive/{ref.path}")
    assert hashlib.sha256(raw.body).hexdigest() == ref.sha256
    assert raw.headers["etag"] != reply.headers["etag"]


def test_a_picture_without_a_place_is_the_kept_one(reader: MakeReader) -> None:
    source, ask = reader()
    data = made("JPEG", gps=False)
    ref = source.add_picture(data, "jpg")
    for _ in range(2):
        reply = ask(f"/{ref.path}")
        assert reply.body == data
