"""outlet new, check, import-ftr; extract of single pages and folders."""

import json
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from baoguan.cli.extract import extract
from baoguan.cli.outlet import outlet
from baoguan.errors import BaoguanError
from newsroom import Newsroom

LOOPBACK = ("--allow-networks", "127.0.0.0/8")


def run(command, *arguments: object) -> Result:  # type: ignore[no-untyped-def]
    result = CliRunner().invoke(command, [str(one) for one in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def test_new_drafts_from_three_pages_through_fetch(tmp_path: Path) -> None:
    with Newsroom("voa") as room:
        urls = [room.article_url("voa", story.slug) for story in room.desks["voa"].stories if story.state == "live"][:3]
        text = run(outlet, "new", "-C", tmp_path, *urls, *LOOPBACK).output
        assert any(request.path == "/robots.txt" for request in room.log)
        drafted = tomllib.loads(text)
        assert drafted["language"].startswith("zh")
        assert drafted["rules"][0]["body"]
        assert text.count("# found http") == 3
        one = run(outlet, "new", "-C", tmp_path, urls[0], *LOOPBACK).output
        assert one.count("# found http") == 3
        out, golden = tmp_path / "x.toml", tmp_path / "golden"
        told = run(outlet, "new", "-C", tmp_path, *urls, *LOOPBACK, "--out", out, "--golden", golden).output
    assert "correct it" in told
    assert tomllib.loads(out.read_text("utf-8")) == drafted
    checked = run(outlet, "check", out)
    assert (checked.return_value, "1 of 1" in checked.output) == (0, True)
    (page,) = golden.rglob("*.html")
    record = json.loads(page.with_suffix(".json").read_text("utf-8"))
    assert record["title"]
    page.with_suffix(".json").write_text(json.dumps(record | {"title": "Another"}))
    assert run(outlet, "check", out).return_value == 1
    page.unlink()
    assert run(outlet, "check", out).return_value == 1


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ('[[rules]]\nbody = ["div["]', "no CSS selector"),
        ('[[rules]]\nsince = "2020-01-01"\n[[rules]]\nsince = "2019-01-01"', "without overlap"),
        ('[[rules]]\nsince = "yesterday"', "rules:"),
        ('[[rules]]\nbodi = ["p"]', "unknown key"),
        ("[[rules]", "line"),
    ],
)
def test_check_names_what_is_wrong(tmp_path: Path, rules: str, problem: str) -> None:
    file = tmp_path / "x.toml"
    file.write_text(f'key = "x"\nname = "x"\n{rules}\n')
    result = run(outlet, "check", file)
    assert result.return_value == 1
    assert problem in result.output
    assert "Traceback" not in result.output


def test_import_of_a_file_and_of_a_folder(tmp_path: Path) -> None:
    source = tmp_path / "ftr"
    source.mkdir()
    (source / "x.example.txt").write_text("body: //article\nstrip: //p[.='a']\nfrob: 1\n")
    (source / ".x.example.txt").write_bytes(b"\xff\xfe\x00 body: //div[\n\x80: x")
    assert tomllib.loads(run(outlet, "import-ftr", source / "x.example.txt").output)["rules"] == [{"body": ["article"]}]
    told = run(outlet, "import-ftr", source, "--out", tmp_path / "out").output
    assert "2 files" in told
    assert "frob" in told
    made = sorted((tmp_path / "out").iterdir())
    assert run(outlet, "check", *made).return_value == 0


LINKS = "".join(f"<h3><a href='/a{n}'>A headline of some length, number {n}</a></h3>" for n in range(40))
PAGES = {
    "index": f"<title>News</title>{LINKS}",
    "consent": "<title>We value your privacy</title><h1>Before you continue</h1><p>We use cookies.</p>",
    "error": "<title>404 Not Found</title><h1>Page not found</h1><p>Sorry.</p>",
    "login": "<title>Log in</title><h1>Log in</h1><form><input type=password></form><p>Please sign in.</p>",
    "empty": "<html></html>",
}  # fmt: skip


@pytest.mark.parametrize("kind", PAGES)
def test_what_is_no_article_is_said_with_reasons(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGES[kind])
    result = run(extract, "-C", tmp_path, file)
    assert result.return_value == 1
    assert "not an article: " in result.output
    assert "confidence 0." in result.output
    assert json.loads(run(extract, "-C", tmp_path, file, "--json").output)["kind"] == kind


def test_batch_takes_addresses_from_the_index_or_the_page(tmp_path: Path) -> None:
    pages = tmp_path / "dev"
    pages.mkdir()
    text = "".join(f"<p>Sentence {n} of a page that is an article, said at some length.</p>" for n in range(9))
    (tmp_path / "index.tsv").write_text("file\tsplit\turl\none.html\tdev\thttps://one.example/2020/01/02/a\n")
    (pages / "one.html").write_text(f'<h1>One</h1>{text}<img src="/p/photo-one.jpg" width=900 height=600>{text}')
    (pages / "two.html").write_text(
        f'<link rel="canonical" href="https://two.example/b"><h1>Two</h1>{text}'
        f'<img src="/p/photo-two.jpg" width=900 height=600>{text}'
    )
    run(extract, "-C", tmp_path, "--batch", pages, "--out", tmp_path / "out.jsonl")
    one, two = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert (one["file"], one["meta"]["title"], one["meta"]["date"][:10]) == ("one.html", "One", "2020-01-02")
    assert "https://one.example/p/photo-one.jpg" in one["html"]
    assert "https://two.example/p/photo-two.jpg" in two["html"]
    assert "Sentence 3" in two["text"]


def test_an_outlet_file_is_tried_on_a_page(tmp_path: Path) -> None:
    text = "".join(f"<p>Sentence {n} of a page that is an article, said at some length.</p>" for n in range(9))
    (tmp_path / "page.html").write_text(f"<h1>One</h1><div class=b>{text}</div>")
    (tmp_path / "x.toml").write_text('key = "x"\nname = "x"\n[[rules]]\nbody = [".b"]\ndrop = ["p:first-child"]\n')
    told = run(extract, "-C", tmp_path, tmp_path / "page.html", "--outlet-file", tmp_path / "x.toml").output
    assert "Sentence 0" not in told
    assert "Sentence 1" in told
    assert (
        "(rules, 1)"
        in run(
            extract, "-C", tmp_path, tmp_path / "page.html", "--outlet-file", tmp_path / "x.toml", "--explain"
        ).output
    )


def test_extract_tells_what_is_wrong_with_its_input(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text("<h1>T</h1>", "utf-8")
    (tmp_path / "none").mkdir()
    for arguments, told in (
        ((), "name a URL or FILE"),
        ((page, "--batch", tmp_path), "name a URL or FILE"),
        ((page, "--out", tmp_path / "o"), "goes with --batch"),
        ((page, "--url", "nonsense"), "not an http or https address"),
        ((tmp_path,), f"--batch {tmp_path}"),
        (("--batch", tmp_path / "none"), "no *.html"),
        (("http://127.0.0.1:8080/x",), "--allow-networks CIDR permits it"),
    ):
        with pytest.raises((click.UsageError, BaoguanError)) as failure:
            run(extract, "-C", tmp_path, *arguments)
        message = failure.value.message if isinstance(failure.value, click.UsageError) else str(failure.value)
        assert told in message
        assert message.count("http://127.0.0.1:8080/x") < 2
