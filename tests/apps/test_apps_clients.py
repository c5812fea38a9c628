"""Real clients, unmodified: Debian's newsboat in tmux by three of its sources, PyPI's miniflux and freshrss-api."""

import contextlib
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import miniflux
import pytest

from tests.apps.conftest import NAME, Site
from tests.apps.test_apps_greader import ALL, API, STATE, ids, unread

SOURCES = {
    "feedhq": 'feedhq-url "{url}"\nfeedhq-login "lin"\nfeedhq-password "{password}"\nfeedhq-show-special-feeds no\n'
    'feedhq-flag-star "s"\n',
    "miniflux": 'miniflux-url "{url}"\nminiflux-login "lin"\nminiflux-password "{password}"\n',
    "ocnews": 'ocnews-url "{url}"\nocnews-login "lin"\nocnews-password "{password}"\nocnews-flag-star "s"\n',
}


class Terminal:
    """newsboat in a tmux of its own."""

    def __init__(self, folder: Path, config: str) -> None:
        self.socket = f"apps-{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        (folder / "config").write_text(config + "auto-reload no\nbrowser true\n")
        (folder / "urls").write_text("")
        command = (
            f"newsboat -C {folder}/config -u {folder}/urls -c {folder}/cache.db -l 6 -d {folder}/log 2>{folder}/err"
        )
        self.tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", "110", "-y", "30", f"LANG=C.UTF-8 LC_ALL=C.UTF-8 {command}"
        )

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-L", self.socket, *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def wait(self, condition: Callable[[str], object], what: str) -> str:
        for _ in range(200):
            shown = self.screen()
            if condition(shown):
                return shown
            time.sleep(0.1)
        raise AssertionError(f"newsboat never showed {what}:\n{shown}")

    def close(self) -> None:
        self.tmux("kill-server")


@contextlib.contextmanager
def newsboat(folder: Path, site: Site, source: str) -> Iterator[Terminal]:
    if shutil.which("newsboat") is None or shutil.which("tmux") is None:
        pytest.skip("newsboat or tmux is not installed")
    settings = SOURCES[source].format(url=site.url, password=site.app_password)
    terminal = Terminal(folder, f'urls-source "{source}"\n{settings}')
    try:
        yield terminal
    finally:
        terminal.close()


def settled(check: Callable[[], bool]) -> bool:
    for _ in range(100):
        if check():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("source", SOURCES)
def test_newsboat(site: Site, tmp_path: Path, source: str) -> None:
    feeds = site.ask(f"{API}/subscription/list").json["subscriptions"]
    total = unread(site)[ALL]
    with newsboat(tmp_path / "nb", site, source) as terminal:
        terminal.wait(lambda text: all(feed["title"].split()[0] in text for feed in feeds), "the feeds")
        terminal.press("R")  # reload all
        first = terminal.wait(lambda text: text.count("(4/4)") == len(feeds), "loaded feeds")
        assert "Error" not in first
        if "Starred" in first:  # ocnews has a feed of them, at the top
            terminal.press("Down")
        terminal.press("Enter")
        terminal.wait(lambda text: "Articles in feed" in text, "the articles")
        terminal.press("Enter")  # reads the first one
        shown = terminal.wait(lambda text: "Title:" in text, "an article")
        assert "Link:" in shown
        terminal.press("q")  # which is when newsboat tells the server
        terminal.wait(lambda text: "Articles in feed" in text, "the articles again")
        assert settled(lambda: unread(site)[ALL] == total - 1), "read did not come back"
        [read] = ids(site, stream=STATE + "read")
        if source != "miniflux":  # newsboat 2.21 stars nothing there
            terminal.press("C-e")
            time.sleep(0.3)
            terminal.press("s", "Enter")  # the flag that means a star
            assert settled(lambda: len(ids(site, stream=STATE + "starred")) == 1), "the star did not come back"
        before = unread(site)[ALL]
        terminal.press("N")  # turns the read flag of the article under the cursor
        assert settled(lambda: unread(site)[ALL] != before), "unread did not come back"
        terminal.press("q")
        terminal.wait(lambda text: "Your feeds" in text, "the feeds again")
        terminal.press("A")  # all of this feed is read
        assert settled(lambda: read in ids(site, stream=STATE + "read") and unread(site)[ALL] < total - 1)
        opened = [feed["id"] for feed in feeds if unread(site).get(feed["id"], 0) == 0]
        assert len(opened) == 1
        terminal.press("q")
    # What another app marks is seen at the next start.
    site.ask(f"{API}/mark-all-as-read", form={"s": ALL})
    with newsboat(tmp_path / "nb2", site, source) as terminal:
        terminal.wait(lambda text: all(feed["title"].split()[0] in text for feed in feeds), "the feeds")
        terminal.press("R")
        terminal.wait(lambda text: text.count("(0/4)") == len(feeds), "no unread article")


def test_pypi_miniflux(site: Site) -> None:
    for client in (
        miniflux.Client(site.url, api_key=site.app_password),
        miniflux.Client(site.url, username=NAME, password=site.app_password),
    ):
        assert client.me()["username"] == NAME
    assert client.get_version()["version"] == "2.2.0"
    feeds = client.get_feeds()
    counters = client.get_feed_counters()
    listed = client.get_entries(limit=1000)
    assert listed["total"] == len(listed["entries"]) == sum(counters["unreads"].values())
    assert {entry["feed_id"] for entry in listed["entries"]} == {feed["id"] for feed in feeds}
    first, second = (entry["id"] for entry in listed["entries"][:2])
    client.update_entries([first], "read")
    client.toggle_bookmark(second)
    assert [entry["id"] for entry in client.get_entries(status="read")["entries"]] == [first]
    assert [entry["id"] for entry in client.get_entries(starred=True)["entries"]] == [second]
    assert client.get_entries(status=["read", "unread"], limit=1)["total"] == listed["total"]
    page = client.get_entries(limit=2, offset=2, direction="asc", order="published_at")
    whole = [entry["id"] for entry in listed["entries"]]
    assert [entry["id"] for entry in page["entries"]] == whole[::-1][2:4]
    above = client.get_entries(after_entry_id=first, limit=1000)
    assert {entry["id"] for entry in above["entries"]} == {number for number in whole if number > first}
    entry = client.get_entry(first)
    assert entry["content"].startswith("<")
    assert client.fetch_entry_content(first)["content"] == entry["content"]
    assert client.get_feed_entry(entry["feed_id"], first)["hash"] == entry["hash"]
    word = entry["title"][:2]
    found = client.get_entries(search=word, limit=1000)
    assert found["total"] == len(found["entries"]) > 0
    category = client.create_category("新闻")
    client.update_feed(feeds[0]["id"], category_id=category["id"], title="早报")
    assert [feed["title"] for feed in client.get_category_feeds(category["id"])] == ["早报"]
    in_folder = client.get_category_entries(category["id"], limit=1000)["total"]
    assert in_folder == client.get_feed_entries(feeds[0]["id"], limit=1000)["total"]
    client.mark_category_entries_as_read(category["id"])
    assert client.get_feed_counters()["unreads"][str(feeds[0]["id"])] == 0
    renamed = client.update_category(category["id"], "要闻")
    assert "要闻" in client.export_feeds()
    assert "of this archive" in client.import_feeds(client.export_feeds())["message"]
    client.delete_category(renamed["id"])
    assert [one["title"] for one in client.get_categories()] == ["All"]
    assert client.discover(feeds[0]["feed_url"])[0]["url"] == feeds[0]["feed_url"]
    assert client.get_icon_by_feed_id(feeds[0]["id"])["mime_type"] == "image/svg+xml"
    client.delete_feed(feeds[0]["id"])
    assert len(client.get_feeds()) == len(feeds) - 1
    assert client.create_feed(feeds[0]["feed_url"]) == feeds[0]["id"]
    client.mark_user_entries_as_read(client.me()["id"])
    assert sum(client.get_feed_counters()["unreads"].values()) == 0
    with pytest.raises(miniflux.AccessForbidden):
        client.update_entry(first, title="edited")
    with pytest.raises(miniflux.ResourceNotFound):
        client.get_entry(99_999_999)
    with pytest.raises(miniflux.AccessUnauthorized):
        miniflux.Client(site.url, api_key="wrong").me()


@pytest.mark.filterwarnings("ignore")
def test_pypi_freshrss_api(site: Site) -> None:
    from freshrss_api import FreshRSSAPI

    client = FreshRSSAPI(host=site.url, username=NAME, password=site.app_password)
    assert len(client.get_feeds()["feeds"]) == len(site.ask(f"{API}/subscription/list").json["subscriptions"])
    unread_items = client.get_unreads()
    assert len(unread_items) == unread(site)[ALL]
    client.set_mark("read", unread_items[0].id)
    client.set_mark("saved", unread_items[1].id)
    assert unread(site)[ALL] == len(unread_items) - 1
    assert [item.id for item in client.get_saved()] == [unread_items[1].id]
    client.set_mark("unsaved", unread_items[1].id)
    assert ids(site, stream=STATE + "starred") == []
    tomorrow = datetime.now(UTC) + timedelta(days=2)
    found = client.get_items_from_dates("2020-01-01", f"{tomorrow:%Y-%m-%d}")
    assert {item.id for item in found} == {item.id for item in unread_items}
    later = tomorrow + timedelta(days=9)
    assert client.get_items_from_dates(f"{tomorrow:%Y-%m-%d}", f"{later:%Y-%m-%d}") == []


def test_fever_pages_by_number(site: Site) -> None:
    import hashlib

    key = hashlib.md5(f"{NAME}:{site.app_password}".encode()).hexdigest()
    assert site.ask("/fever/?api", form={"api_key": key}).json["auth"] == 1
    assert site.ask("/fever/?api", form={"api_key": "0" * 32}).json == {"api_version": 3, "auth": 0}
    seen, since = [], 0
    while items := site.ask(f"/fever/?api&items&since_id={since}", form={"api_key": key}).json["items"]:
        seen += [item["id"] for item in items]
        since = seen[-1]
    assert seen == sorted(set(seen))
    assert len(seen) == unread(site)[ALL]
    feed = site.ask("/fever/?api&feeds", form={"api_key": key}).json["feeds"][0]
    site.ask(
        "/fever/?api", form={"api_key": key, "mark": "feed", "as": "read", "id": feed["id"], "before": 4_000_000_000}
    )
    assert unread(site).get(f"feed/{feed['id']}", 0) == 0
    site.ask("/fever/?api", form={"api_key": key, "mark": "group", "as": "read", "id": 0})
    assert site.ask("/fever/?api&unread_item_ids", form={"api_key": key}).json["unread_item_ids"] == ""
