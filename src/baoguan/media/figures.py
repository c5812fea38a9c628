"""Captions and credits of a record's pictures, as its body holds them."""

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser

_MOST = 400
_LONGEST = 2000
"""Characters of a caption."""


def figure_texts(body_html: str) -> Iterator[tuple[str, str, str]]:
    """(address of the picture, caption, credit) of every picture in a body, at most 400; credits stand in <small>."""
    if "<img" not in body_html:
        return
    for number, image in enumerate(LexborHTMLParser(body_html).css("img")):
        if number == _MOST:
            return
        node = image.parent
        while node is not None and node.tag not in ("figure", "body", "html"):
            node = node.parent
        box = node.css_first("figcaption") if node is not None and node.tag == "figure" else None
        caption = credit = ""
        if box is not None:
            small = box.css_first("small")
            credit = small.text(strip=True)[:_LONGEST] if small is not None else ""
            if small is not None:
                small.decompose()
            caption = " ".join(box.text().split())[:_LONGEST]
        yield (image.attributes.get("src") or ""), caption, credit
