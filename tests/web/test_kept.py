"""Pages kept in front of the reader: the same bytes, never stale, never too many."""

import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ingest"))

from ingest_house import House, item, page

from baoguan.web.desk_source import DeskSource
from baoguan.web.kept import KeptPages
from baoguan.web.source import ArticlePage, facts_of
from newsroom import Newsroom, acts
from tests.web.conftest import MakeReader, asker


def test_a_kept_page_is_the_same_and_goes_with_the_log(reader: MakeReader) -> None:
    source, ask = reader()
    one = source.add(outlet="haibin", title="first", body="<p>x</p>")
    path = f"/article/{one}"
    fresh, kept = ask(path), ask(path)
    assert (kept.status, kept.headers, kept.body) == (200, fresh.headers, fresh.body)
    assert ask(path, headers={"if-none-match": fresh.headers["etag"]}).status == 304
    assert "content-length" not in ask(path, headers={"if-none-match": "*"}).headers
    assert ask(path, headers={"accept-language": "ja"}).headers["content-language"] == "ja"
    assert ask(path, headers={"accept-encoding": "identity"}).body == fresh.body
    source.add(outlet="haibin", title="second", body="<p>x</p>", url=source.history[one][0].page.url, cause="outlet")
    assert "second" in ask(path).text


def test_an_article_is_made_anew_only_when_it_changed(reader: MakeReader) -> None:
    """A batch of the log leaves the pages of all other articles as they were: bytes, tag and no work."""
    source, ask = reader()
    ids = [source.add(outlet="haibin", title=f"t{n}", body="<p>x</p>", captured_ms=n) for n in (1, 3, 5, 7)]
    made: list[str] = []
    article = source.article

    def counted(identity: str, rev: int | None = None) -> ArticlePage | None:
        made.append(identity)
        return article(identity, rev)

    source.article = counted  # type: ignore[method-assign]
    source.facts = lambda identity, rev=None: facts_of(article(identity, rev))  # type: ignore[method-assign, arg-type]
    before = {one: ask(f"/article/{one}") for one in ids}
    made.clear()

    def now() -> list[str]:
        made.clear()
        for one in ids:
            ask(f"/article/{one}")
        return list(made)

    assert now() == []
    source.add(outlet="minato", title="elsewhere", body="<p>x</p>", captured_ms=4)
    assert now() == []
    assert ask(f"/article/{ids[0]}", headers={"if-none-match": before[ids[0]].headers["etag"]}).status == 304
    assert ask(f"/article/{ids[0]}").body == before[ids[0]].body
    source.add(outlet="haibin", title="between", body="<p>x</p>", captured_ms=4)
    assert now() == ids[1:3]
    source.add(outlet="haibin", title="t7b", body="<p>x</p>", url=source.history[ids[3]][0].page.url, captured_ms=7)
    assert now() == ids[2:]
    assert now() == []


def test_a_batch_moves_the_facts_of_its_own_articles_alone(tmp_path: Path) -> None:
    """On a real archive: what `facts` tells is what the page was made of."""
    with Newsroom("voa", "rfi") as room:
        house = House(tmp_path / "archive", room).make()
        url = room.url("rfi", "/story")
        text = "港口管理局周一宣布，新码头将于七月启用，预计每天接待旅客三千人次，成为本市第三座客运码头。"

        def say(said: str) -> None:
            house.feed("rfi", item("新码头七月启用", url))
            room.behave(url)
            room.act(url, acts.answer(200, page("新码头七月启用", *[said] * 3), content_type="text/html"))
            house.sync()
            house.clock.ahead += timedelta(hours=3)

        say(text)
        with house.open() as desk:
            source = DeskSource(desk)
            ids = [row.id for row in house.rows()]
            before = {one: source.facts(one) for one in ids}
            assert before == {one: facts_of(found) for one in ids if (found := source.article(one)) is not None}
            size = desk.archive.size
            say(text.replace("三千", "四千"))
            assert desk.archive.size > size
            moved = {one for one in ids if source.facts(one) != before[one]}
            assert {row.id for row in house.rows("rfi")} <= moved
            assert moved <= {row.id for row in house.rows("rfi")}
            assert source.facts("0" * 16) is None
            source.close()


def test_the_store_is_bounded_and_keeps_no_cookie_and_no_error() -> None:
    asked = []

    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        asked.append(scope["path"])
        headers = [(b"set-cookie", b"lang=ja")] if scope["query_string"] == b"lang=ja" else []
        await send(
            {"type": "http.response.start", "status": 404 if scope["path"] == "/outlets" else 200, "headers": headers}
        )
        await send({"type": "http.response.body", "body": b"x" * 1000})

    kept = KeptPages(app, lambda: 0, limit_bytes=30_000)
    ask = asker(kept)
    for path in ["/?lang=ja", "/?lang=ja", "/outlets", "/outlets", "/status", "/status"]:
        ask(path)
    assert len(asked) == 6
    for number in range(100):
        ask(f"/outlet/{number}")
    assert len(kept._kept) == 10
    assert kept._bytes <= 30_000
    ask("/outlet/99")
    assert len(asked) == 106


def test_who_is_signed_in_gets_no_kept_page() -> None:
    asked = []

    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        asked.append(dict(scope["headers"]).get(b"cookie"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

    ask = asker(KeptPages(app, lambda: 0))
    for headers in ({"cookie": "lang=ja; session=abc"}, {"authorization": "Basic eA=="}, {"cookie": "session=abc"}):
        ask("/", headers=headers)
        ask("/", headers=headers)
    assert len(asked) == 6
    ask("/", headers={"cookie": "lang=ja"})
    ask("/", headers={"cookie": "lang=ja"})
    assert len(asked) == 7
