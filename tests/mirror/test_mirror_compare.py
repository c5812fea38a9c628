"""Several vantage points: who saw the same text of an article."""

import json
import shutil

import pytest
from mirror_hosts import append, make_origin, open_writer, pull

from baoguan.cli.main import main
from baoguan.comparing import compare, sights
from baoguan.errors import ConfigError


@pytest.fixture
def two(tmp_path):
    """Archives of two operators: both hold articles 0 to 299, the second saw some of them otherwise, and 40 more."""
    make_origin(tmp_path / "a", name="a.example")
    make_origin(tmp_path / "b", name="b.example", seed="b")
    append(open_writer(tmp_path / "b", seed="more"), 40)
    return tmp_path / "a", tmp_path / "b"


def test_who_saw_the_same(tmp_path, two, capsys):
    a, b = two
    make_origin(tmp_path / "c", name="c.example", seed="c")
    evil = tmp_path / "d"
    from baoguan.app import create_archive

    create_archive(evil, origin="d.example")
    append(open_writer(evil), 10, mark="改")
    found = compare([open_writer(a), open_writer(b)])
    assert (found.shared, found.agree, found.differ) == (300, 300, ())
    assert found.articles == (300, 340)
    found = compare([open_writer(place) for place in (a, b, evil)])
    assert (found.shared, found.agree, len(found.differ)) == (300, 290, 10)
    assert {row.words for row in found.differ} == {"2 of 3 archives saw the same text"}
    with pytest.raises(SystemExit) as ended:
        main(["mirror", "compare", str(a), str(evil), "--json"])
    assert ended.value.code == 0
    said = json.loads(capsys.readouterr().out)
    assert said["shared"] == 10
    assert said["differ"][0]["agree"] == 1


def test_white_space_is_no_difference_and_any_revision_agrees(two):
    archive = open_writer(two[0])
    seen = sights(archive)
    assert len(seen) == 300
    assert all(len(sight.texts) == 1 for sight in seen.values())


def test_copies_of_one_log_are_one_vantage_point(origin, tmp_path, scripted):
    pull(tmp_path / "m", scripted(origin / "public").url)
    with pytest.raises(ConfigError, match="copies of one log"):
        compare([open_writer(origin), open_writer(tmp_path / "m")])
    shutil.rmtree(tmp_path / "m" / "public")
    with pytest.raises(SystemExit) as ended:
        main(["mirror", "compare", str(origin), str(tmp_path / "m")])
    assert ended.value.code == 2
