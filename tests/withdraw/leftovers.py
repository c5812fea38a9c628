"""Looks for what must be gone: every file of an archive but private/, unpacked, in every spelling."""

import html
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import zstandard

from baoguan.backends.sqlite.engine import sqlite3
from baoguan.capture.read import iter_members, parse_record, to_response


def spellings(text: str) -> Iterator[bytes]:
    """A text as it may stand in a file."""
    yield text.encode()
    yield json.dumps(text)[1:-1].encode()
    yield html.escape(text).encode()
    yield quote(text, safe="").encode()
    yield quote(text, safe="/:").encode()
    yield text.encode("gb18030")
    yield text.encode("utf-16-le")


def contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file as they are, and unpacked as far as they are packed."""
    data = path.read_bytes()
    yield data
    if path.name.endswith(".gz"):
        for _, _, content in iter_members(data):
            yield content
            record = parse_record(content)
            if record.kind == "response":
                yield to_response(record).body
    elif path.suffix == ".zst":
        yield zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 28)
    elif path.suffix == ".sqlite":
        # Also as SQLite reads it: values that are split over overflow pages come out whole.
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            # Virtual tables hold nothing themselves: what they index stands in tables of their own.
            tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
            for (table,) in db.execute(tables).fetchall():
                for row in db.execute(f"SELECT * FROM {table}"):
                    yield "\n".join(str(value) for value in row).encode()
                    yield b"\n".join(value for value in row if isinstance(value, bytes))
        db.close()
    for at in _starts(data, b"\x78\x9c"):
        try:
            yield zlib.decompressobj().decompress(data[at:], 1 << 20)
        except zlib.error:
            continue


def _starts(data: bytes, magic: bytes) -> Iterator[int]:
    at = data.find(magic)
    for _ in range(50):
        if at < 0:
            return
        yield at
        at = data.find(magic, at + 1)


def leftovers(folder: Path, texts: Iterable[str], blobs: Iterable[bytes] = ()) -> list[tuple[str, str]]:
    """(file, what) of everything that is still there; names of files count too."""
    wanted = [(text, form) for text in texts for form in dict.fromkeys(spellings(text))]
    wanted += [(f"{len(blob)} bytes", blob) for blob in blobs]
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name.startswith("private/") or name == "baoguan.toml":
            continue
        held = [name.encode(), *contents(path)]
        found += [(name, text) for text, form in wanted if any(form in data for data in held)]
    return list(dict.fromkeys(found))
