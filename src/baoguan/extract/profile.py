"""What an outlet's earlier pages taught: blocks that it repeats, where its bodies stand, what its articles are like.

Pure: `learn` gives a new profile, nothing is kept here. The profile is state, not truth: losing it costs quality on
pages whose layout the generic rules get wrong, and nothing that is in the log.
"""

import msgspec

from baoguan.extract.layout import Layout
from baoguan.extract.likeness import hash_text
from baoguan.model.article import Article

_SEEN_ON = 3
"""A block is boilerplate once it was seen on so many different pages."""
_MAX_BLOCKS = 4000
_MAX_PATHS = 8
_SURE = 0.5
_ENOUGH = 8
"""Articles after which habit is a measure."""
_KEEP = 0.97


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


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned of one outlet."""

    seen: dict[int, int] = {}
    """Hash of a block's text -> pages it was seen on (counted to 255)."""
    pages: tuple[str, ...] = ()
    """URLs of the last pages, so that a page seen again teaches nothing."""
    paths: dict[str, int] = {}
    """Path of the container (tags and classes) -> articles read from it."""
    habit: Habit = Habit()

    @property
    def boilerplate(self) -> frozenset[int]:
        """Hashes of the blocks that this outlet repeats."""
        return frozenset(key for key, count in self.seen.items() if count >= _SEEN_ON)


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """What one page teaches: kept small, so that it can be handed on."""

    url: str
    blocks: tuple[int, ...]
    path: str
    article: Article
    size: int = 0


def lesson_of(layout: Layout, root: int, article: Article, size: int) -> Lesson:
    """The lesson of a page that was just read."""
    blocks = tuple({hash_text(block.text) for block in layout.blocks if len(block.text) > 1})
    return Lesson(url=article.url, blocks=blocks, path=path_of(layout, root), article=article, size=size)


def path_of(layout: Layout, i: int) -> str:
    """Tags and classes from the body down to `i`, without digits: the same on pages of one template."""
    page = layout.page
    steps: list[str] = []
    while i > layout.top and len(steps) < 4:
        classes = " ".join(
            word for word in page.attr(i, "class").split()[:3] if not any(char.isdigit() for char in word)
        )
        steps.append(f"{page.tags[i]}.{classes}")
        i = page.parent[i]
    return ">".join(reversed(steps))


def learn(profile: Profile, lesson: Lesson) -> Profile:
    """The profile after one more page. The same page again changes nothing."""
    if lesson.url in profile.pages:
        return profile
    seen = dict(profile.seen)
    for key in lesson.blocks:
        seen[key] = min(seen.get(key, 0) + 1, 255)
    if len(seen) > _MAX_BLOCKS:
        often = sorted(seen.items(), key=lambda pair: -pair[1])[: _MAX_BLOCKS // 2]
        seen = dict(often) | {key: 1 for key in lesson.blocks if key not in dict(often)}
    paths, habit = profile.paths, profile.habit
    if lesson.article.kind == "article" and lesson.article.confidence >= _SURE:
        paths = dict(paths)
        paths[lesson.path] = paths.get(lesson.path, 0) + 1
        paths = dict(sorted(paths.items(), key=lambda pair: -pair[1])[:_MAX_PATHS])
        habit = _move(habit, lesson)
    return Profile(seen=seen, pages=(*profile.pages, lesson.url)[-200:], paths=paths, habit=habit)


def _move(habit: Habit, lesson: Lesson) -> Habit:
    article = lesson.article
    weight = max(1 / (habit.pages + 1), 1 - _KEEP)
    clock = article.published is not None and article.published.precision != "day"

    def mean(old: float, new: float) -> float:
        return old + weight * (new - old)

    return Habit(
        pages=habit.pages + 1,
        mass=mean(habit.mass, float(lesson.size)),
        pictures=mean(habit.pictures, float(bool(article.pictures))),
        authors=mean(habit.authors, float(bool(article.authors))),
        clocks=mean(habit.clocks, float(clock)),
    )


def drift(profile: Profile, lesson: Lesson) -> str | None:
    """How a page departs from its outlet's habit, in one line; None when it doesn't, or little is known yet."""
    habit, article = profile.habit, lesson.article
    if habit.pages < _ENOUGH:
        return None
    if article.kind != "article":
        return f"reads as {article.kind}; the {habit.pages} pages before were articles"
    if lesson.size < 0.1 * habit.mass:
        return f"{lesson.size} characters of text; usual are {habit.mass:.0f}"
    if lesson.path not in profile.paths and lesson.size < 0.35 * habit.mass:
        return f"text in an unknown place ({lesson.path}) and short"
    lost = []
    if habit.pictures > 0.95 and not article.pictures:
        lost.append("picture")
    if habit.authors > 0.95 and not article.authors:
        lost.append("author")
    if habit.clocks > 0.95 and (article.published is None or article.published.precision == "day"):
        lost.append("clock")
    return f"no {', no '.join(lost)}, unlike nearly all pages before" if len(lost) > 1 else None
