"""The catalogue for e-readers: feeds as OPDS 1.2 wants them, and books that open."""

import io
import zipfile
from datetime import timedelta

from lxml import etree

from tests.web.conftest import MakeReader
from tests.web.sample_reader import NOON, SampleReader

ATOM = {"a": "http://www.w3.org/2005/Atom"}
BOOK = "http://opds-spec.org/acquisition/open-access"


def stock(source: SampleReader) -> None:
    picture = source.add_picture(b"\xff\xd8\xff kept", width=2, height=2)
    for number in range(3):
        source.add(
            outlet="haibin",
            title=f"標題 <{number}> \x01",
            body=f'<p>正文 &amp; <br>{number}</p><p><img src="{picture.url}" alt="圖"></p>',
            media=(picture,),
            url=f"https://haibin.example/{number}",
            published=(NOON - timedelta(days=number)).isoformat(),
        )


def links(feed: etree._Element, rel: str) -> list[tuple[str, str]]:
    found = feed.findall(f".//a:link[@rel='{rel}']", ATOM)
    return [(link.get("href", ""), link.get("type", "")) for link in found]


def test_the_catalogue_leads_to_books_that_open(reader: MakeReader) -> None:
    source, ask = reader()
    stock(source)
    root = ask("/opds")
    assert root.headers["content-type"].startswith("application/atom+xml;profile=opds-catalog;kind=navigation")
    feed = etree.fromstring(root.body)
    for entry in (feed, *feed.findall("a:entry", ATOM)):
        assert all(entry.findtext(f"a:{name}", "", ATOM) for name in ("id", "title", "updated"))
    shelves = links(feed, "subsection")
    assert [href for href, _ in shelves] == [
        "http://reader.example/opds/days",
        "http://reader.example/opds/outlet/haibin",
    ]
    assert {kind for _, kind in shelves} == {"application/atom+xml;profile=opds-catalog;kind=acquisition"}
    for href, _ in shelves:
        shelf = ask(href.removeprefix("http://reader.example"))
        assert "kind=acquisition" in shelf.headers["content-type"]
        books = links(etree.fromstring(shelf.body), BOOK)
        assert len(books) == 3
        assert {kind for _, kind in books} == {"application/epub+zip"}
        for book, _ in books:
            check_book(ask(book.removeprefix("http://reader.example")).body)


def check_book(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert book.read(book.infolist()[0]) == b"application/epub+zip"
        assert book.testzip() is None
        for name in book.namelist():
            if name.endswith((".xhtml", ".opf", ".xml")):
                etree.fromstring(book.read(name))
        package = etree.fromstring(book.read("OEBPS/book.opf"))
        hrefs = {f"OEBPS/{item.get('href')}" for item in package.iter("{*}item")}
        assert hrefs <= set(book.namelist())
        assert any(name.startswith("OEBPS/media/") for name in hrefs)
        assert len(list(package.iter("{*}itemref"))) == 1


def test_a_book_is_made_once_for_who_has_it(reader: MakeReader) -> None:
    source, ask = reader()
    stock(source)
    path = f"/opds/book/haibin/{NOON.date()}.epub"
    first = ask(path)
    assert first.headers["content-disposition"] == f'attachment; filename="haibin-{NOON.date()}.epub"'
    assert ask(path).body == first.body
    assert ask(path, headers={"if-none-match": first.headers["etag"]}).status == 304


def test_what_is_not_there_is_not_found(reader: MakeReader) -> None:
    source, ask = reader()
    stock(source)
    for path in ("/opds/outlet/nobody", "/opds/book/nobody/2026-03-14.epub", "/opds/book/1999-01-01.epub"):
        assert ask(path).status == 404, path
    for path in ("/opds/book/2026-13-40.epub", "/opds/book/x.epub", "/opds/book/haibin/..epub"):
        assert ask(path).status == 404, path


def test_who_asks_for_book_after_book_waits(reader: MakeReader) -> None:
    source, ask = reader()
    stock(source)
    answers = [ask(f"/opds/book/{NOON.date()}.epub") for _ in range(12)]
    assert [answer.status for answer in answers][:10] == [200] * 10
    assert answers[-1].status == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_an_empty_archive_has_an_empty_catalogue(reader: MakeReader) -> None:
    _, ask = reader()
    assert links(etree.fromstring(ask("/opds").body), "subsection") == [
        ("http://reader.example/opds/days", "application/atom+xml;profile=opds-catalog;kind=acquisition")
    ]
    assert links(etree.fromstring(ask("/opds/days").body), BOOK) == []
