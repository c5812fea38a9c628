"""The body where a page holds it in script data alone: __NEXT_DATA__, Fusion.globalContent, __INITIAL_STATE__."""

import json
import re
from typing import Any

from baoguan.extract.dom import Page
from baoguan.extract.harvest import Head, load_json, strings
from baoguan.extract.layout import weigh

_STATE = re.compile(
    r"(?:window\s*\.\s*|self\s*\.\s*|\bvar\s+|\bglobalThis\s*\.\s*)?"
    r"(?:__[A-Z][A-Z_]{3,40}__|__data|Fusion\.globalContent|__remixContext|initialState)\s*=\s*(?=[{\[])"
)
_DATA = ("application/json", "__NEXT_DATA__")
_TEXT_KEYS = (
    "content",
    "text",
    "html",
    "value",
    "body",
    "paragraph",
    "copy",
    "data",
    "model",
    "children",
    "blocks",
    "elements",
)
_KIND_KEYS = ("type", "_type", "__typename", "kind", "tag", "name")
_NOT_TEXT = re.compile(r"image|video|gallery|embed|ad\b|promo|related|list_?item|author|tag|script", re.IGNORECASE)
_TAGS = re.compile(r"<[^>]*>")
_PARAGRAPH = re.compile(r"<p[\s>]|<br", re.IGNORECASE)
_LEAST = 400.0
"""Mass of a body."""
_SENTENCE = 25.0
_PARTS = 3
_MOST_VALUES = 60_000
_MOST_CHARS = 3_000_000
_DEEP = 6
_decoder = json.JSONDecoder()


def embedded_body(page: Page, head: Head) -> str:
    """Mark-up of the longest text that reads like an article's body in the page's script data; empty without one."""
    best, most = "", _LEAST
    for value in _values(page):
        for body in _bodies(value):
            mass = weigh(_TAGS.sub("", body))
            if mass > 1.05 * most:
                best, most = body, mass
    if not best:
        stated = next(iter(strings(head.ld.get("articleBody"))), "")
        if weigh(_TAGS.sub("", stated)) > _LEAST:
            best = stated if _PARAGRAPH.search(stated) else _lines(stated)
    return best


def _values(page: Page) -> list[Any]:
    """The decoded data of a page; scripts that are no JSON are passed over."""
    found = [load_json(text) for name, text in page.scripts if name.lower() in map(str.lower, _DATA)]
    for start, stop in page.others:
        match = _STATE.search(page.source, start, min(stop, start + _MOST_CHARS))
        if match is None or stop - start > _MOST_CHARS:
            continue
        try:
            found.append(_decoder.raw_decode(page.source[match.end() : stop])[0])
        except (ValueError, RecursionError):
            continue
    return [value for value in found if value]


def _bodies(value: Any) -> list[str]:
    """Texts with paragraphs, and lists of paragraphs, wherever they stand."""
    found: list[str] = []
    stack = [value]
    for _ in range(_MOST_VALUES):
        if not stack:
            break
        one = stack.pop()
        if isinstance(one, str):
            if len(one) > _LEAST / 3 and len(_PARAGRAPH.findall(one, 0, 20_000)) >= _PARTS:
                found.append(one)
        elif isinstance(one, dict):
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
            texts = [text for part in one[:2000] if (text := _text_of(part, _DEEP))]
            if len(texts) >= _PARTS:
                found.append("".join(text if text.startswith("<p") else f"<p>{text}</p>" for text in texts))
    return found


def _text_of(part: Any, deep: int) -> str:
    """The sentence of one part of a list: its own text, or what its text parts say together."""
    if isinstance(part, str):
        return part if weigh(part) > _SENTENCE and _is_prose(part) else ""
    if not isinstance(part, dict) or deep == 0:
        return ""
    if any(isinstance(kind := part.get(key), str) and _NOT_TEXT.search(kind) for key in _KIND_KEYS):
        return ""
    for key in _TEXT_KEYS:
        inner = part.get(key)
        if isinstance(inner, str) and weigh(_TAGS.sub("", inner)) > _SENTENCE and _is_prose(inner):
            return inner
        if isinstance(inner, dict) and (text := _text_of(inner, deep - 1)):
            return text
        if isinstance(inner, list) and (text := _joined(inner, deep - 1)):
            return text
    return ""


def _is_prose(text: str) -> bool:
    return not text.startswith(("http", "/", "data:", "{")) and (" " in text.strip() or not text.isascii())


def _joined(parts: list[Any], deep: int) -> str:
    """Runs of one paragraph."""
    runs = []
    for part in parts[:200]:
        if isinstance(part, str):
            runs.append(part)
        elif isinstance(part, dict):
            inner = next((part[key] for key in _TEXT_KEYS if isinstance(part.get(key), str)), None)
            runs.append(inner if inner is not None else _text_of(part, deep) if deep else "")
    text = "".join(runs)
    return text if weigh(text) > _SENTENCE else ""


def _lines(text: str) -> str:
    return "".join(f"<p>{line.strip()}</p>" for line in text.replace("<", "&lt;").splitlines() if line.strip())
