"""Second thoughts about junk: what a name condemns and the page's text acquits, and articles beside the article."""

from bisect import bisect_left

from baoguan.extract.layout import Layout, weigh
from baoguan.extract.tokens import BODY, HARD, words_of

_SHARE = 0.3
_CLEAN_SHARE = 0.4
_NEVER = frozenset(("nav", "footer", "button", "select", "textarea", "script", "style", "template", "svg", "menu"))
_NESTED_SHARE = 0.5
_BODY_WORDS = frozenset(("article", "body"))
_MOST = 1000
_TEASERS = 4
_TEASER_SHARE = 0.3
"""So many <article>, none of which holds so much of the page's sentences nor the headline, are teasers where their own
headlines are links; posts of a forum have none, or the name of a member."""
_HEADLINE = 25.0
Condemned = tuple[frozenset[str], bool]
_INNOCENT: Condemned = (frozenset(), False)


def guard(layout: Layout) -> None:
    """A name whose elements hold much of the page's sentences isn't junk (body wrappers called sidebar-grid, paywall),
    unless what stands elsewhere is an article already. Nothing round the headline is junk.
    """
    page, junk = layout.page, layout.junk
    i = layout.heading
    while i > 0:
        if page.tags[i] not in _NEVER:
            junk.discard(i)
        i = page.parent[i]
    _acquit_bodies(layout)
    total = clean = 0.0
    held: dict[str, float] = {}
    known: dict[int, Condemned] = {}
    for block in layout.blocks:
        if not block.good:
            continue
        total += block.good
        names, hard = _condemned(layout, block.owner, known)
        if not names:
            clean += block.good
        for name in names if not hard else ():
            held[name] = held.get(name, 0.0) + block.good
    large = {
        name
        for name, mass in held.items()
        if mass >= _SHARE * total and (clean < _CLEAN_SHARE * total or mass > 2 * clean)
    }
    if large:
        junk.difference_update([i for i in junk if not _is_hard(layout, i) and _name(layout, i) in large])


def _acquit_bodies(layout: Layout) -> None:
    """The box round an element called article body isn't junk (`teaser-content`: what a paywall leaves open)."""
    page, junk = layout.page, layout.junk
    for i in [i for i in junk if layout.verdict[i] & BODY and not _is_hard(layout, i)][:_MOST]:
        child = i + 1
        if child < page.end[i] and page.tags[child] and {*words_of(page.attr(child, "class"))} >= _BODY_WORDS:
            junk.discard(i)


def _condemned(layout: Layout, i: int, known: dict[int, Condemned]) -> Condemned:
    """Names of the junk elements round `i`, and whether one of them is junk for good."""
    parent, junk = layout.page.parent, layout.junk
    path = []
    while i > layout.top and i not in known:
        path.append(i)
        i = parent[i]
    found = known.get(i, _INNOCENT)
    for j in reversed(path):
        if j in junk:
            found = found[0] | {_name(layout, j)}, found[1] or _is_hard(layout, j)
        known[j] = found
    return found


def _is_hard(layout: Layout, i: int) -> bool:
    return bool(layout.verdict[i] & HARD) or layout.page.tags[i] in _NEVER


def _name(layout: Layout, i: int) -> str:
    return f"{layout.page.tags[i]} {layout.page.attr(i, 'class')}"


def set_aside(layout: Layout) -> None:
    """Other articles than the one of the headline are junk: teasers, boxes, the next article below."""
    page = layout.page
    articles = page.found["article"]
    heading = layout.heading
    home = [i for i in articles if page.inside(heading, i)]
    if not home and heading >= 0 and len(articles) >= _TEASERS:
        masses = {i: layout.good_under(i) for i in articles}
        if max(masses.values()) < _TEASER_SHARE * layout.sums[-1]:
            layout.junk.update([i for i in articles if _has_linked_heading(layout, i)])
        return
    if len(articles) < 2 or not home:
        return
    masses = {i: layout.good_under(i) for i in articles}
    own = masses[home[-1]]
    for i in articles:
        if i in home:
            continue
        nested = page.inside(i, home[-1])
        if masses[i] < _NESTED_SHARE * own if nested else own > masses[i]:
            layout.junk.add(i)


def _has_linked_heading(layout: Layout, i: int) -> bool:
    page = layout.page
    for tag in ("h2", "h3", "h4"):
        found = page.found[tag]
        for j in found[bisect_left(found, i) : bisect_left(found, page.end[i])][:2]:
            linked = page.tags[page.parent[j]] == "a" or "a" in page.tags[j : min(page.end[j], j + 6)]
            if linked and weigh(page.text(j)) >= _HEADLINE:
                return True
    return False


def weigh_tree(layout: Layout) -> None:
    """Sums good mass up the tree and marks the blocks under junk."""
    page, mass, junk = layout.page, layout.mass, layout.junk
    parents = page.parent
    known: dict[int, bool] = {}
    for block in layout.blocks:
        path = []
        i = block.owner
        while i >= 0 and i not in known:
            path.append(i)
            i = parents[i]
        state = known.get(i, False)
        for j in reversed(path):
            state = state or j in junk
            known[j] = state
        block.junk = known[block.owner]
        if block.good and not block.junk:
            i = block.owner
            while i >= 0 and i not in mass:
                mass[i] = 0.0
                i = parents[i]
            mass[block.owner] += block.good
    # From the last node to the first, so that each is whole before it counts for its parent.
    for i in sorted(mass, reverse=True):
        if i > 0:
            mass[parents[i]] += mass[i]
