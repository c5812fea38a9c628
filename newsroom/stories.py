"""The articles of the newsroom: read from sample/, changed by tests."""

import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

SAMPLE = Path(__file__).parent / "sample"


@dataclass
class Photo:
    """A generated photo: `name` seeds what it shows."""

    name: str
    caption: str = ""
    credit: str = ""
    width: int = 1200
    height: int = 800


@dataclass
class Story:
    """An article as its outlet has it now."""

    slug: str
    title: str
    published: datetime
    summary: str
    paragraphs: list[str]
    photos: list[Photo] = field(default_factory=list)
    author: str = ""
    section: str = ""
    modified: datetime | None = None
    state: str = "live"
    """live, stub, consent, home (redirects there), gone (410) or missing (404)."""
    in_feed: bool = True


@dataclass
class Desk:
    """An outlet of the newsroom."""

    key: str
    name: str
    shape: str
    """voa, dw, rfi, bbc or nhk: how its pages are built."""
    language: str
    zone: str
    stories: list[Story]
    version: int = 0
    """Grows with every change; part of the validators."""
    emptied: bool = False
    robots: str | None = None

    def story(self, slug: str) -> Story:
        """Raises KeyError."""
        for story in self.stories:
            if story.slug == slug:
                return story
        raise KeyError(slug)


def load_desk(key: str) -> Desk:
    """One outlet of sample/."""
    data = tomllib.loads((SAMPLE / f"{key}.toml").read_text("utf-8"))
    stories = []
    for raw in data["story"]:
        photos = [Photo(**photo) for photo in raw.pop("photo", [])]
        body = [" ".join(part.split()) for part in raw.pop("body").strip().split("\n\n")]
        if data["language"][:2] != "en":
            body = [part.replace(" ", "") if part.isascii() is False and "\n" in part else part for part in body]
        stories.append(Story(paragraphs=body, photos=photos, **raw))
    return Desk(
        key=key,
        name=data["name"],
        shape=data["shape"],
        language=data["language"],
        zone=data["zone"],
        stories=stories,
    )


def sample_keys() -> list[str]:
    """The outlets of sample/, sorted."""
    return sorted(path.stem for path in SAMPLE.glob("*.toml"))
