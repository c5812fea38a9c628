"""The catalogue in memory: what the port says in the plainest words, for tests of the other engines."""

from collections.abc import Iterable, Sequence

import msgspec

from baoguan.backends.sqlite.applying import shown_ms
from baoguan.model.catalog import ArticleRow, CaptureRow, KeptMedia, RevisionRow
from baoguan.model.log import ManifestLine
from baoguan.text.identity import keys_of, legacy_number


class Tables(msgspec.Struct, kw_only=True):
    """A catalogue's rows, for one that writes them elsewhere."""

    articles: dict[str, ArticleRow]
    revisions: dict[tuple[str, int], RevisionRow]
    owners: dict[tuple[str, str], str]
    media: dict[str, KeptMedia]
    imported: set[tuple[str, str]]
    lowest: dict[str, int]


class MemoryCatalog:
    """ports.Catalog in dicts."""

    def __init__(self, *, size: int = 0, articles: dict[str, ArticleRow] | None = None) -> None:
        """`size` and `articles`: of another catalogue, whose next lines are applied here."""
        self._size = size
        self._articles: dict[str, ArticleRow] = articles or {}
        self._revisions: dict[tuple[str, int], RevisionRow] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._media: dict[str, KeptMedia] = {}
        self._imported: set[tuple[str, str]] = set()
        self._lowest: dict[str, int] = {}
        self._captures: dict[str, CaptureRow] = {}
        self._files: set[str] = set()

    def tables(self) -> Tables:
        """What it holds."""
        return Tables(
            articles=self._articles,
            revisions=self._revisions,
            owners=self._owners,
            media=self._media,
            imported=self._imported,
            lowest=self._lowest,
        )

    def close(self) -> None:
        """Nothing to close."""

    def size(self) -> int:
        """As ports.Catalog."""
        return self._size

    def apply(self, lines: Iterable[tuple[int, ManifestLine | None]], *, size: int) -> None:
        """As ports.Catalog."""
        for index, line in lines:
            if line is not None and self._size <= index < size:
                self._take(index, line)
        self._size = max(self._size, size)

    def _take(self, index: int, line: ManifestLine) -> None:
        if line.kind == "rev":
            self._take_rev(index, line)
        standing = self._articles.get(line.id)
        if line.kind in ("seen", "lost") and standing is not None:
            lost = line.reason if line.kind == "lost" else ""
            self._articles[line.id] = msgspec.structs.replace(standing, lost=lost, checked_ms=line.captured_ms)
        if line.kind in ("rev", "seen"):
            for key in keys_of(line.guids, (line.url, *line.aliases), conflict="conflict" in line.flags):
                self._owners.setdefault((line.outlet, key), line.id)
        for ref in line.media:
            if ref.sha256:
                record = ref.capture.record_id if ref.capture else ""
                kept = KeptMedia(sha256=ref.sha256, path=ref.path, width=ref.width, height=ref.height, record_id=record)
                self._media.update(dict.fromkeys((ref.url, ref.fetched_url or ref.url), kept))

    def _take_rev(self, index: int, line: ManifestLine) -> None:
        self._revisions[line.id, line.rev] = RevisionRow(
            id=line.id,
            rev=line.rev,
            index=index,
            captured_ms=line.captured_ms,
            title=line.title,
            cause=line.cause,
            path=line.record.path if line.record else "",
            legacy_path=line.legacy_path,
        )
        if line.source_sha256:
            self._imported.add((line.source_sha256, line.legacy_path))
        number = legacy_number(line.legacy_path)
        if number is not None:
            self._lowest[line.outlet] = min(number, self._lowest.get(line.outlet, number))
        held = self._articles.get(line.id)
        rev = max(line.rev, held.rev) if held else line.rev
        if held is not None and held.captured_ms > line.captured_ms:
            self._articles[line.id] = msgspec.structs.replace(held, rev=rev)
            return
        lead = next((ref for ref in line.media[:1] if ref.path), None)
        self._articles[line.id] = ArticleRow(
            id=line.id,
            outlet=line.outlet,
            url=line.url,
            title=line.title,
            lang=line.lang,
            rev=rev,
            index=index,
            captured_ms=line.captured_ms,
            shown_ms=shown_ms(line),
            content_sha256=line.content_sha256,
            confidence=line.confidence,
            extractor=line.extractor,
            lead=lead.path if lead else "",
            lead_width=lead.width if lead else 0,
            lead_height=lead.height if lead else 0,
            checked_ms=line.captured_ms,
        )

    def find(self, outlet: str, keys: Sequence[str]) -> list[str]:
        """As ports.Catalog."""
        return list(dict.fromkeys(self._owners[outlet, key] for key in keys if (outlet, key) in self._owners))

    def key_owners(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """As ports.Catalog."""
        return {key: self._owners[key] for key in keys if key in self._owners}

    def article(self, identity: str) -> ArticleRow | None:
        """As ports.Catalog."""
        return self._articles.get(identity)

    def standing(self, identities: Iterable[str]) -> dict[str, ArticleRow]:
        """As ports.Catalog."""
        return {identity: self._articles[identity] for identity in identities if identity in self._articles}

    def revisions(self, identity: str) -> list[RevisionRow]:
        """As ports.Catalog."""
        return [row for (one, _), row in sorted(self._revisions.items()) if one == identity]

    def media(self, url: str) -> KeptMedia | None:
        """As ports.Catalog."""
        return self._media.get(url)

    def lowest_legacy(self, outlet: str) -> int | None:
        """As ports.Catalog."""
        return self._lowest.get(outlet)

    def imported(self, source_sha256: str, legacy_path: str) -> bool:
        """As ports.Catalog."""
        return (source_sha256, legacy_path) in self._imported

    def add_captures(self, file: str, rows: Iterable[CaptureRow]) -> None:
        """As ports.Catalog."""
        self._captures.update((row.record_id, row) for row in rows)
        self._files.add(file)

    def has_captures(self, file: str) -> bool:
        """As ports.Catalog."""
        return file in self._files

    def capture(self, record_id: str) -> CaptureRow | None:
        """As ports.Catalog."""
        return self._captures.get(record_id)
