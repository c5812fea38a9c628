"""What the apps' interfaces share: accounts that are loaded, outlets as feeds, articles as entries, signed pictures."""

import base64
import hmac
import re
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

import msgspec

from baoguan.desk import Desk
from baoguan.errors import StoreError
from baoguan.model.account import User
from baoguan.ports import Accounts
from baoguan.text.urls import canonical_url
from baoguan.web.accounts_filters import run_filters
from baoguan.web.accounts_login import Doorkeeper
from baoguan.web.accounts_shelf import Item, Shelf, outlet_numbers
from baoguan.web.accounts_state import Account
from baoguan.web.body import BodyStyle, show_body
from baoguan.web.source import ArticlePage, ReaderSource
from baoguan.web.words import known_language, words

_IMG = re.compile(r'(?<=["])(?P<base>[^"\s]*)/media/(?P<rest>[0-9a-f]{2}/[0-9a-f]{64}\.[a-z0-9]{1,5})(?=")')


_COUNTED_MS = 10_000


class FeedInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An outlet as an app sees it."""

    key: str
    number: int
    title: str
    folder: str
    hidden: bool
    url: str
    """Of its first feed; of the archive's own feed of it where it has none."""
    urls: tuple[str, ...]
    """All of them."""
    site_url: str
    language: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An article as an app gets it."""

    item: Item
    page: ArticlePage
    title: str
    url: str
    html: str
    """Sanitised; addresses are absolute, pictures signed."""
    author: str
    published_ms: int
    updated_ms: int
    pictures: tuple[tuple[str, str], ...]
    """(signed URL, media type) of the kept ones."""


class AppDesk:
    """Everything that an interface works with, shared by all threads; `_lock` guards the loaded accounts."""

    def __init__(self, desk: Desk, source: ReaderSource, accounts: Accounts, secret: bytes) -> None:
        self.desk, self.source, self.accounts = desk, source, accounts
        self.shelf = Shelf(desk)
        self.door = Doorkeeper(accounts, desk.clock, desk.entropy)
        self._secret = secret
        self._lock = threading.Lock()
        self._loaded: dict[int, Account] = {}
        self._numbers: dict[str, int] = {}
        self._counted = (-_COUNTED_MS, False)

    def account(self, user: User) -> Account:
        """The user's account, as it stands now; filters have acted on what is new. Call under its lock afterwards."""
        with self._lock:
            if len(self._loaded) > 500:
                self._loaded.clear()
            account = self._loaded.setdefault(user.id, Account(self.accounts, self.shelf, user))
        size = self.shelf.refresh()
        with account.lock:
            account.load()
            run_filters(self.desk, self.shelf, account, size)
        return account

    def forget(self, user: int) -> None:
        """Drops what is held of a user who is deleted."""
        with self._lock:
            self._loaded.pop(user, None)

    def has_users(self) -> bool:
        """Whether there is an account; asked of the file once in ten seconds, since each page wants to know."""
        now = self.door.now_ms()
        if now - self._counted[0] > _COUNTED_MS:
            self._counted = (now, bool(self.accounts.users()))
        return self._counted[1]

    # Outlets as feeds

    def numbers(self) -> dict[str, int]:
        """Number by outlet: those that are set up or hold an article."""
        keys = {*self.shelf.outlets(), *self.desk.feeds.values()}
        if keys != self._numbers.keys():
            self._numbers = outlet_numbers(keys)
        return self._numbers

    def feed(self, account: Account, key: str) -> FeedInfo:
        """One outlet."""
        outlet, mine = self.desk.outlet(key), account.subscription(key)
        urls = tuple(url for url, owner in self.desk.feeds.items() if owner == key)
        urls = urls or tuple(spec.url for spec in outlet.feeds)
        return FeedInfo(
            key=key,
            number=self.numbers()[key],
            title=mine.title or outlet.name,
            folder=mine.folder,
            hidden=mine.hidden,
            url=urls[0] if urls else f"urn:baoguan:{key}",
            urls=urls,
            site_url=outlet.home,
            language=outlet.language,
        )

    def feeds(self, account: Account) -> list[FeedInfo]:
        """The outlets that the user reads, by key."""
        return [self.feed(account, key) for key in sorted(self.numbers()) if not account.subscription(key).unsubscribed]

    def mixed(self, account: Account) -> tuple[str, ...]:
        """Outlets of the mixed lists."""
        return tuple(
            key
            for key in self.numbers()
            if not (account.subscription(key).unsubscribed or account.subscription(key).hidden)
        )

    def find_outlet(self, name: str) -> str | None:
        """The outlet that a number, key, feed address or home page means."""
        numbers = self.numbers()
        if name in numbers:
            return name
        if name.isdecimal() and len(name) < 20:
            return next((key for key, number in numbers.items() if number == int(name)), None)
        if name.startswith("urn:baoguan:") and name.removeprefix("urn:baoguan:") in numbers:
            return name.removeprefix("urn:baoguan:")
        wanted = canonical_url(name) if "://" in name else ""
        for key in numbers:
            outlet = self.desk.outlet(key)
            known = [url for url, owner in self.desk.feeds.items() if owner == key]
            known += [spec.url for spec in outlet.feeds] + ([outlet.home] if outlet.home else [])
            if name in known or (wanted and wanted in [canonical_url(url) for url in known]):
                return key
        return None

    def unread(self, account: Account) -> dict[str, int]:
        """Unread articles by outlet that the user reads, hidden ones among them."""
        counts = account.unread()
        return {feed.key: counts.get(feed.key, 0) for feed in self.feeds(account)}

    # Articles as entries

    def entries(self, items: Iterable[Item], base: str) -> list[Entry]:
        """Those whose record can be read: one damaged record must not end a list; `verify` names it."""
        found = (self.entry(item, base) for item in items)
        return [entry for entry in found if entry is not None]

    def entry(self, item: Item, base: str) -> Entry | None:
        """An article, its text whole. None where it is withdrawn or can't be read."""
        try:
            page = self.source.article(item.id)
        except StoreError:
            return None
        if page is None:
            return None
        missing = words(known_language(page.lang) or "en")("article.no_picture")
        style = BodyStyle(base=base, no_picture=missing, eager_first=False)
        html = self.signed(show_body(page.body_html, page.media, style).html, base)
        return Entry(
            item=item,
            page=page,
            title=page.title,
            url=page.url if page.url.startswith(("http://", "https://")) else f"{base}/article/{page.id}",
            html=html,
            author=", ".join(page.authors),
            published_ms=_published_ms(page),
            updated_ms=page.captured_ms,
            pictures=tuple((self.picture_url(base, ref.path), _media_type(ref.path)) for ref in page.media if ref.path),
        )

    def signed(self, html: str, base: str) -> str:
        """`html` with every kept picture of this archive under its signed address."""
        return _IMG.sub(
            lambda found: (
                escape(self.picture_url(base, f"media/{found['rest']}")) if found["base"] == base else found[0]
            ),
            html,
        )

    def picture_url(self, base: str, path: str) -> str:
        """/m/<signature>/<sha256>.<ext>: shows one picture to who has the address, without a cookie or a password."""
        name = path.rpartition("/")[2]
        return f"{base}/m/{self._signature(name)}/{name}"

    def picture_path(self, signature: str, name: str) -> str | None:
        """The file of public/ behind a signed address; None where the signature is not ours."""
        given = signature.encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self._signature(name).encode()):
            return None
        return f"media/{name[:2]}/{name}"

    def _signature(self, name: str) -> str:
        return self.seal("picture", name)

    def seal(self, purpose: str, text: str) -> str:
        """132 bits of HMAC-SHA256 under the archive's secret."""
        mac = hmac.digest(self._secret, f"{purpose}\0{text}".encode("utf-8", "surrogatepass"), "sha256")
        return base64.urlsafe_b64encode(mac).decode()[:22]

    def close(self) -> None:
        """Closes the connections."""
        self.shelf.close()


def _published_ms(page: ArticlePage) -> int:
    """The outlet's clock where it is known; a bare day counts from its noon in UTC, so that it stays that day."""
    try:
        at = datetime.fromisoformat(page.published)
    except ValueError:
        return page.revisions[0].captured_ms if page.revisions else page.captured_ms
    if len(page.published) <= 10:
        at = at.replace(hour=12)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _media_type(path: str) -> str:
    ending = path.rpartition(".")[2]
    return "image/" + {"jpg": "jpeg", "svg": "svg+xml", "tif": "tiff"}.get(ending, ending)
