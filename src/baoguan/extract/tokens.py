"""What an element's class and id say about it: one verdict a name, cached across pages.

Names are cut into words (camelCase, dashes, underscores, digits), because outlets write the same idea in a hundred
spellings: `related-articles`, `c-relatedArticles__list`, `js_related_links`. The words were chosen by counting, over
the development pages, how much article text and how much other text stands under each.
"""

import re
from functools import lru_cache

JUNK, BODY, CAPTION, CREDIT, BYLINE, TEASER, FOREIGN, HARD, DECK = (1 << n for n in range(9))
"""Bits of a verdict. JUNK: its text isn't the article's. FOREIGN: neither are its pictures. HARD: junk however much
text it holds. DECK: the summary under the headline."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[㐀-鿿]+")
_PART = re.compile(r"[^-_\s]+")
_SHORT, _LOTS = 3, 3
"""Letters of a short word, and how many shorter ones tell a name that was drawn by lot."""
_JUNK_TEXT = """ad addthis addtoany ads adsense adslot adunit adv advert advertisement advertising advertorial
    adverts affiliate alsoread aside banner biblio billboard bio bookmark bookmarks breadcrumbs btn
    button comment commentlinks commentlist comments consent cookie cookies copyright coupon crumb crumbs cta dfp
    disclaimer disqus donate donation donations feedback fenxiang follow followus footer gdpr gpt
    guanggao identity interstitial jwplayer keywords leaderboard legal listing livefyre login marketing masthead
    membership menu menus mgid modal regwall morelinks mostread mpu nav navbar navi navigation newsletter
    newsletters nextarticle nextprev offer outbrain pager pagination paging pinglun plista poll popular
    popup prevnext promo promobox promos promotion promotions qrcode rating ratings reactions readmore
    recirc recirculation recommend recommendation recommendations recommended register registration
    related relatednews relatedposts relateds respond revcontent seealso share sharebar sharedaddy
    shares sharethis sharing sidebar signin signup skiplink skyscraper social socials sponsor sponsored
    sponsors spotim stories submenu submit subscribe subscription subscriptions survey taboola tagcloud
    taglist tags teaser teasers telegram ticker toolbar toolbox tools trending tuijian upsell viafoura
    weibo whatsapp widgets xgrb zergnet"""
_JUNK_WORDS = frozenset(_JUNK_TEXT.split())
_BODY_WORDS_TEXT = """article story post entry news content contents text body main detail details single maincontent
    storytext artibody articlebody bodytext storybody richtext prose zhengwen neirong editor"""
_BODY_WORDS = frozenset(_BODY_WORDS_TEXT.split())
_CAPTION_WORDS_TEXT = """caption captions legend figcaption bildunterschrift imgdesc cutline legende"""
_CAPTION_WORDS = frozenset(_CAPTION_WORDS_TEXT.split())
_CREDIT_WORDS_TEXT = """credit credits copyright photographer attribution creditline source imagecredit rights"""
_CREDIT_WORDS = frozenset(_CREDIT_WORDS_TEXT.split())
_BYLINE_WORDS_TEXT = """byline bylines author authors dateline timestamp pubdate published meta metadata writer
    contributor contributors date time datetime updated info infos source bio"""
_BYLINE_WORDS = frozenset(_BYLINE_WORDS_TEXT.split())
_TEASER_WORDS_TEXT = """teaser card tile promo related recommended recirc listing"""
_TEASER_WORDS = frozenset(_TEASER_WORDS_TEXT.split())


_FOREIGN_TEXT = """ad ads adv advert advertisement advertising advertorial adsense adslot sponsor sponsored promo
    promos promotion promotions related relateds recommend recommended recommendation recommendations
    recirc recirculation outbrain taboola share sharing sharebar social comment comments commentlist
    disqus newsletter newsletters subscribe paywall footer nav navi navbar navigation menu breadcrumb
    breadcrumbs popular trending mostread cookie consent login teaser teasers readmore morelinks seealso
    author authors avatar byline bio jobs shop deals coupon zergnet revcontent plista mgid relatedposts
    relatednews nextprev prevnext tuijian pinglun fenxiang guanggao headlines nextarticle alsoread
    qrcode donate membership preview"""
_FOREIGN_WORDS = frozenset(_FOREIGN_TEXT.split())
_HARD_STEMS = (
    "cookie",
    "consent",
    "gdpr",
    "cmplz",
    "borlabs",
    "onetrust",
    "didomi",
    "usercentrics",
    "disqus",
    "newsletter",
    "outbrain",
    "taboola",
    "recirc",
    "kommentare",
    "comentarios",
    "commentaires",
    "privacy-overview",
    "privacy-center",
)
_HARD_STARTS = ("comment", "cli-", "site-footer", "page-footer", "global-footer", "footer-")
_NOT_HARD_ENDS = ("open", "closed", "enabled", "disabled", "count", "on", "off")
_DECK_TEXT = """summary lead intro introduction deck dek standfirst subtitle subhead subheadline subheading
    subtitulo description excerpt abstract strap strapline chapeau chapo entradilla ingress vorspann
    sapo bajada sumario teaser kicker sommario occhiello sousTitre introtext leadtext leading perex lide
    zhaiyao daodu desc"""
_DECK_WORDS = frozenset(_DECK_TEXT.lower().split())
_HIDING = frozenset(
    (
        "visually-hidden",
        "visuallyhidden",
        "sr-only",
        "screen-reader-text",
        "screenreader",
        "noprint",
        "print-only",
        "is-hidden",
    )
)


_BITS: dict[str, int] = {}
for _bit, _words in (
    (JUNK, _JUNK_WORDS),
    (BODY, _BODY_WORDS),
    (CAPTION, _CAPTION_WORDS),
    (CREDIT, _CREDIT_WORDS),
    (BYLINE, _BYLINE_WORDS),
    (TEASER, _TEASER_WORDS),
    (FOREIGN, _FOREIGN_WORDS),
    (DECK, _DECK_WORDS),
):
    for _one in _words:
        _BITS[_one] = _BITS.get(_one, 0) | _bit


@lru_cache(maxsize=50_000)
def words_of(name: str) -> tuple[str, ...]:
    """The words in a class attribute or id, lower case, in order."""
    return tuple([word.lower() for word in _WORD.findall(name[:400])])


def _is_drawn(token: str, short: str) -> bool:
    """Whether a short word stands in a name that was drawn by lot (n1AuAdJlVL, 3fad9c), and is none."""
    for part in _PART.findall(token):
        words = list(_WORD.finditer(part))
        if any(word[0] == short for word in words):
            drawn = sum([len(word[0]) < _SHORT for word in words]) >= _LOTS
            at = next(word.start() for word in words if word[0] == short)
            return drawn or (at > 0 and part[at - 1].isdigit())
    return False


@lru_cache(maxsize=50_000)
def _bits_of(token: str) -> int:
    """Bits for one class or id."""
    bits = JUNK if token in _HIDING else 0
    get = _BITS.get
    for word in _WORD.findall(token):
        found = get(word.lower(), 0)
        if found and (len(word) > _SHORT or not _is_drawn(token, word)):
            bits |= found
    low = token.lower()
    if low.startswith(_HARD_STARTS) and not low.endswith(_NOT_HARD_ENDS):
        return bits | HARD | JUNK | FOREIGN
    for stem in _HARD_STEMS:
        if stem in low:
            return bits | HARD | JUNK | FOREIGN
    return bits


@lru_cache(maxsize=50_000)
def verdict_of(name: str) -> int:
    """Bits for a class attribute plus id."""
    bits = 0
    for token in name[:400].split():
        bits |= _bits_of(token)
    return bits
