"""What readers and exports are given of what is kept: the operator's `serve` of an outlet. Nothing is taken away."""

import re

from baoguan.desk import Desk
from baoguan.media.rewrite import substitute_sources

WITH_TEXT = ("all", "no-pictures")
WITH_PICTURES = ("all", "no-text")
_FIGURE = re.compile(r"<figure>.*?</figure>|<img [^>]*>", re.S)
_MEDIA = re.compile(r"media/[0-9a-f]{2}/([0-9a-f]{64})\.")


def served_body(body_html: str, serve: str, kept: dict[str, str]) -> str:
    """The body of a record as readers get it; `kept`: origin URL of a picture to its path."""
    if serve not in WITH_TEXT:
        return ""
    if serve not in WITH_PICTURES:
        return _FIGURE.sub("", body_html)
    return substitute_sources(body_html, kept)


def silent_outlets(desk: Desk) -> tuple[str, ...]:
    """Outlets whose text is kept back: searches by readers leave them out, for a hit tells a word of the text."""
    return tuple(sorted(key for key, outlet in desk.outlets.items() if outlet.serve not in WITH_TEXT))


def is_served(desk: Desk, path: str) -> bool:
    """Whether a file of public/ goes out: not those that hold what an outlet's `serve` keeps back.

    Bundles and captures mix outlets: where the text of one is kept back, none of them is served.
    """
    silent = {key for key, outlet in desk.outlets.items() if outlet.serve not in WITH_TEXT}
    blind = {key for key, outlet in desk.outlets.items() if outlet.serve not in WITH_PICTURES}
    if not silent and not blind:
        return True
    kind, _, rest = path.partition("/")
    if kind in ("bundle", "captures"):
        return not silent
    if kind == "articles":
        return rest.partition("/")[0] not in silent
    picture = _MEDIA.match(path)
    if picture is None or not blind:
        return True
    owners = set(desk.catalog.owners(picture[1]))
    return not owners or bool(owners - blind)
