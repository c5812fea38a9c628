"""Several vantage points: which articles several archives hold, and whether they saw the same text.

What makes two archives' articles one: the outlet and a canonical URL (aliases too). What makes texts the same: title
and characters, white space apart; an archive that saw several revisions agrees when any one of them is the other's.
Copies of one log are one vantage point: a mirror saw nothing itself.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from baoguan import config
from baoguan.archive.note import parse_checkpoint
from baoguan.archive.store import Archive
from baoguan.errors import ConfigError, Corrupt, NotFound
from baoguan.publish.markdown import parse_record
from baoguan.text.html import plain_text
from baoguan.text.urls import canonical_url

_SPACE = re.compile(r"\s+")


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One article as one archive saw it."""

    archive: str
    """The log's origin."""
    id: str
    title: str
    texts: tuple[str, ...]
    """Digest of each revision's title and text, the newest first."""
    captured_ms: int
    """Of the newest revision."""
    vantage: str = ""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One article that several archives hold."""

    outlet: str
    url: str
    agree: int
    """Vantage points that saw the text which most of them saw."""
    of: int
    """Vantage points that hold the article."""
    sights: tuple[Sight, ...]

    @property
    def words(self) -> str:
        """For readers: how many saw the same."""
        return f"{self.agree} of {self.of} archives saw the same text"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What several archives say of each other."""

    archives: tuple[str, ...]
    articles: tuple[int, ...]
    """That each of them holds."""
    shared: int
    """Articles that two or more hold."""
    agree: int
    """Of them: all saw the same text."""
    differ: tuple[Compared, ...]
    """Those where some saw another text."""


def sights(archive: Archive) -> dict[tuple[str, str], Sight]:
    """(outlet, canonical URL) to what the archive saw, each article under its first URL and its aliases."""
    seen: dict[str, list[tuple[int, str, str, str]]] = defaultdict(list)
    names: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for _, line in archive.lines():
        if line is None or line.kind != "rev" or line.record is None:
            continue
        try:
            text = plain_text(parse_record(archive.objects.get(line.record.path)).body_html)
        except (NotFound, Corrupt):
            continue
        seen[line.id].append((line.captured_ms, text_digest(line.title, text), line.title, line.vantage))
        names[line.id] |= {(line.outlet, canonical_url(url)) for url in (line.url, *line.aliases) if url}
    found: dict[tuple[str, str], Sight] = {}
    for identity, revisions in seen.items():
        newest, _, title, vantage = max(revisions)
        texts = tuple(dict.fromkeys(digest for _, digest, _, _ in sorted(revisions, reverse=True)))
        sight = Sight(
            archive=archive.origin, id=identity, title=title, texts=texts, captured_ms=newest, vantage=vantage
        )
        found |= dict.fromkeys(names[identity], sight)
    return found


def text_digest(title: str, text: str) -> str:
    """What two archives must share to have seen the same: title and text without white space."""
    return hashlib.sha256(f"{_SPACE.sub('', title)}\x1f{_SPACE.sub('', text)}".encode()).hexdigest()


def compare(archives: Sequence[Archive]) -> Comparison:
    """Compares archives of different origins. Raises ConfigError for fewer than two vantage points."""
    by_origin = {archive.origin: archive for archive in archives}
    if len(by_origin) < 2:
        raise ConfigError("these are copies of one log: they saw nothing independently of each other")
    seen = [sights(archive) for archive in by_origin.values()]
    rows = list(_shared(seen))
    return Comparison(
        archives=tuple(by_origin),
        articles=tuple(len({sight.id for sight in one.values()}) for one in seen),
        shared=len(rows),
        agree=sum(row.agree == row.of for row in rows),
        differ=tuple(row for row in rows if row.agree < row.of),
    )


def _shared(seen: Sequence[dict[tuple[str, str], Sight]]) -> Iterator[Compared]:
    done: set[tuple[str, ...]] = set()
    for name in sorted({name for one in seen for name in one}):
        held = tuple(one[name] for one in seen if name in one)
        ids = tuple(f"{sight.archive}\n{sight.id}" for sight in held)
        if len(held) < 2 or ids in done:
            continue
        done.add(ids)
        yield agreement(name[0], name[1], held)


def agreement(outlet: str, url: str, held: Sequence[Sight]) -> Compared:
    """How many of the archives that hold an article saw the same text."""
    counts: dict[str, int] = defaultdict(int)
    for sight in held:
        for digest in sight.texts:
            counts[digest] += 1
    return Compared(outlet=outlet, url=url, agree=max(counts.values(), default=0), of=len(held), sights=tuple(held))


def check_distinct(folders: Sequence[Path]) -> None:
    """Raises ConfigError for a folder that holds no archive with a head."""
    for folder in folders:
        config.read_file(folder)
        try:
            parse_checkpoint((folder / "public" / "checkpoint").read_bytes())
        except OSError as error:
            raise ConfigError(f"{folder}: {error.strerror}: nothing was archived or pulled there yet") from error
