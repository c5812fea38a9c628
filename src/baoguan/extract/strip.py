"""Takes comments, scripts, styles and drawings out of a page before it is parsed: two thirds of its bytes.

One search finds where they begin and one where they end, at memory speed; a tree builder would read each byte as
mark-up.
"""

import re

_ENDS = {"<!--": "-->", "<script": "</script", "<style": "</style", "<svg": "</svg"}
_MARKS = tuple(_ENDS)
_ANY = re.compile("|".join(_MARKS))
_TYPE = re.compile(r"\btype\s*=\s*[\"']?([^\"'\s>]*json[^\"'\s>]*)", re.IGNORECASE)
_NEXT = re.compile(r"\bid\s*=\s*[\"']?__NEXT_DATA__\b")
_HEAD = 400
"""Characters in which the start tag of a script has to end."""
_MOST = 20_000
"""Parts that are taken out of one page."""


class Stripped:
    """A page without the parts that hold no text, and its scripts."""

    __slots__ = ("data", "html", "others")

    def __init__(self) -> None:
        self.html = ""
        self.data: list[tuple[str, str]] = []
        """(type or __NEXT_DATA__, text) of the scripts that hold JSON."""
        self.others: list[tuple[int, int]] = []
        """Where the other scripts stand in the page as it came."""


def strip_page(html: str) -> Stripped:
    """Leaves out what is well closed; an unclosed part stays, for the parser to judge."""
    found = Stripped()
    kept: list[str] = []
    marks, wanted = _MARKS, _ANY
    done = 0
    for _ in range(_MOST):
        match = wanted.search(html, done) if marks else None
        if match is None:
            break
        mark, start = match[0], match.start()
        stop = _end(html, mark, start)
        if stop < 0:
            marks = tuple(one for one in marks if one != mark)
            wanted = re.compile("|".join(marks))
            continue
        if mark == "<script":
            _note(found, html, start, stop)
        kept.append(html[done:start])
        done = stop
    kept.append(html[done:])
    found.html = "".join(kept)
    return found


def _end(html: str, mark: str, start: int) -> int:
    """One past the part that begins at `start`; -1 when it isn't closed, or is another tag, or holds its like."""
    if mark == "<!--":
        stop = html.find("-->", start + 2)
        return stop + 3 if stop >= 0 else -1
    after = html[start + len(mark) : start + len(mark) + 1]
    if after.isalnum() or after == "-":
        return -1
    end = _ENDS[mark]
    stop = html.find(end, start)
    if stop < 0 or (mark == "<svg" and html.find(mark, start + 1, stop) >= 0):
        return -1
    return html.find(">", stop) + 1 or -1


def _note(found: Stripped, html: str, start: int, stop: int) -> None:
    begin = html.find(">", start, start + _HEAD) + 1
    if not begin:
        return
    end = html.rfind("</script", begin, stop)
    tag = html[start:begin]
    kind = _TYPE.search(tag)
    if kind or "__NEXT_DATA__" in tag:
        found.data.append(("__NEXT_DATA__" if _NEXT.search(tag) else kind[1] if kind else "", html[begin:end]))
    elif end > begin:
        found.others.append((begin, end))
