"""One page -> one Article: decode, parse, harvest, find the text, keep its pictures, write it clean."""

import msgspec

from baoguan.extract.authors import clean_names, read_authors
from baoguan.extract.blocks import scan
from baoguan.extract.body import MAX_BODY, write_clean
from baoguan.extract.byline import read_language, read_section, read_title
from baoguan.extract.clocks import modified_clock, published_clock, read_clock, zone_of
from baoguan.extract.decode import decode_page
from baoguan.extract.dom import GAP, Page, parse_page
from baoguan.extract.embedded import embedded_body
from baoguan.extract.emit import write_body, write_figure
from baoguan.extract.figures import find_figures
from baoguan.extract.harvest import Head, harvest, strings
from baoguan.extract.kind import doubt, judge
from baoguan.extract.layout import Block, Layout
from baoguan.extract.masthead import cut_site
from baoguan.extract.picture import Figure, picture_key, resolver
from baoguan.extract.profile import MISSED, Lesson, Profile, lesson_of, repeated
from baoguan.extract.prune import BEHIND, drop_byline, prune
from baoguan.extract.root import find_decks, find_roots
from baoguan.extract.ruled import body_from_json, claim_blocks, patch_page, rule_figures
from baoguan.extract.rules import marked, marks_of, name_of, ruled_texts
from baoguan.model.article import Article, Clock, Picture
from baoguan.model.outlet import RuleVersion
from baoguan.text.html import CleanBody

EXTRACTOR = "generic/1"
_LITTLE = 400.0
_EMBEDDED = 2.0
"""Script data give the body when they hold so many times the sentences that the mark-up holds."""
_LEADS = 3
"""Pictures outside the container that are put before the text, at most."""


class Hints(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a page before it is read."""

    url: str
    content_type: str = ""
    """The Content-Type header of its response."""
    rules: RuleVersion | None = None
    profile: Profile | None = None
    language: str = ""
    """The outlet's, for pages that don't say theirs."""
    zone: str = ""
    """IANA name, for clocks without a zone."""
    outlet: str = ""
    """Its key, for the name of the rules."""


class Reading(msgspec.Struct, kw_only=True):
    """An article with all that led to it."""

    article: Article
    text: str
    """Plain text of the body without captions, a line a paragraph."""
    layout: Layout
    head: Head
    main: int
    """The container."""
    roots: list[int]
    """Summary elements before it, and the container (or several by rule)."""
    found_by: str
    """How the container was found."""
    blocks: list[Block]
    """Blocks under the container, each with the reason why it went."""
    figures: list[Figure]
    encoding: str

    @property
    def raw(self) -> str:
        """The kept mark-up before sanitising."""
        above, beside = _placed(self.layout, self.roots, self.figures)
        html = "".join(write_figure(figure) for figure in above)
        return (html + write_body(self.layout, self.roots, _dropped(self.layout, self.blocks), beside))[:MAX_BODY]

    @property
    def lesson(self) -> Lesson:
        """What the page teaches about its outlet (profile.learn, profile.drift)."""
        return lesson_of(self.layout, self.main, self.blocks, self.article, len(self.text))


def extract_article(
    body: bytes,
    *,
    url: str,
    content_type: str = "",
    rules: RuleVersion | None = None,
    profile: Profile | None = None,
    language: str = "",
    zone: str = "",
    outlet: str = "",
) -> Article:
    """What the page says. Never raises, whatever the bytes: a page that is no article says so in `kind`.

    Up to 200,000 elements and 6 million characters are looked at, up to 50,000 nodes read; what is cut is told in
    `reasons`. `rules` are the outlet's for the day of the capture, `language` and `zone` the outlet's own for pages
    that don't say theirs, `outlet` its key.
    """
    hints = Hints(
        url=url, content_type=content_type, rules=rules, profile=profile, language=language, zone=zone, outlet=outlet
    )
    return extract_page(body, hints)


def extract_page(body: bytes, hints: Hints) -> Article:
    """As extract_article."""
    return read_page(body, hints).article


def read_page(body: bytes, hints: Hints) -> Reading:
    """As extract_article, with all that led to the result."""
    html, encoding = decode_page(body, hints.content_type)
    html = patch_page(html, hints.rules)
    layout, head, title = _lay_out(html, hints)
    page, heading = layout.page, layout.heading
    roots, found_by = find_roots(layout, head, marked(page, "body") if hints.rules else [], hints.profile)
    main = roots[0]
    roots = [*(find_decks(layout, head, main) if not hints.rules else []), *roots]
    known = repeated(hints.profile, [block for root in roots for block in layout.blocks_under(root)])
    blocks = prune(layout, roots, title, known)
    resolve = resolver(resolver(hints.url)(head.base) or hints.url)
    stated = frozenset(picture_key(address) for url in stated_pictures(head) if (address := resolve(url)))
    end = next((b.first for b in blocks if b.why == BEHIND), page.end[roots[-1]])
    span = (*_scope(layout, main, heading), end)
    figures = find_figures(layout, span, stated, resolve, hints.url)
    figures = rule_figures(layout, head, hints.rules, figures, resolve)
    claim_blocks(layout, hints.rules, blocks, figures)
    first = next((b.first for b in blocks if b.keep and b.first >= main), main)
    good = next((b.first for b in blocks if b.keep and b.good and b.first >= main), first)
    begin = min(heading if heading >= 0 else main, main)
    around = (begin, max((b.last for b in blocks if b.keep), default=main) + 1)
    authors = _authors(layout, head, (begin, max(good, main) + 1), around, hints)
    drop_byline(blocks, authors, max(good, main))
    dropped = _dropped(layout, blocks)
    above, beside = _placed(layout, roots, figures)
    clean, cut = write_clean(layout, roots, dropped, (above, beside), resolver(hints.url)(head.base) or hints.url)
    page.cut = page.cut or cut or any(page.inside(gap, root) for gap in page.found[GAP][:1000] for root in roots)
    near = (begin, max(first, main) + 1)
    verdict = judge(layout, head, blocks, title, clean.text)
    if hints.rules is not None and hints.rules.body and found_by != "rules":
        verdict = doubt(verdict, MISSED)
    published, modified = _clocks(layout, head, near, around, hints)
    article = Article(
        url=hints.url,
        canonical_url=resolve(head.canonical),
        title=title,
        authors=authors,
        published=published,
        modified=modified,
        section=next(iter(ruled_texts(page, head, hints.rules, "section")), "") or read_section(head),
        language=read_language(page, head, clean.text[:2000], hints.language),
        body_html=clean.html,
        pictures=_pictures(clean, figures),
        embeds=clean.embeds,
        kind=verdict.kind,
        confidence=verdict.confidence,
        reasons=verdict.reasons,
        extractor=EXTRACTOR,
        rules=name_of(hints.rules, hints.outlet),
    )
    return Reading(
        article=article, text=clean.text, layout=layout, head=head, main=main, roots=roots, found_by=found_by,
        blocks=blocks, figures=figures, encoding=encoding,
    )  # fmt: skip


def _lay_out(html: str, hints: Hints) -> tuple[Layout, Head, str]:
    """The page read once; again whole, or with the body of its script data, where that finds the text."""
    layout, head, title = _scan(html, hints, whole=False)
    if layout.sums[-1] < _LITTLE and layout.page.skipped:
        layout, head, title = _scan(html, hints, whole=True)
    if extra := body_from_json(head, layout, hints.rules):
        layout, head, title = _scan(html + extra, hints, whole=False)
    elif layout.sums[-1] < _LITTLE and (text := embedded_body(layout.page, head)):
        found = _scan(f'{html}<div class="article-body">{text[:MAX_BODY]}</div>', hints, whole=False)
        if found[0].sums[-1] > _EMBEDDED * layout.sums[-1] + _LITTLE:
            layout, head, title = found
    return layout, head, title


def _scan(html: str, hints: Hints, *, whole: bool) -> tuple[Layout, Head, str]:
    """Blocks, head and headline. A page with little text is read `whole`: an unclosed <nav> may hold all of it."""
    page = parse_page(html, marks_of(hints.rules), whole=whole)
    head = harvest(page)
    title, heading = _title(page, head, hints)
    return scan(page, heading), head, title


def _title(page: Page, head: Head, hints: Hints) -> tuple[str, int]:
    title, heading = read_title(page, head, hints.url)
    ruled = ruled_texts(page, head, hints.rules, "title")
    if ruled:
        title = cut_site(ruled[0], head, hints.url)
        heading = next(iter(marked(page, "title")), heading)
    return title, heading


def _clocks(
    layout: Layout, head: Head, near: tuple[int, int], around: tuple[int, int], hints: Hints
) -> tuple[Clock | None, Clock | None]:
    zone = zone_of(hints.zone)
    read: list[Clock | None] = []
    for name in ("published", "modified"):
        texts = ruled_texts(layout.page, head, hints.rules, name)
        read.append(next((clock for text in texts if (clock := read_clock(text, "text", zone))), None))
    published = read[0] or published_clock(layout, head, near, around, hints.url, zone)
    return published, read[1] or modified_clock(head, zone)


def _authors(
    layout: Layout, head: Head, near: tuple[int, int], around: tuple[int, int], hints: Hints
) -> tuple[str, ...]:
    ruled = ruled_texts(layout.page, head, hints.rules, "author")
    return tuple(clean_names(ruled)) if ruled else read_authors(layout, head, near, around)


def _scope(layout: Layout, root: int, heading: int) -> tuple[int, int]:
    """The nodes from which stated pictures, and others, may belong to the article: its headline's surroundings."""
    page = layout.page
    if heading < 0 or heading >= root:
        return root, root
    i = root
    while i > layout.top and not page.inside(heading, i):
        i = page.parent[i]
    wide = i
    while wide > layout.top and page.tags[wide] not in ("article", "main"):
        wide = page.parent[wide]
    return wide if wide > layout.top else i, i if page.tags[i] in ("article", "main") else wide if page.tags[
        wide
    ] == "article" else heading


def _dropped(layout: Layout, blocks: list[Block]) -> set[int]:
    """Text nodes of the blocks that went."""
    tags = layout.page.tags
    return {j for block in blocks if not block.keep for j in range(block.first, block.last + 1) if not tags[j]}


def _placed(layout: Layout, roots: list[int], figures: list[Figure]) -> tuple[list[Figure], list[Figure]]:
    """Pictures from above the text, and those in it."""
    page = layout.page
    above = [f for f in figures if not any(page.inside(f.node, root) for root in roots)]
    return above[:_LEADS], [f for f in figures if f not in above] if above else figures


def _pictures(clean: CleanBody, figures: list[Figure]) -> tuple[Picture, ...]:
    """The pictures of the clean body, with the candidates, caption and credit that were read beside them."""
    known = {figure.url: figure for figure in figures} | {picture_key(figure.url): figure for figure in figures}
    found = []
    ruled = any(figure.lead for figure in figures)
    for picture in clean.pictures:
        figure = known.get(picture.url) or known.get(picture_key(picture.url))
        if figure is not None:
            candidates = tuple(url for url in figure.candidates if url != picture.url)
            picture = msgspec.structs.replace(
                picture, candidates=candidates, caption=figure.caption, credit=figure.credit,
                lead=figure.lead if ruled else picture.lead,
            )  # fmt: skip
        found.append(picture)
    return tuple(sorted(found, key=lambda picture: not picture.lead))


def stated_pictures(head: Head) -> list[str]:
    """Addresses of the picture that structured data give for the article."""
    return [*strings(head.ld.get("image"), "url", "contentUrl"), *head.metas.get("og:image", ())]


def raw_body(body: bytes, hints: Hints) -> str:
    """The kept mark-up of the container before sanitising: what the exact export of the ancestors' form is made of."""
    return read_page(body, hints).raw


def explain(body: bytes, hints: Hints) -> list[str]:
    """Why each block and picture stayed or went, a line each."""
    reading = read_page(body, hints)
    page = reading.layout.page
    lines = [
        f"encoding {reading.encoding}; container {page.tags[reading.main]}.{page.attr(reading.main, 'class')[:60]}"
        f" ({reading.found_by}, {len(reading.roots)})",
        f"kind {reading.article.kind} {reading.article.confidence}: {', '.join(reading.article.reasons)}",
    ]
    inside = {id(block) for block in reading.blocks}
    for block in reading.layout.blocks:
        why = "" if block.keep else block.why if id(block) in inside else "outside the container"
        sign = "+" if block.keep else "-"
        lines.append(f"{sign} {page.tags[block.owner]:<10} {block.text[:70]}" + (f"  [{why}]" if why else ""))
    lines += [f"{'*' if f.lead else '#'} {f.url}  {f.caption[:60]}" for f in reading.figures]
    return lines
