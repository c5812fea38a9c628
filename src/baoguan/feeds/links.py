"""URLs of feeds: cleaned, resolved against the base in force, in fields and inside HTML."""

import re
from functools import lru_cache
from urllib.parse import urljoin

from baoguan.feeds.limits import MAX_LINKS, MAX_URL

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*:")
_SPACE = re.compile(r"[\x00-\x20\x7f]+")
_WEB = re.compile(r"^https?://[^\s/]", re.IGNORECASE)
_VALUE = (
    r"""(?:"\s*(?![\w+.\-]*:|\#)([^"<>]{1,8000})"|'\s*(?![\w+.\-]*:|\#)([^'<>]{1,8000})'"""
    r"""|(?!["'\#]|[\w+.\-]*:)([^\s"'<>]{1,8000}))"""
)
_ABSOLUTE_SET = r"""\s*"(?:https?://[^"',\n\r\t]*(?:, (?=http)|"))+"""


def _behind(before: str, *names: str) -> str:
    """An expression: one of these names ends before the `=` that was just read, at most one white space between."""
    return "|".join(rf"(?<=[\s\"'/{before}](?i:{name}){space}=)" for name in names for space in ("", r"\s"))


# Begins with the one character to look for, which the regex engine finds fastest; what follows sorts out by two letters
# most attributes that hold no address, then absolute URLs, which are nearly all. Three passes over 17 MB took 80 ms,
# this one takes 25.
_ADDRESS = re.compile(
    r"""=(?<=[cefrstondCEFRSTOND\s][fctrendFCTREND\s]=)(?:(?!["'](?:https?://|\#))"""
    rf"(?:{_behind('', 'href', 'cite', 'poster', 'action', 'longdesc', 'background')}|{_behind('-', 'src')})"
    rf"(\s*){_VALUE}"
    rf"|(?<=[tT\s]=)(?:{_behind('-', 'srcset')})(?!{_ABSOLUTE_SET})(?P<space>\s*)(?P<set>\"[^\"<>]*\"|'[^'<>]*'))"
)
_RELATIVE_CANDIDATE = re.compile(r"""(?:^["']|,\s)\s*(?!https?:|data:)[^\s"',]""")
_BEGINS_VALUE = re.compile(r"""=\s*["'][\w\-]*\s?\Z""")
"""The name stands at the beginning of another attribute's value: title="src=x"."""
_TAG_LENGTH = 4_000
_CLEAN = re.compile(r"https?://[^\x00-\x20\x7f]*\Z")
_PLAIN_PATH = re.compile(r"/?[A-Za-z0-9_%~\-](?:[^:;]*[^?#:;])?\Z")
_BASE = re.compile(r"(?P<origin>https?://[^/?#;\s\\\[\]@]+)(?P<path>(?:/[^?#;\s]*)?)(?:[?#].*)?\Z")
_CACHED_CHARS = 1_000


def is_web(url: str) -> bool:
    """Whether `url` is an absolute http or https address."""
    return bool(_WEB.match(url))


def resolve(base: str, url: str) -> str:
    """`url` without stray white space, absolute where `base` allows it; empty when it is too long or makes no sense."""
    # Nothing to clean and nothing to join, asked without an expression: nearly all are so.
    plain = len(url) <= MAX_URL and url.isascii() and url.isprintable() and " " not in url
    if plain and url.startswith(("https://", "http://")):
        return url
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
    if _PLAIN_PATH.match(url) and "//" not in url and "/." not in url and "?#" not in url:
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
    return _ADDRESS.sub(lambda found: _resolve_attribute(base, found), html, count=MAX_LINKS)


def _is_in_tag(found: re.Match[str]) -> bool:
    """Whether a match lies inside a tag and not in text that speaks of tags."""
    start = found.start()
    lowest = max(0, start - _TAG_LENGTH)
    return found.string.rfind("<", lowest, start) > found.string.rfind(">", lowest, start)


def _resolve_attribute(base: str, found: re.Match[str]) -> str:
    if not _is_in_tag(found) or _BEGINS_VALUE.search(found.string, max(0, found.start() - 20), found.start()):
        return found[0]
    candidates = found["set"]
    if candidates:
        return f"={found['space']}{_resolve_srcset(base, candidates)}"
    space, double, single, bare = found.group(1, 2, 3, 4)
    quote = "'" if single else '"'
    return f"={space}{quote}{resolve(base, double or single or bare)}{quote}"


def _resolve_srcset(base: str, value: str) -> str:
    if not _RELATIVE_CANDIDATE.search(value):
        return value
    words = [part.split(None, 1) for part in re.split(r",\s+", value[1:-1].strip()) if part.strip(" ,")]
    joined = ", ".join(" ".join([resolve(base, word[0]), *word[1:]]) for word in words)
    return f"{value[0]}{joined}{value[0]}"
