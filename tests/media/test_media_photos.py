"""Photo identity against 300 addresses that a person read, and what the grammars must refuse."""

from pathlib import Path

import pytest

from baoguan.errors import ConfigError
from baoguan.media.choose import Grammars, choose_picture, photo_key, read_photo
from baoguan.model.article import Picture
from baoguan.model.outlet import Outlet, PictureGrammar
from baoguan.outlets.checks import check_outlet
from baoguan.outlets.registry import load_outlets

OUTLETS = load_outlets()
ALL = Grammars(OUTLETS.values())
ROWS = [
    line.split("\t")
    for line in Path(__file__).with_name("photos.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]
UUID = "02870000-0aff-0242-daf1-08da0d86b543"


def test_three_hundred_addresses_read_as_a_person_reads_them() -> None:
    assert len(ROWS) == 300
    for url, key, width, crop in ROWS:
        photo = read_photo(f"https://{url}", None, ALL)
        assert (photo.key, str(photo.width), photo.crop) == (key, width, crop), url


def test_the_sample_holds_photos_under_several_names_of_each_kind() -> None:
    keys = [row[1] for row in ROWS]
    assert len(keys) - len(set(keys)) >= 55
    for host in ("gdb.voanews.com", "ichef.bbci.co.uk", "static.dw.com", "s.rfi.fr", "static01.nyt.com"):
        assert sum(row[0].startswith(host) for row in ROWS) >= 30, host


@pytest.mark.parametrize(
    "marks",
    ["", "_tv", "_cx1_cy2_cw3", "_r1", "_s", "_w900", "_w800_h450", "_tv_cx1_cy2_cw3_r1_s_w900_h450", "_w1023_r1_s"],
)
def test_every_mark_of_pangea_in_any_letter_case_on_both_hosts(marks: str) -> None:
    for host in ("gdb.voanews.com", "gdb.rferl.org", "GDB.RFERL.ORG"):
        for stem in (UUID, UUID.upper()):
            assert photo_key(f"http://{host}/{stem}{marks}.jpg", None, ALL) == f"pangea/{UUID}"


def test_what_only_resembles_pangea_is_no_photo_of_it() -> None:
    for path in (f"{UUID}_.jpg", f"{UUID}x.jpg", f"{UUID[:-1]}.jpg", f"{UUID}_r1_s.svg", f"{UUID}.jpg/x"):
        assert not read_photo(f"https://gdb.voanews.com/{path}", None, ALL).known, path


def test_a_photo_of_another_outlet_is_known_by_its_own_grammar() -> None:
    url = f"https://gdb.voanews.com/{UUID}_w250.jpg"
    assert not read_photo(url, OUTLETS["dw-zh"]).known
    assert read_photo(url, OUTLETS["dw-zh"], ALL).key == f"pangea/{UUID}"
    assert choose_picture(Picture(url=url), OUTLETS["dw-zh"], ALL)[0] == f"https://gdb.voanews.com/{UUID}.jpg"


def test_an_endless_address_is_not_tried() -> None:
    url = "https://gdb.voanews.com/" + UUID + "_a" * 100_000 + ".jpg"
    assert not read_photo(url, None, ALL).known


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"photo": r"/(?P<id>\d+"}, "pictures of"),
        ({"photo": r"/\d+"}, "no group `id`"),
        ({"photo": r"(?P<id>.*)"}, "fits any address"),
        ({"photo": r"/(?P<id>\d+)" + "x" * 700}, "longer than"),
        ({"photo": r"/(?P<id>\d+)", "key": "all"}, "doesn't hold {id}"),
        ({"photo": r"/(?P<id>\d+)", "key": "{id}{nope}"}, "nope"),
        ({"photo": r"/(?P<id>\d+)", "largest": ("{id.__class__}",)}, "no group"),
        ({"photo": r"/(?P<id>\d+)", "largest": ("{nope}.jpg",)}, "nope"),
        ({"photo": r"/(?P<id>\d+)", "host": "Gdb.Example"}, "lower-case"),
    ],
)
def test_a_grammar_of_no_use_is_named(fields: dict[str, object], said: str) -> None:
    grammar = PictureGrammar(**({"host": "img.example"} | fields))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="pictures of") as told:
        check_outlet(Outlet(key="x", name="x", pictures=(grammar,)), "x.toml")
    assert said in str(told.value)
