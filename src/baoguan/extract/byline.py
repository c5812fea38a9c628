"""Title, section and language of a page."""

import re

from baoguan.extract.dom import Page
from baoguan.extract.harvest import Head, strings
from baoguan.extract.likeness import normal
from baoguan.extract.masthead import cut_site, host_of, length, runs, shown_part
from baoguan.extract.tokens import words_of
from baoguan.text.lang import detect_language

_SEPARATOR = re.compile(r"\s*[|｜–—•·»«:_-]")
_SEPARATOR_END = re.compile(r"(?:[|｜–—•·»«_]|\s[/:-])\s*$")
_KICKER_END = re.compile(r"(?:\s[|–—-]|[｜│])\s*$")
_HOME = re.compile(r"(?:https?:)?(?://[^/?#]+)?/?(?:index\.\w{3,4})?", re.IGNORECASE)
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_LONG = 8
_LONGEST = 2000
"""Characters of a title that are read."""
_ALIKE = 0.6
_MOST = 0.75
"""Of a share title, that a second heading must give to be its beginning; less is a question of the text."""
_CLIMB = 5
_VOTES = {"ld": 2.5, "og": 1.5, "twitter": 0.3, "title": 1.0}
"""Chosen by hand on the development outlets."""
_SHOWN_VOTES = 3.0
_DOUBTED_VOTES = 0.9
"""Of one of several headings, that nothing repeats ..."""
_FIRST_VOTES = 2.0
_SENTENCE = 24
"""... and of the first of them, when it is as long as a headline."""
_CRUMBS = frozenset(("breadcrumb", "breadcrumbs", "crumb", "crumbs", "breadbar"))
Shown = tuple[int, str, str]
"""Node, text and normal form of a heading."""


def read_title(page: Page, head: Head, url: str = "") -> tuple[str, int]:
    """The headline and the node of the element that shows it (-1 when none does).

    JSON-LD, Open Graph, <title> and the shown heading vote; a kicker that the page is shared without is cut. A heading
    in a breadcrumb is how the page is named, not its headline. `url` tells the host where the page states none.
    """
    home = host_of(head.canonical or head.meta("og:url"))
    every = [(i, text, normal(text)) for i in page.found["h1"][:20] if (text := page.text(i))]
    away = {one[2] for one in every if _leads_away(page, one[0], home)}
    told = _told(head, url, frozenset(away))
    stated = list(told.values())
    own = {normal(head.meta("og:site_name")), normal(host_of(url))} - {normal(text) for text in stated}
    shown = [one for one in every if not (one[2] in away or is_crumb(page, one[0]))]
    others = [one for one in shown if one[2] not in own]
    shown = others if not others or _repeats(stated, others) else shown
    voters = shown
    if not shown and every:
        shown = _second(page, stated, grouped=True)
        keys = [normal(text) for text in stated]
        begun = [one for one in shown if any(len(key) > len(one[2]) and key.startswith(one[2]) for key in keys)]
        voters = [one for one in shown if one in begun or page.tags[page.parent[one[0]]] == "hgroup"]
    elif not _repeats(stated, shown):
        parts = {normal(part) for text in stated for part in runs(text)} if shown else set()
        named = all(one[2] in parts for one in shown)
        other = _second(page, stated[:2], grouped=False) or (_outer_part(page, stated) if named else [])
        voters = shown = other or shown
    title = _elect(told, voters)
    if not voters and (part := shown_part(page, title)):
        return _shown_as(part, stated, shown or every)
    return _shown_as(title or next((text for _, text, _ in every), ""), stated, shown or every)


def _told(head: Head, url: str, names: frozenset[str]) -> dict[str, str]:
    """What the head calls the page, by source, without the site's name; `names` are headings that link home."""
    told = {
        "ld": next(iter(strings(head.ld.get("headline"))), ""),
        "og": head.meta("og:title"),
        "twitter": head.meta("twitter:title"),
        "title": head.title,
    }
    return {
        name: cut_site(" ".join(unescape(text[:_LONGEST]).split()), head, url, names)
        for name, text in told.items()
        if text
    }


def _elect(told: dict[str, str], shown: list[Shown]) -> str:
    """The text with most votes."""
    votes: dict[str, float] = {}
    texts: dict[str, str] = {}
    keys = {name: normal(text) for name, text in told.items()}
    for name, key in keys.items():
        key = next((one for one in votes if len(one) > _LONG and key.startswith(one)), key)
        votes[key] = votes.get(key, 0.0) + _VOTES[name]
        texts.setdefault(key, told[name])
    for n, (_, text, key) in enumerate(shown[:3]):
        longer = [one for one in votes if len(key) > _LONG and len(one) > len(key) and one.startswith(key)]
        longer += [one for one in votes if one not in longer and _ends(told, keys, one, text, key)]
        shorter = [one for one in votes if _LONG < len(one) < len(key) and key.endswith(one)]
        if key not in votes and shorter:
            votes[shorter[0]] += _SHOWN_VOTES
            continue
        alone = len(shown) == 1 or key in votes or bool(longer)
        votes[key] = votes.get(key, 0.0) + (_SHOWN_VOTES if alone else _first_votes(key, n))
        votes[key] += sum([votes.pop(one) for one in longer])
        texts[key] = text
    best = max(votes, key=lambda key: votes[key], default="")
    if len(keys.get("ld", "")) > _LONG and _kicked(told):
        return told["ld"]
    for name in ("og", "twitter"):
        key = keys.get(name, "")
        if _LONG < len(key) < len(best) and best.endswith(key):
            return told[name]
    return texts.get(best, "")


def _first_votes(key: str, place: int) -> float:
    """The votes of one of several headings."""
    return _FIRST_VOTES if place == 0 and length(key) > _SENTENCE else _DOUBTED_VOTES


def _ends(told: dict[str, str], keys: dict[str, str], vote: str, text: str, key: str) -> bool:
    """Whether a title ends with a heading, after the name of the site or of a section."""
    if length(key) <= 2 * _LONG or len(vote) <= len(key) or not vote.endswith(key):
        return False
    titles = [told[name] for name, one in keys.items() if one == vote]
    return any(title.endswith(text) and _SEPARATOR_END.search(title[: -len(text)]) for title in titles)


def _kicked(told: dict[str, str]) -> bool:
    """Whether Open Graph puts a kicker and a bar or a dash before the headline of JSON-LD."""
    og, headline = told.get("og", ""), told["ld"]
    return og.endswith(headline) and _KICKER_END.search(og[: -len(headline)]) is not None


def _shown_as(title: str, stated: list[str], shown: list[Shown]) -> tuple[str, int]:
    """The headline with the node of the heading that says it, wholly, in part, or with most of its words."""
    wanted = normal(title)
    for same in (str.__eq__, str.endswith, str.startswith):
        for i, _, key in shown:
            if key and wanted and (same(key, wanted) or (len(key) > _LONG and same(wanted, key))):
                return title, i
    if not shown:
        return title, -1
    words = {word for text in stated for word in text.lower().split() if len(word) > 3}
    best = max(shown, key=lambda one: len(words.intersection(one[1].lower().split())))
    common = len(words.intersection(best[1].lower().split()))
    return title, best[0] if len(shown) == 1 or common >= _ALIKE * max(1, len(best[1].split())) else -1


def _repeats(stated: list[str], shown: list[Shown]) -> bool:
    """Whether a heading says what structured data say, wholly or in part."""
    return any(
        key == wanted or (len(wanted) > _LONG and key.endswith(wanted)) or (len(key) > _LONG and wanted.startswith(key))
        for wanted in map(normal, stated)
        for _, _, key in shown
        if key
    )


def is_crumb(page: Page, i: int) -> bool:
    """Whether a heading stands in a breadcrumb or a menu."""
    for _ in range(_CLIMB):
        if page.tags[i] == "nav" or page.attr(i, "itemprop") == "itemListElement":
            return True
        if _CRUMBS.intersection(
            words_of(f"{page.attr(i, 'class')} {page.attr(i, 'id')} {page.attr(i, 'data-testid')}")
        ):
            return True
        i = page.parent[i]
        if i < 0 or page.tags[i] in ("article", "main", "header", "body"):
            return False
    return False


def _leads_away(page: Page, i: int, home: str) -> bool:
    """Whether a heading is a link to the site's front page (its name) or to another site than `home` (a teaser)."""
    links = [j for j in range(i + 1, page.end[i]) if page.tags[j] == "a"]
    if page.tags[page.parent[i]] == "a":
        links.append(page.parent[i])
    targets = [page.attr(j, "href").strip() for j in links]
    if not targets:
        return False
    if all(_HOME.fullmatch(target) for target in targets):
        return True
    hosts = [host_of(target) for target in targets]
    return bool(home) and all(host and not host.endswith(home) and not home.endswith(host) for host in hosts)


def _second(page: Page, stated: list[str], *, grouped: bool) -> list[Shown]:
    """The <h2> that says what structured data say, else (`grouped`) the one in a group of headings."""
    seconds = [(i, text, normal(text)) for i in page.found["h2"][:20] if (text := page.text(i))]
    for wanted in map(normal, stated):
        for one in seconds:
            if one[2] == wanted or (grouped and len(wanted) > _LONG and one[2].endswith(wanted)):
                return [one]
            if grouped and len(one[2]) > max(2 * _LONG, _MOST * len(wanted)) and wanted.startswith(one[2]):
                return [one]
    return [one for one in seconds if grouped and len(one[2]) > _LONG and page.tags[page.parent[one[0]]] == "hgroup"][
        :1
    ]


def _outer_part(page: Page, stated: list[str]) -> list[Shown]:
    """The <h2> that a title begins or ends with, before or after a separator and the site's name.

    For pages whose <h1> is the site's name or a section, or that have none.
    """
    seconds = [(i, text, normal(text)) for i in page.found["h2"][:20] if (text := page.text(i))]
    for title in stated:
        for i, text, key in seconds:
            if len(key) > _LONG and title.startswith(text) and _SEPARATOR.match(title, len(text)):
                return [(i, text, key)]
            if length(key) > 2 * _LONG and title.endswith(text) and _SEPARATOR_END.search(title[: -len(text)]):
                return [(i, text, key)]
    return []


def unescape(text: str) -> str:
    """Undoes entities that a CMS escaped twice."""
    if "&" not in text:
        return text
    for entity, char in (
        ("&quot;", '"'),
        ("&#39;", "'"),
        ("&#039;", "'"),
        ("&apos;", "'"),
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ):
        text = text.replace(entity, char)
    text = re.sub(r"&#(\d{2,6});", lambda m: chr(int(m[1])) if 31 < int(m[1]) < 0x110000 else " ", text)
    return text.replace("&amp;", "&")


def read_section(head: Head) -> str:
    """The section that the page says it stands in."""
    for text in (
        *strings(head.ld.get("articleSection"))[:1],
        head.meta("article:section", "og:article:section", "section", "parsely-section"),
    ):
        if text:
            return " ".join(unescape(text).split())[:80]
    return ""


def read_language(page: Page, head: Head, text: str, fallback: str) -> str:
    """BCP 47: what the text is written in; what the page says of itself, else the outlet's language, is the hint.

    Pages say `en` over Chinese text (templates), so the text decides where scripts differ.
    """
    stated = (
        page.attr(0, "lang") or page.attr(0, "xml:lang") or head.meta("og:locale", "content-language", "dc.language")
    )
    if not stated:
        stated = next(iter(strings(head.ld.get("inLanguage"), "alternateName", "name")), "")
    stated = stated.replace("_", "-").strip()
    hint = stated if _TAG.fullmatch(stated) else fallback
    low = hint.lower()
    if low.startswith("zh") or low in ("cn", "tw"):
        hint = "zh-Hant" if any(part in low for part in ("hant", "tw", "hk", "mo")) else "zh-Hans"
    else:
        hint = hint.split("-")[0].lower()
    return detect_language(text, hint) if text else hint
