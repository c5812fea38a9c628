"""Where the picture proxy's bytes come from: the archive first, then, where the mode allows it, the origin."""

import hashlib
import threading
import time
from typing import Protocol

import msgspec

from baoguan.backends.file_cache import FileCache
from baoguan.backends.sqlite.lists import SqliteLists
from baoguan.desk import Desk
from baoguan.errors import PictureError, StoreError
from baoguan.fetch.addresses import literal_address
from baoguan.fetch.client import HttpFetcher
from baoguan.fetch.options import USER_AGENT, FetchOptions
from baoguan.media.choose import Grammars, read_photo
from baoguan.media.proxies import unwrap_proxy
from baoguan.model.capture import FetchRequest, FetchResult, Response
from baoguan.photographing import index_photos, open_photos
from baoguan.serving import is_served
from baoguan.text.urls import host_of

_ABSENT = "The picture is not in this archive."
_EXTENSIONS = ("jpg", "png", "webp", "avif", "gif", "bmp", "ico")
_CATCH_UP_S = 1.0
"""What one request works on the index of photos where it lags behind."""
FRESH_S = 86_400
"""A picture of the origin that was fetched within that time is not asked for again."""


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """A picture before any change."""

    sha256: str
    canonical: str
    """Its address at the origin, after permanent redirects."""
    data: bytes = b""
    """Empty until it is loaded."""
    path: str = ""
    """In public/, where it is the archive's."""


class Originals(Protocol):
    """Asked from several threads."""

    def locate(self, url: str) -> Original | None:
        """The archive's picture of an address, not loaded; asks no disk but the catalogue's, and no network."""
        ...

    def size(self, original: Original) -> int:
        """Bytes of a located picture; 0 where they are gone."""
        ...

    def load(self, original: Original) -> Original:
        """A located picture with its bytes. Raises PictureError."""
        ...

    def find(self, url: str) -> Original:
        """The picture of an address, loaded. Raises PictureError."""
        ...

    def by_hash(self, sha256: str) -> Original:
        """A picture of the archive. Raises PictureError."""
        ...

    def state(self) -> int:
        """Another number whenever an answer may be another; asked from one thread."""
        ...


class ArchivedPictures:
    """The pictures of an archive that its outlets let out."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lists = SqliteLists(desk.folder / "index" / "catalogue.sqlite")
        self._photos = open_photos(desk)
        self._grammars = Grammars(desk.outlets.values())

    def locate(self, url: str) -> Original | None:
        """By the address as asked, with the other scheme, or inside of another proxy's; else by the photo's name.

        Another rendition of the same part of the photo is an answer: the address names a width that was never asked
        for, for the largest was kept. The index of photos is taken as it stands.
        """
        return self._by_address(url) or self._same_photo(url, any_crop=False)

    def close(self) -> None:
        """Closes the connections."""
        self._lists.close()
        self._photos.close()

    def _by_address(self, url: str) -> Original | None:
        inner = unwrap_proxy(url)
        forms = tuple(dict.fromkeys(form for one in (url, inner) for form in (one, _other_scheme(one))))
        kept = self._lists.kept_paths(forms)
        for form in forms:
            if form in kept:
                path = kept[form][0]
                if not is_served(self._desk, path):
                    return None
                return Original(sha256=path.rpartition("/")[2].partition(".")[0], canonical=form, path=path)
        return None

    def _same_photo(self, url: str, *, any_crop: bool) -> Original | None:
        name = read_photo(url, None, self._grammars)
        found = self._photos.under_key(name.key)
        if any_crop:  # the whole photo before another part of it
            found.sort(key=lambda pair: pair[1].crop != "")
        for file, form in found:
            if (any_crop or form.crop == name.crop) and is_served(self._desk, file.path):
                return Original(sha256=file.sha256, canonical=form.url, path=file.path)
        return None

    def find(self, url: str) -> Original:
        """The same, loaded; the index of photos is brought up for it, and another part of the photo will do."""
        found = self.locate(url)
        if found is None:
            deadline = time.monotonic() + _CATCH_UP_S
            if not self._photos.writing.locked():
                index_photos(self._desk, self._photos, stop=lambda: time.monotonic() > deadline)
            found = self.locate(url) or self._same_photo(url, any_crop=True)
        if found is None:
            raise PictureError(_ABSENT)
        return self.load(found)

    def size(self, original: Original) -> int:
        """By the file's length."""
        try:
            return self._desk.archive.objects.size(original.path)
        except StoreError:
            return 0

    def load(self, original: Original) -> Original:
        """From its file."""
        return msgspec.structs.replace(original, data=self._read(original.path))

    def by_hash(self, sha256: str) -> Original:
        """By the hash of its bytes."""
        objects = self._desk.archive.objects
        paths = (f"media/{sha256[:2]}/{sha256}.{extension}" for extension in _EXTENSIONS)
        path = next((path for path in paths if objects.exists(path)), "")
        if not path or not is_served(self._desk, path):
            raise PictureError(_ABSENT)
        return Original(data=self._read(path), sha256=sha256, canonical="", path=path)

    def state(self) -> int:
        """Moves with each batch."""
        return self._lists.version()

    def _read(self, path: str) -> bytes:
        try:
            return self._desk.archive.objects.get(path)
        except StoreError as error:
            raise PictureError(_ABSENT) from error


def _other_scheme(url: str) -> str:
    return "http://" + url[8:] if url.startswith("https://") else "https://" + url.removeprefix("http://")


class OriginPictures:
    """The archive's pictures, and any other from its origin; those fetched stay in a cache and outlive the origin."""

    def __init__(self, archived: Originals, options: FetchOptions, cache: FileCache) -> None:
        self._archived, self._options, self._cache = archived, options, cache
        self._lock = threading.Lock()
        self._fetcher: HttpFetcher | None = None

    def by_hash(self, sha256: str) -> Original:
        """Of the archive alone."""
        return self._archived.by_hash(sha256)

    def locate(self, url: str) -> Original | None:
        """Of the archive."""
        return self._archived.locate(url)

    def size(self, original: Original) -> int:
        """Of the archive."""
        return self._archived.size(original)

    def load(self, original: Original) -> Original:
        """Of the archive."""
        return self._archived.load(original)

    def state(self) -> int:
        """Of the archive."""
        return self._archived.state()

    def find(self, url: str) -> Original:
        """From the archive, the cache of a day, the origin; where that is gone or blocked, what comes nearest.

        That is what came from there before, or another part of the same photo in the archive.
        """
        located = self._archived.locate(url)
        if located is not None:
            return self._archived.load(located)
        group = _sha256(url.encode())
        if self._cache.age_s(group, "data") < FRESH_S and (held := self._held(group)):
            return held
        try:
            return self.refresh(url)
        except PictureError as error:
            return self._held(group) or self._nearest(url, error)

    def refresh(self, url: str) -> Original:
        """From the origin, whatever is held; raises PictureError where it does not come, and what is held stays."""
        response, group = self._ask(url), _sha256(url.encode())
        canonical = _canonical(url, response)
        self._cache.put(group, "url", canonical.encode())
        self._cache.put(group, "data", response.body)
        return Original(data=response.body, sha256=_sha256(response.body), canonical=canonical)

    def _nearest(self, url: str, why: PictureError) -> Original:
        try:
            return self._archived.find(url)
        except PictureError:
            raise why from None

    def close(self) -> None:
        """Ends the connections."""
        if self._fetcher is not None:
            self._fetcher.close()

    def _held(self, group: str) -> Original | None:
        data, url = self._cache.get(group, "data"), self._cache.get(group, "url")
        if data is None or url is None:
            return None
        return Original(data=data, sha256=_sha256(data), canonical=url.decode())

    def _ask(self, url: str) -> Response:
        with self._lock:
            if self._fetcher is None:
                self._fetcher = HttpFetcher(self._options)
        result = self._fetcher.fetch(FetchRequest(url=url, kind="picture"))
        if result.response is None:
            raise _refused(result, self._options)
        if result.response.status != 200:
            raise PictureError(f"The requested URL returned error: {result.response.status}")
        if result.response.truncated:
            raise PictureError("The requested URL returned a body that ends early.")
        return result.response


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _canonical(url: str, response: Response) -> str:
    """The address that permanent redirects at the beginning lead to."""
    for hop in response.hops:
        if hop.status not in (301, 308):
            break
        url = hop.location
    return url


def _refused(result: FetchResult, options: FetchOptions) -> PictureError:
    """weserv's words for what our fetcher says."""
    kind, text = result.error_kind, result.error
    if kind == "size":
        return PictureError(f"The image is too large to be downloaded. Max image size: {options.picture_bytes} bytes")
    if kind == "redirects":
        asked = text.partition(": redirects")[0]
        if text.endswith(f"in a loop, to {asked}"):
            return PictureError("Will not follow a redirection to itself")
        if "can't be fetched" in text:
            return PictureError("Will not follow a redirection to what is no web address")
        return PictureError(f"Will not follow more than {options.redirects} redirects")
    if kind == "address" and literal_address(host_of(result.request.url)):
        return PictureError("IP address blocked by policy", status=400)
    if kind in ("address", "dns"):
        return PictureError("The hostname of the origin is unresolvable (DNS) or blocked by policy.")
    if kind == "timeout":
        return PictureError("The requested URL timed out.")
    return PictureError("The requested URL could not be fetched.")


def proxy_options(desk: Desk) -> FetchOptions:
    """The fetcher of the proxy: no pace and no robots.txt, for a reader is waiting; every other limit as for syncs."""
    settings = desk.settings
    return FetchOptions(
        jobs=settings.jobs,
        per_host=8,
        pace_s=0.0,
        max_wait_s=0.0,
        timeout_s=min(settings.timeout_s, 20.0),
        connect_s=5.0,
        picture_bytes=int(settings.picture_mb * 1e6),
        robots=False,
        user_agent=settings.user_agent or USER_AGENT,
        allow_networks=settings.allow_networks,
        proxies={"": settings.proxy} if settings.proxy else {},
    )
