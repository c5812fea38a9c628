"""Object store and head in an S3-compatible bucket, by obstore (Rust's object_store; MIT, kept by Development Seed).

Written once by `If-None-Match: *`, the head by `If-Match`; a server that ignores these conditions is refused when the
store is opened, for it would lose what two writers keep at once. An answered write is durable, so `sync` has nothing to
do. obstore retries with backoff what can be retried and uploads what is large in parts.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import S3Store

from baoguan.backends.files import check_path
from baoguan.errors import ConfigError, Conflict, NotFound, StoreError

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Store

PROBE = ".conditions"
"""Object by which a server shows that it obeys conditions."""
RETRIES = 5
RETRY_SECONDS = 60
TIMEOUT_SECONDS = 30
_ABREAST = 16
"""Small objects asked for at once."""


def open_bucket(url: str, *, key: str = "", secret: str = "", region: str = "", endpoint: str = "") -> "Store":
    """The bucket of `s3://BUCKET/PREFIX`. `endpoint`: another server than Amazon's, http only on loopback.

    Without `key` the environment's credentials are taken (AWS_ACCESS_KEY_ID ...). Raises ConfigError.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise ConfigError(f"{url}: an object store is named s3://BUCKET or s3://BUCKET/PREFIX")
    host = urlsplit(endpoint).hostname or ""
    plain = endpoint.startswith("http://")
    if plain and host != "localhost" and not host.startswith("127.") and host != "::1":
        raise ConfigError(f"{endpoint}: http is for loopback only; give the https address")
    options: dict[str, Any] = {"region": region or "us-east-1"}
    if endpoint:
        options |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
    if key:
        options |= {"access_key_id": key, "secret_access_key": secret}
    try:
        return S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={"allow_http": plain, "timeout": f"{TIMEOUT_SECONDS}s"},
            retry_config={"max_retries": RETRIES},
            **options,
        )
    except (BaseError, ValueError) as error:
        raise ConfigError(f"{url}: {_first_line(error)}") from error


class S3Objects:
    """ports.ObjectStore over a bucket."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def check_conditions(self) -> None:
        """Raises StoreError where the server lets an object be written twice, or the head be moved from elsewhere."""
        self._put(PROBE, b"", mode="overwrite")
        for mode, name in (("create", "If-None-Match"), ({"e_tag": '"0123456789abcdef0123456789abcdef"'}, "If-Match")):
            try:
                obstore.put(self._store, PROBE, b"", mode=mode)  # type: ignore[arg-type]
            except (AlreadyExistsError, PreconditionError):
                continue
            except BaseError as error:
                raise StoreError(f"object store: {_first_line(error)}") from error
            raise StoreError(f"object store: it doesn't obey {name}, so that two writers would lose what they keep")

    def _put(self, path: str, data: bytes, *, mode: Any) -> None:
        try:
            obstore.put(self._store, path, data, mode=mode)
        except AlreadyExistsError as error:
            raise Conflict(f"{path}: something is kept under this name") from error
        except BaseError as error:
            raise StoreError(f"{path}: {_first_line(error)}") from error

    def put_new(self, path: str, data: bytes) -> bool:
        """As ports.ObjectStore. A retried write that had arrived is the same bytes again."""
        check_path(path)
        try:
            self._put(path, data, mode="create")
        except Conflict:
            if self.get(path) != data:
                raise Conflict(f"{path}: other bytes are kept under this name") from None
            return False
        return True

    def put_listed(self, path: str, data: bytes) -> bool:
        """As put_new: an object is whole or not there."""
        return self.put_new(path, data)

    def put_file(self, path: str, source: str) -> bool:
        """As ports.ObjectStore; the source is removed once kept."""
        kept = self.put_new(path, Path(source).read_bytes())
        Path(source).unlink()
        return kept

    def get(self, path: str, start: int = 0, size: int | None = None) -> bytes:
        """As ports.ObjectStore, by a range where one is asked for."""
        check_path(path)
        try:
            if not start and size is None:
                return bytes(obstore.get(self._store, path).bytes())
            end = self.size(path) if size is None else min(start + size, self.size(path))
            if start >= end:
                return b""
            return bytes(obstore.get_range(self._store, path, start=start, end=end))
        except (NotFoundError, FileNotFoundError) as error:
            raise NotFound(f"{path}: not there") from error
        except BaseError as error:
            raise StoreError(f"{path}: {_first_line(error)}") from error

    def get_each(self, paths: Sequence[str]) -> Iterator[bytes | None]:
        """As ports.ObjectStore, several at once: what a request costs here is its way there and back."""
        with ThreadPoolExecutor(_ABREAST) as threads:
            for start in range(0, len(paths), 4 * _ABREAST):
                yield from threads.map(self._get_or_none, paths[start : start + 4 * _ABREAST])

    def _get_or_none(self, path: str) -> bytes | None:
        try:
            return self.get(path)
        except NotFound:
            return None

    def exists(self, path: str) -> bool:
        """As ports.ObjectStore."""
        try:
            self.size(path)
        except NotFound:
            return False
        return True

    def size(self, path: str) -> int:
        """As ports.ObjectStore."""
        check_path(path)
        try:
            return int(obstore.head(self._store, path)["size"])
        except (NotFoundError, FileNotFoundError) as error:
            raise NotFound(f"{path}: not there") from error
        except BaseError as error:
            raise StoreError(f"{path}: {_first_line(error)}") from error

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """As ports.ObjectStore; the server sorts by bytes, as UTF-8 does."""
        prefix = prefix.rstrip("/")
        if prefix:
            check_path(prefix)
        try:
            for page in obstore.list(self._store, prefix=prefix or None, offset=after or None, chunk_size=1000):
                paths = (str(meta["path"]) for meta in page)
                yield from (path for path in paths if path > after and path != PROBE)
        except BaseError as error:
            raise StoreError(f"{prefix or '/'}: {_first_line(error)}") from error

    def list_unknown(self, known: set[int]) -> Iterator[str]:
        """As ports.ObjectStore."""
        return (path for path in self.list("") if hash(path) not in known)

    def delete(self, path: str) -> None:
        """As ports.ObjectStore."""
        check_path(path)
        try:
            obstore.delete(self._store, path)
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise StoreError(f"{path}: {_first_line(error)}") from error

    def replace(self, path: str, data: bytes | Iterable[bytes]) -> None:
        """As ports.ObjectStore."""
        self._put(check_path(path), data if isinstance(data, bytes) else b"".join(data), mode="overwrite")

    def sync(self, paths: Iterable[str]) -> None:
        """Nothing: what the server has answered is durable."""


class S3Head:
    """ports.Head in one object, moved by compare-and-swap on its ETag."""

    def __init__(self, store: "Store", path: str = "checkpoint") -> None:
        self._store, self._path = store, path

    def _read(self) -> tuple[bytes | None, Any]:
        try:
            answer = obstore.get(self._store, self._path)
            meta = answer.meta
            condition = {name: meta[name] for name in ("e_tag", "version") if meta.get(name)}
            return bytes(answer.bytes()), condition
        except (NotFoundError, FileNotFoundError) as error:
            if "NoSuchBucket" in str(error):
                raise StoreError("object store: there is no such bucket; make it, or mend `objects`") from error
            return None, "create"
        except BaseError as error:
            raise StoreError(f"{self._path}: {_first_line(error)}") from error

    def read(self) -> bytes | None:
        """The current note, None before the first."""
        return self._read()[0]

    def replace(self, old: bytes | None, new: bytes) -> None:
        """Compare-and-swap. After a failure the head is read again: an answer that was lost may have moved it."""
        held, mode = self._read()
        if held != old:
            raise Conflict(f"{self._path}: the head was moved by another writer")
        try:
            self._put(new, mode)
        except (AlreadyExistsError, PreconditionError) as error:
            if self.read() != new:
                raise Conflict(f"{self._path}: the head was moved by another writer") from error
        except BaseError as error:
            if self.read() != new:
                raise StoreError(f"{self._path}: {_first_line(error)}") from error

    def _put(self, new: bytes, mode: Any) -> None:
        try:
            obstore.put(self._store, self._path, new, mode=mode)
        except PreconditionError:
            tag = mode.get("e_tag", "") if isinstance(mode, dict) else ""
            if not tag.startswith('"'):
                raise
            # Ceph 16 compares the quotes too, with an ETag that it keeps without; a head that has moved fails again.
            obstore.put(self._store, self._path, new, mode={"e_tag": tag.strip(chr(34))})


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
