"""Joiner of the index of photos: log and records -> rows, pictures -> how they look; brought up when asked for."""

import hashlib
from collections.abc import Callable, Iterator, Sequence

import msgspec

from baoguan.archive.store import Archive
from baoguan.backends.sqlite.photos import MOST, SqlitePhotos
from baoguan.backends.thumbs import Thumbs, can_decode
from baoguan.desk import Desk
from baoguan.errors import NotFound, StoreError
from baoguan.media.choose import Grammars, read_photo
from baoguan.media.figures import figure_texts
from baoguan.media.likeness import dhash, dominant
from baoguan.model.log import ManifestLine, MediaRef
from baoguan.model.photo import PhotoFile, PhotoForm, PhotoUse, SamePhoto
from baoguan.publish.markdown import parse_record

FILE = "index/photos.sqlite"
CHUNK, LOOK_CHUNK = 512, 64


def open_photos(desk: Desk) -> SqlitePhotos:
    """The index of an archive's photos, as it stands."""
    return SqlitePhotos(desk.folder / FILE)


class PhotoForgetter:
    """ports.Forgets over the index of photos."""

    def __init__(self, photos: SqlitePhotos) -> None:
        self._photos = photos

    def forget(self, ids: Sequence[str]) -> bool:
        """Takes the articles out."""
        return self._photos.forget(ids)


def index_photos(desk: Desk, photos: SqlitePhotos, *, stop: Callable[[], bool] = lambda: False) -> int:
    """Brings the rows up to the head of the log; returns leaves that are left, 0 unless `stop` said so in between."""
    grammars = Grammars(desk.outlets.values())
    digest = _digest(desk)
    with photos.writing:
        start, size = photos.size(digest), desk.archive.size
        for low in range(start, size, CHUNK):
            if low > start and stop():
                return size - low
            _take(desk, photos, grammars, digest, low, min(low + CHUNK, size))
        return 0


def _digest(desk: Desk) -> str:
    data = msgspec.json.encode(sorted((key, outlet.pictures) for key, outlet in desk.outlets.items()))
    return hashlib.sha256(data).hexdigest()[:16]


def _take(desk: Desk, photos: SqlitePhotos, grammars: Grammars, digest: str, low: int, high: int) -> None:
    files: dict[str, PhotoFile] = {}
    forms: list[tuple[str, PhotoForm]] = []
    told: list[PhotoUse] = []
    gone: list[str] = []
    for index, line in desk.archive.lines(low, high):
        if line is None or not line.id:
            continue
        if line.kind == "gone":
            gone.append(line.id)
        for ref in line.media:
            if ref.sha256:
                files[ref.sha256] = PhotoFile(sha256=ref.sha256, path=ref.path, width=ref.width, height=ref.height)
                forms += [(line.id, form) for form in _forms(desk, grammars, line, ref)]
        told += _told(desk.archive, index, line)
    forms = [form for form in forms if form[0] not in gone]
    left = {form.sha256 for _, form in forms}
    photos.put(
        [one for one in files.values() if one.sha256 in left],
        forms,
        [one for one in told if one.id not in gone],
        gone=gone,
        size=high,
        grammars=digest,
    )


def _forms(desk: Desk, grammars: Grammars, line: ManifestLine, ref: MediaRef) -> Iterator[PhotoForm]:
    outlet = desk.outlet(line.outlet) if line.outlet else None
    for url in dict.fromkeys((ref.url, ref.fetched_url or ref.url)):
        photo = read_photo(url, outlet, grammars)
        yield PhotoForm(url=url, sha256=ref.sha256, key=photo.key, width=photo.width, crop=photo.crop)


def _told(archive: Archive, index: int, line: ManifestLine) -> Iterator[PhotoUse]:
    """What a revision says of each of its pictures, kept or not; none where it has no words for it."""
    if line.kind != "rev" or not line.media:
        return
    try:
        texts = {
            url: (caption, credit)
            for url, caption, credit in figure_texts(parse_record(archive.record(line)).body_html)
        }
    except StoreError:
        texts = {}  # one damaged record must not hide all photos; `verify` names it
    for ref in line.media:
        caption, credit = texts.get(ref.url, ("", ""))
        yield PhotoUse(id=line.id, sha256=ref.sha256, url=ref.url, caption=caption, credit=credit, index=index)


def look_at_photos(
    desk: Desk,
    photos: SqlitePhotos,
    *,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> int:
    """Looks at pictures that were not looked at: hash and colour; returns how many. None without the extra `images`."""
    if not can_decode() or not photos.unseen(limit=1):
        return 0
    thumbs, done = Thumbs(), 0
    total, seen, _ = photos.counts()
    try:
        with photos.writing:
            while (some := photos.unseen(limit=LOOK_CHUNK)) and not stop():
                photos.look([_look(desk.archive, thumbs, one) for one in some])
                done += len(some)
                progress(done, total - seen)
    finally:
        thumbs.close()
    return done


def _look(archive: Archive, thumbs: Thumbs, file: PhotoFile) -> tuple[str, bytes, int]:
    try:
        data = archive.objects.get(file.path)
    except NotFound:
        data = b""
    width, height, grey, rgb = thumbs(data) if data else (0, 0, b"", b"")
    return file.sha256, dhash(grey, width, height), dominant(rgb)


def same_photo(photos: SqlitePhotos, sha256: str) -> SamePhoto | None:
    """All that is the same photo as a kept file: the file, those under its outlet's name, those that look alike."""
    first = photos.file(sha256)
    if first is None:
        return None
    by = {sha256: "self"} | dict.fromkeys(photos.same_key(sha256), "key")
    bits: dict[str, int] = {}
    for one in photos.files(by):
        for near, other in photos.near(one.dhash) if one.dhash else ():
            if other not in by or other in bits:
                by[other] = "likeness"
                bits[other] = min(near, bits.get(other, near))
    others = sorted((one for one in photos.files(by) if one.sha256 != sha256), key=lambda one: (-one.width, one.sha256))
    forms, uses = photos.forms(by), photos.uses(by)
    return SamePhoto(
        files=(first, *others[: MOST - 1]),
        by=by,
        bits=bits,
        forms=tuple(forms[:MOST]),
        uses=tuple(uses[:MOST]),
        cut=max(len(others) + 1, len(forms), len(uses)) > MOST,
    )
