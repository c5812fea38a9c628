"""The deny list: what was withdrawn never comes back, whoever brings it. Kept in private/ as keyed hashes only.

`private/deny.jsonl` holds one Denial a line, `private/deny.key` the secret. Without the secret the list says nothing:
URLs and short texts can be guessed, their HMACs can't. Every way into the archive asks `refuses` first.
"""

import contextlib
import hashlib
import hmac
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from baoguan.errors import ConfigError, Corrupt
from baoguan.model.feed import FeedDoc, Item
from baoguan.model.outlet import Outlet
from baoguan.ports import Entropy
from baoguan.text.html import clean_body, plain_text
from baoguan.text.identity import keys_of
from baoguan.text.urls import canonical_url

FILE, KEY = "deny.jsonl", "deny.key"
TEXT_FLOOR = 40
"""Letters: a shorter text belongs to nobody (a mere "read more" must not ban every item that says it)."""
SENTENCE_FLOOR = 8
SAME = 0.75
"""Share of a text's letters that stand in withdrawn sentences: from there on it is the withdrawn text again."""
_BREAK = re.compile(r"[\n。！？；!?;]+|\.\s")
_NOT_LETTERS = re.compile(r"[\W_]+")


class Denial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One withdrawal, as the list keeps it."""

    v: int = 1
    at_ms: int
    ids: tuple[str, ...]
    reason: str
    note: str = ""
    """The operator's own words."""
    keys: tuple[str, ...] = ()
    """Keyed hashes of identity keys (URLs, guids) and of imported files."""
    texts: tuple[str, ...] = ()
    """Keyed hashes of sentences, and of whole texts."""
    lifted_ms: int = 0
    """When the ban was lifted; 0 while it holds."""


def sentences(text: str) -> list[str]:
    """The sentences of a text as they are compared: letters and digits, case folded, short ones left out."""
    parts = (_NOT_LETTERS.sub("", part) for part in _BREAK.split(unicodedata.normalize("NFKC", text).casefold()))
    return [part for part in parts if len(part) >= SENTENCE_FLOOR]


def identity_names(outlet: str, guids: Iterable[str], urls: Iterable[str], *, conflict: bool = False) -> list[str]:
    """What the list hashes of an identity. A URL counts whatever outlet brings it, a guid within its outlet."""
    keys = keys_of(guids, urls, conflict=conflict)
    return [key if key.startswith("u:") else f"{outlet}\n{key}" for key in keys]


def item_texts(item: Item) -> list[str]:
    """The plain texts that a feed's item carries."""
    carried = (item.content_html, item.summary_html)
    return [plain_text(clean_body(html, item.url).html) for html in carried if html]


class Denials:
    """The list of one archive. Re-read when another process has changed it; written only under the write lock."""

    def __init__(self, folder: Path, entropy: Entropy) -> None:
        """`folder`: private/."""
        self._folder, self._entropy = folder, entropy
        self._stamp: tuple[int, int, int] | None = None
        self._all: list[Denial] = []
        self._keys: set[str] = set()
        self._texts: set[str] = set()
        self._secret = b""
        self.refused: list[tuple[tuple[str, ...], Denial]] = []
        """(names, denial) of what was known by its text alone in this run: captures may hold it by now."""

    def all(self) -> list[Denial]:
        """Every withdrawal, lifted ones too, oldest first. Raises Corrupt."""
        self._refresh()
        return list(self._all)

    @property
    def active(self) -> bool:
        """Whether anything is denied: where nothing is, nobody pays for asking."""
        self._refresh()
        return bool(self._keys or self._texts)

    def refuses(self, names: Iterable[str], text: str = "") -> bool:
        """Whether one of `names` (as identity_names gives them) or the plain text was withdrawn.

        A text that is known under new names takes these onto the list, so that they are not asked for again.
        """
        if not self.active:
            return False
        names = tuple(names)
        marks = [self._hash(name) for name in names]
        if not self._keys.isdisjoint(marks):
            return True
        source = self.text_source(text)
        if source is None:
            return False
        source = msgspec.structs.replace(source, keys=tuple(dict.fromkeys((*source.keys, *marks))))
        self.put(source)
        self.refused.append((tuple(names), source))
        return True

    def match(self, names: Iterable[str]) -> Denial | None:
        """The denial in force that holds one of `names`; None when there is none."""
        if not self.active:
            return None
        marks = {self._hash(name) for name in names}
        return next((one for one in self._all if not one.lifted_ms and not marks.isdisjoint(one.keys)), None)

    def text_source(self, text: str) -> Denial | None:
        """The withdrawal whose text this is; None for any other text."""
        if not text or not self.active:
            return None
        parts = sentences(text)
        total = sum(map(len, parts))
        if total < TEXT_FLOOR:
            return None
        hashes = {part: self._hash(f"t:{part}") for part in parts}
        known = sum(len(part) for part in parts if hashes[part] in self._texts)
        if known < SAME * total:
            return None
        wanted = set(hashes.values())
        held = (one for one in self._all if not one.lifted_ms and not wanted.isdisjoint(one.texts))
        return next(held, None)

    def strip(self, outlet: Outlet, doc: FeedDoc) -> tuple[FeedDoc, bool]:
        """(the feed without items that were withdrawn, whether there was one)."""
        if not self.active:
            return doc, False
        kept = tuple(item for item in doc.items if not self._refuses_item(outlet, item))
        return (msgspec.structs.replace(doc, items=kept), True) if len(kept) < len(doc.items) else (doc, False)

    def _refuses_item(self, outlet: Outlet, item: Item) -> bool:
        urls = [canonical_url(item.url, drop_params=outlet.drop_params)] if item.url else []
        names = identity_names(outlet.key, [item.guid], urls)
        names += identity_names(outlet.key, [item.guid], urls, conflict=True)
        return self.refuses(names) or any(self.refuses(names, text) for text in item_texts(item))

    def make(
        self, *, at_ms: int, ids: Sequence[str], reason: str, note: str, names: Iterable[str], texts: Iterable[str]
    ) -> Denial:
        """A denial of these names and plain texts, hashed; not kept yet."""
        marks: dict[str, None] = {}
        for text in texts:
            parts = sentences(text)
            if sum(map(len, parts)) >= TEXT_FLOOR:
                marks.update((self._hash(f"t:{part}"), None) for part in parts)
        keys = tuple(dict.fromkeys(self._hash(name) for name in names))
        return Denial(at_ms=at_ms, ids=tuple(ids), reason=reason, note=note, keys=keys, texts=tuple(marks))

    def put(self, denial: Denial) -> None:
        """Keeps a denial, durably; one of the same time and ids is replaced."""
        self._refresh()
        same = (denial.at_ms, denial.ids)
        rows = [denial if (one.at_ms, one.ids) == same else one for one in self._all]
        self._write(rows if denial in rows else [*rows, denial])

    def adopt(self, private: Path) -> int:
        """Takes over the newer list and secret of another private/ folder; returns how many denials it holds."""
        other = Denials(private, self._entropy)
        rows = other.all()
        if rows:
            mine = [one for one in self.all() if (one.at_ms, one.ids) not in {(row.at_ms, row.ids) for row in rows}]
            if mine and other._read_secret() != self._read_secret():
                raise ConfigError(f"{private}: its deny list has another secret than the one here")
            write_private(self._folder / KEY, other._read_secret().hex().encode())
            self._secret = b""
            self._write([*mine, *rows])
        return len(rows)

    def lift(self, identity: str, now_ms: int) -> int:
        """Ends the ban on an article; returns how many denials named it. Nothing is restored by that."""
        rows = [
            msgspec.structs.replace(one, lifted_ms=now_ms) if identity in one.ids and not one.lifted_ms else one
            for one in self.all()
        ]
        changed = sum(one not in self._all for one in rows)
        if changed:
            self._write(rows)
        return changed

    def _hash(self, name: str) -> str:
        if not self._secret:
            self._secret = self._read_secret()
        return hmac.digest(self._secret, name.encode("utf-8", "surrogatepass"), hashlib.sha256)[:12].hex()

    def _read_secret(self) -> bytes:
        path = self._folder / KEY
        with contextlib.suppress(FileNotFoundError):
            return bytes.fromhex(path.read_text("ascii"))
        secret = self._entropy.token_bytes(32)
        write_private(path, secret.hex().encode())
        return secret

    def _refresh(self) -> None:
        try:
            seen = os.stat(self._folder / FILE)  # noqa: PTH116 - asked for each draft
        except OSError:
            stamp = (0, 0, 0)
        else:
            stamp = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        if stamp != self._stamp:
            self._load()
            self._stamp = stamp

    def _load(self) -> None:
        path = self._folder / FILE
        try:
            self._all = [msgspec.json.decode(line, type=Denial) for line in path.read_bytes().splitlines()]
        except (FileNotFoundError, PermissionError):
            self._all = []
        except msgspec.DecodeError as error:
            raise Corrupt(f"{path}: the deny list can't be read ({error}); restore private/ from the backup") from error
        held = [one for one in self._all if not one.lifted_ms]
        self._keys = {key for one in held for key in one.keys}
        self._texts = {mark for one in held for mark in one.texts}

    def _write(self, rows: Sequence[Denial]) -> None:
        write_private(self._folder / FILE, b"".join(msgspec.json.encode(one) + b"\n" for one in rows))
        self._stamp = None


def write_private(path: Path, data: bytes) -> None:
    """Write, fsync, rename, fsync of the folder; for the owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
