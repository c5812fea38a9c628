"""The ancestors' tree: article files, list pages and README, as pure functions that give (path, bytes)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from baoguan.publish.ancestor_exact import rewrite_pictures
from baoguan.publish.legacy import LEGACY_OUTLETS, legacy_outlet

FIRST_ID = 0xFFFFF
"""Ids count down from here, so that the newest file sorts first."""
ID_WIDTH = 7
"""Fixed: shorter ids would sort first, and froze the ancestor (failure 1 of DESIGN.md)."""
LIST_LENGTH = 300
_CHINA = timezone(timedelta(hours=8))
_NAMED = re.compile(r"/\d+_(.*)\.md\Z", re.DOTALL)
_UNSAFE = re.compile(r"[\x00-\x20\"<>\\^`{|}\x7f]")
_RULE = "------"
_THANKS = "鸣谢\n------\n\nhttps://feedx.net/\n\n如果本项目对你有帮助，请考虑捐赠feedx，谢谢！"


class TreeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a list page."""

    path: str
    """articles/voa/1023757.md"""
    title: str
    epoch_ms: int | None


def exact_article(epoch_ms: int | None, title: str, url: str, body_html: str, images: str = "origin") -> bytes:
    """An article file of the ancestors' form; `body_html` is their body (exact_body_from_*, or kept mark-up).

    `images`: keep leaves addresses as they are; weserv, origin or a URL prefix rewrite those of <img> and posters.
    None as `epoch_ms` is written NaN, as the ancestor did.
    """
    body = body_html if images == "keep" else rewrite_pictures(body_html, images)
    epoch = "NaN" if epoch_ms is None else str(epoch_ms)
    line = " ".join(title.split())
    return f"<!--{epoch}-->\n[{line}]({url})\n{_RULE}\n\n{body}\n".encode("utf-8", "replace")


def article_path(outlet: str, number: int) -> str:
    """articles/<legacy folder>/<id>.md; an outlet that the ancestors did not have keeps its key."""
    known = legacy_outlet(outlet)
    return f"articles/{known.folder if known else outlet}/{number:0{ID_WIDTH}d}.md"


def next_number(paths: Iterable[str], outlet: str) -> int:
    """The id of an outlet's next article: one below the lowest of its folders' files, 0xFFFFF for the first.

    Files of other outlets and other names don't count. Raises ValueError when the ids are used up.
    """
    known = legacy_outlet(outlet)
    folders = {known.folder, known.name, *known.names} if known else {outlet}
    lowest = FIRST_ID + 1
    for path in paths:
        root, _, rest = path.partition("/")
        folder, _, name = rest.partition("/")
        digits = name.partition(".")[0].partition("_")[0]
        if root == "articles" and folder in folders and digits.isascii() and digits.isdigit():
            lowest = min(lowest, int(digits))
    if lowest <= 0:
        raise ValueError(f"{outlet}: no id is left below {lowest}")
    return lowest - 1


def list_page(name: str, entries: Sequence[TreeEntry], *, length: int = LIST_LENGTH, more: str = "") -> bytes:
    """lists/<outlet>.md: the newest entries, in the order given (newest first), dated in GMT+8.

    `more`: path of the folder for the line 查看更多 that the pages of 2020 ended with.
    """
    lines = [f"{name}\n{_RULE}\n"]
    lines += [f"{_day(entry.epoch_ms)} [{_list_title(entry)}]({_link(entry.path)})\n" for entry in entries[:length]]
    if more:
        lines.append(f"\n[查看更多](/{more})")
    return "\n".join(lines).encode("utf-8", "replace")


def readme_page(lists: Sequence[tuple[str, str]]) -> bytes:
    """README.md: (name, path of the list page) of every outlet, and the thanks of the ancestor."""
    links = "".join(f"[{name}]({_link(path)[1:]})\n\n" for name, path in lists)
    return f"抓取新闻媒体文章\n{_RULE}\n\n{links}{_THANKS}\n".encode("utf-8", "replace")


def tree_pages(entries: Mapping[str, Sequence[TreeEntry]], names: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """List pages and README of a tree: entries newest first by outlet key, `names` of outlets the ancestors had not."""
    order = [outlet.key for outlet in LEGACY_OUTLETS if outlet.key in entries]
    order += sorted(key for key in entries if legacy_outlet(key) is None)
    lists = []
    for key in order:
        known = legacy_outlet(key)
        name = known.name if known else names.get(key, key)
        path = f"lists/{name.replace('/', '--')}.md"
        lists.append((name, path))
        yield path, list_page(name, entries[key])
    yield "README.md", readme_page(lists)


def _day(epoch_ms: int | None) -> str:
    if epoch_ms is None:
        return "NaN-NaN"
    at = datetime.fromtimestamp(epoch_ms / 1000, UTC).astimezone(_CHINA)
    return f"{at.month}-{at.day}"


def _list_title(entry: TreeEntry) -> str:
    """On one line. The first trees took it from the file's name (ID_TITLE.md, `--` for `/`)."""
    named = _NAMED.search(entry.path)
    return " ".join((named[1] if named else entry.title).strip().splitlines())


def _link(path: str) -> str:
    """As the ancestor wrote links: CJK and per cent signs raw."""
    return "/" + _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", path)
