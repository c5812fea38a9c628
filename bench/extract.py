"""Article extraction beside its peers on the same pages: quality, CPU a page (first seen, known), memory, slowest page.

    ./run bench extract [EVERY]        # every n-th page, default 4; 1 is the whole corpus

Peers are installed into a folder of their own under the temporary directory (kept for the next run); one that can't be
installed is left out by name. Each extractor runs in a process of its own, on pages that are in memory already.
"""

import csv
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

SHARED = Path(os.environ.get("BAOGUAN_SHARED", Path(__file__).resolve().parents[2] / "shared"))
PLACE = Path(tempfile.gettempdir()) / "baoguan-bench-extract"
PEERS = ("trafilatura", "trafilatura-images", "readability-lxml", "newspaper4k")
NODE_PEERS = ("readability-js", "defuddle")
PACKAGES = ("trafilatura", "lxml_html_clean", "readability-lxml", "newspaper4k")
NODE_PACKAGES = ("@mozilla/readability", "linkedom", "defuddle")
NODE = r"""
const fs=require('fs'),path=require('path');const [name,dir,out]=process.argv.slice(2);
const {parseHTML}=require('linkedom');const rows=[];let cpu=0,slow=[0,''];
const R=
name==='readability-js'?
require('@mozilla/readability').Readability:null;
(async()=>{const D=R?null:(await import('defuddle/node')).Defuddle;
for(const f of fs.readdirSync(dir).filter(f=>f.endsWith('.html')).sort()){
const h=fs.readFileSync(path.join(dir,f),'utf8');
const t=process.cpuUsage();let o={};try{const {document}=parseHTML(h);if(R){const a=new R(document).parse()||{};
o={html:a.content,meta:{title:a.title,date:a.publishedTime,author:a.byline}}}else{const a=await D(document,'https://page.invalid/');
o={html:a.content,meta:{title:a.title,date:a.published,author:a.author,image:a.image}}}}catch(e){o={html:'',meta:{}}}
const u=process.cpuUsage(t),ms=(u.user+u.system)/1000;cpu+=ms;if(ms>slow[0])slow=[ms,f];
rows.push(JSON.stringify({file:f,text:null,
html:o.html||'',meta:o.meta||{}}))}
fs.writeFileSync(out,rows.join('\n'));const n=rows.length;
console.log(JSON.stringify({first:cpu/n,known:null,slowest:slow,mb:process.resourceUsage().maxRSS/1024}))})();
"""


def main() -> None:
    """Prints the table."""
    if len(sys.argv) > 2 and sys.argv[-4] == "--worker":
        work(sys.argv[-3], Path(sys.argv[-2]), Path(sys.argv[-1]))
        return
    every = int(sys.argv[-1]) if sys.argv[-1].isdigit() else 4
    corpus = PLACE / f"corpus-{every}"
    unpack(corpus, every)
    runs = {"baoguan": [sys.executable, __file__], **python_peers(), **node_peers()}
    print(
        f"{'':20}{'ms first':>9}{'known':>8}{'MB':>6}{'slowest ms':>11}"
        "  fundus sh CJK segments | images R/P captions | lead"
    )
    for name, command in runs.items():
        print(line(name, command, corpus), flush=True)


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


def python_peers() -> dict[str, list[str]]:
    """Peers in Python, in an environment of their own."""
    place = PLACE / "peers"
    python = place / "bin/python"
    try:
        if not (place / "ready").exists():
            venv.create(place, with_pip=True)
            pip = [str(python), "-m", "pip", "install", "-q"]
            subprocess.run([*pip, "-U", "pip"], check=True, capture_output=True)
            subprocess.run([*pip, *PACKAGES], check=True, capture_output=True)
            (place / "ready").touch()
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"left out: {', '.join(PEERS)} ({error})")
        return {}
    return {name: [str(python), __file__] for name in PEERS}


def node_peers() -> dict[str, list[str]]:
    """Peers in JavaScript, where node and npm are there."""
    place = PLACE / "node"
    try:
        if not (place / "ready").exists():
            place.mkdir(parents=True, exist_ok=True)
            npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place), *NODE_PACKAGES]
            subprocess.run(npm, check=True, capture_output=True, timeout=300)
            (place / "ready").touch()
        (place / "peer.js").write_text(NODE)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"left out: {', '.join(NODE_PEERS)} ({error})")
        return {}
    return {name: ["node", str(place / "peer.js")] for name in NODE_PEERS}


def line(name: str, command: list[str], corpus: Path) -> str:
    """Runs one extractor and scores what it wrote."""
    out = corpus / f"{name}.jsonl"
    worker = [] if command[0] == "node" else ["--worker"]
    done = subprocess.run(
        [*command, *worker, name, str(corpus / "dev"), str(out)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return f"{name:20}failed: {done.stderr.strip().splitlines()[-1][:90] if done.stderr else done.returncode}"
    cost = json.loads(done.stdout.strip().splitlines()[-1])
    environment = {**os.environ, "EXTRACT_DATA": str(corpus), "EXTRACT_OUT": str(corpus)}
    scored = subprocess.run(
        [sys.executable, str(SHARED / "score/extract_score.py"), name, "dev"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    found = json.loads(scored.stdout.partition(" ")[2])
    f1 = " ".join(f"{found[key][2]:.3f}" if key in found else "-" for key in ("fundus", "sh", "CJK", "seg"))
    images = found.get("img_fundus", [0, 0, 0])
    known = f"{cost['known']:8.1f}" if cost["known"] is not None else " " * 8
    pictures = f"{images[0]}/{images[1]} {images[2]} | {found.get('cover_fundus', [0])[0]}"
    return f"{name:20}{cost['first']:9.1f}{known}{cost['mb']:6.0f}{cost['slowest'][0]:11.0f}  {f1} | {pictures}"


def work(name: str, pages: Path, out: Path) -> None:
    """One extractor over all pages, twice; prints its cost."""
    extract = EXTRACTORS[name]()
    read = [(path.name, path.read_bytes()) for path in sorted(pages.glob("*.html"))]
    rows, slowest, times = [], (0.0, ""), []
    for turn in range(2):
        spent = 0.0
        for file, body in read:
            start = time.process_time()
            try:
                row = extract(file, body)
            except Exception:
                row = {"file": file, "text": "", "html": None, "meta": {}}
            took = time.process_time() - start
            spent += took
            if turn == 0:
                rows.append(json.dumps(row))
                slowest = max(slowest, (took * 1000, file))
        times.append(spent / len(read) * 1000)
    out.write_text("\n".join(rows))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"first": times[0], "known": times[1], "slowest": slowest, "mb": peak}))


def _baoguan() -> Callable[[str, bytes], dict[str, object]]:
    from baoguan.extract.batch import row

    return lambda file, body: json.loads(row(file, body, ""))


def _trafilatura(*, images: bool) -> Callable[[str, bytes], dict[str, object]]:
    import trafilatura

    def extract(file: str, body: bytes) -> dict[str, object]:
        if images:
            html = trafilatura.extract(
                body, output_format="html", include_images=True, include_links=True, include_formatting=True
            )
            return {"file": file, "text": None, "html": html or "", "meta": {}}
        return {"file": file, "text": trafilatura.extract(body) or "", "html": None, "meta": {}}

    return extract


def _readability() -> Callable[[str, bytes], dict[str, object]]:
    from readability import Document

    def extract(file: str, body: bytes) -> dict[str, object]:
        html = Document(body.decode("utf-8", "replace")).summary(html_partial=True)
        return {"file": file, "text": None, "html": html, "meta": {}}

    return extract


def _newspaper() -> Callable[[str, bytes], dict[str, object]]:
    import newspaper

    def extract(file: str, body: bytes) -> dict[str, object]:
        article = newspaper.article("https://page.invalid/", input_html=body.decode("utf-8", "replace"))
        return {"file": file, "text": article.text, "html": None, "meta": {"image": article.top_image}}

    return extract


EXTRACTORS: dict[str, Callable[[], Callable[[str, bytes], dict[str, object]]]] = {
    "baoguan": _baoguan,
    "trafilatura": lambda: _trafilatura(images=False),
    "trafilatura-images": lambda: _trafilatura(images=True),
    "readability-lxml": _readability,
    "newspaper4k": _newspaper,
}


if __name__ == "__main__":
    main()
