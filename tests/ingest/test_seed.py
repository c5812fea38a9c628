"""The seed article: from a feed item and a page that carry its content, byte for byte back in the ancestors' form."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from baoguan.app import OutletEntry, create_archive, open_desk
from baoguan.exporting import export_markdown
from baoguan.ingest import sync

PATH = "/a/japan-pm-seeks-meeting-with-ukraine-president-as-east-asia-threat-looms-large-20230711/7175632.html"


class Site:
    """A feed and a page on loopback."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[str, str]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, text = site.answers.get(self.path, ("", ""))
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


def seed(shared: Path) -> tuple[bytes, str, str]:
    """(the file, its title, its body)"""
    data = (shared / "data" / "records" / "seed-voa-1023757.md").read_bytes()
    match = re.fullmatch(r"<!--1689069544000-->\n\[(.*)\]\((.*)\)\n------\n\n(.*)\n", data.decode())
    assert match is not None
    return data, match[1], match[3]


def feed(title: str, url: str, description: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>美国之音</title>'
        f"<item><title><![CDATA[{title}]]></title><link>{url}</link><guid>{url}</guid>"
        f"<pubDate>Tue, 11 Jul 2023 09:59:04 GMT</pubDate><description><![CDATA[{description}]]></description></item>"
        "</channel></rss>"
    )


def pangea_page(title: str, body: str) -> str:
    """The seed's content as VOA's CMS serves it: its own renditions, figures and publishing details."""
    small = r"<div><small[^>]*>(.*?)</small></div>"
    lead = re.search(r'<img src="https://images.weserv.nl\?url=([^"]+)" width="100%">' + small, body)
    assert lead is not None
    rest = body[lead.end() :]

    def figure(match: re.Match[str]) -> str:
        source = match[1].replace("_w900", "_w650_r0_s")
        return (
            '<div class="wsw__embed"><figure class="media-image"><div class="img-wrap"><div class="thumb">'
            f'<img src="https://{source}" alt="{match[2]}"></div></div>'
            f'<figcaption><span class="caption">{match[3]}</span></figcaption></figure></div>'
        )

    rest = re.sub(
        rf'<div ><img  src="https://images.weserv.nl\?url=([^"]+)" alt="([^"]*)" border="0"/>{small}</div>',
        figure,
        rest,
    )
    rest = rest.replace("</p><p", "</p>\n<p")
    cover = lead[1].replace("_r1_s_w900", "_w250_r1_s")
    return (
        f"<!DOCTYPE html><html lang=zh><head><meta charset=utf-8><title>{title}</title>"
        '<script type="application/ld+json">{"@context":"https://schema.org","@type":"NewsArticle",'
        f'"headline":"{title.replace(chr(34), "")}","datePublished":"2023-07-11 09:42:28Z"}}</script></head><body>'
        f'<h1 class="title pg-title">{title}</h1><div class="cover-media"><figure class="media-image">'
        f'<img src="https://{cover}"><figcaption><span class="caption">{lead[2]}</span></figcaption></figure></div>'
        '<time pubdate="pubdate" datetime="2023-07-11T09:42:28+00:00">2023年7月11日 17:42</time>'
        f'<div class="body-container"><div id="article-content"><div class="wsw">\n{rest}\n'
        '<div class="wsw__related"><h4>相关</h4></div><script>track()</script></div></div></div></body></html>'
    )


def export_seed(site: Site, tmp_path: Path, images: str = "weserv") -> bytes:
    create_archive(
        tmp_path / "a",
        origin="test/seed",
        entries=[OutletEntry(key="voa-zh", feeds=(f"{site.base}/feed.xml",))],
        fetch={"allow_networks": ["127.0.0.0/8"], "pictures": False, "min_free_mb": 1},
    )
    with open_desk(tmp_path / "a") as desk:
        assert sync(desk).counts["new"] == 1
        export_markdown(desk, tmp_path / "out", images=images, exact=True)
    assert (tmp_path / "out" / "articles" / "voa" / "1048575.md").exists()
    return (tmp_path / "out" / "articles" / "voa" / "1048575.md").read_bytes()


def expected(data: bytes, site: Site) -> bytes:
    return data.replace(b"https://www.voachinese.com", site.base.encode())


def test_feed_that_carries_the_body_and_a_page(site: Site, shared: Path, tmp_path: Path) -> None:
    data, title, body = seed(shared)
    site.answers["/feed.xml"] = ("application/rss+xml", feed(title, site.base + PATH, body))
    site.answers[PATH] = ("text/html; charset=utf-8", pangea_page(title, body))
    assert export_seed(site, tmp_path) == expected(data, site)


def test_feed_with_direct_picture_addresses(site: Site, shared: Path, tmp_path: Path) -> None:
    data, title, body = seed(shared)
    direct = body.replace("https://images.weserv.nl?url=", "https://")
    site.answers["/feed.xml"] = ("application/rss+xml", feed(title, site.base + PATH, direct))
    assert export_seed(site, tmp_path) == expected(data, site)


def test_feed_without_text_and_the_cms_own_page(site: Site, shared: Path, tmp_path: Path) -> None:
    data, title, body = seed(shared)
    site.answers["/feed.xml"] = ("application/rss+xml", feed(title, site.base + PATH, "摘要"))
    site.answers[PATH] = ("text/html; charset=utf-8", pangea_page(title, body))
    assert export_seed(site, tmp_path) == expected(data, site)


def test_page_that_holds_the_body_itself(site: Site, shared: Path, tmp_path: Path) -> None:
    data, title, body = seed(shared)
    inside = f'<h1>{title}</h1><div id="article-content"><div class="wsw">{body}</div></div>'
    page = f"<html><head><title>{title}</title></head><body>{inside}</body></html>"
    site.answers["/feed.xml"] = ("application/rss+xml", feed(title, site.base + PATH, ""))
    site.answers[PATH] = ("text/html; charset=utf-8", page)
    assert export_seed(site, tmp_path) == expected(data, site)


def test_origin_and_prefix_of_pictures(site: Site, shared: Path, tmp_path: Path) -> None:
    _, title, body = seed(shared)
    site.answers["/feed.xml"] = ("application/rss+xml", feed(title, site.base + PATH, body))
    assert b'src="https://gdb.voanews.com/' in export_seed(site, tmp_path, "origin")
    prefixed = export_seed(site, tmp_path / "b", "https://pictures.example/?url=")
    assert b'src="https://pictures.example/?url=gdb.voanews.com/' in prefixed
