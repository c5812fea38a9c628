"""What of the container is the article: block by block, with the reason why one stays or goes."""

import re

from baoguan.extract.layout import Block, Layout
from baoguan.extract.likeness import hash_text, normal
from baoguan.extract.tokens import BYLINE, CAPTION, CREDIT

_LINKED = 0.6
_PHRASES = re.compile(
    r"^\W*(?:read (?:more|next|also|the full)|see also|also read|related|recommended|more (?:from|on|stories"
    r"|news|like)|most (?:read|popular)"
    r"|advertisement|advert|sponsored|story continues|article continues|continue reading|scroll (?:down|to)"
    r"|click here|sign up|subscribe"
    r"|follow (?:us|@)|share (?:this|on)|listen to|watch:|photo:|image:|tags?:|topics?:|filed under|copyright|©"
    r"|all rights reserved|comments?\b"
    r"|to view this video|we apologize, but this|latest videos|lee también|noticias? relacionadas?"
    r"|auch interessant|passend zum (?:artikel|thema)|weitere videos"
    r"|lesen sie (?:auch|mehr)|mehr zum thema|das könnte sie|anzeige|lire aussi|à lire|publicité|lea también"
    r"|te puede interesar|publicidad"
    r"|leggi anche|pubblicità|lees ook|leia (?:também|mais)|publicidade|czytaj (?:też|także|więcej)|zobacz też"
    r"|reklama|читайте также|реклама"
    r"|læs også|les også|läs (?:också|mer|även)|annonse?|相关(?:阅读|新闻|报道|链接|文章)|相關(?:閱讀|新聞|報導)"
    r"|延伸(?:阅读|閱讀)|推荐阅读|推薦閱讀"
    r"|责任编辑|責任編輯|责编|编辑[：:]|编辑 ?\|校对|点击(?:查看|进入)|版权(?:声明|所有)"
    r"|免责声明|扫(?:一扫|描)|分享到|更多(?:精彩|内容|新闻)|上一篇|下一篇|返回搜狐"
    r"|正在加载|加载中|特别声明|关注(?:公众号|我们)|微信公众号|热门推荐|不感兴趣|感谢您的反馈|下载客户端"
    r"|notice: the content above|声明：该文观点仅代表"
    r"|この記事は会員限定|おすすめ情報|関連キーワード"
    r"|（?责任编辑|広告|関連(?:記事|ニュース|リンク)|あわせて読みたい|おすすめ記事|無断転載|続きを読む|この記事(?:を|に)|シェアする|관련(?:기사|뉴스)|무단전재)",
    re.IGNORECASE,
)
_EDITOR = re.compile(r"^[\s(（\[【]*(?:责任编辑|責任編輯|责编|責編|编辑|編輯)\s*[:：]")
"""Who edited an article stands behind it in China; what follows is others'."""
BEHIND = "behind the editor's name"
_BEFORE = 0.6
"""Share of the text that stands before such a line, for it to be the end."""
_SHORT = 80.0
_SUBHEADS = frozenset(("h2", "h3", "h4", "h5", "h6"))
_TITLE = 30.0
"""Mass of a heading that is more than a name or a date (those of a live blog begin with the time)."""
_BYLINE_REST = 20
"""Letters beside the names: `by`, `and`, a time."""
_CAPTION = 500.0
_ADDRESS = re.compile(r"https?://\S+")
_LONG = 150.0
"""Mass of a paragraph that is looked for in later blocks."""
_COPIED = 0.7
"""Share of a copy of the article that its blocks above are."""
_END = re.compile(r"[.!?。！？…」”\"’')）:：]\s*$")


def prune(layout: Layout, roots: list[int], title: str, known: frozenset[int] = frozenset()) -> list[Block]:
    """Marks the blocks under `roots` that stay. `known`: hashes of texts that the outlet repeats on its pages."""
    heading = normal(title)
    inside = [block for root in roots for block in layout.blocks_under(root)]
    for block in inside:
        block.why = _reason(layout, block, heading, known)
        block.keep = not block.why
    _drop_copies(inside)
    _end_at_editor(inside)
    _trim(layout, inside)
    return inside


def drop_byline(blocks: list[Block], authors: tuple[str, ...], before: int) -> None:
    """Drops the lines before node `before` that say hardly more than who wrote the article."""
    names = [normal(name) for name in authors]
    for block in blocks if names else ():
        if not block.keep or block.first >= before or block.mass > 2 * _SHORT:
            continue
        left = normal(block.text)
        size = len(left)
        for name in names:
            left = left.replace(name, "")
        if len(left) < size and len(left) <= _BYLINE_REST:
            block.keep, block.why = False, "byline in the text"


def _drop_copies(inside: list[Block]) -> None:
    """Drops the whole article in one block, which some pages hold once more for machines. A paragraph that comes twice
    stays: meal plans and tables of results repeat themselves.
    """
    above: list[Block] = []
    most = 0.0
    for block in inside:
        if not block.keep or block.mass < _LONG:
            continue
        if len(above) > 1 and block.mass > 2 * most:
            key = normal(block.text)
            said = sum(len(one) for one in {normal(other.text) for other in above} if one in key)
            if said > _COPIED * len(key):
                block.keep, block.why = False, "says again what stands above"
                continue
        above.append(block)
        most = max(most, block.mass)


def _end_at_editor(inside: list[Block]) -> None:
    """Drops what follows the line that names the editor, where most of the text stands before it."""
    mark = next((n for n, block in enumerate(inside) if block.mass < _SHORT and _EDITOR.match(block.text)), 0)
    if not mark:
        return
    before = sum(block.mass for block in inside[:mark] if block.keep)
    behind = [block for block in inside[mark:] if block.keep]
    if behind and before > _BEFORE * (before + sum(block.mass for block in behind)):
        for block in behind:
            block.keep, block.why = False, BEHIND


def _reason(layout: Layout, block: Block, heading: str, known: frozenset[int]) -> str:
    """Why a block goes; empty when it stays."""
    page = layout.page
    tag = page.tags[block.owner]
    if block.junk:
        return "under a junk element"
    if _ADDRESS.fullmatch(block.text):
        return "a bare address"
    if known and hash_text(block.text) in known:
        return "repeated on pages of this outlet"
    if block.linked > _LINKED * block.mass and not (tag == "p" and block.mass - block.linked > _SHORT):
        return "only links" if not _inline_link(layout, block) else ""
    if _in_figure(layout, block.owner):
        return "caption, kept with its picture"
    verdict = layout.verdict[block.owner] | layout.verdict[page.parent[block.owner]]
    if block.mass < _CAPTION and verdict & CAPTION:
        return "caption by name"
    if block.mass < 2 * _SHORT and verdict & (BYLINE | CREDIT) and not (tag in _SUBHEADS and block.mass > _TITLE):
        return "byline by name"
    if tag == "h1" or (heading and block.mass < 3 * len(heading) and normal(block.text) == heading):
        return "the headline again"
    if block.mass < 2 * _SHORT and _PHRASES.match(block.text) and not block.good > 1.5 * _SHORT:
        return "phrase of an outlet, not of an article"
    return ""


def _in_figure(layout: Layout, i: int) -> bool:
    page = layout.page
    for _ in range(4):
        if page.tags[i] == "figcaption":
            return True
        if page.tags[i] == "figure":
            return bool(page.images(i))
        i = page.parent[i]
        if i < 0:
            break
    return False


def _inline_link(layout: Layout, block: Block) -> bool:
    """A paragraph that is one link, between paragraphs of text, may be a source; a list of them isn't."""
    page = layout.page
    return page.tags[block.owner] in ("p", "li") and bool(_END.search(block.text)) and block.linked < block.mass


def _trim(layout: Layout, inside: list[Block]) -> None:
    """Drops headings with nothing under them, at the end."""
    page = layout.page
    for block in reversed(inside):
        if not block.keep:
            continue
        if page.tags[block.owner] in ("h1", "h2", "h3", "h4", "h5", "h6"):
            block.keep, block.why = False, "heading without text under it"
            continue
        break
