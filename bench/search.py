"""`./run bench search`: speed, size, latency, recall and precision over real articles, beside what others ship.

Truth is brute force over the folded text: CJK as a substring, Latin script as whole words. Peers of the same run
over the same articles and queries: FTS5 with unicode61 (what most projects ship), with trigram, with jieba's words (in
a venv of its own), and tantivy's default analyser. Times are CPU of this process, queries the best of three.
"""

import argparse
import hashlib
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import tantivy

from baoguan.backends.sqlite.engine import sqlite3
from baoguan.backends.sqlite.search import SqliteSearch
from baoguan.backends.tantivy.search import TantivySearch
from baoguan.model.search import SearchDoc
from baoguan.ports import SearchIndex
from baoguan.publish.ancestor import parse_ancestor, to_article
from baoguan.search.analyse import CJK, fold, variants
from baoguan.search.query import parse_query
from baoguan.text.html import plain_text
from baoguan.unpacking import legacy_path, walk_folder, walk_tar
from bench import SHARED

RUNS = re.compile(f"[{CJK}]+|[^\\W_{CJK}]+")
NAMES = [
    "特朗普",
    "川普",
    "拜登",
    "習近平",
    "蔡英文",
    "韩国瑜",
    "蓬佩奥",
    "普京",
    "默克尔",
    "泽连斯基",
    "馬英九",
    "脸书",
    "台积电",
    "華為",
    "世卫组织",
]
TRADITIONAL = [
    "網路",
    "關稅",
    "臺灣",
    "軟體",
    "資訊安全",
    "選舉",
    "經濟成長",
    "疫情擴散",
    "美國總統",
    "國務卿",
    "硬碟",
    "簡訊",
]
MIXED = [
    "G7峰会",
    "5G网络",
    "TikTok",
    "COVID-19",
    "F-16战机",
    "GDP增长",
    "WTO",
    "iPhone手机",
    "AI技术",
    "B52",
    "NBA球员",
    "Covid疫苗",
]
ENGLISH = ["president", "trade war", "Hong Kong", "law", "Reuters", "White House", "the", "virus"]


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="./run bench search", description=__doc__)
    parser.add_argument("source", nargs="?", default=SHARED / "data" / "records" / "waimei-64542.tar.zst")
    parser.add_argument("--articles", type=int, default=0, help="spread over the archive; default all")
    parser.add_argument(
        "--peers", type=int, default=6000, help="articles for the peers, and for us beside them; 0: none"
    )
    parser.add_argument("--engine", choices=("FTS5", "tantivy"), help="only this one of ours")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    source = Path(options.source)
    if not source.exists():
        raise SystemExit(f"{source}: not there; name a folder or a tar of article files")
    docs = list(read_docs(source))
    if options.articles:
        docs = docs[:: max(1, len(docs) // options.articles)][: options.articles]
    with tempfile.TemporaryDirectory() as name:
        ours(docs, Path(name), options)
        if not options.peers:
            return
        few = docs[:: max(1, len(docs) // options.peers)][: options.peers]
        peers(few, Path(name), options)


def read_docs(source: Path) -> Iterator[SearchDoc]:
    """The articles of an ancestors' archive."""
    number = 0
    for name, data in walk_folder(source) if source.is_dir() else walk_tar(source):
        kept = legacy_path(name)
        if kept is None or not isinstance(data, bytes):
            continue
        article = to_article(parse_ancestor(data, kept))[0]
        published = article.published
        yield SearchDoc(
            id=hashlib.sha256(name.encode()).hexdigest()[:16],  # as wide and in as little order as real ones
            index=number,
            outlet=urlsplit(article.url).hostname or "none",
            lang=article.language,
            title=article.title,
            text=plain_text(article.body_html),
            shown_ms=int(published.at.timestamp() * 1000) if published else number,
        )
        number += 1


def ours(docs: list[SearchDoc], folder: Path, options: argparse.Namespace) -> None:
    """Both engines over all articles."""
    size = sum(len(doc.text.encode()) + len(doc.title.encode()) for doc in docs)
    print(f"{len(docs)} articles, {size / 1e6:.0f} MB of text")
    folded = [fold(doc.title) + "\0" + fold(doc.text) for doc in docs]
    asked = queries(docs, options)
    truth = {query: {docs[at].id for at, text in enumerate(folded) if holds(text, query)} for query in asked}
    single = [char for char in dict.fromkeys("的一国年日月海长马美说成年和复罄") if char]
    for name, index, where in engines(folder):
        if options.engine not in (None, name):
            index.close()
            continue
        started = time.process_time()
        for low in range(0, len(docs), index.together):
            index.put(docs[low : low + index.together], size=low + index.together, old={})
        built = time.process_time() - started
        index.finish()
        whole = time.process_time() - started
        kept = sum(path.stat().st_size for path in where.rglob("*") if path.is_file())
        print(
            f"\n{name}: {len(docs) / built:.0f} articles/s, {len(docs) / whole:.0f} with the merge at the end;"
            f" {kept / size:.3f} x the text"
        )
        report(index, asked, truth)
        latency("one character", index, single)
        titles(index, docs, options)
        visible(index, docs)
        index.close()


def engines(folder: Path) -> Iterator[tuple[str, SearchIndex, Path]]:
    """(name, empty index, where its files are)"""
    sqlite, many = folder / "fts5", folder / "tantivy"
    yield "FTS5", SqliteSearch(sqlite / "search.sqlite", zone=UTC), sqlite
    yield "tantivy", TantivySearch(many, zone=UTC), many


def queries(docs: list[SearchDoc], options: argparse.Namespace) -> list[str]:
    """Pieces of 2 to 8 characters of the articles, names, Traditional forms, mixed, English."""
    dice = random.Random(options.seed)
    found = dict.fromkeys([*NAMES, *TRADITIONAL, *MIXED, *ENGLISH])
    cjk = re.compile(f"[{CJK}]+")
    while len(found) < options.queries:
        runs = cjk.findall(dice.choice(docs).text)
        run = dice.choice(runs) if runs else ""
        length = dice.randint(2, 8)
        if len(run) >= length:
            at = dice.randrange(len(run) - length + 1)
            found[run[at : at + length]] = None
    return list(found)


def holds(text: str, query: str) -> bool:
    """Brute force over a folded text."""
    return any(_pattern(form).search(text) for form in variants(query))


def _pattern(form: str, held: dict[str, re.Pattern[str]] = {}) -> re.Pattern[str]:  # noqa: B006 - a cache
    if form not in held:
        letters = f"[^\\W_{CJK}]"
        parts = [run if run >= "\u2e80" else f"(?<!{letters}){run}(?!{letters})" for run in RUNS.findall(form)]
        held[form] = re.compile(r"(?:[^\w\0]|_)*".join(parts))
    return held[form]


def report(index: SearchIndex, asked: list[str], truth: dict[str, set[str]]) -> None:
    """Recall, precision, counts and latency."""
    right = wanted = given = uneven = 0
    wrong: list[str] = []
    for query in asked:
        page = index.search(parse_query(f'"{query}"', UTC), limit=1_000_000, order="date")
        right += len(truth[query].intersection(page.ids))
        wanted, given = wanted + len(truth[query]), given + len(page.ids)
        uneven += page.total != len(page.ids)
        wrong += [f"{query} in {one}" for one in truth[query].symmetric_difference(page.ids)]
    print(
        f"  {len(asked)} queries: recall {right / wanted:.6f}, precision {right / given:.6f};"
        f" counts that differ from their list: {uneven}"
    )
    if wrong:
        print(f"    differ from brute force: {len(wrong)}, such as {'; '.join(wrong[:5])}")
    latency("a query", index, asked)


def latency(what: str, index: SearchIndex, asked: list[str]) -> None:
    """CPU of a first page with its count."""
    times = []
    for query in asked:
        parsed = parse_query(f'"{query}"', UTC)
        best = min(_time(lambda: index.search(parsed, limit=30)) for _ in range(3))  # noqa: B023
        times.append((best * 1000, query))
    times.sort()
    print(
        f"  {what}: p50 {times[len(times) // 2][0]:.2f} ms, p99 {times[int(len(times) * 0.99)][0]:.2f} ms,"
        f" slowest {times[-1][0]:.2f} ms ({times[-1][1]})"
    )


def _time(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def titles(index: SearchIndex, docs: list[SearchDoc], options: argparse.Namespace) -> None:
    """Pieces of 6 characters of titles: is it among the first ten, or are these ten all titles that hold it?"""
    dice, hits, asked = random.Random(options.seed + 1), 0, 0
    by_id = {doc.id: fold(doc.title) for doc in docs}
    while asked < 200:
        doc = dice.choice(docs)
        runs = [run for run in re.findall(f"[{CJK}]+", doc.title) if len(run) >= 6]
        if not runs:
            continue
        run = dice.choice(runs)
        at = dice.randrange(len(run) - 5)
        piece = run[at : at + 6]
        ids = index.search(parse_query(f'"{piece}"', UTC), limit=10).ids
        asked += 1
        hits += doc.id in ids or (len(ids) == 10 and all(fold(piece) in by_id[one] for one in ids))
    print(f"  recall@10 of {asked} pieces of titles: {hits / asked:.3f}")


def visible(index: SearchIndex, docs: list[SearchDoc]) -> None:
    """Wall time until one more article is found."""
    times = []
    for number in range(20):
        doc = msgspec.structs.replace(docs[number], id=f"{number:016x}", index=10**8 + number, title=f"崭新{number}")
        started = time.perf_counter()
        index.put([doc], size=10**8, old={})
        assert index.search(parse_query(f"崭新{number}", UTC)).total == 1
        times.append(time.perf_counter() - started)
    times.sort()
    print(f"  a new article is found after {times[10] * 1000:.1f} ms (slowest of 20: {times[-1] * 1000:.1f} ms, wall)")


def peers(docs: list[SearchDoc], folder: Path, options: argparse.Namespace) -> None:
    """What others ship, over a part of the articles, and ours beside them."""
    folded = [fold(doc.title) + "\0" + fold(doc.text) for doc in docs]
    asked = queries(docs, options)
    truth = {query: {docs[at].id for at, text in enumerate(folded) if holds(text, query)} for query in asked}
    size = sum(len(doc.text.encode()) + len(doc.title.encode()) for doc in docs)
    print(f"\npeers, {len(docs)} articles, the same {len(asked)} queries:")

    def row(name: str, seconds: float, kept: int, found: Callable[[str], set[str]]) -> None:
        right = wanted = given = 0
        for query in asked:
            ids = found(query)
            right, wanted, given = right + len(ids & truth[query]), wanted + len(truth[query]), given + len(ids)
        print(
            f"  {name:<22} {len(docs) / seconds:6.0f} articles/s  {kept / size:5.2f} x"
            f"  recall {right / wanted:.3f}  precision {right / max(given, 1):.3f}"
        )

    index = SqliteSearch(folder / "peer" / "search.sqlite", zone=UTC)
    started = time.process_time()
    index.put(docs, size=len(docs), old={})
    index.finish()
    row(
        "baoguan FTS5",
        time.process_time() - started,
        _bytes(folder / "peer"),
        lambda query: set(index.search(parse_query(f'"{query}"', UTC), limit=10**6).ids),
    )
    for tokenizer in ("unicode61", "trigram"):
        row(f"FTS5 {tokenizer}", *fts5(docs, folder / f"{tokenizer}.db", tokenizer))
    row("tantivy default", *tantivy_default(docs, folder / "default"))
    jieba(docs, folder, row)


def fts5(docs: list[SearchDoc], path: Path, tokenizer: str) -> tuple[float, int, Callable[[str], set[str]]]:
    """FTS5 as projects ship it: (seconds, bytes, search)."""
    db = sqlite3.connect(path)
    db.execute(f"CREATE VIRTUAL TABLE f USING fts5(title, body, content='', tokenize='{tokenizer}')")
    started = time.process_time()
    db.executemany(
        "INSERT INTO f (rowid, title, body) VALUES (?,?,?)", ((at, doc.title, doc.text) for at, doc in enumerate(docs))
    )
    db.commit()
    seconds = time.process_time() - started

    def found(query: str) -> set[str]:
        try:
            return {docs[row[0]].id for row in db.execute("SELECT rowid FROM f WHERE f MATCH ?", (f'"{query}"',))}
        except sqlite3.OperationalError:
            return set()

    return seconds, path.stat().st_size, found


def tantivy_default(docs: list[SearchDoc], folder: Path) -> tuple[float, int, Callable[[str], set[str]]]:
    """tantivy with its default analyser: (seconds, bytes, search)."""
    folder.mkdir()
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    builder.add_text_field("title")
    builder.add_text_field("body")
    index = tantivy.Index(builder.build(), path=str(folder))
    writer = index.writer(64_000_000, 1)
    started = time.process_time()
    for doc in docs:
        writer.add_document(tantivy.Document(id=[doc.id], title=[doc.title], body=[doc.text]))
    writer.commit()
    writer.wait_merging_threads()
    seconds = time.process_time() - started
    index.reload()
    searcher = index.searcher()

    def found(query: str) -> set[str]:
        asked, _ = index.parse_query_lenient(f'"{query}"', ["title", "body"])
        return {str(searcher.doc(address)["id"][0]) for _, address in searcher.search(asked, 100_000).hits}

    return seconds, _bytes(folder), found


def jieba(docs: list[SearchDoc], folder: Path, row: Callable[..., None]) -> None:
    """FTS5 over jieba's words, cut in a venv of its own."""
    venv = Path(".venv-peers")
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    if subprocess.run([python, "-c", "import rjieba"], capture_output=True, check=False).returncode:
        done = subprocess.run([python, "-m", "pip", "install", "-q", "rjieba"], capture_output=True, check=False)
        if done.returncode:
            print("  FTS5 jieba: rjieba can't be installed here")
            return
    code = """
import json, sys, time, rjieba
for line in sys.stdin:
    print(json.dumps([" ".join(rjieba.cut_for_search(text)) for text in json.loads(line)]))
print(time.process_time())
"""
    lines = [json.dumps([fold(doc.title), fold(doc.text)]) for doc in docs]
    with (folder / "in").open("w") as file:
        file.writelines(f"{line}\n" for line in lines)
    with (folder / "in").open() as source:
        out = subprocess.run(
            [python, "-c", code], stdin=source, capture_output=True, text=True, check=True
        ).stdout.splitlines()
    cut = [
        msgspec.structs.replace(doc, title=title, text=text)
        for doc, (title, text) in zip(docs, map(json.loads, out[:-1]), strict=True)
    ]
    seconds, kept, search = fts5(cut, folder / "jieba.db", "unicode61")
    row("FTS5 jieba", seconds + float(out[-1]), kept, lambda query: search(fold(query)))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
