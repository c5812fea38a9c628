"""What a parser would take minutes for is left out of a page before it is parsed."""

from baoguan.text.attributes import limit_attributes
from baoguan.text.depth import is_deeper, limit_depth
from baoguan.text.names import cut_names
from baoguan.text.options import limit_options

MAX_CHARS = 4_000_000
_MANY_TAGS = 1_500


def tame(html: str, depth: int) -> str:
    """The page with bounds on length, depth, choices, attributes and names; the same where it is common."""
    html = html[:MAX_CHARS]
    if html.count("<") > _MANY_TAGS:
        html = limit_options(html)
        if is_deeper(html, depth):
            html = limit_depth(html, depth)
    return cut_names(limit_attributes(html))
