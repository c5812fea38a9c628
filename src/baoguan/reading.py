"""Pages as captured, each read by the rules of its day and by what its outlet's earlier pages taught."""

from collections.abc import Callable
from datetime import date

import msgspec

from baoguan.capture.read import read_member, to_response
from baoguan.desk import Desk
from baoguan.errors import BaoguanError, Corrupt
from baoguan.extract.article import Hints, read_page
from baoguan.extract.combine import NOT_ARTICLES, article_from_item, combine
from baoguan.extract.profile import Lesson, Profile, drift, learn
from baoguan.extract.rules import choose_rules
from baoguan.model.article import Article
from baoguan.model.capture import Response
from baoguan.model.feed import Item
from baoguan.model.log import ManifestLine
from baoguan.model.outlet import Outlet
from baoguan.model.schedule import PendingItem

DRIFT = "drift"
"""Flag of a revision whose page departs from its outlet's habit, and reason of a loss where an older text is kept."""
_decode_profile = msgspec.msgpack.Decoder(Profile).decode


class PageRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a page, its item and its outlet's habit say together."""

    article: Article
    loss: str = ""
    """Why the page is no article: home, error, consent, login, index or empty; then the article is the feed's."""
    flags: tuple[str, ...] = ()
    """For the log: from-feed, drift, profile:PAGES-DIGEST (what was learned before it was read)."""
    again: Callable[[ManifestLine], Article | None] | None = None
    """Reads the capture of an older revision as this page was read; None where there is none."""
    habit: Profile | None = None
    """What was known of the outlet's pages then."""


class Reader:
    """Reads the pages of one run and learns from them. Owned by the joiner's thread.

    Profiles are state: read from the schedule when an outlet's first page comes, kept by `keep` after a checkpoint.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._profiles: dict[str, Profile] = {}
        self._changed: set[str] = set()

    def profile(self, outlet: str) -> Profile:
        """What is known of an outlet."""
        if outlet not in self._profiles:
            self._profiles[outlet] = load_profile(self._desk, outlet)
        return self._profiles[outlet]

    def read(self, pending: PendingItem, response: Response | None) -> PageRead:
        """The page of an item, completed by the feed; the feed's own text where there is no page or it is none."""
        outlet = self._desk.outlet(pending.outlet)
        page, loss, flags = None, "", []
        profile = self.profile(outlet.key)
        if response is not None:
            page, loss, lesson = _read(outlet, response, profile)
            if profile.name and lesson is not None:
                flags.append(f"profile:{profile.name}")
            if lesson is not None:
                if drift(profile, lesson) is not None:
                    flags.append(DRIFT)
                self._learn(outlet.key, lesson, int(response.at.timestamp() * 1000))
        article = _joined(page, pending.item, outlet)
        if response is not None and article.extractor.startswith("feed/"):
            flags = ["from-feed", f"page: {loss or 'shorter'}"]
        again = self.again(pending.item, outlet, profile)
        return PageRead(article=article, loss=loss, flags=tuple(flags), again=again, habit=profile)

    def _learn(self, outlet: str, lesson: Lesson, at_ms: int) -> None:
        after = learn(self._profiles[outlet], lesson, at_ms)
        if after is not self._profiles[outlet]:
            self._profiles[outlet] = after
            self._changed.add(outlet)

    def again(self, item: Item, outlet: Outlet, profile: Profile) -> Callable[[ManifestLine], Article | None]:
        """What reads the captures of older revisions of an item by that profile."""

        def again(line: ManifestLine) -> Article | None:
            try:
                response = captured_page(self._desk, line)
            except BaoguanError:
                return None
            page = _read(outlet, response, profile)[0] if response is not None else None
            return None if page is None else _joined(page, item, outlet)

        return again

    def keep(self) -> None:
        """Keeps what was learned."""
        for outlet in sorted(self._changed):
            self._desk.schedule.put(_key(outlet), msgspec.msgpack.encode(self._profiles[outlet]))
        self._changed.clear()


def load_profile(desk: Desk, outlet: str) -> Profile:
    """What earlier runs learned of an outlet; an empty profile where nothing usable is kept."""
    kept = desk.schedule.get(_key(outlet))
    try:
        return _decode_profile(kept) if kept else Profile()
    except (msgspec.DecodeError, ValueError):
        return Profile()


def _key(outlet: str) -> str:
    return f"profile/1:{outlet}"


def hints_for(outlet: Outlet, response: Response, profile: Profile | None, *, day: date | None = None) -> Hints:
    """What is known of a captured page before it is read: its outlet's rules of that day (or `day`), its habit."""
    return Hints(
        url=response.final_url,
        content_type=response.header("content-type"),
        rules=choose_rules(outlet, day or response.at.date()),
        profile=profile,
        language=outlet.language,
        zone=outlet.zone,
        outlet=outlet.key,
    )


def _read(outlet: Outlet, response: Response, profile: Profile | None) -> tuple[Article | None, str, Lesson | None]:
    """(what the page says, empty, what it teaches), or None and why it is no article."""
    if led_home(outlet, response):
        return None, "home", None
    reading = read_page(response.body, hints_for(outlet, response, profile))
    page = reading.article
    if page.kind in NOT_ARTICLES:
        return None, page.kind, reading.lesson
    return (page, "", reading.lesson) if page.body_html else (None, "empty", reading.lesson)


def _joined(page: Article | None, item: Item, outlet: Outlet) -> Article:
    return combine(page, item, article_from_item(item, language=outlet.language))


def captured_page(desk: Desk, line: ManifestLine) -> Response | None:
    """The captured page of a revision; None where its text is not of a page. Raises NotFound, Corrupt."""
    ref = line.capture
    if ref is None or ref.kind != "response" or line.extractor.startswith(("feed/", "import/")):
        return None
    row = desk.catalog.capture(ref.record_id)
    if row is None:
        raise Corrupt(f"capture {ref.record_id} is in no WARC file: run `baoguan verify`")
    response = to_response(read_member(desk.archive.objects.get(row.file, row.offset, row.length)))
    return response if response.status == 200 and response.body else None


def captured_file(desk: Desk, line: ManifestLine) -> bytes | None:
    """The file that a revision was imported from; None where it came otherwise. Raises NotFound, Corrupt."""
    ref = line.capture
    if ref is None or ref.kind != "resource" or not line.legacy_path or not line.extractor.startswith("import/"):
        return None
    row = desk.catalog.capture(ref.record_id)
    if row is None:
        raise Corrupt(f"capture {ref.record_id} is in no WARC file: run `baoguan verify`")
    return read_member(desk.archive.objects.get(row.file, row.offset, row.length)).block


def led_home(outlet: Outlet, response: Response) -> bool:
    """Whether redirects led to the front page of the outlet or of its host, in place of the article."""
    final = response.final_url.partition("#")[0].partition("?")[0].rstrip("/")
    return bool(response.hops) and (final.count("/") <= 2 or final == outlet.home.rstrip("/"))
