"""nginx in front, as docs/pictures.md tells: files without us, weserv addresses from its cache, pages never kept."""

import shutil
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import uvicorn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ingest"))

from picture_site import PictureSite, drawn

from baoguan.app import open_desk
from baoguan.ingest import sync
from baoguan.web.desk_source import open_reader
from baoguan.web.serve import listen
from bench.images_front import in_front

pytest.importorskip("pyvips")
pytestmark = pytest.mark.skipif(
    shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin") is None, reason="nginx is not installed"
)


class Served:
    """The reader on a socket in a thread, and nginx before it."""

    def __init__(self, folder: Path, site: PictureSite) -> None:
        self.opened = ExitStack()
        self.desk = self.opened.enter_context(open_desk(site.archive(folder / "archive"), durable=False))
        sync(self.desk, which="all")
        self.listening = listen("127.0.0.1", 0)
        config = uvicorn.Config(open_reader(self.desk), log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([self.listening],))
        self.thread.start()

    def stop(self) -> None:
        """Ends the reader, not nginx."""
        self.server.should_exit = True
        self.thread.join()
        self.listening.close()


@pytest.fixture
def site() -> Iterator[PictureSite]:
    site = PictureSite()
    site.files = {"/a.jpg": drawn(1, (900, 600))}
    site.publish("One", "/a.jpg")
    yield site
    site.close()


def test_the_configuration_of_the_docs_serves_without_us(site: PictureSite, tmp_path: Path) -> None:
    served = Served(tmp_path, site)
    row = next(iter(served.desk.archive.objects.list("media")))
    name = row.rpartition("/")[2].partition(".")[0]
    with in_front(tmp_path, served.listening.getsockname()[1]) as front:
        assert front is not None
        base = f"http://127.0.0.1:{front[1]}"

        def get(path: str) -> tuple[int, str, bytes]:
            try:
                with urllib.request.urlopen(base + path, timeout=10) as answer:
                    return answer.status, answer.headers["content-type"], answer.read()
            except urllib.error.HTTPError as error:
                return error.code, "", b""

        paths = [f"/variants/{name}/320.{kind}" for kind in ("jpg", "webp", "avif")]
        paths.append(f"/images?url={site.base}/a.jpg&w=77")
        first = [get(path) for path in paths]
        assert [(status, kind) for status, kind, _ in first] == [
            (200, f"image/{kind}") for kind in ("jpeg", "webp", "avif", "jpeg")
        ]
        assert get("/")[0] == 200
        assert get("/variants/../photos.sqlite")[0] in (400, 404)
        served.stop()
        assert [get(path) for path in paths] == first
        assert get("/")[0] == 502
        assert get(f"/variants/{name}/640.jpg")[0] == 502
    served.opened.close()
