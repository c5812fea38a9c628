"""What the pages ask of the index of photos, and an opened archive that answers."""

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from baoguan.backends.sqlite.photos import SqlitePhotos
from baoguan.desk import Desk
from baoguan.model.photo import Look, PhotoFile, PhotoForm, PhotoUse
from baoguan.photographing import FILE, index_photos, look_at_photos, same_photo
from baoguan.serving import WITH_PICTURES, WITH_TEXT, is_served

_CATCH_UP_S = 1.0


class UseCard(msgspec.Struct, frozen=True, kw_only=True):
    """An article that used a photo, with each caption and credit that it gave."""

    id: str
    outlet: str
    title: str
    lang: str = ""
    shown_ms: int
    texts: tuple[tuple[str, str], ...] = ()
    """(caption, credit), first ones first; those without words are left out."""


class PhotoPage(msgspec.Struct, frozen=True, kw_only=True):
    """A photo: everything that readers are given of it."""

    file: PhotoFile
    others: tuple[tuple[PhotoFile, str, int], ...] = ()
    """(file, key or likeness, bits) of the same photo."""
    forms: tuple[PhotoForm, ...] = ()
    uses: tuple[UseCard, ...] = ()
    """In the order of the log."""
    cut: bool = False


class PhotosSource(Protocol):
    """Read-only; called from several threads at once."""

    def photo(self, sha256: str) -> PhotoPage | None:
        """A kept picture and what is the same; None where none is kept, shown by an article, or served."""
        ...

    def looks(self, digests: Iterable[str]) -> Mapping[str, Look]:
        """By sha256, of those that were looked at."""
        ...

    def behind(self) -> int:
        """Leaves of the log that the index doesn't tell of yet."""
        ...


class DeskPhotos:
    """PhotosSource over an opened archive."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._photos = SqlitePhotos(desk.folder / FILE)

    def close(self) -> None:
        """Closes the connections."""
        self._photos.close()

    def behind(self) -> int:
        """Works on the index for a moment, so that no reader waits for that of a whole import."""
        if self._photos.writing.locked():
            return 1
        deadline = time.monotonic() + _CATCH_UP_S
        left = index_photos(self._desk, self._photos, stop=lambda: time.monotonic() > deadline)
        look_at_photos(self._desk, self._photos, stop=lambda: time.monotonic() > deadline)
        return left

    def looks(self, digests: Iterable[str]) -> Mapping[str, Look]:
        """From the index as it stands: no page waits for it."""
        wanted = [digest for digest in digests if digest]
        files = self._photos.files(wanted) if wanted else []
        return {one.sha256: Look(colour=one.colour, photo=bool(one.dhash)) for one in files}

    def photo(self, sha256: str) -> PhotoPage | None:
        """Only what the outlets' `serve` gives out."""
        same = same_photo(self._photos, sha256)
        if same is None or not is_served(self._desk, same.files[0].path):
            return None
        cards = self._cards(same.uses)
        shown = {card.id for card in cards}
        forms = {form.url: form for form in same.forms if form.id in shown}
        if not cards:
            return None
        return PhotoPage(
            file=same.files[0],
            others=tuple(
                (one, same.by[one.sha256], same.bits.get(one.sha256, 0))
                for one in same.files[1:]
                if is_served(self._desk, one.path)
            ),
            forms=tuple(forms.values()),
            uses=tuple(cards),
            cut=same.cut,
        )

    def _cards(self, uses: Iterable[PhotoUse]) -> list[UseCard]:
        texts: dict[str, dict[tuple[str, str], None]] = {}
        for use in uses:
            told = texts.setdefault(use.id, {})
            if use.caption or use.credit:
                told[use.caption, use.credit] = None
        cards = []
        for identity, told in texts.items():
            row = self._desk.catalog.article(identity)
            serve = self._desk.outlet(row.outlet).serve if row is not None else ""
            if row is None or serve not in WITH_PICTURES:
                continue
            cards.append(
                UseCard(
                    id=identity,
                    outlet=row.outlet,
                    title=row.title,
                    lang=row.lang,
                    shown_ms=row.shown_ms,
                    texts=tuple(told) if serve in WITH_TEXT else (),
                )
            )
        return cards
