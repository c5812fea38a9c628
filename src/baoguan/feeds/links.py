"""URLs of feeds: cleaned, resolved against the base in force, in fields and inside HTML."""

import re
from urllib.parse import urljoin

from baoguan.feeds.limits import MAX_URL

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
_RARE_SIGNS = ("HREF=", "SRC=", "cite=", "action=")
"""Looked for near the beginning only: who shouts does so everywhere."""
_RELATIVE_CANDIDATE = re.compile(r"""(?:^["']|,\s)\s*(?!https?:|data:)[^\s"',]""")
_TAG_LENGTH = 4_000


def is_web(url: str) -> bool:
    """Whether `url` is an absolute http or https address."""
    return bool(_WEB.match(url))


def resolve(base: str, url: str) -> str:
    """`url` without stray white space, absolute where `base` allows it; empty when it is too long or makes no sense."""
    url = url.strip()
    if not url or len(url) > MAX_URL:
        return ""
    if _SPACE.search(url):
        url = _SPACE.sub(lambda found: "%20" * found[0].count(" "), url)
    if not base or _SCHEME.match(url):
        return url
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def resolve_html(base: str, html: str) -> str:
    """HTML with the relative URLs of its links and pictures made absolute. Leaves everything else byte for byte."""
    if not base or "=" not in html:
        return html
    html = _HREF.sub(lambda found: _resolve_attribute(base, found), html)
    html = _SRC.sub(lambda found: _resolve_attribute(base, found), html)
    head = html[:2_000]
    if "poster=" in html or any(sign in head for sign in _RARE_SIGNS):
        html = _RARE.sub(lambda found: _resolve_attribute(base, found), html)
    return html


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
