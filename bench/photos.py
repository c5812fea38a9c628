"""Photos: are addresses read as a person reads them, and how many fetches does a photo's identity save.

`./run bench photos` reads the 300 addresses of tests/media/photos.tsv, and every address of a real mirror
(data/images in BAOGUAN_SHARED): fetches are counted by asking a picture desk over an empty archive, once for a world in
which hosts serve the largest forms, once for one in which they serve nothing but the form of the page. Then likeness:
error rates on pairs made from real photos, their quarters and made-up views, and what a question costs.
"""

import argparse
import tarfile
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import zstandard

from baoguan.app import create_archive, open_desk
from baoguan.backends.clock import SystemClock
from baoguan.batching import Draft
from baoguan.media.choose import Grammars, read_photo
from baoguan.model.article import Article, Picture
from baoguan.model.capture import FetchRequest, FetchResult, Response
from baoguan.model.outlet import Outlet
from baoguan.outlets.registry import load_outlets
from baoguan.picking import PictureDesk
from bench import SHARED
from bench.photos_likeness import error_rates, scale

SAMPLE = Path(__file__).parents[1] / "tests" / "media" / "photos.tsv"
# the smallest GIF that holds a picture
PIXEL = bytes.fromhex("47494638396101000100800000ffffff0000002c00000000010001000002024401003b")


def shared_archive() -> Path:
    """data/images/dev.tar.zst; raises SystemExit naming what is missing."""
    path = SHARED / "data" / "images" / "dev.tar.zst"
    if not path.is_file():
        raise SystemExit(f"photos: {path} is missing; set BAOGUAN_SHARED")
    return path


def shared_file(name: str) -> bytes:
    """A file of it."""
    path = shared_archive()
    with (
        path.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for member in archive:
            content = archive.extractfile(member) if member.name.removeprefix("./") == name else None
            if content is not None:
                return content.read()
    raise SystemExit(f"photos: {path} holds no {name}")


class Wire:
    """A Fetcher over a made-up web: has either every form of a photo, or only those that pages name."""

    def __init__(self, pages: set[str] | None) -> None:
        self.pages, self.open, self.asked = pages, list[FetchRequest](), Counter[str]()

    def submit(self, request: FetchRequest) -> None:
        """Queues."""
        self.open.append(request)

    def answers(self) -> Iterator[FetchResult]:
        """For each request that is open."""
        while self.open:
            request = self.open.pop(0)
            self.asked[request.url.split("/")[2]] += 1
            there = self.pages is None or request.url in self.pages
            at = SystemClock().now()
            body = PIXEL if there else b""
            response = Response(
                url=request.url,
                final_url=request.url,
                status=200 if there else 404,
                headers=(),
                body=body,
                raw=body,
                at=at,
            )
            yield FetchResult(request=request, response=response)


def fetches(urls: list[str], *, every_form: bool) -> Counter[str]:
    """Requests by host until each address has its picture."""
    wire = Wire(None if every_form else set(urls))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "archive"
        create_archive(folder, origin="bench/photos")
        with open_desk(folder, durable=False) as desk:
            desk.spool.mkdir(parents=True)
            pictures = PictureDesk(desk, wire)  # type: ignore[arg-type]
            for number, url in enumerate(urls):
                article = Article(url=f"https://a.example/{number}", pictures=(Picture(url=url),))
                draft = Draft(key=str(number), outlet=Outlet(key="x", name="x"), article=article, captured_ms=0)
                pictures.ask(draft)
                for result in wire.answers():
                    pictures.take(result)
                assert draft.picked, url
    return wire.asked


def identity() -> None:
    """The hand-checked sample, and what identity saves on a real mirror."""
    grammars = Grammars(load_outlets().values())
    rows = [line.split("\t") for line in SAMPLE.read_text("utf-8").splitlines() if not line.startswith("#")]
    right = 0
    for url, key, width, crop in rows:
        photo = read_photo(f"https://{url}", None, grammars)
        right += (photo.key, str(photo.width), photo.crop) == (key, width, crop)
    print(f"hand-checked addresses read right: {right} of {len(rows)}")
    urls = [
        f"https://{line.strip().removeprefix('https://')}"
        for line in shared_file("dev/outlet_image_urls.txt").decode().split()
    ]
    urls = list(dict.fromkeys(urls))
    photos: dict[str, set[str]] = defaultdict(set)
    count: Counter[str] = Counter()
    for url in urls:
        photos[url.split("/")[2]].add(read_photo(url, None, grammars).key)
        count[url.split("/")[2]] += 1
    served, bare = fetches(urls, every_form=True), fetches(urls, every_form=False)
    print(f"{'host':22}{'addresses':>10}{'photos':>8}{'fetches':>9}{'fewer':>8}   page's form alone served: fetches")
    for host, addresses in count.most_common():
        fewer = 1 - served[host] / addresses
        print(f"{host:22}{addresses:10,}{len(photos[host]):8,}{served[host]:9,}{fewer:8.1%}{bare[host]:12,}")


def main() -> None:
    """Runs the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--made", type=int, default=120, help="made-up views beside the real photos and their quarters")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 50_000], help="files in the index")
    options = parser.parse_args()
    identity()
    print()
    error_rates(shared_archive(), options.made)
    print()
    scale(tuple(options.sizes))


if __name__ == "__main__":
    main()
