"""Search over a whole archive: imported, found, changed, rebuilt to the same answers."""

from pathlib import Path

from baoguan.app import create_archive, open_desk
from baoguan.finding import Passages, find
from baoguan.importing import import_path
from baoguan.indexing import index_new
from baoguan.upkeep import drop_index


def write(folder: Path, number: int, title: str, body: str) -> None:
    path = folder / "articles" / "voa" / f"{number}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"<!--{1600000000000 + number}-->\n[{title}](https://www.voachinese.com/a/{number}.html)\n------\n\n<p>{body}</p>\n",
        "utf-8",
    )


def test_an_import_is_found_and_a_rebuild_finds_the_same(tmp_path: Path):
    tree, folder = tmp_path / "tree", tmp_path / "archive"
    write(tree, 1, "美國務卿訪問北京", "布林肯說，網路安全是議題之一。")
    write(tree, 2, "东京股市上涨", "日经指数周三收高。GDP增长3%。")
    create_archive(folder, origin="example.org/test")
    with open_desk(folder) as desk:
        import_path(desk, tree)
        assert find(desk, "网络安全").total == 0
        assert index_new(desk) == 2
        one = find(desk, "網路安全", facets=True)
        assert (one.total, one.found[0].title) == (1, "美國務卿訪問北京")
        assert ("網路安全", True) in one.found[0].snippet
        assert find(desk, "GDP增长").total == 1
        assert index_new(desk) == 0
        write(tree, 2, "东京股市下跌", "更正：日经指数周三收低。")
        import_path(desk, tree)
        index_new(desk)
        assert find(desk, "收高").total == 0
        after = [find(desk, query) for query in ("收低", "北京", "布林肯 -东京", "的")]
    drop_index(folder)
    with open_desk(folder) as desk:
        index_new(desk)
        assert [find(desk, query) for query in ("收低", "北京", "布林肯 -东京", "的")] == after


def test_texts_held_for_the_next_search_change_no_answer(tmp_path: Path):
    folder, tree = tmp_path / "archive", tmp_path / "tree"
    for number in range(30):
        write(tree, number, f"第{number}条", f"网络安全 {number}：{'国' * 3000}")
    create_archive(folder, origin="a.example/log")
    with open_desk(folder) as desk:
        import_path(desk, tree)
        index_new(desk)
        held = Passages(limit_bytes=100_000)
        plain = [find(desk, query, limit=20) for query in ("网络", "安全", "第3条", "国家")]
        for _ in range(2):
            assert [find(desk, query, limit=20, passages=held) for query in ("网络", "安全", "第3条", "国家")] == plain
        assert 0 < held.size_bytes <= 100_000
