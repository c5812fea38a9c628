"""What an outlet's earlier pages taught: blocks that it repeats, where its bodies stand, what its articles are like.

Pure: `learn` gives a new profile, nothing is kept here. The profile is state, not truth: losing it costs quality on
pages whose layout the generic rules get wrong, and nothing that is in the log.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from baoguan.extract.layout import Block, Layout
from baoguan.extract.likeness import hash_text
from baoguan.model.article import Article

_SEEN_ON = 3
"""A block is boilerplate once it was seen on so many different pages ..."""
_SHARE = 0.2
"""... and on this share of the outlet's: a running story repeats its background too, but not on every fifth page."""
_MOST_TAKEN = 0.5
"""Where boilerplate would take more of the text than that, this is an article met under another address."""
_MAX_BLOCKS = 4000
_MAX_COUNTED = 400
"""Pages after which all counts are halved, so that they speak of the outlet as it is now."""
_MAX_PAGES = 200
_MAX_PATHS = 8
_MAX_ODD = 20
_ODD_LASTS = 50
"""Pages after which one that departed from habit is told no more."""
_ACCEPT = 30
"""Departing but readable pages in a row after which they are the habit."""
_SURE = 0.5
_ENOUGH = 8
"""Articles after which habit is a measure."""
_KEEP = 0.97
_KIND_WEIGHT = 0.015
_TINY, _SHORT = 0.1, 0.35
_NEARLY_ALL = 0.95
_MOSTLY_ARTICLES = 0.8


MISSED = "no body where the rules look"
"""A reason of articles whose outlet has rules for the body, which match nothing."""


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """Running means over an outlet's articles."""

    pages: int = 0
    mass: float = 0.0
    """Characters of text."""
    pictures: float = 0.0
    """Share of articles with a picture."""
    authors: float = 0.0
    """Share with an author."""
    clocks: float = 0.0
    """Share with a published clock to the minute."""


class Odd(msgspec.Struct, frozen=True, kw_only=True):
    """A page that departed from its outlet's habit."""

    url: str
    reason: str
    at_ms: int = 0
    """Epoch ms of its capture."""
    turn: int = 0
    """Of the profile at that time."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was learned of one outlet; bounded, about 60 kB at most."""

    seen: dict[int, int] = {}
    """Hash of a block's text -> pages it was seen on."""
    counted: int = 0
    """Pages whose blocks are in `seen`."""
    pages: tuple[int, ...] = ()
    """Hashes of the URLs of the last pages, so that a page seen again teaches nothing."""
    paths: dict[str, int] = {}
    """Path of the container (tags and classes) -> articles read from it."""
    habit: Habit = Habit()
    articles: float = 1.0
    """Share of pages that read as articles."""
    turn: int = 0
    """Lessons so far."""
    streak: int = 0
    """Pages in a row that departed from habit."""
    odd: tuple[Odd, ...] = ()

    @property
    def boilerplate(self) -> frozenset[int]:
        """Hashes of the blocks that this outlet repeats."""
        least = max(_SEEN_ON, _SHARE * self.counted)
        return frozenset(key for key, count in self.seen.items() if count >= least)

    @property
    def drifting(self) -> tuple[Odd, ...]:
        """Pages that departed from habit of late and don't read as usual again, the newest last."""
        return tuple(odd for odd in self.odd if self.turn - odd.turn < _ODD_LASTS)

    @property
    def name(self) -> str:
        """Names what a page is read with: how many pages taught it and a digest; empty before the first."""
        if not self.counted:
            return ""
        told = f"{sorted(self.boilerplate)}{sorted(self.paths.items())}"
        return f"{self.turn}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """What one page teaches: kept small, so that it can be handed on."""

    url: str
    blocks: tuple[int, ...]
    path: str
    article: Article
    size: int = 0


def lesson_of(layout: Layout, root: int, blocks: Sequence[Block], article: Article, size: int) -> Lesson:
    """The lesson of a page that was just read: `blocks` are those of its container.

    Blocks outside teach nothing: a teaser beside other articles quotes the first sentence of this one.
    """
    hashes = tuple({hash_text(block.text) for block in blocks if len(block.text) > 1 and not block.junk})
    return Lesson(url=article.url, blocks=hashes, path=path_of(layout, root), article=article, size=size)


def path_of(layout: Layout, i: int) -> str:
    """Tags and classes from the body down to `i`, without digits: the same on pages of one template."""
    page = layout.page
    steps: list[str] = []
    while i > layout.top and len(steps) < 4:
        classes = " ".join(
            word for word in page.attr(i, "class").split()[:3] if not any(char.isdigit() for char in word)
        )
        steps.append(f"{page.tags[i]}.{classes[:80]}")
        i = page.parent[i]
    return ">".join(reversed(steps))


def repeated(profile: Profile | None, blocks: Sequence[Block]) -> frozenset[int]:
    """Hashes of the blocks that the outlet repeats; none where they would take most of the text."""
    known = profile.boilerplate if profile is not None else frozenset()
    if not known:
        return known
    good = sum(block.good for block in blocks if not block.junk)
    taken = sum(block.good for block in blocks if not block.junk and block.good and hash_text(block.text) in known)
    return frozenset() if taken > _MOST_TAKEN * good else known


def learn(profile: Profile, lesson: Lesson, at_ms: int = 0) -> Profile:
    """The profile after one more page, captured at `at_ms`. The same page again, read as usual, changes nothing."""
    reason = drift(profile, lesson)
    if reason is not None:
        return _depart(profile, lesson, reason, at_ms)
    url = lesson.url[:500]
    odd = tuple(one for one in profile.odd if one.url != url)
    if len(odd) < len(profile.odd):
        profile = msgspec.structs.replace(profile, odd=odd)
    key = _page_key(lesson.url)
    if key in profile.pages or lesson.article.kind != "article":
        return profile
    seen, counted = _count(profile, lesson)
    paths, habit = profile.paths, profile.habit
    if lesson.article.confidence >= _SURE:
        paths, habit = _add_path(paths, lesson.path), _move(habit, lesson)
    return msgspec.structs.replace(
        profile,
        seen=seen,
        counted=counted,
        pages=(*profile.pages, key)[-_MAX_PAGES:],
        paths=paths,
        habit=habit,
        articles=_mean(profile.articles, 1.0, _KIND_WEIGHT),
        turn=profile.turn + 1,
        streak=0,
    )


def _page_key(url: str) -> int:
    return int.from_bytes(hashlib.blake2b(url.encode("utf-8", "replace"), digest_size=8).digest()) >> 1


def _count(profile: Profile, lesson: Lesson) -> tuple[dict[int, int], int]:
    seen, counted = dict(profile.seen), profile.counted + 1
    for key in lesson.blocks[:_MAX_BLOCKS]:
        seen[key] = seen.get(key, 0) + 1
    if counted > _MAX_COUNTED:
        seen, counted = {key: count // 2 for key, count in seen.items() if count > 1}, counted // 2
    if len(seen) > _MAX_BLOCKS:
        often = sorted(seen.items(), key=lambda pair: -pair[1])[: _MAX_BLOCKS // 2]
        seen = dict.fromkeys(lesson.blocks[: _MAX_BLOCKS // 4], 1) | dict(often)
    return seen, counted


def _add_path(paths: dict[str, int], path: str) -> dict[str, int]:
    """One more article from `path`; the rarest of the others makes room for a new one."""
    often = sorted(((one, count) for one, count in paths.items() if one != path), key=lambda pair: -pair[1])
    return dict(often[: _MAX_PATHS - 1]) | {path: paths.get(path, 0) + 1}


def _mean(old: float, new: float, weight: float) -> float:
    return old + weight * (new - old)


def _move(habit: Habit, lesson: Lesson) -> Habit:
    article = lesson.article
    weight = max(1 / (habit.pages + 1), 1 - _KEEP)
    clock = article.published is not None and article.published.precision != "day"
    return Habit(
        pages=habit.pages + 1,
        mass=_mean(habit.mass, float(lesson.size), weight),
        pictures=_mean(habit.pictures, float(bool(article.pictures)), weight),
        authors=_mean(habit.authors, float(bool(article.authors)), weight),
        clocks=_mean(habit.clocks, float(clock), weight),
    )


def _depart(profile: Profile, lesson: Lesson, reason: str, at_ms: int) -> Profile:
    """A page that departs is told and teaches nothing else; many readable ones in a row are a new habit."""
    article, url = lesson.article, lesson.url[:500]
    if any(one.url == url and one.reason == reason for one in profile.drifting):
        return profile
    streak = profile.streak + 1
    readable = article.kind == "article" and article.confidence >= _SURE and lesson.size >= _SHORT * profile.habit.mass
    if streak >= _ACCEPT and readable:
        return msgspec.structs.replace(profile, habit=Habit(), odd=(), streak=0, turn=profile.turn + 1)
    one = Odd(url=url, reason=reason, at_ms=at_ms, turn=profile.turn + 1)
    return msgspec.structs.replace(
        profile,
        odd=(*[odd for odd in profile.odd if odd.url != url], one)[-_MAX_ODD:],
        articles=_mean(profile.articles, float(article.kind == "article"), _KIND_WEIGHT),
        turn=profile.turn + 1,
        streak=streak,
    )


def drift(profile: Profile, lesson: Lesson) -> str | None:
    """How a page departs from its outlet's habit, in one line; None when it doesn't, or little is known yet."""
    habit, article = profile.habit, lesson.article
    if habit.pages < _ENOUGH:
        return None
    if article.kind != "article":
        if profile.articles < _MOSTLY_ARTICLES:
            return None
        return f"reads as {article.kind}; nearly all pages before were articles"
    if lesson.size < _TINY * habit.mass:
        return f"{lesson.size} characters of text; usual are {habit.mass:.0f}"
    if lesson.path not in profile.paths and lesson.size < _SHORT * habit.mass:
        return f"text in an unknown place ({lesson.path}) and short"
    if MISSED in article.reasons and lesson.path not in profile.paths:
        return f"{MISSED}; text in an unknown place ({lesson.path})"
    lost = []
    if habit.pictures > _NEARLY_ALL and not article.pictures:
        lost.append("picture")
    if habit.authors > _NEARLY_ALL and not article.authors:
        lost.append("author")
    if habit.clocks > _NEARLY_ALL and (article.published is None or article.published.precision == "day"):
        lost.append("clock")
    return f"no {', no '.join(lost)}, unlike nearly all pages before" if len(lost) > 1 else None
