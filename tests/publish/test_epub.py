"""The book of an archive: opens as EPUB 3 asks, every page well formed, nothing of other hosts in it."""

import zipfile
from pathlib import Path

import pytest
from lxml import etree

from baoguan.app import create_archive, open_desk
from baoguan.cli.main import main
from baoguan.importing import import_path
from baoguan.publish.epub import as_xhtml


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_the_book_of_an_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree, folder, target = tmp_path / "tree", tmp_path / "archive", tmp_path / "news.epub"
    for number in range(12):
        path = tree / "articles" / "voa" / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        link = f"https://www.voachinese.com/a/{number}.html"
        body = '<p>網路<br>安全 &amp; &lt;b&gt;</p><p><img src="https://x.example/1.jpg" alt="圖"></p>'
        at = 1_600_000_000_000 + number * 86_400_000
        path.write_text(f"<!--{at}-->\n[標題 <{number}> & \x01]({link})\n------\n\n{body}\n", "utf-8")
    create_archive(folder, origin="example.org/test")
    with open_desk(folder) as desk:
        import_path(desk, tree)
    command = ["export", "epub", "-C", str(folder), str(target)]
    assert run(*command, "--since", "2020-09-20", "--lang", "ja") == 0
    assert "5 articles" in capsys.readouterr().out
    with zipfile.ZipFile(target) as book:
        first = book.infolist()[0]
        assert (first.filename, first.compress_type, book.read(first)) == ("mimetype", 0, b"application/epub+zip")
        assert book.testzip() is None
        names = set(book.namelist())
        pages = [etree.fromstring(book.read(name)) for name in names if name.endswith((".xhtml", ".opf", ".xml"))]
        package = etree.fromstring(book.read("OEBPS/book.opf"))
        text = "".join("".join(page.itertext()) for page in pages)
    hrefs = {f"OEBPS/{item.get('href')}" for item in package.iter("{*}item")}
    assert hrefs | {"mimetype", "META-INF/container.xml", "OEBPS/book.opf"} == names
    assert len(list(package.iter("{*}itemref"))) == 5
    assert "<b>" in text
    assert not [node for page in pages for node in page.iter("{*}script", "{*}img")]
    before = target.read_bytes()
    assert run(*command, "--since", "2020-09-20", "--lang", "ja") == 0
    assert target.read_bytes() == before
    assert run(*command, "--since", "2030") != 0
    assert target.read_bytes() == before


def test_html_becomes_xhtml() -> None:
    kept = {"media/aa/x.jpg"}
    got = as_xhtml('<p>a<br>b<img src="/media/aa/x.jpg" loading="lazy"><img src="/media/bb/y.jpg" alt="y">', kept)
    assert etree.fromstring(got) is not None
    assert 'src="media/aa/x.jpg"' in got
    assert "loading" not in got
    assert "<span>y</span>" in got
