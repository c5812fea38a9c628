"""weserv's recorded answers: transforms, HTTP behaviour, and what has to be refused."""

import gzip
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

sys.path.insert(0, str(Path(__file__).resolve().parent))

from image_origin import Origin, Proxy

pytest.importorskip("pyvips")

from baoguan.fetch.addresses import refusal
from bench.images import score

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")


@pytest.fixture(scope="module")
def data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    packed = (shared / "data" / "images" / "dev.tar.zst").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(zstandard.ZstdDecompressor().stream_reader(packed).read())) as tar:
        tar.extractall(folder, filter="data")
    return folder


def rows(data: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / "dev" / name).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    origin = Origin()
    yield origin
    origin.close()


def test_transforms_agree_with_the_recorded_answers(data: Path) -> None:
    agreed, wrong = score(data)
    assert agreed / (agreed + len(wrong)) >= 0.99, wrong


def routes_of(row: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for path, told in row.get("origin", {}).items():
        if told == "gif1x1":
            found[path] = {"body": GIF, "content_type": "image/gif"}
            continue
        body = told.get("body", "")
        raw = SVG if "<svg" in body else body.encode()
        found[path] = {**told, "body": gzip.compress(raw) if "gzip(" in body else raw}
    if row.get("input") == "gif1x1":
        found["/input.gif"] = {"body": GIF, "content_type": "image/gif"}
    return found


def test_http_behaviour_is_the_recorded_one(data: Path, origin: Origin, tmp_path: Path) -> None:
    cases = rows(data, "http.jsonl")
    assert len(cases) > 10
    for number, row in enumerate(cases):
        config = row.get("config", {})
        options = {"max_bytes": config["max_size"]} if "max_size" in config else {}
        proxy = Proxy(tmp_path / str(number), allow=("127.0.0.0/8",), **options, savers=tuple(config.get("savers", ())))
        origin.routes, origin.asked = routes_of(row), []
        query = row["query"].replace("{origin}", origin.base)
        if row.get("input"):
            query = f"url={origin.base}/input.gif&{query}"
        check(proxy.ask(query), row, origin)
        proxy.close()


def check(answer: Any, row: dict[str, Any], origin: Origin) -> None:
    expect, name = row["expect"], row["name"]
    assert answer.status == expect.get("status", answer.status), (name, answer)
    if "json" in expect:
        got = json.loads(answer.body)
        assert {key: got[key] for key in expect["json"]} == expect["json"], name
    for field in ("content_disposition", "cache_control", "location"):
        if field in expect:
            assert answer.headers[field.replace("_", "-")] == expect[field], name
    for text in expect.get("json_contains", ()):
        assert text in answer.body.decode(), name
    if "origin_request_uri" in expect:
        assert origin.asked == [expect["origin_request_uri"]], name
    if "header" in expect:
        assert answer.headers["x-upstream-response-length"] == str(len(GIF)), name


def test_what_has_to_be_refused_is(data: Path, tmp_path: Path) -> None:
    origin = Origin("127.0.0.9")
    allowed, closed = Proxy(tmp_path / "a", allow=("127.0.0.9/32",)), Proxy(tmp_path / "b")
    cases = rows(data, "security.jsonl")
    assert len(cases) > 30
    for row in cases:
        if "url_host" in row and row["must"] == "refuse":
            answer = closed.ask(f"url=http://{row['url_host']}/x.png")
            assert answer.status in (400, 404), (row["name"], answer)
        elif "url_host" in row:
            assert not refusal(row["url_host"].strip("[]"), ()), row["name"]
        elif "origin" in row:
            origin.routes = routes_of(row)
            answer = allowed.ask(row["query"].replace("{origin}", origin.base))
            assert answer.status in (400, 404), (row["name"], answer)
        else:
            harmless(row, data, allowed, origin)
    for one in (origin, allowed, closed):
        one.close()


def harmless(row: dict[str, Any], data: Path, proxy: Proxy, origin: Origin) -> None:
    """A hostile file is refused, or becomes a plain picture; the origin is asked for nothing else."""
    path = f"/{row['id']}"
    origin.routes, origin.asked = {path: {"body": (data / row["file"]).read_bytes()}}, []
    answer = proxy.ask(f"url={origin.base}{path}&w=100&output=png")
    assert answer.status in (200, 404), (row["name"], answer)
    if row["weserv_status"] == 404 or "bomb_" in row["file"]:
        assert answer.status == 404, row["name"]
    else:
        assert answer.body.startswith(b"\x89PNG"), row["name"]
    assert origin.asked == [path]
