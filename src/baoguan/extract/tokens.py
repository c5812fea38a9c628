"""What an element's class and id say about it: one verdict a name, cached across pages.

Names are cut into words (camelCase, dashes, underscores, digits), because outlets write the same idea in a hundred
spellings: `related-articles`, `c-relatedArticles__list`, `js_related_links`. The words were chosen by counting, over
the development pages, how much article text and how much other text stands under each.
"""

import re
from functools import lru_cache

KEEP, JUNK, BODY, CAPTION, CREDIT, BYLINE, TEASER, ASIDE = 0, 1, 2, 4, 8, 16, 32, 64
"""Bits of a verdict."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[㐀-鿿]+")
_JUNK_WORDS = frozenset(
    """ad ads adv advert adverts advertisement advertising advertorial adsense adslot adunit banner sponsor sponsored sponsors
    promo promos promotion promotions promobox related relateds recommend recommended recommendation recommendations recirc
    recirculation outbrain taboola share shares sharing sharebar sharedaddy sharethis addthis addtoany social socials comment comments
    commentlist disqus respond newsletter newsletters signup subscribe subscription subscriptions paywall footer foot nav
    navi navbar navigation menu menus submenu breadcrumb breadcrumbs crumb crumbs sidebar rail popular trending mostread toolbar tools
    toolbox cookie cookies consent gdpr login signin register registration modal popup overlay lightbox tag tags taglist tagcloud keywords
    pagination pager paging hidden skip skiplink teaser teasers readmore morelinks seealso masthead ticker marquee follow
    followus facebook twitter whatsapp telegram reactions rating ratings vote poll widget widgets correction feedback report print
    printonly noprint dfp gpt mpu leaderboard skyscraper billboard interstitial sticky donate donation donations membership
    upsell marketing cta callout screenreader sr visuallyhidden tooltip carousel jobs shop deals coupon survey
    zergnet revcontent plista mgid livefyre spotim viafoura jp relatedposts relatednews nextprev prevnext biblio copyright disclaimer
    legal bookmark bookmarks qrcode weibo wechat weixin xgrb tuijian pinglun fenxiang guanggao topics trinity latest headlines
    nextarticle alsoread""".split()
)
_BODY_WORDS = frozenset(
    "article story post entry news content contents text body main detail details single maincontent storytext artibody "
    "articlebody bodytext storybody richtext prose zhengwen neirong editor".split()
)
_CAPTION_WORDS = frozenset("caption captions legend figcaption bildunterschrift imgdesc cutline legende".split())
_CREDIT_WORDS = frozenset(
    "credit credits copyright photographer attribution creditline source imagecredit rights".split()
)
_BYLINE_WORDS = frozenset(
    "byline bylines author authors dateline timestamp pubdate published meta metadata writer contributor contributors date time "
    "datetime updated info infos source bio".split()
)
_TEASER_WORDS = frozenset("teaser card tile promo related recommended recirc listing".split())


@lru_cache(maxsize=50_000)
def words_of(name: str) -> tuple[str, ...]:
    """The words in a class attribute or id, lower case, in order."""
    return tuple(word.lower() for word in _WORD.findall(name[:400]))


@lru_cache(maxsize=50_000)
def verdict_of(name: str) -> int:
    """Bits for a class attribute plus id."""
    words = words_of(name)
    found = KEEP
    for word in words:
        if word in _JUNK_WORDS:
            found |= JUNK
        if word in _BODY_WORDS:
            found |= BODY
        if word in _CAPTION_WORDS:
            found |= CAPTION
        if word in _CREDIT_WORDS:
            found |= CREDIT
        if word in _BYLINE_WORDS:
            found |= BYLINE
        if word in _TEASER_WORDS:
            found |= TEASER
    return found
