"""Against Debian's nginx: weak ETags of gzip made on the fly, 304 for the exact string."""

import shutil
import socket
import subprocess
import time

import pytest

from baoguan.model.capture import FetchRequest

CONF = """
daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {root}/access.log; client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
  uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  types {{ application/rss+xml xml; }} gzip on; gzip_types application/rss+xml; gzip_min_length 1;
  server {{ listen 127.0.0.1:{port}; root {root}/www; location /moved {{ return 301 /feed.xml; }} }}
}}
"""


@pytest.fixture
def nginx(tmp_path):
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "feed.xml").write_text("<rss><channel><title>新闻</title></channel></rss>\n" * 50, "utf-8")
    (tmp_path / "nginx.conf").write_text(CONF.format(root=tmp_path, port=port))
    tmp_path.chmod(0o755)
    log = (tmp_path / "error.log").as_posix()
    process = subprocess.Popen([program, "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", log])
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}", tmp_path / "www" / "feed.xml"
    process.terminate()
    process.wait(10)


def test_weak_etags_go_back_as_they_came(nginx, open_fetcher):
    base, file = nginx
    fetcher = open_fetcher()
    first = fetcher.fetch(FetchRequest(url=f"{base}/moved", kind="feed")).response
    assert first.hops[0].status == 301
    assert first.header("content-encoding") == "gzip"
    assert first.header("etag").startswith('W/"')
    assert first.body == file.read_bytes()
    known = FetchRequest(url=f"{base}/feed.xml", kind="feed", etag=first.header("etag"))
    assert fetcher.fetch(known).response.status == 304
    file.write_text("<rss/>" * 100)
    changed = fetcher.fetch(known).response
    assert (changed.status, changed.body) == (200, b"<rss/>" * 100)


def test_static_files_come_in_ranges_and_without_an_encoding(nginx, open_fetcher):
    base, file = nginx
    fetcher = open_fetcher()
    url = f"{base}/feed.xml"
    part = fetcher.fetch(FetchRequest(url=url, kind="file", start=5, stop=25)).response
    assert (part.status, part.body, part.header("content-encoding")) == (206, file.read_bytes()[5:25], "")
    assert part.header("content-range") == f"bytes 5-24/{file.stat().st_size}"
    assert fetcher.fetch(FetchRequest(url=url, kind="file", cap_bytes=100)).error_kind == "size"
    assert fetcher.fetch(FetchRequest(url=url, kind="file", post=b"x")).response.status == 405
