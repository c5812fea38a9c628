"""URLs of feeds: cleaned, resolved against the base in force, in fields and inside HTML."""

import re
from functools import lru_cache
from urllib.parse import urljoin

from baoguan.feeds.limits import MAX_LINKS, MAX_URL

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*:")
_SPACE = re.compile(r"[\x00-\x20\x7f]+")
_WEB = re.compile(r"^https?://[^\s/]", re.IGNORECASE)
# Each begins with a literal, which the regex engine finds ten times as fast as a choice of names; absolute URLs, which
# are nearly all, never match.
_VALUE = (
    r"""(\s*=\s*)(?:"\s*(?![\w+.\-]*:|\#)([^"<>]{1,8000})"|'\s*(?![\w+.\-]*:|\#)([^'<>]{1,8000})'"""
    r"""|(?!["'\#]|[\w+.\-]*:)([^\s"'<>]{1,8000}))"""
)
_HREF = re.compile(rf"href(?<=[\s\"'/]href){_VALUE}")
_SRC = re.compile(rf"src(?<=[\s\"'/\-]src)(?:set\s*=\s*(?P<set>\"[^\"<>]*\"|'[^'<>]*')|{_VALUE})")
_RARE = re.compile(rf"(?<=[\s\"'/])(?:cite|poster|action|longdesc|background|href|src){_VALUE}", re.IGNORECASE)
_RELATIVE_CANDIDATE = re.compile(r"""(?:^["']|,\s)\s*(?!https?:|data:)[^\s"',]""")
_TAG_LENGTH = 4_000
_ABSOLUTE = tuple(quote + start for start in ("https://", "http://", "#", "mailto:", "data:") for quote in "\"'")
_TAILS = {
    **dict.fromkeys(("ref", "ef "), _HREF),
    **dict.fromkeys(("src", "rc ", "set", "et "), _SRC),
    **dict.fromkeys(("ter", "ite", "ion", "esc", "und", "er ", "te ", "on ", "sc ", "nd ", "REF", "SRC"), _RARE),
}
"""How the names of attributes that hold addresses end, a space before the `=` allowed, and what finds them."""
_RARE_NAME = re.compile(r"[\s\"'/](?:cite|poster|action|longdesc|background|href|src)\s*\Z", re.IGNORECASE)
_MAX_PARTS = 100_000
_CLEAN = re.compile(r"https?://[^\x00-\x20\x7f]*\Z")
_PLAIN_PATH = re.compile(r"/?[A-Za-z0-9_%~\-](?:[^:;]*[^?#:;])?\Z")
_BASE = re.compile(r"(?P<origin>https?://[^/?#;\s\\\[\]@]+)(?P<path>(?:/[^?#;\s]*)?)(?:[?#].*)?\Z")
_CACHED_CHARS = 1_000


def is_web(url: str) -> bool:
    """Whether `url` is an absolute http or https address."""
    return bool(_WEB.match(url))


def resolve(base: str, url: str) -> str:
    """`url` without stray white space, absolute where `base` allows it; empty when it is too long or makes no sense."""
    url = url.strip()
    if len(url) <= MAX_URL and _CLEAN.match(url):
        return url
    if not url or len(url) > MAX_URL:
        return ""
    if _SPACE.search(url):
        url = _SPACE.sub(lambda found: "%20" * found[0].count(" "), url)
    if not base or _SCHEME.match(url):
        return url
    try:
        return _join(base, url)
    except ValueError:
        return url


def _join(base: str, url: str) -> str:
    """urljoin, and the same by two concatenations for the plain paths that nearly all relative URLs are."""
    if _PLAIN_PATH.match(url) and "//" not in url and "/." not in url:
        roots = _roots(base) if len(base) < _CACHED_CHARS else None
        if roots:
            return roots[0 if url[0] == "/" else 1] + url
    return urljoin(base, url)


@lru_cache(maxsize=256)
def _roots(base: str) -> tuple[str, str] | None:
    """(origin, folder) of a plain http(s) address; None for one that urljoin has to read."""
    found = _BASE.match(base)
    if not found or "//" in found["path"] or "/." in found["path"]:
        return None
    return found["origin"], found["origin"] + found["path"].rpartition("/")[0] + "/"


def resolve_html(base: str, html: str) -> str:
    """HTML with the relative URLs of its links and pictures made absolute. Leaves everything else byte for byte."""
    if not base or "=" not in html:
        return html
    for pattern in _patterns(html):
        html = pattern.sub(lambda found: _resolve_attribute(base, found), html, count=MAX_LINKS)
    return html


def _patterns(html: str) -> tuple[re.Pattern[str], ...]:
    """The expressions that may find a relative address in `html`: for nearly all texts none.

    Looks at the last letters of the name before each `=` and at the first of the value behind it, in a tenth of the
    time of the expressions.
    """
    parts = html.split("=", _MAX_PARTS)
    if len(parts) > _MAX_PARTS:
        return _HREF, _SRC, _RARE
    found = set()
    before = parts[0]
    for part in parts[1:]:
        tail = before[-3:]
        if tail in _TAILS and (not part.startswith(_ABSOLUTE) or (tail == "set" and not _has_absolute_set(part))):
            pattern = _TAILS[tail]
            if pattern is not _RARE or _RARE_NAME.search(before[-13:]):
                found.add(pattern)
        before = part
    return tuple(pattern for pattern in (_HREF, _SRC, _RARE) if pattern in found)


def _has_absolute_set(part: str) -> bool:
    """Whether the value at the beginning of `part`, a srcset, names absolute addresses only."""
    value = part[1 : part.find(part[0], 1)]
    return value.count(",") == value.count(", http") and value.isprintable()


def _is_in_tag(found: re.Match[str]) -> bool:
    """Whether a match lies inside a tag and not in text that speaks of tags."""
    start = found.start()
    lowest = max(0, start - _TAG_LENGTH)
    return found.string.rfind("<", lowest, start) > found.string.rfind(">", lowest, start)


def _resolve_attribute(base: str, found: re.Match[str]) -> str:
    if not _is_in_tag(found):
        return found[0]
    groups = found.groupdict()
    if groups.get("set"):
        return found[0][: -len(groups["set"])] + _resolve_srcset(base, groups["set"])
    space, double, single, bare = found.groups()[-4:]
    quote = "'" if single else '"'
    name = found.string[found.start() : found.start(found.re.groups - 3)]
    return f"{name}{space}{quote}{resolve(base, double or single or bare)}{quote}"


def _resolve_srcset(base: str, value: str) -> str:
    if not _RELATIVE_CANDIDATE.search(value):
        return value
    words = [part.split(None, 1) for part in re.split(r",\s+", value[1:-1].strip()) if part.strip(" ,")]
    joined = ", ".join(" ".join([resolve(base, word[0]), *word[1:]]) for word in words)
    return f"{value[0]}{joined}{value[0]}"
