"""Escaping as HTML's serialiser does it, and the way back to plain text."""

import re

INVISIBLE = " \t\n\r\f\v\xa0\u3000\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\xad"
"""A paragraph of nothing else is empty."""
FOLDED = " \t\n\r\f"
"""White space that is folded."""
_TAGS = re.compile(r"<[^>]*>")
_BREAK = re.compile(r"\s*<br>\s*")
_SPACES = re.compile(r"[ \t\n\r\f]{2,}|[\t\n\r\f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")
CJK = "[\u3000-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"
"""A character class: between two of these a line break is no space."""
_CJK_GAP = re.compile(rf"(?<={CJK})[ \t\n\r\f]*[\n\r][ \t\n\r\f]*(?={CJK})")


def escape_text(text: str) -> str:
    """Text as HTML's serialiser writes it: & < > and the no-break space."""
    if not ("&" in text or "<" in text or ">" in text or "\xa0" in text):
        return text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&nbsp;")


def escape_value(text: str) -> str:
    """An attribute's value, between double quotes."""
    return escape_text(text).replace('"', "&quot;")


def unescape_text(text: str) -> str:
    """Undoes escape_text and escape_value."""
    if "&" not in text:
        return text
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\xa0").replace("&quot;", '"')
    return text.replace("&amp;", "&")


def plain(html: str) -> str:
    """Text of inline mark-up that this module wrote; a line break for each <br>."""
    if "<" in html:
        if "<br>" in html:
            html = _BREAK.sub("\n", html)
        html = _TAGS.sub("", html)
    return unescape_text(html)


def clean_value(value: str) -> str:
    """An attribute's value without control characters, white space folded."""
    if value.isprintable() and "  " not in value:  # none of either in it
        return value.strip(" ")
    return _SPACES.sub(" ", _CONTROL.sub("", value)).strip()


def fold(text: str) -> str:
    """Text with white space folded as a browser shows it; a line break between two CJK characters is none."""
    return _SPACES.sub(" ", text if text.isascii() else _CJK_GAP.sub("", text))


def drop_controls(text: str) -> str:
    """Text without the characters that no news holds and XML forbids."""
    return text if text.isprintable() else _CONTROL.sub("", text)
