"""URLs of feeds: cleaned, resolved against the base in force, in fields and inside HTML."""

import re
from urllib.parse import urljoin

from baoguan.feeds.limits import MAX_URL

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*:")
_SPACE = re.compile(r"[\x00-\x20\x7f]+")
_WEB = re.compile(r"^https?://[^\s/]", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(\s(?:href|src|cite|action|poster|longdesc|background|data-src|data-original)\s*=\s*)"""
    r"""(?:"(?!\w[\w+.\-]*:|\#|//)([^"<>]{1,8000})"|'(?!\w[\w+.\-]*:|\#|//)([^'<>]{1,8000})'"""
    r"""|(?!["']|\w[\w+.\-]*:|\#|//)([^\s"'<>]{1,8000}))""",
    re.IGNORECASE,
)
_SRCSET = re.compile(r"""(\ssrcset\s*=\s*)(?:"([^"<>]{1,20000})"|'([^'<>]{1,20000})')""", re.IGNORECASE)
_TAG = re.compile(r"<[A-Za-z][^<>]{0,60000}>")
# Most HTML has absolute URLs only: these searches begin with a literal, which the regex engine finds ten times as fast.
_ABSOLUTE = r"""\s*=\s*(?:"[\w+.\-]*:|'[\w+.\-]*:|["']?\#|[a-z]+:)"""
_RELATIVE_HREF = re.compile(rf"href(?!{_ABSOLUTE})\s*=")
_RELATIVE_SRC = re.compile(rf"src(?!{_ABSOLUTE})(?:set)?\s*=")
_RARE = ("HREF", "SRC", "Href", "Src", "cite=", "action=", "poster=", "longdesc=", "background=", "data-original=")


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
    if not base or "=" not in html or not _may_be_relative(html):
        return html
    return _TAG.sub(lambda tag: _resolve_tag(base, tag[0]), html)


def _may_be_relative(html: str) -> bool:
    return bool(_RELATIVE_HREF.search(html) or _RELATIVE_SRC.search(html)) or any(word in html for word in _RARE)


def _resolve_tag(base: str, tag: str) -> str:
    if "=" not in tag:
        return tag
    tag = _ATTRIBUTE.sub(lambda found: _resolve_attribute(base, found), tag)
    return _SRCSET.sub(lambda found: _resolve_srcset(base, found), tag) if "srcset" in tag else tag


def _resolve_attribute(base: str, found: re.Match[str]) -> str:
    value = found[2] or found[3] or found[4]
    quote = "'" if found[3] else '"'
    return f"{found[1]}{quote}{resolve(base, value)}{quote}"


def _resolve_srcset(base: str, found: re.Match[str]) -> str:
    quote = '"' if found[2] else "'"
    parts = re.split(r",\s+", (found[2] or found[3]).strip())
    words = [part.split(None, 1) for part in parts if part.strip(" ,")]
    return f"{found[1]}{quote}{', '.join(' '.join([resolve(base, word[0]), *word[1:]]) for word in words)}{quote}"
