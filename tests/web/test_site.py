"""`export site`: every link leads to a file, nothing asks another host, withdrawn articles go, other files stay."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from click.testing import CliRunner
from lxml import html as lxml_html

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ingest"))

from ingest_house import House, item, page

from baoguan.cli.main import cli
from baoguan.errors import ConfigError
from baoguan.web.site import MARK, export_site
from baoguan.web.words import LANGUAGES
from baoguan.withdrawing import withdraw
from newsroom import Newsroom, acts


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Newsroom("voa", "rfi") as room:
        house = House(tmp_path / "archive", room).make()
        url = room.url("rfi", "/story")
        for said in ("三千", "四千"):
            house.feed("rfi", item("新码头七月启用", url))
            text = f"港口管理局周一宣布，新码头将于七月启用，预计每天接待旅客{said}人次，成为本市第三座客运码头。"
            room.behave(url)
            room.act(url, acts.answer(200, page("新码头七月启用", *[text] * 3), content_type="text/html"))
            house.sync()
            house.clock.ahead += timedelta(hours=3)
        yield house


def links(path: Path) -> Iterator[str]:
    tree = lxml_html.document_fromstring(path.read_bytes())
    for element in tree.iter():
        for name in ("href", "src", "poster", "action"):
            if element.get(name) is not None:
                yield str(element.get(name))


def export(house: House, folder: Path, **options: object) -> None:
    with house.open() as desk:
        export_site(desk, folder, **options)  # type: ignore[arg-type]


def test_every_link_leads_to_a_file_and_nowhere_else(house: House, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export(house, site)
    pages = sorted(site.rglob("*.html"))
    articles = {path.parent.name for path in pages if path.parent.parent.name == "article"}
    assert articles == {row.id for row in house.rows()}
    for lang in list(LANGUAGES)[1:]:
        assert (site / lang / "index.html").is_file()
    for path in pages:
        text = path.read_text("utf-8")
        assert "<script" not in text
        assert "<form" not in text
        assert "Content-Security-Policy" in text
        for link in links(path):
            if link.startswith("#"):
                continue
            if urlsplit(link).scheme:
                assert link.startswith("http"), link
                continue
            assert not link.startswith("/"), (path, link)
            assert (path.parent / unquote(link)).resolve().is_file(), (path, link)
        for kind, target in re.findall(r'\b(src|srcset)="([^"]*)"', text):
            assert kind == "src"
            assert not target.startswith(("http", "//"))
    edited = next(path for path in pages if "change/" in path.as_posix())
    assert "四" in edited.read_text("utf-8")
    assert 'lang="ja"' in (site / "ja" / "index.html").read_text("utf-8")
    front = lxml_html.document_fromstring((site / "index.html").read_bytes())
    there = front.xpath("//nav[@class='langs']/a[@hreflang='ja']/@href")[0]
    assert (site / unescape(there)).resolve() == (site / "ja" / "index.html").resolve()


def test_again_writes_what_changed_and_removes_what_was_withdrawn(house: House, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export(house, site, languages=["zh-Hans"])
    (site / "mine.txt").write_text("kept")
    with house.open() as desk:
        again = export_site(desk, site, languages=["zh-Hans"])
        assert again.unchanged == again.pages + again.pictures + 1 + again.feeds
        assert again.removed == 0
    row = next(row for row in house.rows("voa") if row.lead)
    with house.open() as desk:
        withdraw(desk, [row.id], reason="court")
        report = export_site(desk, site, languages=["zh-Hans"])
    assert report.removed >= 2
    assert not (site / "article" / row.id).joinpath("index.html").exists()
    assert not (site / row.lead).exists()
    assert not [path for path in site.rglob("*.html") if row.title in path.read_text("utf-8")]
    assert (site / "mine.txt").exists()


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_again_makes_what_changed_alone_and_ends_as_a_fresh_export(tmp_path: Path) -> None:
    with Newsroom("voa", "rfi") as room:
        house = House(tmp_path / "archive", room).make()
        urls = [room.url("rfi", f"/story{n}") for n in range(20)]
        text = "港口管理局周一宣布，新码头将于七月启用，预计每天接待旅客三千人次，成为本市第三座客运码头。"

        def say(number: int, said: str) -> None:
            house.feed("rfi", item(f"第{number}座码头七月启用", urls[number]))
            room.behave(urls[number])
            found = page(f"第{number}座码头七月启用", *[said] * 3)
            room.act(urls[number], acts.answer(200, found, content_type="text/html"))
            house.sync()
            house.clock.ahead += timedelta(hours=3)

        for number in range(18):
            say(number, text)
        site, few = tmp_path / "site", ["zh-Hans", "ja"]
        with house.open() as desk:
            first = export_site(desk, site, languages=few, base_url="https://news.example")
        assert first.made == first.pages
        for change in ((18, text), (19, text), (4, text.replace("三千", "四千"))):
            say(*change)
        before = tree(site)
        with house.open() as desk:
            again = export_site(desk, site, languages=few, base_url="https://news.example")
            fresh = export_site(desk, tmp_path / "fresh", languages=few, base_url="https://news.example")
        assert again.pages == fresh.pages
        held = tree(site)
        assert held == tree(tmp_path / "fresh")
        articles = [name for name in held if re.search(r"article/[0-9a-f]{16}/", name)]
        written = [name for name in articles if held[name] != before.get(name)]
        # two new ones with two neighbours each, the edited one and its first version; in two languages
        assert 6 <= len(written) <= 16
        others = again.pages - len(articles)
        assert again.made <= others + len(written) + 4
        assert len(articles) - len(written) >= 20


def test_what_stands_is_made_again_where_it_or_the_settings_are_others(house: House, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export(house, site, languages=["ja"])
    fresh = tree(site)
    spoiled = next(path for path in site.glob("article/*/index.html"))
    spoiled.write_text("<p>something else</p>")
    next(path for path in site.glob("article/*/index.html") if path != spoiled).unlink()
    export(house, site, languages=["ja"])
    assert tree(site) == fresh
    with house.open() as desk:
        assert export_site(desk, site, languages=["ja"]).made < len(list(site.rglob("*.html")))
        other = export_site(desk, site, languages=["ja"], base_url="https://news.example")
    assert other.made == other.pages
    (site / MARK).write_text(json.dumps(sorted(tree(site))))  # as exports left it before
    export(house, site, languages=["ja"])
    assert tree(site) == fresh


def test_feeds_need_an_address_and_folders_are_not_overwritten(house: House, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export(house, site, languages=["ja"], base_url="https://news.example/")
    assert "https://news.example/article/" in (site / "feed.atom").read_text("utf-8")
    assert (site / MARK).exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").touch()
    with pytest.raises(ConfigError, match="holds other files"):
        export(house, other)
    with pytest.raises(ConfigError, match="zh-Hans"):
        export(house, tmp_path / "new", languages=["fr"])


def test_as_a_command(house: House, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["export", "site", "-C", str(house.folder), str(tmp_path / "site"), "--lang", "en"])
    assert done.exit_code == 0, done.output
    assert "index.html" in done.output
