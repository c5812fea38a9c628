"""The outlets that ship are sound, and what an operator or a plug-in adds is refused by name when it isn't."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from baoguan.errors import ConfigError
from baoguan.model.outlet import Outlet
from baoguan.outlets import registry
from baoguan.outlets.checks import check_outlet
from baoguan.outlets.registry import load_outlets, merge_overrides, read_outlet

ISSUE = ("voa-zh", "bbc-zh", "dw-zh", "rfi-zh", "rfa-zh", "nyt-zh", "ft-zh")
ISSUE += ("reuters", "cdt", "cna", "zaobao", "nhk", "kyodo", "voa-en")
OUTLETS = load_outlets()


@pytest.mark.parametrize("key", OUTLETS)
def test_a_shipped_outlet_is_sound(key: str) -> None:
    outlet = OUTLETS[key]
    check_outlet(outlet, f"{key}.toml")
    assert outlet.key == key
    assert (Path(registry.__file__).parent / f"{key}.toml").is_file(), "the file is named by its key"
    assert outlet.home
    assert outlet.hosts
    assert outlet.language in ("zh-Hans", "zh-Hant", "ja", "en")
    assert outlet.zone
    assert outlet.feeds or outlet.discover or outlet.state == "closed"
    assert (outlet.state == "live") == (not outlet.since), "quiet and closed say since when"


def test_every_outlet_of_the_issue_is_known() -> None:
    assert set(ISSUE) <= set(OUTLETS)
    assert list(OUTLETS) == sorted(OUTLETS)


def test_no_two_outlets_share_a_feed_or_a_legacy_name() -> None:
    feeds = [feed.url for outlet in OUTLETS.values() for feed in outlet.feeds]
    assert len(feeds) == len(set(feeds))
    names = [name for outlet in OUTLETS.values() for name in {legacy.casefold() for legacy in outlet.legacy}]
    assert len(names) == len(set(names))


def test_names_in_four_languages() -> None:
    for outlet in OUTLETS.values():
        assert not outlet.names or set(outlet.names) == {"zh-Hans", "zh-Hant", "ja", "en"}, outlet.key


def test_each_load_gives_a_dict_of_its_own() -> None:
    first = load_outlets()
    first.clear()
    assert load_outlets()


def test_a_file_of_the_operator_adds_and_replaces(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('key = "mine"\nname = "Mine"\nhosts = ["mine.example"]\n', encoding="utf-8")
    (tmp_path / "b.toml").write_text('key = "cdt"\nname = "Another"\n', encoding="utf-8")
    (tmp_path / "notes.txt").write_text("ignored", encoding="utf-8")
    found = load_outlets(tmp_path)
    assert found["mine"].name == "Mine"
    assert found["cdt"].name == "Another"
    assert load_outlets()["cdt"].name == "中国数字时代"
    assert load_outlets(tmp_path / "absent") == load_outlets()


BROKEN = {
    'key = "x"': "name",
    'key = "x"\nname = "X"\nhome_page = "https://x.example"': "unknown key home_page",
    'key = "x"\nname = "X"\n[[rules]]\nbodyy = ["p"]': r"unknown key rules\[0\]\.bodyy",
    'key = "x"\nname = "X"\n[[feeds]]\nurl = "https://x.example/f"\nlang = "zh"': r"unknown key feeds\[0\]\.lang",
    'key = "x"\nname = "X"\nhosts = "x.example"': "hosts",
    'key = "x"\nname = ': "broken.toml",
    'key = "X Y"\nname = "X"': "key must be",
    'key = "x"\nname = " "': "name is empty",
    'key = "x"\nname = "X"\nstate = "dead"': "'dead' is none of",
    'key = "x"\nname = "X"\nsince = "March"': "since 'March'",
    'key = "x"\nname = "X"\nzone = "Mars/Olympus"': "no IANA zone",
    'key = "x"\nname = "X"\nhosts = ["https://x.example"]': "host name",
    'key = "x"\nname = "X"\nfeeds = [{ url = "ftp://x.example/f" }]': "no http",
    'key = "x"\nname = "X"\n[[pictures]]\nhost = "i.x.example"\nphoto = "(?P<id>"': "pictures of i.x.example",
    'key = "x"\nname = "X"\n[[pictures]]\nhost = "i.x.example"\nphoto = "a"': "no group `id`",
    'key = "x"\nname = "X"\n[[pictures]]\nhost = "i"\nphoto = "(?P<id>a)"\nlargest = ["{size}"]': "template",
    'key = "x"\nname = "X"\n[[rules]]\nsince = "2024"': "rules",
    'key = "x"\nname = "X"\n[[rules]]\n[[rules]]\nsince = "2024-01-01"': "without overlap",
    'key = "x"\nname = "X"\n[[rules]]\nsince = "2024-01-01"\nuntil = "2023-01-01"': "without overlap",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_file_is_named_with_its_key(text: str, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=BROKEN[text]) as caught:
        load_outlets(tmp_path)
    assert "broken.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"broken\.toml"):
        load_outlets(tmp_path)


def test_overrides_change_only_what_they_name() -> None:
    merged = merge_overrides(
        OUTLETS, {"dw-zh": {"proxy": "socks5://127.0.0.1:9050", "feeds": ["https://dw.example/f"]}}
    )
    assert merged["dw-zh"].proxy == "socks5://127.0.0.1:9050"
    assert [feed.url for feed in merged["dw-zh"].feeds] == ["https://dw.example/f"]
    assert merged["dw-zh"].rules == OUTLETS["dw-zh"].rules
    assert merged["dw-zh"].name == OUTLETS["dw-zh"].name
    assert not OUTLETS["dw-zh"].proxy
    assert {key: value for key, value in merged.items() if key != "dw-zh"} == {
        key: value for key, value in OUTLETS.items() if key != "dw-zh"
    }


def test_an_override_of_an_unknown_key_is_a_new_outlet() -> None:
    merged = merge_overrides({}, {"local": {"feeds": ["https://local.example/rss"]}})
    assert (merged["local"].key, merged["local"].name) == ("local", "local")


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"dw-zh": {"prox": "x"}}, r"\[outlet\.dw-zh\].*unknown key prox"),
        ({"dw-zh": {"feeds": 3}}, r"\[outlet\.dw-zh\]"),
        ({"dw-zh": "x"}, r"\[outlet\.dw-zh\].*table"),
        ({"Bad Key": {}}, "key must be"),
    ],
)
def test_a_broken_override_is_named(tables: dict[str, dict[str, object]], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        merge_overrides(OUTLETS, tables)


def plugged(monkeypatch: pytest.MonkeyPatch, value: str) -> dict[str, Outlet]:
    point = EntryPoint(name="test", value=value, group=registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    registry._plugged.cache_clear()
    try:
        return load_outlets()
    finally:
        monkeypatch.undo()
        registry._plugged.cache_clear()


def test_a_plug_in_adds_outlets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "baoguan_test_plugin.py").write_text(
        "from baoguan.model.outlet import Outlet\n\n"
        "def outlets():\n    return [Outlet(key='plugged', name='Plugged', hosts=('plugged.example',))]\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert plugged(monkeypatch, "baoguan_test_plugin")["plugged"].name == "Plugged"


@pytest.mark.parametrize("value", ["no_such_module_of_a_plugin", "baoguan.errors", "baoguan.errors:absent"])
def test_a_plug_in_that_gives_nothing_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(ConfigError, match="plug-in test"):
        plugged(monkeypatch, value)


def test_an_outlet_from_text() -> None:
    outlet = read_outlet('key = "x"\nname = "X"\nfeeds = [{ url = "https://x.example/f" }]', "x.toml")
    assert outlet.feeds[0].url == "https://x.example/f"
