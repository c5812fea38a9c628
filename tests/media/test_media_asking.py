"""How a query is read: addresses, times, numbers and words, good ones and bad ones, by weserv's and nginx's rules."""

from typing import Any

import pytest

from baoguan.errors import PictureError
from baoguan.media.asking import parse_address, parse_ask, parse_span
from baoguan.media.colours import Colour
from baoguan.media.transform import Length, Transform, parse_transform

RED = Colour(red=255, green=0, blue=0, alpha=255)


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("e.org/a.jpg", "http://e.org/a.jpg"),
        ("//e.org/a.jpg", "https://e.org/a.jpg"),
        ("SSL:e.org/a.jpg", "https://e.org/a.jpg"),
        ("ssl://e.org/a.jpg", "https://e.org/a.jpg"),
        ("HTTPS://E.org/A.jpg", "https://e.org/A.jpg"),
        ("http:////e.org/a", "http://e.org/a"),
        ("https:///e.org/a", "https://e.org/a"),
        ("///e.org/a", "https://e.org/a"),
        ("/e.org/a", "http://e.org/a"),
        ("%2F%2Fe.org%2Fa%20b", "https://e.org/a%20b"),
        ("https%3A%2F%2Fe.org%2Fa%3Fb%3Dc%26d%23e", "https://e.org/a?b=c&d"),
        ("e.org/a%2520b", "http://e.org/a%20b"),
        ("e.org/%25C4%25E3.jpg", "http://e.org/%C4%E3.jpg"),
        ("e.org/%C4%E3.jpg", "http://e.org/%C4%E3.jpg"),
        ("e.org/图.jpg", "http://e.org/%E5%9B%BE.jpg"),
        ("e.org/a\\b|c^d`e{f}", "http://e.org/a%5Cb%7Cc%5Ed%60e%7Bf%7D"),
        ("e.org/-._~!$'()*+,;=:@", "http://e.org/-._~!$'()*+,;=:@"),
        ("e.org/100%.jpg", "http://e.org/100%25.jpg"),
        ("e.org?x=1", "http://e.org/?x=1"),
        ("e.org#f", "http://e.org/"),
        ("e.org:8080/a", "http://e.org:8080/a"),
        ("中国.cn/a", "http://xn--fiqs8s.cn/a"),
        ("例。jp/a", "http://xn--fsq.jp/a"),
        ("[2001:db8::1]:81/a", "http://[2001:db8::1]:81/a"),
    ],
)
def test_addresses(raw: str, url: str) -> None:
    assert parse_address(raw) == url


@pytest.mark.parametrize(
    "raw",
    [
        *("", "i.n", "http://", "////", "http:/e.org/a", "https:e.org/a", "ftp://e.org/a", "unix:/e.org/a"),
        *("data:image/png;base64,AAAA", "javascript:alert(1)", "mailto:a@e.org", "a@e.org/x", "a:b@e.org/x"),
        *("e.org:/a", "e.org:0/a", "e.org:99999/a", "e.org:8o/a", "http:\\\\e.org", "e .org/a", "e..org/a"),
        *("%FF%FE.org/a", "<e>.org/a", "a" * 64 + ".org/", ".".join(["abcdefg"] * 32) + "/"),
    ],
)
def test_what_is_no_address(raw: str) -> None:
    with pytest.raises(PictureError, match="Unable to parse URI"):
        parse_address(raw)


def test_times_are_read_as_nginx_does() -> None:
    year = 31_536_000
    told = {"31d": 2_678_400, "1d": 86_400, "1w": 604_800, "1M": 2_592_000, "1M1m": 2_592_060, "1y": year}
    told |= {"86400": 86_400, "90000s": 90_000, "1d1h30": 90_030, "36h": 129_600}
    bad = ["", "d", "1d1d", "1h1d", "1ms", "1D", "-1d", "1.5d", "1d ", "%31d", "23h", "366d", "1y1s", "\u0663\u0661d"]
    assert {text: parse_span(text) for text in told} == told
    assert {parse_span(text) for text in bad} == {year}


def test_keys_about_the_answer() -> None:
    ask = parse_ask("URL=e.org/a&FileName=x1&Encoding=BASE64&MaxAge=1d&Default=e.org/b&url=e.org/c")
    assert (ask.url, ask.filename, ask.base64, ask.max_age_s) == ("http://e.org/a", "x1", True, 86_400)
    assert ask.default == "http://e.org/b"
    assert ask.bare
    ask = parse_ask("url&filename=te%73t&encoding=base64x&default=&errorredirect=e.org&url=e.org/c")
    assert (ask.url, ask.filename, ask.base64, ask.default) == ("http://e.org/c", "image", False, "")
    assert parse_ask("url=e.org&errorredirect=e.org/d").default == "http://e.org/d"
    assert parse_ask("url=e.org/e&default=1").default == "http://e.org/e"


def px(value: int) -> Length:
    return Length(pixels=value)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("w=100&w=200&width=300", {"w": px(100)}),
        ("height=5&h=6", {"h": px(5)}),
        ("W=100&Fit=cover&foo=bar&=&&&w", {}),
        ("w=abc&h=-5&dpr=8.1", {"h": px(-5)}),
        ("w=1e2&h=99.9", {"w": px(1), "h": px(99)}),
        ("w=+7&h=%207", {"w": px(7)}),
        ("w=4294967296&h=10000001", {}),
        ("w=50%&h=25%25", {"w": Length(share=0.5), "h": Length(share=0.25)}),
        ("w=101%&h=-1%&cx=%&cy=%25", {"cx": Length(), "cy": Length()}),
        ("t=square", {"fit": "cover"}),
        ("t=squaredown", {"fit": "cover", "we": True}),
        ("t=fit&we=0", {"we": True}),
        ("we=0&t=fit", {}),
        ("fit=crop-top&t=fill", {"fit": "cover"}),
        ("fit=Cover", {}),
        ("a=focal-10-90", {"a": "focal", "fpx": 0.1, "fpy": 0.9}),
        ("a=crop-101--5", {"a": "focal", "fpy": 0.05}),
        ("fpx=0.25&a=focal-10-90", {"a": "focal", "fpx": 0.25, "fpy": 0.9}),
        ("a=focalx&fpy=1.01", {"a": "focal"}),
        ("align=tl&a=top-left", {}),
        ("crop=1,2,3", {}),
        ("cx=9&crop=1,2,3,4,5", {"cx": px(9), "cw": px(1), "ch": px(2), "cy": px(4)}),
        ("shape=star&strim", {"mask": "star", "mtrim": True}),
        ("mask=Star&mask=heart", {}),
        ("or=-90&ro=5", {"ro": -90}),
        ("flip=false&flop=0&we=&il=no&af&ll=1", {"we": True, "il": True, "af": True, "ll": True}),
        ("bri=101&con=-101", {}),
        ("bri=-100&con=100", {"bri": -100, "con": 100}),
        ("mod=2,0,-30", {"mod": 2.0, "sat": 0.0, "hue": -30}),
        ("mod=-1,,10001", {}),
        ("sat=x&hue=1.9", {"hue": 1}),
        ("gam", {"gam": 2.2}),
        ("gam=0", {}),
        ("gam=3.1", {"gam": 2.2}),
        ("sharp", {"sharp": -1.0}),
        ("sharp=0", {}),
        ("sharp=5", {"sharp": 5.0}),
        ("sharp=500000,-1,2", {"sharpf": 500_000.0, "sharp": 2.0}),
        ("sharp=3,4", {"sharpf": 3.0, "sharpj": 4.0}),
        ("sharpf=1000001&sharpj=0&sharp=1", {"sharpj": 0.0, "sharp": 1.0}),
        ("blur=0.2", {"blur": -1.0}),
        ("blur=0", {}),
        ("blur", {"blur": -1.0}),
        ("trim", {"trim": 10}),
        ("trim=255", {}),
        ("trim=254&tbg=red", {"trim": 254, "tbg": RED}),
        ("bg=f00&cbg=ff0000&rbg=%23ffff0000&mbg=Red", {"bg": RED, "cbg": RED, "rbg": RED, "mbg": RED}),
        ("bg=ff000&cbg=xyz&tint", {}),
        ("filt=sepia&filt=negate", {"filt": "sepia"}),
        ("q=0&l=10", {}),
        ("quality=1&level=0", {"q": 1, "l": 0}),
        ("output=tif", {"output": "tiff"}),
        ("output=av1", {"output": "avif"}),
        ("output=jpeg&output=png", {}),
        ("page=x", {"page": -1}),
        ("page=-3", {}),
        ("pages=-1", {"n": -1}),
        ("n=0", {}),
        ("loop=-1&delay=10,-1", {}),
        ("loop=0&delay=10,20", {"loop": 0, "delay": (10, 20)}),
        ("fsol=0&precrop", {"fsol": False, "precrop": True}),
    ],
)
def test_parameters(query: str, told: dict[str, Any]) -> None:
    expected = Transform(**told)
    got = parse_transform(query)
    for name in Transform.__struct_fields__:
        mine, theirs = getattr(got, name), getattr(expected, name)
        same = mine == theirs or (isinstance(mine, float) and abs(mine - theirs) < 1e-6)
        assert same or _unset(mine, theirs), (name, mine, theirs)


def _unset(mine: Any, theirs: Any) -> bool:
    """No size, a negative one, a colour without alpha: all of them do nothing."""
    nothing = [None, Length()]
    return (mine in nothing and theirs in nothing) or (
        isinstance(mine, Colour) and not mine.alpha and theirs.alpha == 0
    )


def test_a_share_is_rounded_as_in_single_precision() -> None:
    shares = {text: parse_transform(f"w={text}%").w.of(50) for text in ("29", "7", "57", "99", "1", "0", "100")}
    assert shares == {"29": 15, "7": 4, "57": 29, "99": 50, "1": 1, "0": 0, "100": 50}
