"""Who is who while a batch is being written: the catalogue, and over it what this batch has appended already."""

from collections.abc import Iterable

import msgspec

from baoguan.archive.withdraw_deny import Denials
from baoguan.model.catalog import ArticleRow
from baoguan.model.ids import article_id
from baoguan.model.log import ManifestLine
from baoguan.ports import Catalog
from baoguan.text.identity import keys_of, legacy_number
from baoguan.text.urls import canonical_url


class Standing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where an article stands in the log."""

    rev: int
    """Highest revision number."""
    index: int
    """Log index of its current revision."""
    captured_ms: int
    content_sha256: str
    lost: str = ""
    checked_ms: int = 0
    """The latest look: of a revision, a `seen` or a `lost`."""


class Resolution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whom an item speaks of."""

    id: str
    url: str
    """Canonical."""
    standing: Standing | None = None
    """None for a new article."""
    conflict: bool = False
    """Its guid and its URL belong to two articles: it is a third."""


class _Named(msgspec.Struct, frozen=True, gc=False):
    """What an item is called by."""

    id: str
    """Of the article that it is when nobody owns its keys."""
    url: str
    keys: list[str]
    pair: list[str]
    """The keys that it has when its guid and its URL belong to two articles."""
    owned: frozenset[tuple[str, str]]
    """All of them, as _keys has them."""


def _names_of(outlet: str, guid: str, url: str, drop_params: tuple[str, ...]) -> _Named:
    canonical = canonical_url(url, drop_params=drop_params) if url else ""
    keys = keys_of([guid], [canonical])
    pair = keys_of([guid], [canonical], conflict=True)
    owned = frozenset((outlet, key) for key in (*keys, *pair))
    return _Named(article_id(outlet, canonical or guid), canonical, keys, pair, owned)


def _standing(row: ArticleRow) -> Standing:
    return Standing(
        rev=row.rev,
        index=row.index,
        captured_ms=row.captured_ms,
        content_sha256=row.content_sha256,
        lost=row.lost,
        checked_ms=row.checked_ms,
    )


class Ledger:
    """Lives for one batch, under the write lock; owned by one thread."""

    def __init__(self, catalog: Catalog, denials: Denials | None = None) -> None:
        """`denials`: what may not come in again; None lets everything in."""
        self._catalog = catalog
        self._denials = denials
        self._denying: bool | None = None
        self._named: dict[tuple[str, str, str, tuple[str, ...]], _Named] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self._standing: dict[str, Standing] = {}
        self._asked: set[tuple[str, str]] = set()
        """Keys whose owners are in _keys if they have one: the catalogue needn't be asked again."""
        self._absent: set[str] = set()
        """Ids that the catalogue has not."""
        self._lowest: dict[str, int | None] = {}
        self.lines: list[tuple[int, ManifestLine]] = []

    @property
    def denials(self) -> Denials | None:
        """The deny list where anything is on it. Asked once: it is written under the write lock only."""
        if self._denying is None:
            self._denying = self._denials is not None and self._denials.active
        return self._denials if self._denying else None

    def foresee(self, items: Iterable[tuple[str, str, str, tuple[str, ...]]]) -> None:
        """Asks the catalogue once for what `resolve` will be asked with: (outlet, guid, URL, drop_params) of each."""
        asked: set[tuple[str, str]] = set()
        ids: set[str] = set()
        for outlet, guid, url, drop_params in items:
            named = self._named[outlet, guid, url, drop_params] = _names_of(outlet, guid, url, drop_params)
            ids.add(named.id)
            asked |= named.owned
        self._asked |= asked
        for key, owner in self._catalog.key_owners(asked).items():
            self._keys.setdefault(key, owner)
            ids.add(owner)
        ids -= self._standing.keys()
        rows = self._catalog.standing(ids)
        self._absent |= ids - rows.keys()
        self._standing.update((identity, _standing(row)) for identity, row in rows.items())

    def resolve(self, outlet: str, guid: str, url: str, drop_params: tuple[str, ...] = ()) -> Resolution:
        """Finds the article of (outlet, guid, URL), or names a new one. Never by newest id or date."""
        named = self._named.get((outlet, guid, url, drop_params)) or _names_of(outlet, guid, url, drop_params)
        canonical, keys, pair = named.url, named.keys, named.pair
        if self._keys.keys().isdisjoint(named.owned) and (
            named.owned <= self._asked or not self._find(outlet, [*pair, *keys])
        ):
            return Resolution(id=named.id, url=canonical)
        known = self._find(outlet, pair)
        if known:
            return Resolution(id=known[0], url=canonical, standing=self.standing(known[0]), conflict=True)
        owners = self._find(outlet, keys)
        if len(owners) > 1:
            return Resolution(id=article_id(outlet, f"{guid}\n{canonical}"), url=canonical, conflict=True)
        if owners:
            return Resolution(id=owners[0], url=canonical, standing=self.standing(owners[0]))
        return Resolution(id=named.id, url=canonical)

    def _find(self, outlet: str, keys: list[str]) -> list[str]:
        fresh = [self._keys[outlet, key] for key in keys if (outlet, key) in self._keys]
        unknown = [key for key in keys if (outlet, key) not in self._asked]
        return list(dict.fromkeys(fresh + self._catalog.find(outlet, unknown) if unknown else fresh))

    def knows(self, outlet: str, identity: str, guid: str, url: str) -> bool:
        """Whether the article is known at that canonical URL, alone or as the pair of guid and URL."""
        return identity in self._find(outlet, [*keys_of([], [url]), *keys_of([guid], [url], conflict=True)])

    def standing(self, identity: str) -> Standing | None:
        """Where the article stands, this batch included; None when it is new."""
        if identity in self._standing:
            return self._standing[identity]
        row = None if identity in self._absent else self._catalog.article(identity)
        return None if row is None else _standing(row)

    def lowest_legacy(self, outlet: str) -> int | None:
        """The lowest id that the outlet has in the ancestors' tree, this batch included."""
        if outlet not in self._lowest:
            self._lowest[outlet] = self._catalog.lowest_legacy(outlet)
        return self._lowest[outlet]

    def take(self, index: int, line: ManifestLine) -> None:
        """Remembers a line that was appended to the batch."""
        self.lines.append((index, line))
        number = legacy_number(line.legacy_path)
        if number is not None:
            self._lowest[line.outlet] = min(number, self.lowest_legacy(line.outlet) or number)
        conflict = "conflict" in line.flags
        for key in keys_of(line.guids, (line.url, *line.aliases), conflict=conflict):
            self._keys.setdefault((line.outlet, key), line.id)
        held = self.standing(line.id)
        if line.kind == "rev":
            older = held is not None and held.captured_ms > line.captured_ms
            rev = max(line.rev, held.rev) if held else line.rev
            if older and held:
                self._standing[line.id] = msgspec.structs.replace(held, rev=rev)
            else:
                self._standing[line.id] = Standing(
                    rev=rev,
                    index=index,
                    captured_ms=line.captured_ms,
                    content_sha256=line.content_sha256,
                    checked_ms=line.captured_ms,
                )
        elif held is not None and line.kind in ("seen", "lost"):
            self._standing[line.id] = msgspec.structs.replace(held, lost=line.reason, checked_ms=line.captured_ms)
