"""Whether a page is an article, how sure that is, and why."""

import re
from bisect import bisect_left

import msgspec

from baoguan.extract.harvest import Head, is_article_type, is_index_type
from baoguan.extract.layout import Block, Layout, weigh
from baoguan.extract.likeness import normal

_CONSENT = re.compile(
    r"cookie|consent|gdpr|datenschutz|privacy (?:choices|settings|manager)|we value your privacy"
    r"|before you continue|einwilligung|zustimm|同意.{0,12}(?:使用|cookie)",
    re.IGNORECASE,
)
_ERROR = re.compile(
    r"\b(?:404|403|410|429|500|502|503)\b|not found|page (?:doesn.t|does not|no longer) exist|access denied"
    r"|forbidden|just a moment|attention required"
    r"|are you (?:a )?(?:robot|human)|verify(?:ing)? (?:that )?you(?:'re| are)|checking your browser"
    r"|unusual traffic|captcha|temporarily unavailable|service unavailable"
    r"|bad gateway|nicht gefunden|introuvable|no encontrad|não encontrad"
    r"|找不到(?:该|該|您|此|页|頁|网|網)"
    r"|(?:页面|頁面|网页|網頁|文章|内容|內容|新闻|新聞|链接|連結)(?:已经|已經|并)?不存在"
    r"|已(?:被)?删除|已(?:被)?刪除|无法访问|無法訪問"
    r"|页面(?:出错|错误)|頁面不存在"
    r"|見つかりません|ページが存在|安全验证|访问(?:验证|频繁|受限)|页面没有找到"
    r"|something went wrong|enable javascript|under maintenance|wartungsarbeiten|系统维护|系統維護|メンテナンス中",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"\b(?:log ?in|sign ?in|anmelden|se connecter|iniciar sesión)\b|登录|登錄|登入|ログイン|로그인", re.IGNORECASE
)
_PAYWALL = re.compile(
    r"subscribe to (?:read|continue|unlock)|to continue reading|already a subscriber|subscribers? only"
    r"|become a (?:member|subscriber)|unlock this article"
    r"|this (?:article|story|content) is (?:for|only|reserved|available)|jetzt weiterlesen|weiterlesen mit"
    r"|réservé aux abonnés|exclusivo para (?:suscriptores|assinantes)"
    r"|仅限(?:会员|订户|订阅)|付费(?:阅读|内容)|訂戶(?:專享|獨家)|会员专享|有料(?:会員|記事)|会員限定|この記事は有料|続きを(?:読む|お読み)には",
    re.IGNORECASE,
)
_SEARCH = re.compile(
    r"^(?:search results|suchergebnisse|résultats de (?:la )?recherche)|搜索结果|搜尋結果|検索結果", re.IGNORECASE
)
_FEED = re.compile(r"\s*(?:<\?xml[^>]*>\s*(?:<(?:\?|!--)[^>]*>\s*)*)?<(?:rss|feed|rdf:RDF|urlset|sitemapindex)\b")
_BINARY = re.compile(r"%PDF-|PK\x03\x04|GIF8|.PNG\r|\x1f.\x08")
_DAMAGED = 0.06
"""Of the characters of a text; random bytes have 14 %, a page whose emoji were lost 2 %."""
_ROWS = 5
"""Articles of one page, each with a headline that is a link, of which none has half of the text."""
_IN_ROWS = 0.7
"""Of the sentences of a page; below it an article has the others beside it."""
_FLASH = 150.0
"""Mass of a news flash: 60 CJK characters."""
_STUB = 200.0
_LITTLE = 900.0
_NOTHING = 20.0
"""Mass of a few letters."""
_MANY_LINKS = 25


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a page is."""

    kind: str
    confidence: float
    reasons: tuple[str, ...]


def doubt(verdict: Judgement, reason: str) -> Judgement:
    """The same with a reason for doubt."""
    confidence = round(max(verdict.confidence - 0.2, 0.05), 2) if verdict.kind == "article" else verdict.confidence
    return Judgement(kind=verdict.kind, confidence=confidence, reasons=(*verdict.reasons, reason))


def judge(layout: Layout, head: Head, blocks: list[Block], title: str, text: str) -> Judgement:
    """Kind, confidence and reasons, of any kind that the page was cut where it was. Asks for strong signs before it
    says that a page with sentences is none.
    """
    found = _judge(layout, head, blocks, title, text)
    if not layout.page.cut:
        return found
    confidence = round(max(found.confidence - 0.2, 0.05), 2)
    return Judgement(kind=found.kind, confidence=confidence, reasons=(*found.reasons, "page cut at its cap"))


def _judge(layout: Layout, head: Head, blocks: list[Block], title: str, text: str) -> Judgement:
    mass = weigh(text)
    cjk = mass > 1.6 * len(text)
    good = sum(block.good for block in blocks if block.keep)
    stated = is_article_type(head)
    reasons: list[str] = []
    found = _not_article(layout, head, title, text, mass, good, stated)
    if found is not None:
        return found
    score = 0.35
    for held, points, words in (
        (stated, 0.2, "says that it is an article"),
        (good > _LITTLE, 0.25, "long text"),
        (_LITTLE >= good > _STUB, 0.1, "short text"),
        (
            bool(title) and any(normal(layout.page.text(i)) == normal(title) for i in layout.page.found["h1"][:5]),
            0.1,
            "headline shown",
        ),
        (bool(head.ld.get("datePublished") or head.meta("article:published_time")), 0.1, "states its date"),
    ):
        if held:
            score += points
            reasons.append(words)
    if good < 3 * _LITTLE:
        free = str(head.ld.get("isAccessibleForFree", "")).lower()
        if (free == "false" or good < _LITTLE) and _PAYWALL.search(_tail(layout)):
            return Judgement(kind="paywall", confidence=0.6, reasons=(*reasons, "asks to subscribe under a short text"))
    if mass < (_FLASH if cjk else _STUB):
        return Judgement(kind="stub", confidence=0.6, reasons=(*reasons, "almost no text"))
    return Judgement(kind="article", confidence=round(min(max(score, 0.05), 0.99), 2), reasons=tuple(reasons))


def _not_article(
    layout: Layout, head: Head, title: str, text: str, mass: float, good: float, stated: bool
) -> Judgement | None:
    total = sum(block.mass for block in layout.blocks)
    begin = layout.page.source[:300].lstrip("\ufeff\0")
    if _BINARY.match(begin) or text.count("\ufffd", 0, 5000) > _DAMAGED * max(200, min(5000, len(text))):
        return Judgement(kind="empty", confidence=0.8, reasons=("no page: damaged, or a file of another kind",))
    if _FEED.match(begin):
        return Judgement(kind="index", confidence=0.9, reasons=("a feed or a map of a site",))
    if good < 2 * _LITTLE and (found := _wall(layout, f"{title} {head.title}", text, total, good, stated)):
        return found
    if total < _NOTHING:
        return Judgement(kind="empty", confidence=0.95, reasons=("no text",))
    if not stated and (_SEARCH.search(title) or _is_stream(layout)):
        return Judgement(kind="index", confidence=0.7, reasons=("several articles, or found ones",))
    if _is_index(layout, head, mass, good, stated):
        return Judgement(kind="index", confidence=0.75, reasons=("list of links",))
    if mass < _NOTHING:
        return Judgement(kind="empty", confidence=0.8, reasons=("no article text",))
    return None


def _wall(layout: Layout, first: str, text: str, total: float, good: float, stated: bool) -> Judgement | None:
    """An error message, a consent dialog or a login form in place of the article."""
    visible = " ".join(block.text for block in layout.blocks[:60])[:3000] if total < 2 * _LITTLE else ""
    if (_ERROR.search(first) and good < _LITTLE) or (good < 2 * _STUB and not stated and _ERROR.search(visible)):
        return Judgement(kind="error", confidence=0.85, reasons=("error message",))
    if stated:
        return None
    if _CONSENT.search(first) or (total < 4 * _LITTLE and _CONSENT.search(text[:600])):
        return Judgement(kind="consent", confidence=0.8, reasons=("asks for consent",))
    if _PAYWALL.search(visible) and not _LOGIN.search(first):
        return None
    if (_LOGIN.search(first) and good < _LITTLE) or (total < _LITTLE and good < _STUB and _LOGIN.search(visible)):
        return Judgement(kind="login", confidence=0.8, reasons=("asks to log in",))
    return None


def _is_index(layout: Layout, head: Head, mass: float, good: float, stated: bool) -> bool:
    """Many linked headlines and little running text, or structured data that say so."""
    linked = [block for block in layout.blocks if block.linked > 0.8 * block.mass and block.mass > 25]
    if is_index_type(head) and good < 2 * _LITTLE:
        return True
    share = sum(block.mass for block in linked) / (1 + sum(block.mass for block in layout.blocks))
    return not stated and len(linked) >= _MANY_LINKS and good < _LITTLE and share > 0.35 and mass < 2 * _LITTLE


def _is_stream(layout: Layout) -> bool:
    """Whether the page is a row of articles, each under a headline that leads to it."""
    page = layout.page
    articles = page.found["article"][:200]
    if len(articles) < _ROWS:
        return False
    headed = {page.parent[i] for i in page.found["a"] if page.tags[page.parent[i]] in ("h2", "h3")}
    headed |= {i for tag in ("h2", "h3") for i in page.found[tag] if page.tags[page.parent[i]] == "a"}
    places = sorted(headed)
    rows = [i for i in articles if bisect_left(places, i) < bisect_left(places, page.end[i])]
    masses = [layout.good_under(i) for i in rows]
    held = sum(masses)
    if sum(m > 0 for m in masses) < _ROWS or held < _IN_ROWS * layout.sums[-1]:
        return False
    return 2 * max(masses) < held


def _tail(layout: Layout) -> str:
    return " ".join(block.text for block in layout.blocks if block.mass < 1000)[:20_000]
