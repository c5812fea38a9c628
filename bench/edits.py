"""`./run bench edits`: the real edits of a Git-hosted mirror's history, told apart from failed readings.

Prints how many pairs of neighbouring versions are edits of the outlet, of which kinds, and how many are misreadings, of
which reasons; how often that agrees with labels given by hand (bench/edits_labels.json: digests, no text); and how long
a comparison takes. `--report FILE` writes a page with 30 of each, both sides marked.
"""

import argparse
import hashlib
import io
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import zstandard

from baoguan.insight.change import changed_rows, compare_versions
from baoguan.insight.misreading import misreading
from baoguan.model.change import Comparison, Row, Version
from baoguan.text.html import clean_body
from baoguan.text.sameness import squeeze, still_lines
from bench import SHARED

LABELS = Path(__file__).with_name("edits_labels.json")
_TEMPLATE_PAGES = 3
_STYLE = (
    "body{font:15px/1.6 sans-serif;max-width:70em;margin:1em auto;padding:0 1em}td{width:50%;vertical-align:top;"
    "padding:.2em .6em}del{background:#fdd}ins{background:#dfd;text-decoration:none}table{width:100%;margin:0 0 1em}"
)


class Pair(NamedTuple):
    """Two neighbouring versions and what is said of them."""

    url: str
    outlet: str
    before: Version
    after: Version
    comparison: Comparison
    reason: str
    """Of the misreading; empty for an edit."""

    @property
    def digest(self) -> str:
        """Names the pair without a word of it."""
        said = f"{self.url}\n{self.before.title}\n{self.before.text}\n{self.after.title}\n{self.after.text}"
        return hashlib.sha256(said.encode()).hexdigest()[:20]


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="./run bench edits", description=__doc__)
    parser.add_argument("source", nargs="?", default=SHARED / "data" / "records" / "edits.jsonl.zst")
    parser.add_argument("--report", type=Path, default=None, help="an HTML page with 30 of each kind and reason")
    parser.add_argument("--of-each", type=int, default=30)
    parser.add_argument("--large", action="store_true", help="made-up texts of 200 kB and 2 MB instead")
    parser.add_argument("--sample", type=int, default=0, help="print so many pairs of each side for labelling by hand")
    options = parser.parse_args()
    if options.large:
        large()
        return
    start = time.process_time()
    articles = list(read(Path(options.source)))
    template = templates(articles)
    read_s, times = time.process_time() - start, []
    pairs: list[Pair] = []
    for url, outlet, versions in articles:
        for before, after in pairwise(versions):
            begin = time.process_time()
            comparison = compare_versions(before, after)
            reason = misreading(before, after, comparison, template=template)
            times.append(time.process_time() - begin)
            pairs.append(Pair(url, outlet, before, after, comparison, reason))
    tell(len(articles), pairs, read_s, sorted(times))
    agreement(pairs)
    if options.report:
        options.report.write_text(report(pairs, options.of_each), "utf-8")
        print(f"{options.report}: {options.of_each} of each, both sides marked (third-party text: not for publication)")
    if options.sample:
        sample(pairs, options.sample)


def large() -> None:
    """Large texts in several shapes: CPU of a comparison."""
    for size, aim in ((200_000, 150), (2_000_000, 1000)):
        for name, before, after in shapes(size):
            old, new = (Version(title="t", text="\n".join(lines)) for lines in (before, after))
            times = []
            for _ in range(3):
                begin = time.process_time()
                comparison = compare_versions(old, new)
                times.append((time.process_time() - begin) * 1000)
            cut = ", cut by its budget" if comparison.cut else ""
            print(f"{size // 1000} kB, {name}: {min(times):.0f} ms (aim {aim}), {len(comparison.rows)} rows{cut}")


def shapes(size: int) -> Iterator[tuple[str, list[str], list[str]]]:
    """(name, paragraphs before, paragraphs after) of so many bytes a side."""
    dice = random.Random(5)
    letters = "".join(map(chr, dice.sample(range(0x4E00, 0x9FA0), 800)))
    words = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randrange(2, 10))) for _ in range(3000)]

    def chinese(count: int) -> list[str]:
        return ["".join(dice.choices(letters, k=200)) for _ in range(count)]

    def english(count: int) -> list[str]:
        return [" ".join(dice.choices(words, k=60)) for _ in range(count)]

    def edited(lines: list[str], share: float = 1.0) -> list[str]:
        places = [(line, dice.randrange(len(line))) if dice.random() < share else (line, 0) for line in lines]
        return [f"{line[:at]}改动了{line[at + 3 :]}" if at else line for line, at in places]

    for script, make, count in (("Chinese", chinese, size // 600), ("English", english, size // 400)):
        text = make(count)
        mixed = dice.sample(text, len(text))
        yield f"{script}, an edit in 20 paragraphs", text, edited(text, 0.05)
        yield f"{script}, each paragraph edited", text, edited(text)
        yield f"{script}, another text", text, make(count)
        yield f"{script}, paragraphs in another order", text, mixed
        yield f"{script}, in another order and edited", text, edited(mixed)
        yield f"{script}, one paragraph with edits", [" ".join(text)], [" ".join(edited(text))]


def read(path: Path) -> Iterator[tuple[str, str, list[Version]]]:
    """(URL, outlet, versions by their clock) of every article."""
    with path.open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            row = json.loads(line)
            held = sorted(row["versions"], key=lambda one: int(one["epoch"]) if one["epoch"].isdigit() else 0)
            yield row["url"], row["outlet"], [_version(one, row["url"]) for one in held]


def _version(one: dict[str, Any], url: str) -> Version:
    return Version(title=one["title"], text=clean_body(one["html"], url).text, published=one["date"])


def templates(articles: list[tuple[str, str, list[Version]]]) -> frozenset[str]:
    """Squeezed lines that stand under several articles of an outlet."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for url, outlet, versions in articles:
        for version in versions:
            for line in still_lines(version.text):
                seen[outlet, squeeze(line)].add(url)
    return frozenset(line for (_, line), urls in seen.items() if len(urls) >= _TEMPLATE_PAGES)


def tell(articles: int, pairs: list[Pair], read_s: float, times: list[float]) -> None:
    """Counts and speed."""
    reasons = Counter(pair.reason or "edit" for pair in pairs)
    kinds = Counter(kind for pair in pairs if not pair.reason for kind in pair.comparison.kinds)
    print(f"{articles} articles with several versions, {len(pairs)} pairs of neighbours")
    print(f"edits of the outlet: {reasons['edit']}; misreadings: {len(pairs) - reasons['edit']}")
    print("  misreadings by reason: " + ", ".join(f"{name} {n}" for name, n in reasons.most_common() if name != "edit"))
    print(
        "  edits by kind (one edit may be of several): " + ", ".join(f"{name} {n}" for name, n in kinds.most_common())
    )
    print(
        f"reading and cleaning {read_s:.1f} s CPU; a comparison: median {times[len(times) // 2] * 1000:.2f} ms,"
        f" p99 {times[int(len(times) * 0.99)] * 1000:.1f} ms, slowest {times[-1] * 1000:.0f} ms"
    )


def agreement(pairs: list[Pair]) -> None:
    """With the labels given by hand."""
    labels: dict[str, str] = json.loads(LABELS.read_text("utf-8")) if LABELS.exists() else {}
    judged = [(labels[pair.digest], "misreading" if pair.reason else "edit") for pair in pairs if pair.digest in labels]
    if not judged:
        print("no label fits these pairs")
        return
    right = sum(hand == ours for hand, ours in judged)
    missed = sum(hand == "edit" != ours for hand, ours in judged)
    made = sum(hand == "misreading" != ours for hand, ours in judged)
    print(
        f"by hand: {right} of {len(judged)} agree ({right / len(judged):.1%}); edits taken for misreadings: {missed},"
        f" misreadings taken for edits: {made}"
    )


def groups(pairs: list[Pair]) -> dict[str, list[Pair]]:
    """By what is said of them."""
    found: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        for name in (
            (f"misreading: {pair.reason}",) if pair.reason else (f"edit: {kind}" for kind in pair.comparison.kinds)
        ):
            found[name].append(pair)
    return found


def report(pairs: list[Pair], of_each: int) -> str:
    """One page, no script."""
    parts = [
        "<!doctype html><meta charset='utf-8'><title>Edits</title>",
        f"<style>{_STYLE}</style>",
    ]
    dice = random.Random(7)
    for name, group in sorted(groups(pairs).items(), key=lambda item: (item[0].split(":")[0], -len(item[1]))):
        parts.append(f"<h2>{escape(name)} ({len(group)})</h2>")
        for pair in dice.sample(group, min(of_each, len(group))):
            parts.append(f"<h3>{escape(pair.outlet)} · {escape(pair.after.title[:80])}</h3>")
            parts.append(f"<p>{escape(', '.join(pair.comparison.kinds))} · <code>{pair.digest}</code></p><table>")
            for row in [pair.comparison.title, *changed_rows(pair.comparison)][:8]:
                parts.append(f"<tr><td>{_side(row, 'del')}</td><td>{_side(row, 'ins')}</td></tr>")
            parts.append("</table>")
    return "\n".join(parts)


def _side(row: Row, tag: str) -> str:
    spans = row.before if tag == "del" else row.after
    return "".join(f"<{tag}>{escape(one.text)}</{tag}>" if one.changed else escape(_short(one.text)) for one in spans)


def _short(text: str) -> str:
    return text if len(text) < 120 else f"{text[:50]} … {text[-50:]}"


def sample(pairs: list[Pair], count: int) -> None:
    """For whoever labels by hand."""
    dice = random.Random(11)
    for name, group in (("edit", [p for p in pairs if not p.reason]), ("misreading", [p for p in pairs if p.reason])):
        for pair in dice.sample(group, min(count, len(group))):
            print(f"== {pair.digest} {name} {pair.reason} {pair.outlet} {len(pair.before.text)}>{len(pair.after.text)}")
            for row in [pair.comparison.title, *changed_rows(pair.comparison)][:4]:
                sides = (
                    "".join(f"[{s.text}]" if s.changed else s.text[:12] for s in spans)[:110]
                    for spans in (row.before, row.after)
                )
                print("   " + "\n   -> ".join(sides))


if __name__ == "__main__":
    main()
