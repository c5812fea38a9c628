"""The reader in Debian's chromium: axe, other hosts, layout shift, a slow line, JavaScript off. Skips by name."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from baoguan import config
from baoguan.app import create_archive, open_desk
from baoguan.backends.clock import SystemClock, SystemEntropy
from baoguan.importing import import_path
from baoguan.indexing import index_new
from baoguan.web.accounts_login import Doorkeeper
from baoguan.web.accounts_store import open_accounts
from baoguan.web.app import create_app
from baoguan.web.desk_source import open_reader
from baoguan.web.options import WebOptions
from baoguan.web.serve import address, listen
from tests.web.conftest import NOW_MS
from tests.web.sample_reader import newsroom

NAME, PASSWORD = "lin", "a lamp in the tower"
FILTERS = '[{"name":"体育","query":"title:足球","action":"hide"}]'.encode()
HERE = Path(__file__).parent / "browser"
CONTROLS = {("/control-that-moves", 320), ("/control-that-moves", 1280)}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which npm has installed playwright-core and axe-core, of the pinned versions."""
    if CHROMIUM is None or shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("chromium, nodejs and npm (Debian) are needed")
    known = os.environ.get("BAOGUAN_NODE_MODULES")
    if known:
        return Path(known)
    place = tmp_path_factory.mktemp("npm")
    shutil.copy(HERE / "package.json", place)
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"npm can't install playwright-core and axe-core: {done.stderr.strip()[-200:]}")
    return place


def served(app: object) -> Iterator[str]:
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield address(listening).rstrip("/")
    server.should_exit = True
    thread.join(10)
    listening.close()


@pytest.fixture(scope="module")
def sample() -> Iterator[str]:
    yield from served(create_app(newsroom(4), WebOptions(), now_ms=lambda: NOW_MS))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("a") / "archive"
    make_archive(folder, tmp_path_factory.mktemp("tree"))
    with open_desk(folder) as desk:
        yield from served(open_reader(desk))


def make_archive(folder: Path, tree: Path) -> None:
    """40 imported articles of two outlets."""
    for number in range(40):
        path = tree / "articles" / "voa" / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        link = f"https://{('www.voachinese.com', 'www.rfa.org')[number % 2]}/a/{number}.html"
        body = "<p>布林肯說，網路安全是議題之一。</p>" * 12
        at = 1_600_000_000_000 + number * 10**9
        path.write_text(f"<!--{at}-->\n[美國務卿訪問北京 {number}]({link})\n------\n\n{body}\n", "utf-8")
    create_archive(folder, origin="example.org/test")
    with open_desk(folder) as desk:
        import_path(desk, tree)
        index_new(desk)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """An archive with an account, served, and a session of it."""
    folder = tmp_path_factory.mktemp("b") / "archive"
    make_archive(folder, tmp_path_factory.mktemp("tree2"))
    accounts = open_accounts(folder, config.load(config.read_file(folder)))
    door = Doorkeeper(accounts, SystemClock(), SystemEntropy())
    user = door.add(NAME, PASSWORD)
    door.app_password(user, "newsboat")
    accounts.put(user.id, [("feed", "voa", b'{"folder":"\xe6\x97\xa9"}'), ("set", "filters", FILTERS)])
    session = door.issue(user, "session")
    with open_desk(folder) as desk:
        for at in served(open_reader(desk)):
            yield at, session
    accounts.close()


def look(modules: Path, address: str, *paths: str, session: str = "") -> list[dict]:
    command = ["node", str(HERE / "look.mjs"), str(modules), str(CHROMIUM), address, *paths]
    given = {**os.environ, "BAOGUAN_SESSION": session}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=given)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(rows: list[dict]) -> None:
    slow = {(row["path"], row["width"]): row for row in rows if row["kind"] == "drip"}
    assert sorted(slow) == sorted({(row["path"], row["width"]) for row in rows if row["kind"] == "look"} | CONTROLS)
    moved = {at: row["moved"] for at, row in slow.items() if row["shift"]}
    assert moved.keys() >= CONTROLS, "a page that must move on a slow line did not: the line was not slow"
    assert moved.keys() == CONTROLS, json.dumps([(*at, found) for at, found in moved.items() if at not in CONTROLS])
    for row in rows:
        if row["kind"] == "look":
            where = f"{row['path']} at {row['width']} px, {row['colorScheme']}"
            assert row["axe"] == [], where
            assert row["foreign"] == [], where
            assert row["shift"] == 0, (where, row["moved"])
            assert row["overflow"] <= 0, (where, row["wide"])  # 320 px wide, too
        if row["kind"] == "slow":
            assert row["paint_ms"] <= 1500, row
        if row["kind"] == "walk":
            assert row["steps"][1] == "議題之一"
            assert all(row["steps"])


def test_every_page_of_an_archive(modules: Path, archive: str) -> None:
    paths = ("/?lang=zh-Hans", "/search?q=议题之一", "/search?q=none", "/search", "/changes", "/status", "/nope")
    check(look(modules, archive, *paths))


def test_every_page_of_a_newsroom(modules: Path, sample: str) -> None:
    first = next(iter(newsroom(4).history))
    article = f"/article/{first}"
    paths = (article, "/day/2026-03-14?lang=ja", "/day/2026-03-14?by=outlet&lang=zh-Hant", "/outlets", "/outlet/haibin")
    check(
        look(
            modules,
            sample,
            *paths,
            f"{article}/0?lang=ja",
            "/calendar?lang=zh-Hans",
            "/settings?lang=ja",
            "/offline",
            "/status?lang=zh-Hans",
            "/about?lang=ja",
        )
    )


def test_every_page_of_an_account(modules: Path, account: tuple[str, str]) -> None:
    at, session = account
    check(look(modules, at, "/login?lang=ja", "/login"))
    pages = ("/my?lang=zh-Hans", "/my?folder=%E6%97%A9&lang=ja", "/my/feeds?lang=zh-Hant", "/my/feed/voa?lang=ja")
    more = ("/my/filters?lang=zh-Hans", "/my/account?lang=ja", "/?lang=zh-Hant", "/search?q=议题", "/my?show=starred")
    check(look(modules, at, *pages, *more, session=session))


def test_an_account_without_javascript_and_by_keys(modules: Path, account: tuple[str, str]) -> None:
    command = ["node", str(HERE / "account.mjs"), str(modules), str(CHROMIUM), account[0], NAME, PASSWORD]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout)
    assert (seen["home"], seen["gone"], seen["place"], seen["starred"]) == ("Unread", 0, True, 1)
    assert (seen["folder"], seen["inside"] > 0) == ("Local", True)
    assert seen["taken"].startswith("0 of the 1 feeds")
    assert seen["tried"].startswith("Finds ")
    assert not seen["tried"].startswith("Finds 0 ")
    assert (seen["filters"], seen["secret"], seen["out"]) == (2, 32, 1)
    assert (seen["read"], seen["star"], seen["kept"], seen["unread"]) == (True, True, "read star", False)
    assert seen["opened"] == 2, "above and below the text"
    assert (seen["stored"], seen["complaints"]) == ([], [])


def test_passkeys(modules: Path, account: tuple[str, str]) -> None:
    pytest.importorskip("webauthn", reason="the extra passkeys")
    at = account[0].replace("127.0.0.1", "localhost")
    command = ["node", str(HERE / "passkeys.mjs"), str(modules), str(CHROMIUM), at, NAME, PASSWORD]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout)
    assert seen["made"] == ["laptop"]
    assert (seen["home"], seen["name"]) == ("/my", NAME)
    assert seen["again"] == [403, 403, 403], "an answer counts once, of its own page, and unchanged"
    assert (seen["revoked"], seen["refused"], seen["complaints"]) == (0, 403, [])
    assert seen["without"] == 0, "no button where the browser knows no passkeys"


def test_keys_and_reading_with_the_server_gone(modules: Path, archive: str) -> None:
    host, port = archive.removeprefix("http://").split(":")
    command = ["node", str(HERE / "keys.mjs"), str(modules), str(CHROMIUM), host, port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout)
    assert [seen[key] for key in ("first", "second", "starred", "marked", "unmarked")] == [True, True, 1, 1, 0]
    assert seen["readAfterOpening"] == 1
    assert (seen["search"], seen["typed"]) == ("q", "jk"), "keys are letters in a field"
    assert seen["stored"] == seen["listed"] >= 10
    assert "議題之一" in seen["unopened"], "an article that was never opened is read offline"
    assert seen["front"] > 0
    assert seen["shelf"] == seen["stored"]
    assert (seen["shelfStar"], seen["elsewhere"]) == (1, "Offline reading and keys")
    assert seen["forgotten"]
    assert seen["complaints"] == []
