"""What machines ask an archive: alive, ready, metrics; logs as lines of JSON; unit files that systemd accepts."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ingest"))

from ingest_house import House

from baoguan.errors import ConfigError
from baoguan.web.desk_source import open_reader
from baoguan.web.operation import gauge
from newsroom import Newsroom, acts
from tests.web.conftest import asker

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(path.name for path in DEPLOY.iterdir() if path.suffix in (".service", ".timer"))
SAMPLE = re.compile(r'baoguan_[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? -?\d+(\.\d+)?(e[+-]?\d+)?')


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with Newsroom("voa", "rfi") as room:
        house = House(tmp_path_factory.mktemp("operation") / "archive", room).make()
        room.act(room.feed_url("rfi"), acts.answer(500))
        house.sync()
        yield house


def values(text: str) -> dict[str, float]:
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            assert SAMPLE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def test_metrics_tell_what_was_done(house: House) -> None:
    with house.open() as desk:
        got = asker(open_reader(desk))("/metrics")
        size, articles = desk.archive.size, len(house.rows())
    assert got.headers["content-type"].startswith("text/plain; version=0.0.4")
    told = values(got.text)
    assert told["baoguan_log_size"] == size
    assert told["baoguan_articles"] == told['baoguan_articles_taken_total{outcome="new"}'] == articles
    assert told['baoguan_feeds{kind="ok"}'] == 1
    assert told["baoguan_polls_total"] == 2
    assert told['baoguan_poll_failures_total{kind="failing"}'] == 1
    assert told["baoguan_pending_items"] == 0
    families = re.findall(r"^# TYPE (\w+) (gauge|counter)$", got.text, re.M)
    assert len({name for name, _ in families}) == len(families) > 12
    assert all(name.endswith("_total") == (kind == "counter") for name, kind in families)


@pytest.mark.parametrize(
    ("setting", "headers", "status"),
    [
        ("local", {}, 200),
        ("local", {"x-forwarded-for": "203.0.113.9"}, 404),
        ("all", {"x-forwarded-for": "203.0.113.9"}, 200),
        ("off", {}, 404),
    ],
)
def test_who_may_read_them(house: House, setting: str, headers: dict[str, str], status: int) -> None:
    with house.open(metrics=setting, login="all") as desk:
        ask = asker(open_reader(desk))
        assert ask("/metrics", headers=headers).status == status
        assert ask("/healthz").text == "ok\n"
        assert ask("/").status == 401
    with house.open(metrics="everybody") as desk, pytest.raises(ConfigError, match="local, all, off"):
        open_reader(desk)


def test_ready_says_why_not(house: House) -> None:
    with house.open() as desk:
        assert json.loads(asker(open_reader(desk))("/readyz").body) == {"ready": True, "problem": ""}
    with house.open(max_interval_s=1) as desk:
        house.clock.ahead += timedelta(hours=3)
        got = asker(open_reader(desk))("/readyz")
        house.clock.ahead -= timedelta(hours=3)
        assert (got.status, json.loads(got.body)["problem"]) == (503, "no feed was polled for 3 hours")
    with house.open(min_free_mb=10**9) as desk:
        got = asker(open_reader(desk))("/readyz")
        assert got.status == 503
        assert "MB free" in json.loads(got.body)["problem"]


def test_labels_are_escaped() -> None:
    assert 'x="a\\"b\\\\c\\nd"' in gauge("t", "T.", [({"x": 'a"b\\c\nd'}, 1)])


def test_logs_as_json(house: House) -> None:
    command = [sys.executable, "-m", "baoguan", "serve", "-C", str(house.folder), "--no-sync", "--port", "0"]
    process = subprocess.Popen([*command, "--log", "json"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr is not None
    row = json.loads(process.stderr.readline())
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert out == ""
    assert row["level"] == "info"
    assert row["command"] == "serve"
    assert row["url"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "name", sorted(path.name for path in (ROOT / "deploy").glob("*.*") if path.suffix in (".service", ".timer"))
)
def test_units_are_accepted_by_systemd(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze: Debian's systemd is missing")
    for path in (ROOT / "deploy").glob("baoguan*"):
        text = (
            path.read_text("utf-8").replace("/srv/baoguan/bin/baoguan", "/bin/true").replace("User=news", "User=root")
        )
        (tmp_path / path.name.replace("@", "@1" if path.name == name else "@")).write_text(text)
    unit = tmp_path / name.replace("@", "@1")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "baoguan" in line]
    assert (done.returncode, said) == (0, []), done.stderr
