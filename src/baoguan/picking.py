"""The pictures of drafts: asked for once, the largest rendition first, measured, spooled on their way to a batch."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from baoguan.batching import Draft, Picked
from baoguan.desk import Desk
from baoguan.media.choose import Grammars, choose_picture, read_photo
from baoguan.media.measure import measure_picture
from baoguan.media.proxies import unwrap_proxy
from baoguan.model.article import Picture
from baoguan.model.capture import FetchRequest, FetchResult, Response
from baoguan.model.outlet import Outlet
from baoguan.ports import Fetcher
from baoguan.swapping import AGAIN, PictureWatch

PICTURES_AN_ARTICLE = 60
LATE_AT_ONCE = 200
LATE_STEPS_S = (600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400)


_FORM_MISSES = 3
_FORM_AGAIN_MS = 7 * 86_400_000
_FORMS_KEPT = 500


def is_absent(result: FetchResult) -> bool:
    """Whether the host answered that there is no such picture: the next form may be asked for without harm.

    Statuses of absence and refusal, an answer that is no picture, one over the cap. Not: 429, 5xx, silence.
    """
    if result.response is None:
        return not result.retryable and not result.deferred_ms
    status = result.response.status
    return status != 429 and status < 500


class FormsKnown:
    """Which hosts lack which form of a photo: after three absences in a row it isn't asked for again for a week.

    A form is a host and the place of its template in the grammar. Owned by a PictureDesk; kept with the crawl state.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lacking: dict[str, int] = msgspec.json.decode(desk.schedule.get("forms") or b"{}", type=dict[str, int])
        self._misses: dict[str, int] = {}
        self._form_of: dict[str, str] = {}
        self._news = False

    def lacking(self, largest: Sequence[str]) -> list[str]:
        """Those of a photo's largest addresses that its host is known to lack."""
        now, gone = self._desk.now_ms(), []
        for place, url in enumerate(largest):
            form = self._form_of[url] = f"{urlsplit(url).netloc} {place}"
            if now - self._lacking.get(form, 0) < _FORM_AGAIN_MS:
                gone.append(url)
        return gone

    def note(self, url: str, *, came: bool, absent: bool) -> None:
        """What became of an address."""
        form = self._form_of.pop(url, "")
        if form and came:
            self._misses[form] = 0
            self._news = self._lacking.pop(form, None) is not None or self._news
        elif form and absent:
            self._misses[form] = self._misses.get(form, 0) + 1
            if self._misses[form] == _FORM_MISSES:
                self._lacking[form], self._news = self._desk.now_ms(), True

    def keep(self, now_ms: int) -> None:
        """For later runs."""
        if self._news:
            fresh = {form: at for form, at in self._lacking.items() if now_ms - at < _FORM_AGAIN_MS}
            self._desk.schedule.put("forms", msgspec.json.encode(dict(list(fresh.items())[-_FORMS_KEPT:])))
            self._news = False


class PictureDesk:
    """Pictures of one sync run. Owned by the joiner's thread."""

    def __init__(self, desk: Desk, fetcher: Fetcher) -> None:
        self.desk, self.fetcher = desk, fetcher
        self.bytes_spooled = 0
        self.late: list[tuple[str, Picked]] = []
        """(article id, picture) that came after its record."""
        self._grammars = Grammars(desk.outlets.values())
        self._forms = FormsKnown(desk)
        self._drafts: dict[str, list[Draft]] = {}
        self._choices: dict[str, list[str]] = {}
        self._asked: dict[str, list[str]] = {}
        """By the one spelling of an address that is asked for: the pictures that wait for it."""
        self._spelt: dict[str, tuple[str, ...]] = {}
        """By address: its spellings, the one that stands for all first."""
        self._about: dict[str, tuple[str, str]] = {}
        """(outlet, address of the article) of an open picture."""
        self._tries: dict[str, tuple[str, int]] = {}
        self._missing: list[tuple[str, str]] = []
        self._failed: list[str] = []
        self._deferred: dict[str, int] = {}
        """Pictures that were not asked for at all: their host wants to be left alone until then."""
        self._got: dict[str, Picked] = {}
        """By address of the picture and by the address that it came from."""
        self.watch = PictureWatch(desk, fetcher, self._pick)

    def ask(self, draft: Draft, turn: int = 0) -> bool:
        """Asks for every picture that is not kept; True when nothing is open and the draft may be logged.

        Of a known article some of those that are kept, too: this is the look number `turn` at it.
        """
        pictures = draft.article.pictures[:PICTURES_AN_ARTICLE] if self.desk.settings.pictures else ()
        for picture in {picture.url: picture for picture in pictures}.values():
            choices = self._choose(picture, draft.outlet)
            held = self._held(picture.url, choices)
            if held is not None:
                draft.picked.append(held)
                continue
            draft.missing.append(picture.url)
            waiting = self._drafts.setdefault(picture.url, [])
            waiting.append(draft)
            if len(waiting) == 1 and picture.url not in self._tries:
                self._open(picture.url, choices, draft.outlet.key, draft.article.url)
        self.watch.ask(draft, turn)
        return not self._is_open(draft)

    def _choose(self, picture: Picture, outlet: Outlet) -> list[str]:
        photo = read_photo(picture.url, outlet, self._grammars)
        self._spelt.update({url: one for url, one in zip(photo.largest, photo.spellings, strict=True) if one})
        lacking = set(self._forms.lacking(photo.largest)) - {
            picture.url,
            unwrap_proxy(picture.url),
            *picture.candidates,
        }
        return [url for url in choose_picture(picture, outlet, self._grammars) if url not in lacking]

    def _held(self, url: str, choices: Sequence[str]) -> Picked | None:
        """The picture as it was kept or got before, under its own address or a larger form of the same photo."""
        for choice in (url, *choices[: choices.index(url) if url in choices else None]):
            for address in (choice, *self._spelt.get(choice, ())):
                kept = self.desk.known.media(address)
                if kept is not None:
                    return Picked(url=url, width=kept.width, height=kept.height, kept=kept)
            if self._one(choice) in self._got:
                return msgspec.structs.replace(self._got[self._one(choice)], url=url)
        return None

    def _one(self, address: str) -> str:
        """The one spelling that stands for an address."""
        return self._spelt.get(address, (address,))[0]

    def _is_open(self, draft: Draft) -> bool:
        return any(draft in self._drafts.get(url, ()) for url in draft.missing) or self.watch.is_open(draft)

    def _open(self, url: str, choices: list[str], outlet: str, referer: str) -> None:
        self._choices[url], self._about[url] = choices, (outlet, referer)
        if not self._ask_next(url):
            self._drop(url)

    def _ask_next(self, url: str) -> bool:
        """Asks for the next form of a picture; what is under way already is waited for."""
        if not self._choices.get(url):
            return False
        choice = self._choices[url].pop(0)
        one = self._one(choice)
        waiting = self._asked.setdefault(one, [])
        waiting.append(url)
        if len(waiting) == 1:
            outlet, referer = self._about[url]
            self.fetcher.submit(FetchRequest(url=choice, kind="picture", outlet=outlet, referer=referer, key=one))
        return True

    def take(self, result: FetchResult) -> list[Draft]:
        """A picture that came, or the next form is asked for; returns the drafts that wait for nothing more."""
        if result.request.key.startswith(AGAIN):
            return [draft for draft in self.watch.take(result) if not self._is_open(draft)]
        address, one, response = result.request.url, result.request.key, result.response
        picked = self._pick(address, response) if response is not None and response.status == 200 else None
        self._forms.note(address, came=picked is not None, absent=is_absent(result))
        done: list[Draft] = []
        for url in self._asked.pop(one, []):
            if picked is not None:
                self._got[one] = picked
                done += self._keep(url, msgspec.structs.replace(picked, url=url))
                continue
            if not is_absent(result):
                # A host that is down or busy is not asked for other forms now; another one may have it.
                host = urlsplit(address).netloc
                self._choices[url] = [other for other in self._choices[url] if urlsplit(other).netloc != host]
            if result.deferred_ms:
                self._deferred[url] = result.deferred_ms
            if not self._ask_next(url):
                done += self._drop(url)
        return done

    def _keep(self, url: str, picked: Picked) -> list[Draft]:
        self._choices.pop(url, None)
        self._about.pop(url, None)
        self._got[url] = picked
        if url in self._tries:
            self._come_late(self._tries.pop(url)[0], picked)
        drafts = self._drafts.pop(url, [])
        for draft in drafts:
            draft.missing.remove(url)
            draft.picked.append(picked)
        return [draft for draft in drafts if not self._is_open(draft)]

    def _come_late(self, identity: str, picked: Picked) -> None:
        """For every article that waits: who withdraws one of them must not take the picture from the others."""
        others = (one for one in self.desk.schedule.awaiting(picked.url) if one != identity)
        known = (one for one in others if self.desk.known.article(one) is not None)
        self.late += [(one, picked) for one in (identity, *known)]

    def _drop(self, url: str) -> list[Draft]:
        """No form came: the article goes on without, the picture is tried again later."""
        self._choices.pop(url, None)
        self._about.pop(url, None)
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

    def ask_late(self, now_ms: int, *, limit: int = LATE_AT_ONCE) -> int:
        """Asks again for pictures that were missing when their article was logged; returns for how many."""
        asked = 0
        for url, identity, tries in self.desk.schedule.late_pictures(now_ms, limit=limit):
            row = self.desk.known.article(identity)
            if row is None or url in self._drafts or url in self._tries:
                continue
            outlet = self.desk.outlet(row.outlet)
            choices = self._choose(Picture(url=url), outlet)
            held = self._held(url, choices)
            asked += 1
            if held is not None:
                self._come_late(identity, held)
                continue
            self._tries[url] = (identity, tries)
            self._open(url, choices, outlet.key, row.url)
        return asked

    def handed(self, keys: Sequence[str]) -> None:
        """These drafts and the late pictures lie in the outbox: the sequencer settles what they lack."""
        gone = set(keys)
        self._missing = [(url, key) for url, key in self._missing if key not in gone]
        self.late = []

    def settle(self, ids: dict[str, str], now_ms: int) -> None:
        """After a checkpoint: `ids` maps keys of logged drafts to article ids. Frees the spool."""
        waiting = [(url, ids[key], 0, now_ms + LATE_STEPS_S[0] * 1000) for url, key in self._missing if key in ids]
        for url in self._failed:
            identity, tries = self._tries.pop(url)
            if url in self._deferred:
                waiting.append((url, identity, tries, max(self._deferred[url], now_ms)))
                continue
            step = LATE_STEPS_S[min(tries + 1, len(LATE_STEPS_S) - 1)]
            waiting.append((url, identity, tries + 1, now_ms + step * 1000))
        self._missing = [(url, key) for url, key in self._missing if key not in ids]
        self.desk.schedule.settle_pictures([picked.url for _, picked in self.late], waiting)
        self.late, self._failed = [], []
        self._deferred.clear()
        self._forms.keep(now_ms)
        if not self._drafts and not self.watch.busy:
            self.watch.forget()
            self._got.clear()
            self._spelt.clear()
            for path in Path(self.desk.spool).iterdir():
                path.unlink(missing_ok=True)
            self.bytes_spooled = 0
