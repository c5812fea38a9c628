"""Article extractors of others on the same pages: CPU a page, peak memory, slowest page, and what they found.

    ./run bench extract            # prints them beside baoguan's own
    ./run bench extract_peers DIR  # one line each over the *.html of a folder, NAME.jsonl written to DIR/../peers-out

Python's stand in .venv-peers/python of the checkout, JavaScript's in .venv-peers/node (node and npm are Debian's);
one that can't be installed is left out by name. Each runs in a process of its own, on pages that are in memory already.
"""

import argparse
import importlib
import json
import re
import resource
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / ".venv-peers"
PEERS = ("trafilatura", "trafilatura-images", "trafilatura-fields", "readability-lxml", "newspaper4k")
NODE_PEERS = ("readability-js", "defuddle")
PACKAGES = ("trafilatura", "lxml_html_clean", "readability-lxml", "newspaper4k[zh,ja]")
NODE_PACKAGES = ("@mozilla/readability", "linkedom", "defuddle")
LIMIT_S = 3600
NODE = r"""
const fs=require('fs'),path=require('path');const [name,dir,out]=process.argv.slice(2);
const {parseHTML}=require('linkedom');const rows=[];let cpu=0,slow=[0,''];
const R=name==='readability-js'?require('@mozilla/readability').Readability:null;
(async()=>{const D=R?null:(await import('defuddle/node')).Defuddle;
const names=fs.readdirSync(dir).filter(f=>f.endsWith('.html')).sort();
const pages=names.map(f=>[f,fs.readFileSync(path.join(dir,f),'utf8')]);
console.warn=console.error=console.log=()=>{};
for(const [f,h] of pages){
const t=process.cpuUsage();let o={};try{const {document}=parseHTML(h);if(R){const a=new R(document).parse()||{};
o={html:a.content,meta:{title:a.title,date:a.publishedTime,author:a.byline}}}
else{const a=await D(document,'https://page.invalid/');
o={html:a.content,meta:{title:a.title,date:a.published,author:a.author,image:a.image}}}}catch(e){o={html:'',meta:{}}}
const u=process.cpuUsage(t),ms=(u.user+u.system)/1000;cpu+=ms;if(ms>slow[0])slow=[ms,f];
rows.push(JSON.stringify({file:f,text:null,html:o.html||'',meta:o.meta||{}}))}
fs.writeFileSync(out,rows.join('\n'));
process.stdout.write(JSON.stringify({first:cpu/rows.length,known:null,slowest:slow,
mb:process.resourceUsage().maxRSS/1024})+'\n')})();
"""
Extract = Callable[[str, bytes], dict[str, object]]


class PeerRow(NamedTuple):
    """What one extractor cost; what it found stands in `found`."""

    name: str
    first_ms: float
    """CPU a page, pages seen for the first time, process warm."""
    again_ms: float | None
    """The same pages again; None where that was not measured."""
    peak_mb: float
    """Of its process, with all pages in memory."""
    slowest_ms: float
    slowest: str
    found: Path | None
    """JSON lines in the form of extract_score.py; None where it failed."""
    problem: str = ""


def rows(pages: Path, out: Path) -> Iterator[PeerRow]:
    """Each peer over the *.html of `pages`, its findings written to out/NAME.jsonl. Installs what is missing."""
    out.mkdir(parents=True, exist_ok=True)
    for name, command in {**python_peers(), **node_peers()}.items():
        yield measure(name, command, pages, out / f"{name}.jsonl")


def measure(name: str, command: list[str], pages: Path, found: Path) -> PeerRow:
    """One extractor in a process of its own: `command NAME PAGES FOUND` prints its cost as JSON."""
    try:
        done = subprocess.run(
            [*command, name, str(pages), str(found)],
            capture_output=True,
            text=True,
            check=True,
            timeout=LIMIT_S,
            cwd=ROOT,
        )
        cost = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()
        return PeerRow(name, 0, None, 0, 0, "", None, (last[-1] if last else str(error))[:100])
    except (subprocess.TimeoutExpired, ValueError, IndexError, OSError) as error:
        return PeerRow(name, 0, None, 0, 0, "", None, " ".join(str(error).split())[:100])
    return PeerRow(name, cost["first"], cost["known"], cost["mb"], *cost["slowest"], found)


def python_peers() -> dict[str, list[str]]:
    """Peers in Python, in an environment of their own."""
    place = PLACE / "python"
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
    return {name: [str(python), __file__, "--worker"] for name in PEERS}


def node_peers() -> dict[str, list[str]]:
    """Peers in JavaScript, where node and npm are there."""
    place = PLACE / "node"
    try:
        if not (place / "ready").exists():
            place.mkdir(parents=True, exist_ok=True)
            npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place), *NODE_PACKAGES]
            subprocess.run(npm, check=True, capture_output=True, timeout=300)
            (place / "ready").touch()
        (place / "peer.cjs").write_text(NODE)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"left out: {', '.join(NODE_PEERS)} ({error}); node and npm: as root apt-get install nodejs npm")
        return {}
    return {name: ["node", str(place / "peer.cjs")] for name in NODE_PEERS}


def work(name: str, pages: Path, out: Path, extractors: dict[str, Callable[[], Extract]]) -> None:
    """One extractor over all pages, twice; prints its cost."""
    extract = extractors[name]()
    read = [(path.name, path.read_bytes()) for path in sorted(pages.glob("*.html"))]
    lines, slowest, times = [], (0.0, ""), []
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
                lines.append(json.dumps(row, default=str))
                slowest = max(slowest, (took * 1000, file))
        times.append(spent / len(read) * 1000)
    out.write_text("\n".join(lines))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"first": times[0], "known": times[1], "slowest": slowest, "mb": peak}))


_META = re.compile(r'<meta name="(title|author|date)" content="([^"]*)"')


def _trafilatura(how: str) -> Extract:
    """`how`: text alone, as it does unasked; `images`, as HTML; `fields`: title, authors and day too, as ours does."""
    import trafilatura

    more = {"output_format": "html", "include_images": True, "include_links": True, "include_formatting": True}
    if how == "fields":
        more["with_metadata"] = True

    def extract(file: str, body: bytes) -> dict[str, object]:
        if how == "text":
            return {"file": file, "text": trafilatura.extract(body) or "", "html": None, "meta": {}}
        found = trafilatura.extract(body, **more) or ""
        meta = {name: unescape(text) for name, text in _META.findall(found.partition("<body>")[0])}
        return {"file": file, "text": None, "html": found, "meta": meta}

    return extract


def _readability() -> Extract:
    from readability import Document

    def extract(file: str, body: bytes) -> dict[str, object]:
        html = Document(body.decode("utf-8", "replace")).summary(html_partial=True)
        return {"file": file, "text": None, "html": html, "meta": {}}

    return extract


def _newspaper() -> Extract:
    import newspaper

    known = set(importlib.import_module("newspaper.languages").valid_languages())

    def extract(file: str, body: bytes) -> dict[str, object]:
        html = body.decode("utf-8", "replace")
        # Without its language it finds nothing in Chinese: it gets what the page says.
        stated = re.search(r"<html[^>]*\blang\s*=\s*[\"']?([a-zA-Z]{2})", html[:5000])
        language = stated[1].lower() if stated and stated[1].lower() in known else "en"
        # Or it asks the page's hosts for its pictures.
        kwargs = {"language": language, "input_html": html, "fetch_images": False}
        article = newspaper.article("https://page.invalid/", **kwargs)
        return {"file": file, "text": article.text, "html": None, "meta": {"image": article.top_image}}

    return extract


EXTRACTORS: dict[str, Callable[[], Extract]] = {
    "trafilatura": lambda: _trafilatura("text"),
    "trafilatura-images": lambda: _trafilatura("images"),
    "trafilatura-fields": lambda: _trafilatura("fields"),
    "readability-lxml": _readability,
    "newspaper4k": _newspaper,
}


def main() -> None:
    """Prints a line for each peer."""
    if len(sys.argv) == 5 and sys.argv[1] == "--worker":
        work(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), EXTRACTORS)
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of *.html")
    folder: Path = parser.parse_args().folder.resolve()
    for row in rows(folder, folder.parent / "peers-out"):
        print(f"{row.name:20} {row.problem or f'{row.first_ms:.1f} ms a page, {row.peak_mb:.0f} MB, {row.slowest}'}")


if __name__ == "__main__":
    main()
