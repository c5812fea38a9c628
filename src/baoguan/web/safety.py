"""What may reach a browser: stored HTML once more through an allow-list, headers of every answer, paths of files."""

import base64
import hashlib
import re

import nh3

from baoguan.text.html import ALLOWED_ATTRIBUTES, ALLOWED_TAGS

# Records of other programs and of imports may hold these as well; none of them does anything.
_ALSO = frozenset(("h1", "div", "span", "dl", "dt", "dd", "mark", "ins", "del", "q", "cite", "kbd", "rb", "rtc", "wbr"))
_DROPPED = frozenset(
    (
        *("script", "style", "template", "noscript", "iframe", "frame", "frameset", "object", "embed", "applet"),
        *("svg", "math", "form", "select", "option", "textarea", "button", "title", "head"),
    )
)
_MEDIA = re.compile(r"(?:^|/)(media/([0-9a-f]{2})/\2[0-9a-f]{62}\.[a-z0-9]{1,5})$")


def kept_path(url: str) -> str | None:
    """media/<aa>/<sha256>.<ext> at the end of a relative `url`, None when it names no kept picture."""
    found = _MEDIA.search(url)
    return found[1] if found else None


# The second gate: nothing here trusts the first one (text.html), which wrote the record.
_CLEANER = nh3.Cleaner(
    tags=set(ALLOWED_TAGS | _ALSO),
    clean_content_tags=set(_DROPPED),
    attributes={**{tag: set(names) for tag, names in ALLOWED_ATTRIBUTES.items()}, "*": {"lang", "dir"}},
    link_rel="noopener noreferrer nofollow",
    url_schemes={"http", "https", "mailto"},
    url_relative=kept_path,
)


_WORDS = r"[^\x00-\x09\x0b-\x1f\x7f-\xa0\ud800-\udfff<>&]"
_PLAIN = re.compile(rf"(?:<p>(?:{_WORDS}++|&(?:amp|lt|gt|nbsp);|<br>)*+</p>\n?)*+")


def clean(html: str) -> str:
    """`html` with allowed tags and attributes only; the only relative URLs in it are media/<aa>/<sha256>.<ext>."""
    if _PLAIN.fullmatch(html):  # paragraphs of words alone, a quarter of real bodies: nothing to take out
        return html
    cleaned: str = _CLEANER.clean(html)
    return cleaned


def policy(*styles: str, script: str = "") -> str:
    """The Content-Security-Policy of pages: our styles by their hash, pictures of this host, no script.

    `script`: sha256-... of those that may run; as a service worker one is under the policy of its own answer.
    """
    digests = [base64.b64encode(hashlib.sha256(css.encode()).digest()).decode() for css in styles]
    sources = " ".join(f"'sha256-{digest}'" for digest in digests)
    named = " ".join(f"'{one}'" for one in script.split())
    active = f" script-src {named}; worker-src 'self'; connect-src 'self';" if script else ""
    return (
        f"default-src 'none'; style-src {sources};{active} img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )


FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""For kept files opened by themselves: even an SVG with a script in it runs nothing."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}
"""On every answer."""

_SEGMENT = re.compile(r"[^\x00-\x1f\x7f/\\:]{1,200}")
_PRIVATE_ENDS = (".toml", ".tmp", "~")


def public_path(path: str) -> str | None:
    """`path` when it can only name a file below public/, else None: no dot segment, hidden or unfinished file."""
    segments = path.split("/")
    for segment in segments:
        if not _SEGMENT.fullmatch(segment) or segment.startswith(".") or segment.lower().endswith(_PRIVATE_ENDS):
            return None
    return path if len(segments) <= 12 else None
