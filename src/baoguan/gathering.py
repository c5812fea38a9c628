"""Pictures that an archive lacks: which, asked for again with a budget, or taken from another archive by digest."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from baoguan.archive.bundle import decode_manifest
from baoguan.archive.ledger import Ledger
from baoguan.archive.paths import WIDTH, manifest_path
from baoguan.batching import Picked, log_late
from baoguan.desk import Desk, catch_up, exclusive
from baoguan.errors import NotFound, StoreError
from baoguan.media.measure import measure_picture
from baoguan.model.capture import FetchRequest
from baoguan.model.codec import decode_line
from baoguan.photographing import index_photos, open_photos
from baoguan.picking import LATE_STEPS_S, PictureDesk, is_absent

DEAD_TRIES = len(LATE_STEPS_S)
"""Tries after which an origin is called dead; it is still asked once a month."""
_FLUSH_BYTES = 16_000_000
_EVER_MS = 1 << 61
_MANIFEST_CAP = 64_000_000
_NOTE_CAP = 100_000

GetFile = Callable[[str, int], bytes | None]
"""(path below public/, most bytes) -> the file of another archive; None where it has none."""


class OutletPictures(msgspec.Struct, kw_only=True):
    """Pictures of one outlet's current and older revisions, by their address."""

    outlet: str
    kept: int = 0
    missing: int = 0
    """Not kept; dead ones are counted here too."""
    dead: int = 0
    """Missing, and their origins failed for more than a month."""
    lost: int = 0
    """Named by the log with a digest, but their file is gone."""


class Gathered(msgspec.Struct, kw_only=True):
    """What a run brought."""

    asked: int = 0
    came: int = 0
    """Pictures that are kept now and were missing."""
    taken: int = 0
    """Of those: from other archives."""
    restored: int = 0
    """Files that are there again."""
    refused: int = 0
    """Files of other archives that aren't what their name says, or no pictures."""
    left: int = 0
    """Still missing."""


class _Wanted(msgspec.Struct, kw_only=True):
    missing: dict[str, tuple[str, str]]
    """address -> (article id, outlet)"""
    lost: dict[str, tuple[str, str]]
    """media path -> (address, outlet)"""
    table: dict[str, OutletPictures]


def picture_status(desk: Desk) -> list[OutletPictures]:
    """By outlet, from the log, the catalogue and the files that are there."""
    catch_up(desk)
    return sorted(_survey(desk).table.values(), key=lambda row: row.outlet)


def _survey(desk: Desk) -> _Wanted:
    files = set(desk.archive.objects.list("media"))
    tries = {url: count for url, _, count in desk.schedule.late_pictures(_EVER_MS, limit=10_000_000)}
    found = _Wanted(missing={}, lost={}, table={})
    seen: set[tuple[str, str]] = set()
    for _, line in desk.archive.lines():
        if line is None or line.kind != "rev":
            continue
        for ref in line.media:
            if (line.outlet, ref.url) in seen:
                continue
            seen.add((line.outlet, ref.url))
            row = found.table.setdefault(line.outlet, OutletPictures(outlet=line.outlet))
            late = None if ref.path else desk.catalog.media(ref.url)
            path = ref.path or (late.path if late else "")
            if path and path in files:
                row.kept += 1
            elif path:
                row.lost += 1
                found.lost[path] = (ref.fetched_url or ref.url, line.outlet)
            else:
                row.missing += 1
                row.dead += tries.get(ref.url, 0) >= DEAD_TRIES
                found.missing[ref.url] = (line.id, line.outlet)
    return found


def fetch_missing(
    desk: Desk, *, limit: int = 200, hurry: bool = False, stop: Callable[[], bool] = lambda: False
) -> Gathered:
    """Asks the origins of at most `limit` missing pictures that are due; `hurry`: of those that wait, too."""
    done = Gathered()
    with exclusive(desk):
        catch_up(desk)
        desk.check_disk()
        fetcher = desk.open_fetcher()
        pictures = PictureDesk(desk, fetcher)
        try:
            done.asked = pictures.ask_late(_EVER_MS if hurry else desk.now_ms(), limit=limit)
            for result in fetcher.results():
                pictures.take(result)
                if pictures.bytes_spooled > _FLUSH_BYTES:
                    done.came += _flush(desk, pictures)
                if stop():
                    break
            done.came += _flush(desk, pictures)
        finally:
            desk.schedule.set_hosts(fetcher.host_state())
            fetcher.close()
    return done


def _flush(desk: Desk, pictures: PictureDesk) -> int:
    late = pictures.late
    if late:
        desk.check_disk()
        _log(desk, late)
    came = len({picked.url for _, picked in late})
    pictures.settle({}, desk.now_ms())
    return came


def _log(desk: Desk, late: Sequence[tuple[str, Picked]]) -> None:
    """One batch of `late` leaves; articles that were withdrawn meanwhile get none."""
    with desk.archive.begin() as batch:
        catch_up(desk)
        ledger = Ledger(desk.catalog, desk.denials)
        for identity, picked in late:
            log_late(batch, ledger, identity=identity, picked=picked, now_ms=desk.now_ms())
        desk.commit(batch, ledger)


def fix_pictures(
    desk: Desk, sources: Sequence[GetFile] = (), *, offline: bool = False, limit: int = 10_000
) -> Gathered:
    """Makes whole what can be: lost files come back, missing pictures are taken from `sources`, else asked for again.

    Every byte from elsewhere is checked against the digest that the log (ours for lost files, theirs for missing ones)
    names. Missing pictures that nobody waited for wait from now on.
    """
    with exclusive(desk):
        catch_up(desk)
        desk.check_disk()
        wanted = _survey(desk)
        done = Gathered()
        for get in sources:
            _restore(desk, get, wanted, done)
            _take(desk, get, wanted, done)
        waiting = {url for url, _, _ in desk.schedule.late_pictures(_EVER_MS, limit=10_000_000)}
        now = desk.now_ms()
        fresh = [(url, identity, 0, now) for url, (identity, _) in wanted.missing.items() if url not in waiting]
        desk.schedule.settle_pictures([], fresh)
        if not offline and wanted.lost:
            _ask_lost(desk, wanted, done)
    if not offline and wanted.missing:
        asked = fetch_missing(desk, limit=limit, hurry=True)
        done.asked, done.came = done.asked + asked.asked, done.came + asked.came
    done.left = sum(row.missing + row.lost for row in picture_status(desk))
    return done


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """What the origin had when it was asked again."""

    outcome: str
    """same, changed, gone (it says there is no such picture), or failed."""
    old: str = ""
    """sha256 of what was kept; it stays."""
    new: str = ""
    """sha256 of what the origin has now."""
    articles: int = 0
    """For which the log now names it too."""


def refresh_picture(desk: Desk, url: str) -> Refreshed:
    """Asks the origin of a kept picture again. Other bytes are kept beside the old ones, which no article loses.

    They become a `late` leaf of every article that shows that address; records never change. Raises NotFound where
    nothing is kept under `url`.
    """
    with exclusive(desk):
        catch_up(desk)
        desk.check_disk()
        kept = desk.catalog.media(url)
        if kept is None:
            raise NotFound(f"{url}: no picture is kept under this address")
        body, gone = _ask_once(desk, url)
        info = measure_picture(body)
        if info is None or info.truncated:
            return Refreshed(outcome="gone" if gone else "failed", old=kept.sha256)
        new = hashlib.sha256(body).hexdigest()
        if new == kept.sha256:
            return Refreshed(outcome="same", old=new, new=new)
        ids = _showing(desk, url, kept.sha256)
        spooled = desk.spool / new
        spooled.write_bytes(body)
        picked = Picked(url=url, width=info.width, height=info.height, extension=info.extension, spooled=str(spooled))
        _log(desk, [(one, picked) for one in ids])
        spooled.unlink(missing_ok=True)
        return Refreshed(outcome="changed", old=kept.sha256, new=new, articles=len(ids))


def _ask_once(desk: Desk, url: str) -> tuple[bytes, bool]:
    """(the answer's body where its status is 200, whether the origin says that there is nothing)."""
    fetcher = desk.open_fetcher()
    try:
        fetcher.submit(FetchRequest(url=url, kind="picture", key=url))
        for result in fetcher.results():
            found = result.response
            return (found.body if found and found.status == 200 else b""), is_absent(result)
    finally:
        desk.schedule.set_hosts(fetcher.host_state())
        fetcher.close()
    return b"", False


def _showing(desk: Desk, url: str, sha256: str) -> list[str]:
    photos = open_photos(desk)
    try:
        index_photos(desk, photos)
        return list(dict.fromkeys(form.id for form in photos.forms([sha256]) if form.url == url))
    finally:
        photos.close()


def _put_back(desk: Desk, path: str, data: bytes) -> bool:
    """Under the write lock, and only while an article shows it: another process may have withdrawn the last one."""
    if hashlib.sha256(data).hexdigest() != _name(path):
        return False
    with desk.archive.writing():
        catch_up(desk)
        if not desk.catalog.owners(_name(path)):
            return False
        desk.archive.objects.put_new(path, data)
        desk.archive.objects.sync([path])
    return True


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]


def _restore(desk: Desk, get: GetFile, wanted: _Wanted, done: Gathered) -> None:
    cap = int(desk.settings.picture_mb * 1e6)
    for path in list(wanted.lost):
        data = get(path, cap)
        if data is None:
            continue
        if _put_back(desk, path, data):
            del wanted.lost[path]
            done.restored += 1
        else:
            done.refused += 1


def _ask_lost(desk: Desk, wanted: _Wanted, done: Gathered) -> None:
    """Origins may still serve the very file."""
    fetcher = desk.open_fetcher()
    try:
        for path, (url, outlet) in list(wanted.lost.items()):
            if url.startswith(("http://", "https://")):
                fetcher.submit(FetchRequest(url=url, kind="picture", outlet=outlet, key=path))
                done.asked += 1
        for result in fetcher.results():
            body = result.response.body if result.response is not None else b""
            if body and result.request.key in wanted.lost and _put_back(desk, result.request.key, body):
                del wanted.lost[result.request.key]
                done.restored += 1
    finally:
        fetcher.close()


def _take(desk: Desk, get: GetFile, wanted: _Wanted, done: Gathered) -> None:
    cap = int(desk.settings.picture_mb * 1e6)
    found: list[tuple[str, Picked]] = []
    for url, path in _kept_elsewhere(get, wanted):
        data = get(path, cap) if url in wanted.missing else None
        if data is None:
            continue
        info = measure_picture(data)
        if info is None or info.truncated or hashlib.sha256(data).hexdigest() != _name(path):
            done.refused += 1
            continue
        spooled = desk.spool / _name(path)
        spooled.write_bytes(data)
        picked = Picked(url=url, width=info.width, height=info.height, extension=info.extension, spooled=str(spooled))
        found.append((wanted.missing.pop(url)[0], picked))
        if sum(Path(one.spooled).stat().st_size for _, one in found[-100:]) > _FLUSH_BYTES or len(found) >= 100:
            done.taken, done.came = done.taken + len(found), done.came + _keep(desk, found)
            found = []
    done.taken, done.came = done.taken + len(found), done.came + _keep(desk, found)


def _keep(desk: Desk, found: list[tuple[str, Picked]]) -> int:
    if not found:
        return 0
    waiting = [(one, picked) for identity, picked in found for one in (identity, *desk.schedule.awaiting(picked.url))]
    _log(desk, list(dict.fromkeys(waiting)))
    desk.schedule.settle_pictures([picked.url for _, picked in found], [])
    for _, picked in found:
        Path(picked.spooled).unlink(missing_ok=True)
    return len(found)


def _kept_elsewhere(get: GetFile, wanted: _Wanted) -> Iterator[tuple[str, str]]:
    """(address, media path) of wanted pictures that another archive's manifest names. Raises StoreError, NotFound."""
    note = (get("checkpoint", _NOTE_CAP) or b"").split(b"\n")
    if len(note) < 3 or not note[1].isdigit() or len(note[1]) > 12:
        raise NotFound("no checkpoint there: name the folder of an archive, its public/, or the address of a mirror")
    size = int(note[1])
    for n in range((size + WIDTH - 1) // WIDTH):
        width = min(WIDTH, size - n * WIDTH)
        data = get(manifest_path(n, width), _MANIFEST_CAP)
        data = get(manifest_path(n), _MANIFEST_CAP) if data is None and width < WIDTH else data
        if data is None:
            raise StoreError(f"{manifest_path(n)}: missing there")
        for raw in decode_manifest(data):
            for ref in decode_line(raw).media if raw is not None else ():
                for url in (ref.url, ref.fetched_url):
                    if url in wanted.missing and ref.path and ref.sha256 == _name(ref.path):
                        yield url, ref.path
