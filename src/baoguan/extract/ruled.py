"""What an outlet's rules say beyond selectors of text: lead, captions, credits, bodies in script data, patches."""

from html import escape
from urllib.parse import quote

from baoguan.extract.captions import read_caption, split_credit
from baoguan.extract.figures import read_image
from baoguan.extract.harvest import Head
from baoguan.extract.layout import Block, Layout
from baoguan.extract.picture import Figure, Resolve, picture_key
from baoguan.extract.rules import BODY_ID, json_texts, marked
from baoguan.model.outlet import RuleVersion

_CLIMB = 7
_CLAIMED = ("caption", "credit", "author", "published", "modified", "title")
_MAX_CAPTION = 2000
_MAX_BODY = 2_000_000
_MAX_PATCHED = 12_000_000


def patch_page(html: str, rules: RuleVersion | None) -> str:
    """The page after the literal replacements that its rules want before it is read, at most 12 million characters."""
    for old, new in rules.patch if rules is not None else ():
        if len(html) + html.count(old) * (len(new) - len(old)) <= _MAX_PATCHED:
            html = html.replace(old, new)
    return html


def body_from_json(head: Head, layout: Layout, rules: RuleVersion | None) -> str:
    """Mark-up of a body that stands in script data alone, to be read as the page's end; empty without one."""
    if rules is None or marked(layout.page, "body"):
        return ""
    texts = json_texts(layout.page, head, rules.body)
    if not texts:
        return ""
    inner = "".join(text if "<" in text else _paragraphs(text) for text in texts)
    return f'<div id="{BODY_ID}">{inner[:_MAX_BODY]}</div>'


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())


def rule_figures(
    layout: Layout, head: Head, rules: RuleVersion | None, figures: list[Figure], resolve: Resolve
) -> list[Figure]:
    """The figures after the rules: addresses rewritten, the lead picture first, captions and credits as marked."""
    if rules is None:
        return figures
    for figure in figures:
        _rewrite(figure, rules)
    lead = _lead(layout, head, rules, figures, resolve)
    if lead is not None:
        lead.lead = True
        figures = [lead, *[figure for figure in figures if figure is not lead]]
    _captions(layout, head, rules, figures)
    return figures


def _rewrite(figure: Figure, rules: RuleVersion) -> None:
    for old, new in rules.replace:
        # A resolver may have written ${formatId} as %7B...%7D.
        for form in dict.fromkeys((old, quote(old), quote(old, safe="$/"))):
            figure.url = figure.url.replace(form, new)
            figure.candidates = tuple(url.replace(form, new) for url in figure.candidates)
    figure.key = picture_key(figure.url)


def _lead(layout: Layout, head: Head, rules: RuleVersion, figures: list[Figure], resolve: Resolve) -> Figure | None:
    """The picture that the rules name as lead: one of `figures`, else one that generic reading passed over."""
    page = layout.page
    for i in marked(page, "lead"):
        nodes = [i] if page.tags[i] in ("img", "amp-img") else page.images(i)
        for node in nodes[:5]:
            read = read_image(layout, node, resolve)
            if read is None:
                continue
            _rewrite(read, rules)
            found = next((one for one in figures if one.node == node or one.key == read.key), None)
            if found is None:
                read_caption(layout, read)
            return found or read
    for text in json_texts(page, head, rules.lead):
        if url := resolve(text):
            read = Figure(-1, url)
            _rewrite(read, rules)
            return next((one for one in figures if one.key == read.key), read)
    return None


def _captions(layout: Layout, head: Head, rules: RuleVersion, figures: list[Figure]) -> None:
    page = layout.page
    for name in ("caption", "credit"):
        texts = json_texts(page, head, getattr(rules, name)) if not marked(page, name) else []
        for figure, text in zip(figures, texts, strict=False):
            setattr(figure, name, " ".join(text.split())[:_MAX_CAPTION])
        given: dict[int, str] = {}
        for i in marked(page, name):
            beside = _nearest(layout, i, figures)
            if beside is not None and page.text(i):
                # A wrapper may hold several: its first is the picture's own.
                given.setdefault(id(beside), page.text(i)[:_MAX_CAPTION])
        for figure in figures:
            if id(figure) in given:
                setattr(figure, name, given[id(figure)])
    for figure in figures:
        if rules.caption or rules.credit:
            split_credit(figure, figure.credit)


def _nearest(layout: Layout, i: int, figures: list[Figure]) -> Figure | None:
    """The figure that a caption stands beside: the last before it in the smallest box that holds one, else the next."""
    page = layout.page
    box = i
    for _ in range(_CLIMB):
        inside = [figure for figure in figures if figure.node >= 0 and page.inside(figure.node, box)]
        if inside:
            before = [figure for figure in inside if figure.node <= i]
            return max(before, key=lambda one: one.node) if before else min(inside, key=lambda one: one.node)
        box = page.parent[box]
        if box <= layout.top:
            break
    return next((figure for figure in figures if figure.lead), None)


def claim_blocks(layout: Layout, rules: RuleVersion | None, blocks: list[Block], figures: list[Figure]) -> None:
    """Takes out of the text what the rules read as something else: captions of kept pictures, authors, clocks."""
    if rules is None:
        return
    page = layout.page
    for name in _CLAIMED:
        if name in ("caption", "credit") and not figures:
            continue
        nodes = marked(page, name)
        for block in blocks if nodes else ():
            if block.keep and any(page.inside(block.owner, node) for node in nodes):
                block.keep, block.why = False, f"{name} by the outlet's rules"
