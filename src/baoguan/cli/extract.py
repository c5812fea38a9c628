"""extract: the article in a page, and why."""

from pathlib import Path

import click

from baoguan.cli.common import archive_option, print_json
from baoguan.errors import NotFound

PROGRESS_EVERY = 50


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
    allow_networks: tuple[str, ...],
) -> int:
    """The article in a page, by the outlet's rules where it has some. Nothing is kept."""
    if folder_in is not None:
        return _batch(folder_in, out)
    if not source:
        raise click.UsageError("name a URL or FILE, or a folder with --batch")
    body, address, kind = _read(folder, source, url, allow_networks)
    return _one(body, address, kind, why=why, as_json=as_json)


def _batch(folder: Path, out: Path | None) -> int:
    from baoguan.extract.batch import extract_batch

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
    if not Path(source).is_file():
        raise NotFound(f"{source}: no such file")
    return Path(source).read_bytes(), url or "https://page.invalid/", ""


def _one(body: bytes, url: str, kind: str, *, why: bool, as_json: bool) -> int:
    from datetime import UTC

    from baoguan.backends.clock import SystemClock
    from baoguan.extract.article import Hints, explain, extract_article
    from baoguan.extract.rules import choose_rules
    from baoguan.outlets.matching import outlet_for_url
    from baoguan.outlets.registry import load_outlets

    outlet = outlet_for_url(load_outlets(), url)
    today = SystemClock().now().astimezone(UTC).date()
    rules = choose_rules(outlet, today) if outlet else None
    language, zone = (outlet.language, outlet.zone) if outlet else ("", "")
    if why:
        for line in explain(body, Hints(url=url, content_type=kind, rules=rules, language=language, zone=zone)):
            click.echo(line)
        return 0
    article = extract_article(body, url=url, content_type=kind, rules=rules, language=language, zone=zone)
    if as_json:
        print_json(article)
    else:
        _print(article)
    return 0 if article.kind == "article" else 1


def _print(article: object) -> None:
    from baoguan.model.article import Article
    from baoguan.text.html import plain_text

    assert isinstance(article, Article)
    click.echo(f"{article.title}\n{', '.join(article.authors) or 'no author'}")
    for name, clock in (("published", article.published), ("modified", article.modified)):
        if clock is not None:
            assumed = ", zone assumed" if clock.zone_assumed else ""
            click.echo(f"{name} {clock.at.isoformat()} ({clock.source}{assumed})")
    click.echo(f"{article.kind}, confidence {article.confidence:.2f}: {'; '.join(article.reasons) or 'no doubts'}\n")
    click.echo(plain_text(article.body_html))
    for picture in article.pictures:
        click.echo(f"\n{'lead ' if picture.lead else ''}picture {picture.url}\n  {picture.caption}")
