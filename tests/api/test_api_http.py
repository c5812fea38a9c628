"""/api/v1 over a real socket: every operation, caching, refusals, limits, what is kept back."""

import gzip
import http.client
import json
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
import pytest

from baoguan.archive.proofs import check_proof
from baoguan.model.api import Problem
from baoguan.web.api_source import DeskReader
from baoguan.web.api_table import OPERATIONS
from baoguan.web.app import create_app
from baoguan.web.changes_source import DeskChanges
from baoguan.web.desk_source import DeskSource
from baoguan.web.options import WebOptions
from tests.api.conftest import Site
from tests.web.conftest import asker


class Got(msgspec.Struct):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Decoded."""
        return json.loads(self.body)


def ask(site: Site, path: str, method: str = "GET", **headers: str) -> Got:
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=20)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/api/v1" + path, headers=sent)
    reply = connection.getresponse()
    got = Got(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    connection.close()
    if got.headers.get("content-encoding") == "gzip":
        got.body = gzip.decompress(got.body)
    return got


def refused(got: Got, status: int) -> Problem:
    assert (got.status, got.headers["content-type"]) == (status, "application/problem+json")
    told = msgspec.json.decode(got.body, type=Problem)
    assert told.status == status
    assert told.detail
    assert "\n" not in told.detail
    return told


def test_lists_walk_to_their_end_without_gap_or_repeat(site: Site) -> None:
    every = [row.id for row in sorted(site.house.rows(), key=lambda row: (row.shown_ms, row.id), reverse=True)]
    for order in ("shown", "kept"):
        ids, cursor = [], ""
        while True:
            got = ask(site, f"/articles?limit=3&order={order}" + (f"&cursor={cursor}" if cursor else "")).json
            ids += [one["id"] for one in got["items"]]
            cursor = got["next"]
            if not cursor:
                break
        assert sorted(ids) == sorted(every)
        if order == "shown":
            assert ids == every


def test_an_article_whole(site: Site) -> None:
    row = site.house.row("新码头七月启用")
    got = ask(site, f"/articles/{row.id}").json
    assert got["title"] == row.title
    assert "四千人次" in got["text"]
    assert "四千人次" in got["body_html"]
    assert got["revisions"] == 2
    first = ask(site, f"/articles/{row.id}/revisions/0").json
    assert "三千人次" in first["text"]
    told = ask(site, f"/articles/{row.id}/revisions").json["items"]
    assert [one["rev"] for one in told] == [0, 1]
    assert [one["current"] for one in told] == [False, True]
    datetime.fromisoformat(got["kept"])
    record = ask(site, f"/articles/{row.id}/markdown?rev=0")
    assert record.headers["content-type"] == "text/markdown; charset=utf-8"
    assert record.body == (site.house.folder / "public" / first["record_path"]).read_bytes()


def test_pictures_are_where_their_path_says(site: Site) -> None:
    with_picture = next(row for row in site.house.rows() if row.lead)
    (first, *_) = [one for one in ask(site, f"/articles/{with_picture.id}").json["pictures"] if one["path"]]
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=20)
    connection.request("GET", "/" + first["path"])
    reply = connection.getresponse()
    assert reply.status == 200
    assert reply.read()
    connection.close()


@pytest.mark.parametrize("media", ["false", "true"])
def test_the_proof_holds_without_the_archive(site: Site, media: str) -> None:
    got = ask(site, f"/articles/{site.edited}/proof?media={media}")
    assert got.headers["content-type"] == "application/json"
    with site.house.open() as desk:
        assert desk.archive.verifier is not None
        proven = check_proof(got.body, desk.archive.verifier)
    assert proven.line.id == site.edited


def test_search_counts_what_it_lists(site: Site) -> None:
    got = ask(site, f"/search?q={quote('码头')}&facets=true&limit=1").json
    assert got["total"] >= 1
    assert sum(one["articles"] for one in got["outlets"]) == got["total"]
    assert any(piece["marked"] for piece in got["items"][0]["snippet"])
    ids, cursor = [], ""
    while True:
        page = ask(site, f"/search?q={quote('的')}&limit=2" + (f"&cursor={cursor}" if cursor else "")).json
        ids += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert len(ids) == len(set(ids)) == page["total"]


def test_changes_tell_both_versions(site: Site) -> None:
    (change,) = ask(site, f"/changes?article={site.edited}").json["items"]
    assert change["before"]["rev"] == 0
    got = ask(site, f"/changes/{change['index']}").json
    marked = [span["text"] for row in got["comparison"]["rows"] for span in row["after"] if span["changed"]]
    assert any("四" in text for text in marked)
    assert ask(site, "/changes?kind=vanished").status == 200
    refused(ask(site, "/changes/0"), 404)


def test_names_find_articles_by_address_and_id(site: Site) -> None:
    row = site.house.row("新码头七月启用")
    for name in (row.url, row.id, row.id[:6]):
        assert row.id in [one["id"] for one in ask(site, f"/names?name={quote(name, safe='')}").json["items"]]
    assert ask(site, "/names?name=nothing").json["items"] == []


def test_export_is_lines_in_the_order_of_the_log(site: Site) -> None:
    got = ask(site, "/export")
    assert got.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in got.body.splitlines()]
    assert [one["index"] for one in lines] == sorted(one["index"] for one in lines)
    assert {one["id"] for one in lines} == {row.id for row in site.house.rows()}
    later = [json.loads(line) for line in ask(site, f"/export?since={lines[2]['index'] + 1}").body.splitlines()]
    assert later == lines[3:]
    assert ask(site, "/export", "HEAD").body == b""


def test_outlets_feeds_and_the_archive(site: Site) -> None:
    assert [one["key"] for one in ask(site, "/outlets").json["items"]] == ["rfi", "voa"]
    assert ask(site, "/outlets/voa").json["articles"] > 0
    refused(ask(site, "/outlets/none"), 404)
    assert [one["outlet"] for one in ask(site, "/feeds?outlet=voa").json["items"]] == ["voa"]
    told = ask(site, "/archive").json
    assert told["checkpoint"].startswith("test/ingest\n")
    assert told["articles"] == len(site.house.rows())


def test_who_has_it_is_told_so(site: Site) -> None:
    got = ask(site, f"/articles/{site.edited}")
    again = ask(site, f"/articles/{site.edited}", if_none_match=got.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    packed = ask(site, f"/articles/{site.edited}", accept_encoding="gzip")
    assert (packed.headers["content-encoding"], packed.body) == ("gzip", got.body)


@pytest.mark.parametrize(
    "path",
    [
        "/articles?limit=0",
        "/articles?limit=101",
        "/articles?limit=1e3",
        "/articles?limit=1&limit=2",
        "/articles?cursor=%21",
        "/articles?cursor=1-XYZ",
        "/articles?cursor=9999999999999999999-0000000000000000",
        "/search?q=a&cursor=10000",
        "/articles?after=yesterday",
        "/articles?after=2023-02-30",
        "/articles?order=best",
        "/articles?colour=red",
        "/articles/XYZ",
        "/articles/0000000000000000/revisions/-1",
        "/search",
        "/names",
        "/changes?kind=nothing",
        "/changes/99999999999",
        "/articles/0000000000000000/proof?media=yes",
    ],
)
def test_bad_requests_are_told_why(site: Site, path: str) -> None:
    refused(ask(site, path), 400)


@pytest.mark.parametrize(
    "query",
    ["after=0001-01-01", "before=9999-12-31", "after=9999-12-31T23:59:60Z", "before=0001-01-01T00:00:00%2B14:00"],
)
def test_days_at_the_ends_of_time(site: Site, query: str) -> None:
    assert ask(site, f"/articles?{query}").status == 200


def test_the_day_begins_in_the_archives_zone(site: Site) -> None:
    row = site.house.rows()[0]
    moment = datetime.fromtimestamp(row.shown_ms / 1000).astimezone().isoformat()
    found = ask(site, f"/articles?after={quote(moment)}&limit=100").json["items"]
    assert row.id in [one["id"] for one in found]
    assert row.id not in [one["id"] for one in ask(site, f"/articles?before={quote(moment)}&limit=100").json["items"]]


def test_what_is_not_there(site: Site) -> None:
    refused(ask(site, "/articles/0000000000000000"), 404)
    refused(ask(site, f"/articles/{site.edited}/revisions/7"), 404)
    refused(ask(site, "/nothing"), 404)
    for path in ("", "/revisions", "/revisions/0", "/markdown", "/proof"):
        assert "court" in refused(ask(site, f"/articles/{site.withdrawn}{path}"), 410).detail


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"])
def test_it_is_read_only(site: Site, method: str) -> None:
    got = ask(site, "/articles", method)
    refused(got, 405)
    assert got.headers["allow"] == "GET, HEAD, OPTIONS"


def test_pages_of_other_sites_may_read(site: Site) -> None:
    assert ask(site, "/archive").headers["access-control-allow-origin"] == "*"
    before = ask(site, "/articles", "OPTIONS", origin="https://a.example", access_control_request_method="GET")
    assert before.status == 204
    assert "If-None-Match" in before.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in before.headers


def test_every_operation_is_in_the_document(site: Site) -> None:
    told = ask(site, "/openapi.json").json
    assert told["openapi"] == "3.1.0"
    assert {path["get"]["operationId"] for path in told["paths"].values()} == {one.name for one in OPERATIONS}
    assert told["servers"] == [{"url": site.url.rstrip("/") + "/api/v1"}]


def test_who_asks_too_much_is_told_when_to_come_back(site: Site) -> None:
    with site.house.open() as desk:
        source, changes = DeskSource(desk), DeskChanges(desk)
        reader = DeskReader(desk, source, changes)
        busy = asker(create_app(source, WebOptions(asks_a_second=0.1, searches_a_second=0.1), api=reader))
        assert busy("/api/v1/archive").status == 200
        late = busy("/api/v1/archive")
        assert late.status == 429
        assert 1 <= int(late.headers["retry-after"]) <= 10
        source.close()
        changes.close()


@pytest.mark.parametrize("serve", ["no-text", "no-pictures"])
def test_what_is_kept_back_stays_back(site: Site, serve: str, tmp_path: pytest.TempPathFactory) -> None:
    path = site.house.folder / "baoguan.toml"
    before = path.read_text("utf-8")
    path.write_text(before.replace('key = "voa"', f'key = "voa"\nserve = "{serve}"'), "utf-8")
    try:
        row = next(row for row in site.house.rows("voa") if row.lead)
        with site.house.open() as desk:
            source, changes = DeskSource(desk), DeskChanges(desk)
            said = asker(create_app(source, WebOptions(), api=DeskReader(desk, source, changes)))
            got = json.loads(said(f"/api/v1/articles/{row.id}").body)
            lists = json.loads(said("/api/v1/articles?outlet=voa&limit=100").body)["items"]
            if serve == "no-text":
                assert (got["body_html"], got["text"]) == ("", "")
                assert said(f"/api/v1/articles/{row.id}/markdown").status == 403
                assert said(f"/api/v1/articles/{row.id}/proof").status == 403
            else:
                assert got["pictures"] == []
                assert not any(one["lead"] for one in lists)
                assert said(f"/api/v1/articles/{row.id}/proof?media=true").status in (200, 403)
                assert b"<img" not in got["body_html"].encode()
            source.close()
            changes.close()
    finally:
        path.write_text(before, "utf-8")
