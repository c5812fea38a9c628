"""One suite over every catalogue, memory, SQLite, PostgreSQL: derived, idempotent, the newest capture is current."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from baoguan.archive.ledger import Ledger
from baoguan.backends.memory_catalogue import MemoryCatalog
from baoguan.backends.postgres import Link
from baoguan.backends.postgres.catalogue import PgCatalog
from baoguan.backends.sqlite.catalogue import SqliteCatalog
from baoguan.model.capture import CaptureRef
from baoguan.model.catalog import CaptureRow
from baoguan.model.ids import article_id
from baoguan.model.log import ManifestLine, MediaRef, RecordRef
from baoguan.ports import Catalog
from tests.backends.postgres_server import Postgres

NUMBERS = itertools.count()


def rev(
    identity: str, number: int = 0, *, at: int = 1000, url: str = "https://a.example/1", **more: object
) -> ManifestLine:
    fields: dict[str, object] = {
        "salt": "00",
        "kind": "rev",
        "id": identity,
        "rev": number,
        "outlet": "a",
        "url": url,
        "title": f"t{number}",
        "captured_ms": at,
        "record": RecordRef(path=f"articles/a/{identity}-{number}.md", sha256="x"),
        "content_sha256": f"c{number}",
    }
    return ManifestLine(**{**fields, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres().start("fsync=off")
    yield server
    server.stop()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    found: MemoryCatalog | SqliteCatalog | PgCatalog = MemoryCatalog()
    if request.param == "sqlite":
        found = SqliteCatalog(tmp_path / "catalogue.sqlite")
    elif request.param == "postgres":
        found = PgCatalog(Link(request.getfixturevalue("postgres").address, f"test/catalogue{next(NUMBERS)}"))
    yield found
    found.close()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteCatalog | PgCatalog]:
    found: SqliteCatalog | PgCatalog
    if request.param == "postgres":
        found = PgCatalog(Link(request.getfixturevalue("postgres").address, f"test/engine{next(NUMBERS)}"))
    else:
        found = SqliteCatalog(tmp_path / "engine.sqlite")
    yield found
    found.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteCatalog]:
    found = SqliteCatalog(tmp_path / "sqlite" / "catalogue.sqlite")
    yield found
    found.close()


def test_lines_applied_twice_change_nothing(catalog: Catalog) -> None:
    lines = [(0, rev("aa")), (1, rev("aa", 1, at=2000))]
    catalog.apply(lines, size=2)
    before = (catalog.article("aa"), catalog.revisions("aa"), catalog.size())
    catalog.apply(lines, size=2)
    assert (catalog.article("aa"), catalog.revisions("aa"), catalog.size()) == before
    assert before[2] == 2


def test_an_older_import_never_becomes_the_current_revision(catalog: Catalog) -> None:
    catalog.apply([(0, rev("aa", at=5000)), (1, rev("aa", 1, at=100, cause="import"))], size=2)
    row = catalog.article("aa")
    assert row is not None
    assert (row.title, row.index, row.rev) == ("t0", 0, 1)


def test_withheld_lines_leave_no_row(catalog: Catalog) -> None:
    catalog.apply([(0, None), (1, rev("bb"))], size=2)
    assert catalog.article("bb") is not None
    assert catalog.size() == 2


def test_pictures_are_found_by_either_url(catalog: Catalog) -> None:
    media = MediaRef(
        url="https://p/1_w300.jpg", fetched_url="https://p/1.jpg", sha256="s", path="media/ss/s.jpg", width=3
    )
    catalog.apply([(0, rev("aa", media=(media,)))], size=1)
    for url in ("https://p/1_w300.jpg", "https://p/1.jpg"):
        kept = catalog.media(url)
        assert kept is not None
        assert kept.path == "media/ss/s.jpg"
    row = catalog.article("aa")
    assert row is not None
    assert row.lead == "media/ss/s.jpg"


def test_lost_and_seen_turn_the_state_of_the_page(catalog: Catalog) -> None:
    lost = ManifestLine(salt="", kind="lost", id="aa", outlet="a", reason="404", captured_ms=9)
    seen = ManifestLine(salt="", kind="seen", id="aa", outlet="a", captured_ms=10)
    catalog.apply([(0, rev("aa")), (1, lost)], size=2)
    row = catalog.article("aa")
    assert row is not None
    assert row.lost == "404"
    assert row.title == "t0"
    catalog.apply([(2, seen)], size=3)
    row = catalog.article("aa")
    assert row is not None
    assert row.lost == ""


def test_guid_and_url_become_aliases_of_one_article(catalog: Catalog) -> None:
    ledger = Ledger(catalog)
    first = ledger.resolve("a", "g1", "https://a.example/1?utm_source=x")
    assert first.id == article_id("a", "https://a.example/1")
    ledger.take(0, rev(first.id, guids=("g1",)))
    assert ledger.resolve("a", "g1", "https://a.example/moved").id == first.id
    assert ledger.resolve("a", "g2", "http://www.a.example/1").id == first.id
    assert ledger.resolve("b", "g1", "https://a.example/1").standing is None


def test_a_guid_and_a_url_of_two_articles_make_a_third_for_good(catalog: Catalog) -> None:
    ledger = Ledger(catalog)
    ledger.take(0, rev("aa", guids=("g1",)))
    ledger.take(1, rev("bb", url="https://a.example/2", guids=("g2",)))
    third = ledger.resolve("a", "g1", "https://a.example/2")
    assert third.conflict
    assert third.standing is None
    assert third.id not in ("aa", "bb")
    ledger.take(2, rev(third.id, url="https://a.example/2", guids=("g1",), flags=("conflict",)))
    assert ledger.resolve("a", "g1", "https://a.example/2").id == third.id
    assert ledger.resolve("a", "g2", "https://a.example/2").id == "bb"
    catalog.apply(ledger.lines, size=3)
    again = Ledger(catalog).resolve("a", "g1", "https://a.example/2")
    assert again.id == third.id
    assert again.standing is not None


def test_lists_are_ordered_and_paged(sqlite: SqliteCatalog) -> None:
    lines = [(n, rev(f"{n:016x}", at=1000 + n // 2, url=f"https://a.example/{n}")) for n in range(20)]
    sqlite.apply(lines, size=20)
    seen, before = [], None
    while page := sqlite.articles(limit=7, before=before):
        seen += [row.id for row in page]
        before = (page[-1].shown_ms, page[-1].id)
    assert seen == [f"{n:016x}" for n in sorted(range(20), key=lambda n: (1000 + n // 2, f"{n:016x}"), reverse=True)]
    assert sqlite.named(f"{3:016x}"[:15]) != []
    assert sqlite.named("https://a.example/3") == [f"{3:016x}"]


def test_many_asked_at_once_get_what_each_would(catalog: Catalog) -> None:
    lines = [rev(f"a{n}", url=f"https://a.example/{n}", source_sha256=f"s{n}", legacy_path=f"p{n}") for n in range(9)]
    catalog.apply(enumerate(lines), size=9)
    keys = [("a", f"u:https://a.example/{n}") for n in (3, 5, 12)] + [("b", "u:https://a.example/3")]
    assert catalog.key_owners(keys) == {key: owner for key in keys for owner in catalog.find(key[0], [key[1]])}
    assert catalog.key_owners(keys) == {keys[0]: "a3", keys[1]: "a5"}
    assert catalog.standing(["a3", "no", "a4"]) == {name: catalog.article(name) for name in ("a3", "a4")}
    files = [("s1", "p1"), ("s1", "p2"), ("s8", "p8")]
    assert {file for file in files if catalog.imported(*file)} == {files[0], files[2]}
    if isinstance(catalog, SqliteCatalog):
        assert catalog.all_imported(files) == {files[0], files[2]}


def test_a_ledger_that_foresaw_answers_as_one_that_asks(catalog: Catalog) -> None:
    lines = [rev(f"a{n}", url=f"https://a.example/{n}", guids=(f"g{n}",)) for n in range(4)]
    catalog.apply(enumerate(lines), size=4)
    items = [("a", f"g{guid}", f"https://a.example/{url}", ()) for guid in range(6) for url in range(6)]
    asking, foreseeing = Ledger(catalog), Ledger(catalog)
    foreseeing.foresee(items)
    assert [foreseeing.resolve(*item) for item in items] == [asking.resolve(*item) for item in items]


def test_revisions_and_losses_of_one_batch_in_log_order(catalog: Catalog) -> None:
    def fact(kind: str, at: int, reason: str = "") -> ManifestLine:
        return ManifestLine(salt="", kind=kind, id="aa", outlet="a", captured_ms=at, reason=reason)

    lines = [rev("aa"), fact("lost", 1500, "404"), rev("aa", 1, at=500), fact("seen", 1600), rev("aa", 2, at=2000)]
    catalog.apply([*enumerate(lines), (5, fact("lost", 2500, "410"))], size=6)
    one = catalog.article("aa")
    assert one is not None
    assert (one.rev, one.index, one.captured_ms, one.lost, one.checked_ms) == (2, 4, 2000, "410", 2500)


def test_captures_are_found_by_their_file(catalog: Catalog) -> None:
    row = CaptureRow(record_id="r", file="captures/a.warc.gz", offset=7, length=9)
    assert not catalog.has_captures(row.file)
    catalog.add_captures(row.file, [row])
    catalog.add_captures(row.file, iter([row]))
    assert catalog.has_captures(row.file)
    assert catalog.capture("r") == row
    assert catalog.capture("s") is None


def some_line(dice: random.Random) -> ManifestLine | None:
    """Any line over a few articles, addresses and pictures, so that all of them meet."""
    identity, at = f"a{dice.randrange(6)}", dice.randrange(5000)
    kind = dice.choice(["rev", "rev", "rev", "seen", "lost", "late", "gone", "withheld"])
    if kind == "withheld":
        return None
    url = f"https://a.example/{dice.randrange(8)}"
    if kind == "rev":
        number = dice.randrange(9)
        media = tuple(
            MediaRef(
                url=f"https://p.example/{dice.randrange(4)}.jpg",
                sha256=dice.choice(["", f"s{number}"]),
                path=f"media/s{number}.jpg",
                width=number,
                fetched_url=dice.choice(["", f"https://p.example/{dice.randrange(4)}-large.jpg"]),
                capture=dice.choice([None, CaptureRef(record_id=f"r{number}", sha256="x")]),
            )
            for _ in range(dice.randrange(3))
        )
        more = {
            "guids": (f"g{dice.randrange(6)}",) * dice.randrange(2),
            "aliases": (f"https://b.example/{dice.randrange(4)}",) * dice.randrange(2),
            "outlet": dice.choice(["a", "b"]),
            "flags": dice.choice([(), ("conflict",)]),
            "source_sha256": dice.choice(["", f"f{number}"]),
            "legacy_path": dice.choice(["", f"articles/a/{1_000_000 + number}.md"]),
            "published": dice.choice(["", "1970-01-01T00:00:01+00:00", "1970-01-01", "no date", "2033-01-01"]),
        }
        return rev(identity, dice.randrange(4), at=at, url=url, media=media, **more)
    return ManifestLine(
        salt="", kind=kind, id=identity, outlet="a", captured_ms=at, reason=dice.choice(["404", "stub"])
    )


@pytest.mark.parametrize("seed", range(6))
def test_all_engines_give_the_same_answers(engine: SqliteCatalog | PgCatalog, seed: int) -> None:
    """Random logs, applied in random batches that overlap: every question of the port, asked of both."""
    dice, model = random.Random(seed), MemoryCatalog()
    lines = [some_line(dice) for _ in range(150)]
    for catalog in (engine, model):
        done = 0
        while done < len(lines):
            start, done = max(0, done - dice.randrange(5)), min(len(lines), done + dice.randrange(1, 30))
            catalog.apply([(n, lines[n]) for n in range(start, done)], size=done)
    ids = [f"a{number}" for number in range(7)]
    keys = [f"u:https://{host}.example/{n}" for host in "ab" for n in range(9)] + [f"g:g{n}" for n in range(7)]
    urls = [f"https://p.example/{n}{large}.jpg" for n in range(5) for large in ("", "-large")]
    pairs = [(outlet, key) for outlet in ("a", "b", "c") for key in keys]
    assert model.size() == engine.size() == 150
    assert model.standing(ids) == engine.standing(ids) != {}
    assert [model.article(one) for one in ids] == [engine.article(one) for one in ids]
    assert [model.revisions(one) for one in ids] == [engine.revisions(one) for one in ids]
    assert [model.media(url) for url in urls] == [engine.media(url) for url in urls]
    assert model.key_owners(pairs) == engine.key_owners(pairs) != {}
    assert [model.find(one, keys) for one in "abc"] == [engine.find(one, keys) for one in "abc"]
    assert [model.lowest_legacy(one) for one in "abc"] == [engine.lowest_legacy(one) for one in "abc"]
    files = [(f"f{n}", path) for n in range(9) for path in ("", f"articles/a/{1_000_000 + n}.md")]
    assert [model.imported(*file) for file in files] == [engine.imported(*file) for file in files]


def test_one_of_another_version_is_made_anew_and_reset_empties_it(postgres: Postgres) -> None:
    link = Link(postgres.address, "test/version")
    catalog = PgCatalog(link)
    catalog.apply([(0, rev("aa"))], size=1)
    assert PgCatalog(Link(postgres.address, "test/version")).size() == 1
    link.db.execute("UPDATE known SET version = 0")
    assert PgCatalog(Link(postgres.address, "test/version")).size() == 0
    assert catalog.article("aa") is None
    catalog.apply([(0, rev("aa"))], size=1)
    catalog.reset()
    assert (catalog.size(), catalog.article("aa")) == (0, None)
    link.close()
