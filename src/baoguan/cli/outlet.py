"""outlet: files of outlets drafted, checked and imported."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from baoguan.cli.common import archive_option
from baoguan.errors import BaoguanError, ConfigError, FetchError, NotFound

if TYPE_CHECKING:
    from baoguan.ports import Fetcher

PAGES = 3


@click.group()
def outlet() -> None:
    """Files of outlets: draft one from pages, check it, import site rules of others."""


@outlet.command()
@archive_option
@click.argument("sources", metavar="URL|FILE...", nargs=-1, required=True)
@click.option("--url", default="", help="address of the page in a FILE, where it doesn't say its own")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="the file to write; default: print it")
@click.option(
    "--golden",
    type=click.Path(file_okay=False, path_type=Path),
    help="with --out: keep the first page as its golden here",
)
@click.option("--allow-networks", multiple=True, help="private networks that may be fetched from, as CIDR")
def new(
    folder: Path,
    sources: tuple[str, ...],
    *,
    url: str,
    out: Path | None,
    golden: Path | None,
    allow_networks: tuple[str, ...],
) -> int:
    """Draft the file of an outlet from three of its pages (or one, whose links are followed).

    Pages are fetched as sync does: robots.txt, pace, limits. Comments in the draft say what was found, what to check.
    """
    from baoguan.extract.draft import draft_rules

    pages = _pages(folder, sources, url, allow_networks)
    text = draft_rules(pages)
    if out is None:
        click.echo(text, nl=False)
        return 0
    if out.exists():
        raise ConfigError(f"{out} exists already; name another file")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, "utf-8")
    click.echo(f"{out}: drafted from {len(pages)} pages; look at what it says and correct it")
    for line in text.splitlines():
        if line.startswith("# "):
            click.echo(f"  {line[2:]}")
    if golden is not None:
        _keep_golden(out, golden, pages[0])
    return 0


def _keep_golden(file: Path, folder: Path, page: tuple[str, bytes]) -> None:
    from baoguan.backends.clock import SystemClock
    from baoguan.outlets.goldens import write_golden
    from baoguan.outlets.registry import read_outlet

    found = read_outlet(file.read_text("utf-8"), file.name)
    kept = write_golden(folder, found, url=page[0], body=page[1], captured=SystemClock().now().date())
    click.echo(f"{kept}: golden page, with what is read from it now beside it; correct the record by the page")


def _pages(folder: Path, sources: tuple[str, ...], url: str, allow: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """(address, body) of each source; where one address alone is named, of pages that it links to as well."""
    from baoguan.cli.feed import open_once
    from baoguan.extract.draft import links_of

    pages: list[tuple[str, bytes]] = []
    fetcher: Fetcher | None = None
    try:
        for source in sources:
            if "://" in source:
                fetcher = fetcher or open_once(folder, allow)
                pages.append(_fetch(fetcher, source))
            else:
                pages.append(_file(source, url))
        if fetcher is not None and len(sources) == 1:
            pages = _follow(fetcher, pages[0], links_of(*pages[0], limit=PAGES))
    finally:
        if fetcher is not None:
            fetcher.close()
    return pages


def _follow(fetcher: "Fetcher", first: tuple[str, bytes], links: list[str]) -> list[tuple[str, bytes]]:
    """The page itself where it is an article, and articles that it links to."""
    from baoguan.extract.article import extract_article

    found = [first] if extract_article(first[1], url=first[0]).kind == "article" else []
    for link in links:
        if len(found) == PAGES:
            break
        try:
            found.append(_fetch(fetcher, link))
        except FetchError as error:
            click.echo(f"left out: {error}", err=True)
    return found or [first]


def _fetch(fetcher: "Fetcher", url: str) -> tuple[str, bytes]:
    from baoguan.model.capture import FetchRequest

    result = fetcher.fetch(FetchRequest(url=url, kind="page"))
    if result.response is None:
        told = (result.error or "the host asked to wait").removeprefix(f"{url}: ")
        raise FetchError(f"{url}: {told}", url=url, kind=result.error_kind)
    if result.response.status != 200:
        raise FetchError(f"{url}: HTTP {result.response.status}", url=url, kind="status")
    return result.response.final_url, result.response.body


def _file(source: str, url: str) -> tuple[str, bytes]:
    from baoguan.extract.batch import stated_url

    path = Path(source)
    if not path.is_file():
        raise NotFound(f"{source}: no such file")
    body = path.read_bytes()
    return url or stated_url(body) or "https://page.invalid/", body


@outlet.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--golden",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="folder of golden pages (KEY/SINCE.html and .json); default: golden/ beside FILE, where there is one",
)
def check(files: tuple[Path, ...], *, golden: Path | None) -> int:
    """Check files of outlets: fields, dates of validity, selectors, and that each rules version reads its golden page.

    Exit code 1 when one can't be used.
    """
    bad = 0
    for file in files:
        problems = _problems(file, golden)
        bad += bool(problems)
        for problem in problems:
            click.echo(f"{file}: {problem}", err=True)
    click.echo(f"{len(files) - bad} of {len(files)} files can be used")
    return 1 if bad else 0


def _problems(file: Path, golden: Path | None) -> list[str]:
    from baoguan.outlets.checks import check_outlet
    from baoguan.outlets.goldens import golden_problems, selector_problems
    from baoguan.outlets.registry import read_outlet

    try:
        found = read_outlet(file.read_text("utf-8"), file.name)
        check_outlet(found, file.name)
    except BaoguanError as error:
        return [str(error).removeprefix(f"{file.name}: ")]
    except (OSError, UnicodeDecodeError) as error:
        return [f"can't be read: {error}"]
    problems = list(selector_problems(found))
    folder = golden or (file.parent / "golden" if (file.parent / "golden").is_dir() else None)
    if folder is None:
        click.echo(f"{file}: {found.key}, {len(found.rules)} rules versions; no golden pages to read (--golden DIR)")
        return problems
    return problems + list(golden_problems(found, folder))


@outlet.command("import-ftr")
@click.argument("source", metavar="FILE|DIR", type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="folder for the outlet files")
def import_ftr(source: Path, *, out: Path | None) -> int:
    """Turn site files of ftr-site-config (HOST.txt) into outlet files; what can't be carried over stays as a comment.

    Without --out one file is printed, of a folder only the counts.
    """
    from baoguan.extract.ftr import outlet_toml

    files = sorted(source.rglob("*.txt")) if source.is_dir() else [source]
    if not files:
        raise NotFound(f"{source}: no *.txt file there")
    counts: Counter[str] = Counter()
    for file in files:
        text = file.read_bytes().decode("utf-8", "replace")
        made = outlet_toml(file.name, text)
        _count(counts, text)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{file.name.removesuffix('.txt').strip() or 'outlet'}.toml").write_text(made, "utf-8")
        elif not source.is_dir():
            click.echo(made, nl=False)
    if out is not None or source.is_dir():
        _tell(counts, len(files), out)
    return 0


def _count(counts: Counter[str], text: str) -> None:
    from baoguan.extract.ftr import parse_ftr

    read = parse_ftr(text)
    rules = read.rules
    for name in ("body", "drop", "title", "author", "published", "patch"):
        counts[name] += len(getattr(rules, name))
    for line, why in read.left:
        counts[f"left out: {why}"] += 1
        if why == "unknown directive":
            counts[f"  {line.partition(':')[0].partition('(')[0].strip()[:40]}"] += 1
    for _, why in read.noted:
        counts[f"not needed: {why}"] += 1


def _tell(counts: Counter[str], files: int, out: Path | None) -> None:
    click.echo(f"{files} files" + (f" written to {out}" if out is not None else ", nothing written (--out DIR)"))
    for name, count in counts.items():
        click.echo(f"  {count:6} {name}")
