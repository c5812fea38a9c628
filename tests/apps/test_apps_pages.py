"""An account in the browser, without JavaScript: login, lists, marks, folders, filters, OPML, passwords, the end."""

import base64
import json
import re
from pathlib import Path

import pytest

from baoguan.backends.sqlite.engine import sqlite3
from tests.apps.conftest import NAME, PASSWORD, Site, add_user
from tests.apps.reading import Reader


@pytest.fixture
def reader(site: Site) -> Reader:
    """Somebody at a browser, logged in; the site itself asks as an app with a token."""
    one = Reader(site)
    assert one.login(NAME, PASSWORD).status == 200
    assert one.at == "/my"
    return one


def unread(site: Site) -> dict[str, int]:
    """What an app is told."""
    rows = site.ask("/reader/api/0/unread-count?output=json&all=1").json["unreadcounts"]
    return {row["id"]: row["count"] for row in rows}


ALL = "user/-/state/com.google/reading-list"


def test_login_and_its_guards(site: Site) -> None:
    one = Reader(site)
    assert one.open("/my").status == 200
    assert one.at == "/login?back=%2Fmy"
    assert one.open("/login?back=//evil.example/").status == 200
    assert one.hidden("/login")["back"] == "/my"
    assert one.post("/login", {"name": NAME, "password": PASSWORD}).status == 403, "without the form's field"
    wrong = one.send("/login", {"name": NAME, "password": "wrong wrong"})
    assert (wrong.status, "session" in one.cookies) == (403, False)
    assert one.send("/login", {"name": NAME, "password": site.app_password}).status == 403, "an app's is for apps"
    got = one.post("/login", {**one.hidden("/login"), "name": NAME, "password": PASSWORD, "back": "/\\evil.example"})
    assert (got.status, got.headers["location"]) == (303, "/my")
    session = next(line for line in got.cookies if line.startswith("session="))
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert one.open("/my", **{"sec-fetch-site": "none"}).status == 200


def test_too_many_wrong_passwords_wait(site: Site) -> None:
    one = Reader(site)
    one.open("/login")
    seen = [one.send("/login", {"name": NAME, "password": f"wrong wrong {n}"}).status for n in range(11)]
    assert seen == [403] * 10 + [429]
    assert one.send("/login", {"name": NAME, "password": PASSWORD}).status == 429


def test_what_an_account_sees_is_kept_by_nobody(site: Site, reader: Reader) -> None:
    stranger = Reader(site)
    for path in ("/", "/outlets", "/my", "/my/account"):
        mine = reader.open(path)
        assert mine.headers["cache-control"] in ("private, no-cache", "no-store"), path
        assert 'href="/my"' in mine.text
        theirs = stranger.open(path)
        assert 'href="/my"' not in theirs.text, path
        assert "csrf" not in theirs.text or stranger.at.startswith("/login")
    assert 'href="/login"' in stranger.open("/outlets").text
    assert reader.open("/my/account").headers["cache-control"] == "no-store"


def test_forms_of_others_are_refused(reader: Reader) -> None:
    reader.open("/my")
    one = reader.ids()[0]
    fields = {**reader.hidden("/my/mark"), "read": one}
    assert reader.post("/my/mark", {**fields, "csrf": ""}).status == 403
    assert reader.post("/my/mark", {**fields, "csrf": "ü" * 22}).status == 403
    assert reader.post("/my/mark", fields, **{"sec-fetch-site": "cross-site"}).status == 403
    assert reader.post("/my/mark", {**fields, "read": "0" * 16}).status == 404
    assert one in reader.open("/my").text
    assert reader.post("/my/mark", fields).status == 303
    assert reader.open("/my/mark").status == 405
    for action in ("/my/mark", "/my/mark-all", "/my/folder", "/my/filters", "/my/apps", "/my/password", "/my/delete"):
        assert Reader(reader.site).post(action, {"csrf": fields["csrf"]}).status == 403, action


def test_marks_are_those_of_the_apps(site: Site, reader: Reader) -> None:
    before = unread(site)[ALL]
    reader.open("/my")
    first, second, third = reader.ids()[:3]
    reader.button("read", first)
    assert first not in reader.ids()
    reader.button("star", second)
    reader.button("later", third)
    assert unread(site)[ALL] == before - 1
    assert reader.open("/my?show=starred").status == 200
    assert reader.ids() == [second]
    reader.open("/my?show=later")
    assert reader.ids() == [third]
    starred = site.ask("/reader/api/0/stream/items/ids?s=user/-/state/com.google/starred&n=9&output=json").json
    assert len(starred["itemRefs"]) == 1
    reader.open("/my?show=starred")
    reader.button("unstar", second)
    assert reader.ids() == []
    reader.open("/my?show=all")
    assert {first, second, third} <= set(reader.ids())
    reader.button("unread", first)
    assert unread(site)[ALL] == before


def test_opening_an_article_reads_it_and_unread_stays(site: Site, reader: Reader) -> None:
    reader.open("/my")
    one, other = reader.ids()[:2]
    before = unread(site)[ALL]
    assert reader.open(f"/article/{one}").status == 200
    assert unread(site)[ALL] == before - 1
    reader.button("unread", one)
    assert reader.at == f"/article/{one}?unread=1"
    assert unread(site)[ALL] == before
    reader.open(f"/article/{other}", **{"sec-fetch-mode": "cors"})
    reader.open(f"/article/{other}", **{"sec-purpose": "prefetch"})
    assert unread(site)[ALL] == before, "a script or a browser that looks ahead reads nothing"
    fragment = reader.open(f"/my/marks/{one}").text
    assert fragment.startswith('<p class="marks">')
    assert 'name="read"' in fragment


def test_lists_go_on_by_pages_in_both_orders(reader: Reader) -> None:
    for query in ("?show=all", "?show=all&order=oldest"):
        reader.open(f"/my{query}")
        seen = reader.ids()
        while found := re.search(r'<a href="([^"]*beyond[^"]*)" rel="next"', reader.page):
            reader.open(found[1].replace("&amp;", "&"))
            seen += reader.ids()
        assert len(seen) == len(set(seen)) > 10
    assert reader.open("/my?outlet=nobody").status == 404
    assert reader.open("/my?folder=nobody").status == 404
    assert reader.open("/my?show=nonsense&beyond=x").status == 200


def test_mark_all_of_a_feed_a_folder_and_all(site: Site, reader: Reader) -> None:
    keys = sorted({row["id"] for row in site.ask("/reader/api/0/subscription/list?output=json").json["subscriptions"]})
    reader.open("/my/feeds")
    names = re.findall(r'href="/my\?outlet=([^"&]+)"', reader.page)
    assert len(names) == len(keys) >= 2
    reader.open(f"/my?outlet={names[0]}")
    reader.send("/my/mark-all", {"age": "30"})
    assert reader.ids(), "nothing is that old"
    reader.send("/my/mark-all", {"age": "0"})
    assert reader.at.startswith("/my?outlet=")
    assert reader.ids() == []
    assert sum(unread(site)[key] == 0 for key in keys) == 1
    reader.open("/my/feeds")
    reader.send("/my/folder", {"name": "晨报 & <b>"})
    reader.send("/my/feeds", {"feed": names[1], "folder": "晨报 & <b>"})
    reader.open("/my?folder=%E6%99%A8%E6%8A%A5+%26+%3Cb%3E")
    assert reader.ids()
    assert "晨报 & <b>" not in reader.page
    reader.send("/my/mark-all")
    assert sum(unread(site)[key] == 0 for key in keys) == 2
    reader.open("/my")
    if reader.ids():
        reader.send("/my/mark-all")
    assert unread(site)[ALL] == 0


def test_folders_and_feeds(site: Site, reader: Reader) -> None:
    reader.open("/my/feeds")
    reader.send("/my/folder", {"name": "地方"})
    key = re.findall(r'name="feed" value="([^"]+)"', reader.page)[0]
    reader.send("/my/feeds", {"feed": key, "folder": "地方"})
    tags = site.ask("/reader/api/0/tag/list?output=json").json["tags"]
    assert "user/-/label/地方" in [tag["id"] for tag in tags]
    got = reader.post("/my/folder", {**reader.hidden("/my/folder"), "old": "地方", "name": "本地"})
    assert got.status == 303
    assert "本地" in reader.open("/my/feeds").text
    assert reader.post("/my/folder", {**reader.hidden("/my/folder"), "old": "nobody", "name": "x"}).status == 404
    reader.open(f"/my/feed/{key}")
    reader.send(f"/my/feed/{key}", {"title": "My paper", "folder": "本地", "subscribed": "1", "hidden": "1"})
    listed = site.ask("/reader/api/0/subscription/list?output=json").json["subscriptions"]
    (mine,) = [row for row in listed if row["title"] == "My paper"]
    assert mine["categories"][0]["label"] == "本地"
    reader.open(f"/my/feed/{key}")
    reader.send(f"/my/feed/{key}", {"title": "", "folder": ""})
    after = site.ask("/reader/api/0/subscription/list?output=json").json["subscriptions"]
    assert len(after) == len(listed) - 1, "not subscribed any more"
    reader.open("/my/feeds")
    reader.send("/my/folder", {"old": "本地", "delete": "1"})
    assert "本地" not in reader.open("/my/feeds").text


def test_opml_goes_out_and_in(site: Site, reader: Reader) -> None:
    reader.open("/my/feeds")
    out = reader.open("/my/feeds.opml")
    assert out.headers["content-disposition"].startswith("attachment")
    url = re.search(r'xmlUrl="([^"]+)"', out.text)[1]
    opml = f'<opml version="2.0"><body><outline text="報"><outline type="rss" text="Mine" xmlUrl="{url}"/></outline>'
    opml += '<outline type="rss" text="x" xmlUrl="https://elsewhere.example/feed"/></body></opml>'
    reader.open("/my/feeds")
    csrf = reader.hidden("/my/feeds.opml")["csrf"]

    def upload(data: bytes, token: str = csrf):  # type: ignore[no-untyped-def]
        parts = [f'--bb\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{token}\r\n'.encode()]
        head = (
            '--bb\r\nContent-Disposition: form-data; name="file"; filename="a.opml"\r\nContent-Type: text/xml\r\n\r\n'
        )
        body = b"".join([*parts, head.encode(), data, b"\r\n--bb--\r\n"])
        return reader.post("/my/feeds.opml", {}, body, content_type="multipart/form-data; boundary=bb")

    assert upload(opml.encode(), "").status == 403
    assert "note=taken&known=1&total=2" in upload(opml.encode()).headers["location"]
    assert "note=no_opml" in upload(b"\x00\xff nothing").headers["location"]
    assert "1 of the 2" in reader.open("/my/feeds?note=taken&known=1&total=2").text
    listed = site.ask("/reader/api/0/subscription/list?output=json").json["subscriptions"]
    assert ("Mine", "報") in [
        (row["title"], row["categories"][0]["label"] if row["categories"] else "") for row in listed
    ]


def test_a_filter_is_tried_before_it_is_kept_and_acts_on_every_interface(site: Site, reader: Reader) -> None:
    reader.open("/my?show=all")
    one = reader.ids()[0]
    title = re.search(rf'href="/article/{one}">([^<]+)</a></h2>', reader.page)[1]
    ids = "/reader/api/0/stream/items/ids?s=user/-/state/com.google/reading-list&n=1000&output=json"
    before = len(site.ask(ids).json["itemRefs"])
    reader.open("/my/filters")
    assert reader.send("/my/filters", {"action": "hide", "try": "1"}).status == 400
    reader.send("/my/filters", {"title": title[:8], "action": "hide", "name": "away", "try": "1"})
    found = int(re.search(r"Finds (\d+) articles", reader.page)[1])
    assert 0 < found < before
    assert title in reader.page
    assert len(site.ask(ids).json["itemRefs"]) == before, "a try changes nothing"
    held = reader.hidden("/my/filters")
    assert held["query"] == f'title:"{title[:8]}"'
    reader.send("/my/filters", {"keep": "1", "now": "1"})
    assert "away" in reader.page
    assert len(site.ask(ids).json["itemRefs"]) == before - found
    api = site.ask("/v1/entries?limit=1000", headers={"x-auth-token": site.app_password})
    assert api.json["total"] == before - found
    fever = site.ask("/fever/?api&unread_item_ids", form={"api_key": fever_key(site)}).json
    assert len(fever["unread_item_ids"].split(",")) == before - found
    auth = {"authorization": basic(NAME, PASSWORD)}
    items = site.ask("/index.php/apps/news/api/v1-2/items?type=3&getRead=true&batchSize=-1", headers=auth).json["items"]
    assert len(items) == before - found
    reader.open("/my?show=all")
    assert one not in reader.ids()
    reader.open("/my/filters")
    reader.send("/my/filter", {"name": "away", "delete": "1"})
    assert "away" not in reader.page


def test_a_filter_by_author(site: Site, reader: Reader) -> None:
    reader.open("/my?show=all")
    items = site.ask("/reader/api/0/stream/contents?n=1000&output=json").json["items"]
    by_author: dict[str, int] = {}
    for item in items:
        for name in filter(None, item.get("author", "").split(", ")):
            by_author[name] = by_author.get(name, 0) + 1
    assert by_author, "the newsroom signs its articles"
    name, count = max(by_author.items(), key=lambda pair: pair[1])
    reader.open("/my/filters")
    reader.send("/my/filters", {"author": name, "action": "star", "try": "1"})
    assert f"Finds {count} articles" in reader.page
    reader.send("/my/filters", {"author": name, "query": "title:无此标题", "action": "star", "try": "1"})
    assert "Finds 0 articles" in reader.page


def test_app_passwords(site: Site, reader: Reader) -> None:
    reader.open("/my/account")
    reader.send("/my/apps", {"label": "phone"})
    plain = re.search(r'class="secret">([a-z2-7]{32})<', reader.page)[1]
    headers = {"x-auth-token": plain}
    assert site.ask("/v1/me", headers=headers).json["username"] == NAME
    assert plain not in reader.open("/my/account").text, "shown once"
    assert reader.send("/my/apps", {"label": "phone"}).status == 400
    reader.open("/my/account")
    reader.send("/my/apps", {"label": "phone", "revoke": "1"})
    assert site.ask("/v1/me", headers=headers).status == 401
    assert site.ask("/v1/me", headers={"x-auth-token": site.app_password}).status == 200


def test_a_new_password_ends_other_sessions(site: Site, reader: Reader) -> None:
    elsewhere = Reader(site)
    elsewhere.login(NAME, PASSWORD)
    reader.open("/my/account")
    new = "新的灯塔 is lit"
    send = lambda **fields: reader.send("/my/password", fields)  # noqa: E731
    assert send(password="wrong wrong", new=new, again=new).status == 403
    assert send(password=PASSWORD, new=new, again="other other").status == 400
    assert send(password=PASSWORD, new="short", again="short").status == 400
    assert elsewhere.open("/my").status == 200
    assert elsewhere.at == "/my"
    assert send(password=PASSWORD, new=new, again=new).status == 200
    assert reader.at == "/my/account?note=changed"
    elsewhere.open("/my")
    assert elsewhere.at.startswith("/login")
    assert site.ask("/v1/me", headers={"x-auth-token": site.app_password}).status == 200
    third = Reader(site)
    assert third.login(NAME, new).status == 200
    reader.open("/my/account")
    reader.send("/my/sessions")
    third.open("/my")
    assert third.at.startswith("/login")
    reader.open("/my/account")
    got = reader.post("/logout", reader.hidden("/logout"))
    assert got.headers["clear-site-data"] == '"cache", "storage"'
    assert "session" not in reader.cookies


def test_a_deleted_account_leaves_no_row(site: Site, reader: Reader) -> None:
    reader.open("/my/feeds")
    reader.send("/my/folder", {"name": "秘密的文件夹"})
    reader.open("/my")
    reader.button("star", reader.ids()[0])
    path = site.folder / "private" / "accounts.sqlite"
    reader.open("/my/account")
    assert reader.send("/my/delete", {"password": "wrong wrong", "sure": "1"}).status == 403
    assert reader.send("/my/delete", {"password": PASSWORD}).status == 403
    add_user(site.folder, "other")
    assert reader.send("/my/delete", {"password": PASSWORD, "sure": "1"}).status == 200
    assert reader.at == "/"
    with sqlite3.connect(path) as db:
        assert [name for (name,) in db.execute("SELECT name FROM user")] == ["other"]
        assert db.execute("SELECT count(*) FROM item").fetchone() == (0,)
        assert db.execute("SELECT count(DISTINCT user) FROM secret").fetchone() == (1,)
    left = b"".join(one.read_bytes() for one in path.parent.iterdir() if one.name.startswith("accounts"))
    assert "秘密的文件夹".encode() not in left
    assert NAME.encode() not in left.replace(b"online", b"")
    assert site.ask("/v1/me", headers={"x-auth-token": site.app_password}).status == 401


def test_passkeys_take_no_nonsense(site: Site) -> None:
    pytest.importorskip("webauthn", reason="the extra passkeys")
    one = Reader(site)
    one.open("/login")
    assert "passkey" not in one.page, "a bare address has no name to bind keys to"
    assert one.post("/login/passkey/options", one.hidden("/login")).status == 404
    host = {"host": "localhost:1"}
    one.open("/login", **host)
    fields = one.hidden("/login/passkey")
    got = one.post("/login/passkey/options", fields, **host)
    challenge = got.json["challenge"]
    data = {"type": "webauthn.get", "challenge": challenge, "origin": "http://localhost:1"}
    coded = base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")
    whole = {"id": "eA", "rawId": "eA", "type": "public-key", "response": {"clientDataJSON": coded, "userHandle": "MQ"}}
    for text in ("", "[]", "{}", "null", "[" * 9000, '{"response": 5}', '{"response": {"clientDataJSON": "%%"}}'):
        assert one.post("/login/passkey", {**fields, "credential": text}, **host).status in (400, 403), text
    for extra in ({"id": "eA"}, {"id": "ü"}, {"id": None}):
        assert one.post("/login/passkey", {**fields, "credential": json.dumps(whole | extra)}, **host).status == 403
    assert "session" not in one.cookies


def test_closed_pages_open_by_the_form(archive: Path) -> None:
    add_user(archive)
    site = Site(archive, "", "--login", "all")
    one = Reader(site)
    one.open("/outlets")
    assert one.at == "/login?back=%2Foutlets"
    assert one.send("/login", {"name": NAME, "password": PASSWORD}).status == 200
    assert one.at == "/outlets"
    assert site.ask("/outlets").status == 401
    assert "Traceback" not in site.close()


def test_without_an_account_there_are_no_pages(archive: Path) -> None:
    site = Site(archive, "")
    for path in ("/login", "/my", "/my/account"):
        assert site.ask(path).status == 404
    assert "/login" not in site.ask("/").text
    assert "Traceback" not in site.close()


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def fever_key(site: Site) -> str:
    import hashlib

    return hashlib.md5(f"{NAME}:{site.app_password}".encode()).hexdigest()
