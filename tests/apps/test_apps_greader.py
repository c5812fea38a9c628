"""The Google Reader API over HTTP: spellings of ids, streams, marks, and who may ask."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests.apps.conftest import NAME, Site

API = "/reader/api/0"
STATE = "user/-/state/com.google/"
ALL = STATE + "reading-list"


def ids(site: Site, query: str = "", stream: str = ALL) -> list[str]:
    got = site.ask(f"{API}/stream/items/ids?s={stream}&n=1000{query}")
    assert got.status == 200, got.text
    return [ref["id"] for ref in got.json["itemRefs"]]


def unread(site: Site) -> dict[str, int]:
    return {row["id"]: row["count"] for row in site.ask(f"{API}/unread-count?output=json").json["unreadcounts"]}


def edit(site: Site, **fields: object) -> None:
    got = site.ask(f"{API}/edit-tag", form=fields)
    assert (got.status, got.text) == (200, "OK")


def test_an_article_of_two_feeds_is_listed_once(site: Site) -> None:
    everything = ids(site)
    assert len(everything) == len(set(everything)) > 10
    feeds = site.ask(f"{API}/subscription/list").json["subscriptions"]
    assert sum(len(ids(site, stream=feed["id"])) for feed in feeds) == len(everything)
    # The address of either feed means the same as the number.
    for feed in feeds:
        for name in (feed["url"], feed["url"].replace("feed.xml", "atom.xml")):
            assert ids(site, stream=f"feed/{name}") == ids(site, stream=feed["id"])


def test_ids_in_all_spellings(site: Site) -> None:
    number = int(ids(site)[0])
    raw = number % (1 << 64)
    long = f"tag:google.com,2005:reader/item/{raw:016x}"
    for spelling in (str(number), str(raw), f"{raw:016x}", f"{raw:016X}", long):
        got = site.ask(f"{API}/stream/items/contents", form={"i": spelling}).json["items"]
        assert [item["id"] for item in got] == [long], spelling
        edit(site, i=spelling, a=STATE + "read")
        assert str(number) not in ids(site, f"&xt={STATE}read")
        edit(site, i=spelling, r=STATE + "read")
        assert str(number) in ids(site, f"&xt={STATE}read")
    for nothing in ("", "x", "-", "12345678901234567890123", "tag:google.com,2005:reader/item/zz", "' OR 1"):
        assert site.ask(f"{API}/stream/items/contents", form={"i": nothing}).json["items"] == []


@pytest.mark.parametrize("order", ["n", "o"])
def test_continuations_walk_a_stream_without_gap_or_repeat(site: Site, order: str) -> None:
    walked, more = [], ""
    while True:
        page = site.ask(f"{API}/stream/contents/{ALL}?n=3&r={order}" + (f"&c={more}" if more else "")).json
        walked += [item["id"].rpartition("/")[2] for item in page["items"]]
        if "continuation" not in page:
            break
        more = page["continuation"]
        assert isinstance(more, str)
        assert more
    whole = [f"{int(number) % (1 << 64):016x}" for number in ids(site, f"&r={order}")]
    assert walked == whole
    if order == "o":
        assert whole == [f"{int(number) % (1 << 64):016x}" for number in reversed(ids(site))]


def test_marks_stars_labels_and_folders(site: Site) -> None:
    first, second, third = ids(site)[:3]
    total = unread(site)[ALL]
    edit(site, i=[first, second], a=[STATE + "read", STATE + "starred"], T=site.ask(f"{API}/token").text.strip())
    edit(site, i=second, r=STATE + "read", a=[STATE + "kept-unread", STATE + "tracking-kept-unread"], ac="edit")
    edit(site, i=third, a=["user/-/label/to quote", STATE + "read-later"])
    assert unread(site)[ALL] == total - 1
    assert set(ids(site, stream=STATE + "starred")) == {first, second}
    assert ids(site, f"&it={STATE}starred&xt={STATE}read") == [second]
    assert ids(site, stream=STATE + "read") == [first]
    assert ids(site, stream="user/-/label/to%20quote") == ids(site, stream=STATE + "read-later") == [third]
    tags = {tag["id"]: tag.get("type") for tag in site.ask(f"{API}/tag/list").json["tags"]}
    assert tags["user/-/label/to quote"] == "tag"
    feed = site.ask(f"{API}/subscription/list").json["subscriptions"][0]
    form = {"ac": "edit", "s": feed["id"], "t": "早报", "a": "user/-/label/中文"}
    assert site.ask(f"{API}/subscription/edit", form=form).text == "OK"
    changed = site.ask(f"{API}/subscription/list").json["subscriptions"][0]
    assert (changed["title"], changed["categories"]) == ("早报", [{"id": "user/-/label/中文", "label": "中文"}])
    assert ids(site, stream="user/-/label/%E4%B8%AD%E6%96%87") == ids(site, stream=feed["id"])
    site.ask(f"{API}/rename-tag", form={"s": "user/-/label/中文", "dest": "user/-/label/zh"})
    assert unread(site)["user/-/label/zh"] == unread(site)[feed["id"]]
    export = site.ask(f"{API}/subscription/export").body
    assert [one.get("text") for one in ET.fromstring(export).findall("body/outline") if not one.get("xmlUrl")] == ["zh"]
    site.ask(f"{API}/disable-tag", form={"s": "user/-/label/zh"})
    assert not site.ask(f"{API}/subscription/list").json["subscriptions"][0]["categories"]
    assert "OK: " in site.ask(f"{API}/subscription/import", "POST", body=export).text
    assert site.ask(f"{API}/subscription/list").json["subscriptions"][0]["categories"][0]["label"] == "zh"
    site.ask(f"{API}/subscription/edit", form={"ac": "unsubscribe", "s": feed["id"]})
    assert feed["id"] not in [one["id"] for one in site.ask(f"{API}/subscription/list").json["subscriptions"]]
    added = site.ask(f"{API}/subscription/quickadd", form={"quickadd": feed["url"]}).json
    assert (added["numResults"], added["streamId"]) == (1, feed["id"])
    assert site.ask(f"{API}/subscription/quickadd?quickadd=https://other.example/feed").json["numResults"] == 0


def test_mark_all_as_read_up_to_a_time_in_any_unit(site: Site) -> None:
    feed = site.ask(f"{API}/subscription/list").json["subscriptions"][0]["id"]
    refs = site.ask(f"{API}/stream/items/ids?s={feed}&n=1000").json["itemRefs"]
    middle = int(refs[len(refs) // 2]["timestampUsec"])
    newer = sum(int(ref["timestampUsec"]) > middle for ref in refs)
    assert site.ask(f"{API}/mark-all-as-read", form={"s": feed, "ts": middle}).text == "OK"
    assert unread(site).get(feed, 0) == newer
    edit(site, i=refs[-1]["id"], a=STATE + "kept-unread")
    assert unread(site)[feed] == newer + 1
    assert site.ask(f"{API}/mark-all-as-read", form={"s": feed}).text == "OK"
    assert unread(site).get(feed, 0) == 0
    assert site.ask(f"{API}/mark-all-as-read", form={"s": ALL}).text == "OK"
    assert unread(site)[ALL] == 0
    assert ids(site, f"&xt={STATE}read") == []


def test_bodies_are_safe_and_their_pictures_need_no_login(site: Site) -> None:
    items = site.ask(f"{API}/stream/contents/{ALL}?n=100").json["items"]
    sources = [src for item in items for src in re.findall(r'<img src="([^"]+)"', item["summary"]["content"])]
    assert sources
    assert all(src.startswith(f"{site.url}/m/") for src in sources)
    assert not any("<script" in item["summary"]["content"] for item in items)
    path = sources[0].removeprefix(site.url)
    auth, site.auth = site.auth, ""
    got = site.ask(path)
    assert (got.status, got.headers["content-type"]) == (200, "image/jpeg")
    assert "set-cookie" not in got.headers
    signature, name = path.split("/")[2:]
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert [site.ask(f"/m/{bad}/{name}").status for bad in (flipped, "", "x", signature[:-1])] == [404] * 4
    assert site.ask(f"/m/{signature}/..%2f..%2fprivate%2fkey").status == 404
    site.auth = auth


def test_atom_and_gzip(site: Site) -> None:
    feed = site.ask(f"{API}/subscription/list").json["subscriptions"][0]["id"]
    got = site.ask(f"/reader/atom/{feed.replace('/', '%2F')}?n=2")
    assert got.headers["content-encoding"] == "gzip"
    root = ET.fromstring(got.body)
    atom = "{http://www.w3.org/2005/Atom}"
    entries = root.findall(f"{atom}entry")
    assert len(entries) == 2
    assert all(
        re.fullmatch(r"tag:google.com,2005:reader/item/[0-9a-f]{16}", one.findtext(f"{atom}id")) for one in entries
    )
    assert root.findtext("{http://www.google.com/schemas/reader/atom/}continuation")


def test_who_may_ask(site: Site) -> None:
    auth, site.auth = site.auth, ""
    assert site.ask(f"{API}/user-info").status == 401
    assert site.ask(f"{API}/user-info", headers={"authorization": "GoogleLogin auth=lin/none"}).status == 401
    bad = site.ask("/accounts/ClientLogin", form={"Email": NAME, "Passwd": "wrong wrong"})
    assert (bad.status, bad.text.strip()) == (401, "Error=BadAuthentication")
    site.auth = auth
    assert site.ask(f"{API}/user-info").json["userName"] == NAME
    token = site.ask(f"{API}/token").text.strip()
    form = {"i": ids(site)[0], "a": STATE + "starred"}
    stale = site.ask(f"{API}/edit-tag", form={**form, "T": token[:-1] + "~"})
    assert (stale.status, stale.headers["x-reader-google-bad-token"]) == (401, "true")
    site.auth = ""
    assert site.ask(f"{API}/edit-tag", form={**form, "T": token}).text == "OK"
    site.auth = auth
    assert len(ids(site, stream=STATE + "starred")) == 1


def test_guessing_is_slowed_down(site: Site) -> None:
    site.auth = ""
    guesses = [
        site.ask("/accounts/ClientLogin", form={"Email": NAME, "Passwd": f"guess number {n}"}) for n in range(12)
    ]
    assert [guess.status for guess in guesses] == [401] * 10 + [429] * 2
    assert int(guesses[-1].headers["retry-after"]) > 0


def test_what_is_unknown_breaks_nothing(site: Site) -> None:
    assert site.ask(f"{API}/something/new").json == []
    assert site.ask(f"{API}/stream/contents/feed/404").status == 404
    assert site.ask(f"{API}/stream/contents/{STATE}broadcast").json["items"] == []
    edit(site, i=ids(site)[0], a="user/-/state/com.google/like", r="nonsense")
    for bad in ("n=-1", "n=x", "ot=zz", "c=zz", "c=9-9-9", "n=99999999999999999999999999"):
        assert site.ask(f"{API}/stream/items/ids?s={ALL}&{bad}").status == 200
    huge = site.ask(f"{API}/edit-tag", "POST", body=b"i=" + b"1" * 5_000_000)
    assert huge.status == 413
