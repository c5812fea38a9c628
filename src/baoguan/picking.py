"""The pictures of drafts: asked for once, the largest rendition first, measured, spooled on their way to a batch."""

import hashlib
from pathlib import Path

import msgspec

from baoguan.batching import Draft, Picked
from baoguan.desk import Desk
from baoguan.media.choose import choose_picture
from baoguan.media.measure import measure_picture
from baoguan.model.article import Picture
from baoguan.model.capture import FetchRequest, FetchResult, Response
from baoguan.ports import Fetcher

PICTURES_AN_ARTICLE = 60
LATE_AT_ONCE = 200
LATE_STEPS_S = (600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400)


class PictureDesk:
    """Pictures of one sync run. Owned by the joiner's thread."""

    def __init__(self, desk: Desk, fetcher: Fetcher) -> None:
        self.desk, self.fetcher = desk, fetcher
        self.bytes_spooled = 0
        self.late: list[tuple[str, Picked]] = []
        """(article id, picture) that came after its record."""
        self._drafts: dict[str, list[Draft]] = {}
        self._choices: dict[str, list[str]] = {}
        self._tries: dict[str, tuple[str, int]] = {}
        self._missing: list[tuple[str, str]] = []
        self._failed: list[str] = []
        self._got: dict[str, Picked] = {}

    def ask(self, draft: Draft) -> bool:
        """Asks for every picture that is not kept; True when nothing is open and the draft may be logged."""
        pictures = draft.article.pictures[:PICTURES_AN_ARTICLE] if self.desk.settings.pictures else ()
        for picture in {picture.url: picture for picture in pictures}.values():
            kept = self.desk.catalog.media(picture.url)
            if kept is not None:
                draft.picked.append(Picked(url=picture.url, width=kept.width, height=kept.height, kept=kept))
                continue
            if picture.url in self._got:
                draft.picked.append(self._got[picture.url])
                continue
            draft.missing.append(picture.url)
            waiting = self._drafts.setdefault(picture.url, [])
            waiting.append(draft)
            if len(waiting) == 1 and picture.url not in self._tries:
                self._choices[picture.url] = list(choose_picture(picture, draft.outlet))
                if not self._ask_next(picture.url, draft.outlet.key, draft.article.url):
                    self._drop(picture.url)
        return not self._is_open(draft)

    def _is_open(self, draft: Draft) -> bool:
        return any(draft in self._drafts.get(url, ()) for url in draft.missing)

    def _ask_next(self, url: str, outlet: str, referer: str) -> bool:
        if not self._choices.get(url):
            return False
        choice = self._choices[url].pop(0)
        self.fetcher.submit(FetchRequest(url=choice, kind="picture", outlet=outlet, referer=referer, key=url))
        return True

    def take(self, result: FetchResult) -> list[Draft]:
        """A picture that came, or the next rendition is asked for; returns the drafts that wait for nothing more."""
        url, response = result.request.key, result.response
        picked = self._pick(url, response) if response is not None and response.status == 200 else None
        if picked is None and self._ask_next(url, result.request.outlet, result.request.referer):
            return []
        if picked is None:
            return self._drop(url)
        self._choices.pop(url, None)
        self._got[url] = picked
        if url in self._tries:
            self.late.append((self._tries.pop(url)[0], picked))
        drafts = self._drafts.pop(url, [])
        for draft in drafts:
            draft.missing.remove(url)
            draft.picked.append(picked)
        return [draft for draft in drafts if not self._is_open(draft)]

    def _drop(self, url: str) -> list[Draft]:
        """No rendition came: the article goes on without, the picture is tried again later."""
        self._choices.pop(url, None)
        if url in self._tries:
            self._failed.append(url)
        drafts = self._drafts.pop(url, [])
        self._missing += [(url, draft.key) for draft in drafts]
        return [draft for draft in drafts if not self._is_open(draft)]

    def _pick(self, url: str, response: Response) -> Picked | None:
        info = measure_picture(response.body)
        if info is None or info.truncated or response.truncated:
            return None
        path = self.desk.spool / hashlib.sha256(response.body).hexdigest()
        if not path.exists():
            path.write_bytes(response.body)
            self.bytes_spooled += len(response.body)
        return Picked(
            url=url,
            width=info.width,
            height=info.height,
            extension=info.extension,
            spooled=str(path),
            response=msgspec.structs.replace(response, body=b"", raw=b""),
        )

    def ask_late(self, now_ms: int) -> None:
        """Asks again for pictures that were missing when their article was logged, with a budget."""
        for url, identity, tries in self.desk.schedule.late_pictures(now_ms, limit=LATE_AT_ONCE):
            row = self.desk.catalog.article(identity)
            if row is None or url in self._drafts:
                continue
            outlet = self.desk.outlet(row.outlet)
            self._tries[url] = (identity, tries)
            self._choices[url] = list(choose_picture(Picture(url=url), outlet))
            if not self._ask_next(url, outlet.key, row.url):
                self._drop(url)

    def settle(self, ids: dict[str, str], now_ms: int) -> None:
        """After a checkpoint: `ids` maps keys of logged drafts to article ids. Frees the spool."""
        waiting = [(url, ids[key], 0, now_ms + LATE_STEPS_S[0] * 1000) for url, key in self._missing if key in ids]
        for url in self._failed:
            identity, tries = self._tries.pop(url)
            step = LATE_STEPS_S[min(tries + 1, len(LATE_STEPS_S) - 1)]
            waiting.append((url, identity, tries + 1, now_ms + step * 1000))
        self._missing = [(url, key) for url, key in self._missing if key not in ids]
        self.desk.schedule.settle_pictures([picked.url for _, picked in self.late], waiting)
        self.late, self._failed = [], []
        if not self._drafts:
            self._got.clear()
            for path in Path(self.desk.spool).iterdir():
                path.unlink(missing_ok=True)
            self.bytes_spooled = 0
