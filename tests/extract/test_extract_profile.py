"""What an outlet's pages teach."""

from baoguan.extract.article import Hints, read_page
from baoguan.extract.profile import Profile, drift, learn

BOILER = "This outlet repeats this sentence under each of its articles, which is of no use to anybody."


def page(n: int, words: int = 40) -> bytes:
    text = "".join(
        f"<p>Sentence {k} of article {n}, which says something that no other page of it says.</p>" for k in range(words)
    )
    return f"<h1>Title {n}</h1><div class=wrap>{text}<p>{BOILER}</p></div>".encode()


def taught(count: int) -> Profile:
    profile = Profile()
    for n in range(count):
        profile = learn(profile, read_page(page(n), Hints(url=f"https://x.example/{n}")).lesson)
    return profile


def test_repeated_blocks_become_boilerplate() -> None:
    before = read_page(page(99), Hints(url="https://x.example/99"))
    after = read_page(page(99), Hints(url="https://x.example/99", profile=taught(4)))
    assert BOILER in before.article.body_html
    assert BOILER not in after.article.body_html
    assert "Sentence 3 of article 99" in after.article.body_html


def test_same_page_again_teaches_nothing() -> None:
    profile = taught(2)
    assert learn(profile, read_page(page(1), Hints(url="https://x.example/1")).lesson) is profile


def test_drift() -> None:
    profile = taught(10)
    usual = read_page(page(50), Hints(url="https://x.example/50")).lesson
    short = read_page(page(51, 2), Hints(url="https://x.example/51")).lesson
    gone = read_page(b"<title>404 Not Found</title><h1>Page not found</h1>", Hints(url="https://x.example/52")).lesson
    assert drift(profile, usual) is None
    assert drift(profile, short) is not None
    assert "error" in (drift(profile, gone) or "")
    assert drift(taught(2), short) is None
