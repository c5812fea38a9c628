"""Article extraction beside its peers on the same pages: quality, CPU a page (first seen, again), memory, slowest page.

    ./run bench extract [EVERY] [--alone]   # every n-th page, default 4; 1 is the whole corpus

A page of a known outlet is measured apart, over the whole corpus: the last page of each outlet that has several, read
with what the others taught (profile) and after them, against the same page as the first of its outlet.

Peers (extract_peers.py) are installed into .venv-peers of the checkout; one that can't be is left out by name.
Each extractor runs in a process of its own, on pages that are in memory already.
"""

import argparse
import csv
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from bench import SHARED
from bench.extract_meta import OTHERS, score_meta, score_others
from bench.extract_peers import Extract, PeerRow, measure, rows, work

_WARM = 40
"""Pages of other outlets that are read before."""
PLACE = Path(tempfile.gettempdir()) / "baoguan-bench-extract"


def main() -> None:
    """Prints the table."""
    if len(sys.argv) == 5 and sys.argv[1] == "--worker":
        work(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), {"baoguan": _baoguan})
        return
    if len(sys.argv) == 3 and sys.argv[1] in ("--first", "--known"):
        print(json.dumps(_last_pages(Path(sys.argv[2]), after_others=sys.argv[1] == "--known")))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("every", type=int, nargs="?", default=4, help="every n-th page; 1 is the whole corpus")
    parser.add_argument("--alone", action="store_true", help="without peers")
    asked = parser.parse_args()
    every = asked.every
    corpus = PLACE / f"corpus-{every}"
    unpack(corpus, every)
    print(
        f"{'':20}{'ms first':>9}{'again':>8}{'MB':>6}{'slowest ms':>11}"
        "  fundus sh CJK segments | images R/P captions | lead"
        " | title authors day minute"
    )
    own = measure(
        "baoguan", [sys.executable, "-m", "bench.extract", "--worker"], corpus / "dev", corpus / "baoguan.jsonl"
    )
    print(line(own, corpus), flush=True)
    print(others(own, corpus), flush=True)
    print(known_outlets(), flush=True)
    for row in () if asked.alone else rows(corpus / "dev", corpus):
        print(line(row, corpus), flush=True)
        print(others(row, corpus), flush=True)


def others(row: PeerRow, corpus: Path) -> str:
    """Title, authors and day of one extractor on the gold of other collections than the one that was tuned on."""
    if row.found is None:
        return ""
    told = row.found.read_text(errors="replace").split(
        "\n"
    )  # a text may hold U+2028, which splitlines takes for an end
    scores = [(name, score_others(told, corpus / "dev", name)) for name in OTHERS]
    shown = [f"{name} " + " ".join(f"{key} {share:.3f}" for key, share in found.items()) for name, found in scores]
    return f"{'':20}elsewhere: {'; '.join(shown)}"


def known_outlets() -> str:
    """What the profile and the names of an outlet's other pages save on its last page; a process each."""
    unpack(PLACE / "corpus-1", 1)
    read = []
    for flag in ("--first", "--known"):
        command = [sys.executable, "-m", "bench.extract", flag, str(PLACE / "corpus-1/dev")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        read.append(json.loads(done.stdout))
    (first, count), (known, _) = read
    return (
        f"{'':20}last pages of {count} outlets: {first:.1f} ms as the first of its outlet, {known:.1f} after the others"
    )


def _last_pages(pages: Path, *, after_others: bool) -> tuple[float, int]:
    """(CPU ms of a page, pages) of the last page of each outlet with several."""
    from baoguan.extract.article import Hints, read_page
    from baoguan.extract.batch import stated_url
    from baoguan.extract.profile import Profile, learn

    outlets: dict[str, list[tuple[str, bytes]]] = {}
    for path in sorted(pages.glob("*.html")):
        body = path.read_bytes()
        if host := urlsplit(url := stated_url(body)).hostname:
            outlets.setdefault(host, []).append((url, body))
    several = [found for host, found in sorted(outlets.items()) if len(found) > 1]
    for ((url, body),) in [found for found in outlets.values() if len(found) == 1][:_WARM]:
        read_page(body, Hints(url=url))
    spent = 0.0
    for *others, (url, body) in several:
        profile = Profile()
        for other, text in others if after_others else ():
            profile = learn(profile, read_page(text, Hints(url=other)).lesson)
        start = time.process_time()
        read_page(body, Hints(url=url, profile=profile))
        spent += time.process_time() - start
    return spent / len(several) * 1000, len(several)


def unpack(corpus: Path, every: int) -> None:
    """Every n-th page of the corpus with its gold."""
    if (corpus / "index.tsv").exists():
        return
    import zstandard

    (corpus / "dev").mkdir(parents=True, exist_ok=True)
    data = SHARED / "data/extract"
    with (data / "index.tsv").open() as table:
        names = sorted(row["file"] for row in csv.DictReader(table, delimiter="\t") if row["split"] == "dev")
    chosen = {name.removesuffix(".html") for name in names[::every]}
    with (data / "dev.tar.zst").open("rb") as packed:
        stream = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(packed)
        with tarfile.open(fileobj=io.BufferedReader(stream), mode="r|") as tar:
            for member in tar:
                name = Path(member.name).name
                file = tar.extractfile(member)
                if file is not None and name.rpartition(".")[0] in chosen:
                    (corpus / "dev" / name).write_bytes(file.read())
    (corpus / "index.tsv").write_bytes((data / "index.tsv").read_bytes())


def line(row: PeerRow, corpus: Path) -> str:
    """One extractor, with the scores of what it wrote."""
    if row.found is None:
        return f"{row.name:20}failed: {row.problem}"
    environment = {**os.environ, "EXTRACT_DATA": str(corpus), "EXTRACT_OUT": str(corpus)}
    scored = subprocess.run(
        [sys.executable, str(SHARED / "score/extract_score.py"), row.name, "dev"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    found = json.loads(scored.stdout.partition(" ")[2])
    f1 = " ".join(f"{found[key][2]:.3f}" if key in found else "-" for key in ("fundus", "sh", "CJK", "seg"))
    images = found.get("img_fundus", [0, 0, 0])
    again = f"{row.again_ms:8.1f}" if row.again_ms is not None else " " * 8
    pictures = f"{images[0]}/{images[1]} {images[2]} | {found.get('cover_fundus', [0])[0]}"
    told = score_meta(row.found.read_text(errors="replace").split("\n"), corpus / "dev")
    pictures += " | " + " ".join(f"{told[key]:.3f}" for key in ("title", "authors", "day", "minute"))
    cost = f"{row.first_ms:9.1f}{again}{row.peak_mb:6.0f}{row.slowest_ms:11.0f}"
    return f"{row.name:20}{cost}  {f1} | {pictures}"


def _baoguan() -> Extract:
    from baoguan.extract.article import Hints, read_page
    from baoguan.extract.batch import fields_of

    return lambda file, body: fields_of(file, read_page(body, Hints(url="https://page.invalid/")))


if __name__ == "__main__":
    main()
