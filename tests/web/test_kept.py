"""Pages kept in front of the reader: the same bytes, never stale, never too many."""

from baoguan.web.kept import KeptPages
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
