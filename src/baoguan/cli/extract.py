"""extract: the article in a page, and why."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from baoguan.cli.common import archive_option, print_json
from baoguan.errors import NotFound

if TYPE_CHECKING:
    from baoguan.extract.article import Hints

PROGRESS_EVERY = 50
KINDS = {
    "index": "an index page, which lists articles",
    "consent": "a consent wall",
    "error": "an error page or a bot wall",
    "paywall": "an article behind a paywall, cut short",
    "login": "a login form",
    "stub": "a stub, almost without text",
    "empty": "a page without text",
}


@click.command()
@archive_option
@click.argument("source", metavar="URL|FILE", required=False, default="")
@click.option("--explain", "why", is_flag=True, help="why each block stayed or went")
@click.option("--url", default="", help="address of the page in FILE: links, outlet rules and language depend on it")
@click.option("--json", "as_json", is_flag=True, help="the article as one JSON object")
@click.option(
    "--batch", "folder_in", type=click.Path(exists=True, file_okay=False, path_type=Path), help="every *.html in DIR"
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="with --batch: the JSON lines to write")
@click.option(
    "--outlet-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="read by the rules of this outlet file, whatever the address",
)
@click.option("--allow-networks", multiple=True, help="private networks that may be fetched from, as CIDR")
def extract(
    folder: Path,
    source: str,
    *,
    why: bool,
    url: str,
    as_json: bool,
    folder_in: Path | None,
    out: Path | None,
    outlet_file: Path | None,
    allow_networks: tuple[str, ...],
) -> int:
    """The article in a page, by the outlet's rules where it has some. Nothing is kept.

    Exit code 1 when the page is no article: it says what it is (index, consent, error, paywall, login, stub, empty),
    why, and how sure that is. --batch reads a folder generically, each page with the address in index.tsv or its own.
    """
    if bool(source) == (folder_in is not None):
        raise click.UsageError("name a URL or FILE, or a folder with --batch")
    if out is not None and folder_in is None:
        raise click.UsageError("--out goes with --batch")
    if url and not url.lower().startswith(("https://", "http://")):
        raise click.UsageError(f"--url {url}: not an http or https address")
    if folder_in is not None:
        return _batch(folder_in, out)
    body, address, kind = _read(folder, source, url, allow_networks)
    hints = _hints(folder, address, kind, outlet_file)
    if why:
        from baoguan.extract.article import explain

        for line in explain(body, hints):
            click.echo(line)
        return 0
    return _one(body, hints, as_json=as_json)


def _batch(folder: Path, out: Path | None) -> int:
    from baoguan.extract.batch import extract_batch, pages_in

    if not pages_in(folder):
        raise NotFound(f"{folder}: no *.html in it")
    if out is None:
        for line in extract_batch(folder):
            click.echo(line)
        return 0
    count = 0
    with out.open("w", encoding="utf-8") as file:
        for count, line in enumerate(extract_batch(folder), 1):
            file.write(line + "\n")
            if count % PROGRESS_EVERY == 0:
                click.echo(f"{count} pages", err=True)
    click.echo(f"{out}: {count} pages")
    return 0


def _read(folder: Path, source: str, url: str, allow: tuple[str, ...]) -> tuple[bytes, str, str]:
    if "://" in source:
        from baoguan.cli.feed import fetch_once

        return fetch_once(folder, source, allow, kind="page")[1:]
    if Path(source).is_dir():
        raise click.UsageError(f"{source} is a folder: --batch {source} reads its pages")
    if not Path(source).is_file():
        raise NotFound(f"{source}: no such file")
    from baoguan.extract.batch import stated_url

    body = Path(source).read_bytes()
    return body, url or stated_url(body) or "https://page.invalid/", ""


def _hints(folder: Path, url: str, kind: str, outlet_file: Path | None) -> "Hints":
    """What is known of the page: the rules of today of its outlet, of the archive's outlets or those that ship."""
    from datetime import UTC

    from baoguan.backends.clock import SystemClock
    from baoguan.extract.article import Hints
    from baoguan.extract.rules import choose_rules
    from baoguan.outlets.matching import outlet_for_url
    from baoguan.outlets.registry import load_outlets, read_outlet

    if outlet_file is not None:
        outlet = read_outlet(outlet_file.read_text("utf-8"), outlet_file.name)
    else:
        found = outlet_for_url(load_outlets(folder / "outlets"), url)
        if found is None:
            return Hints(url=url, content_type=kind)
        outlet = found
    rules = choose_rules(outlet, SystemClock().now().astimezone(UTC).date())
    return Hints(url=url, content_type=kind, rules=rules, language=outlet.language, zone=outlet.zone, outlet=outlet.key)


def _one(body: bytes, hints: "Hints", *, as_json: bool) -> int:
    from baoguan.extract.article import extract_page

    article = extract_page(body, hints)
    if as_json:
        print_json(article)
    else:
        _print(article)
    return 0 if article.kind == "article" else 1


def _print(article: object) -> None:
    from baoguan.model.article import Article
    from baoguan.text.html import plain_text

    assert isinstance(article, Article)
    if article.kind != "article":
        why = "; ".join(article.reasons) or "no reason given"
        click.echo(
            f"not an article: {KINDS.get(article.kind, article.kind)} (confidence {article.confidence:.2f}: {why})"
        )
    click.echo(f"{article.title}\n{', '.join(article.authors) or 'no author'}")
    for name, clock in (("published", article.published), ("modified", article.modified)):
        if clock is not None:
            assumed = ", zone assumed" if clock.zone_assumed else ""
            click.echo(f"{name} {clock.at.isoformat()} ({clock.source}{assumed})")
    click.echo(f"{article.kind}, confidence {article.confidence:.2f}: {'; '.join(article.reasons) or 'no doubts'}\n")
    click.echo(plain_text(article.body_html))
    for picture in article.pictures:
        click.echo(f"\n{'lead ' if picture.lead else ''}picture {picture.url}\n  {picture.caption}")
