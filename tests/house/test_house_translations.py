"""README and guide in four languages say the same: commands, links, headings; a line added in English fails here."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LANGS = ("zh-Hans", "zh-Hant", "ja")
PAGES = ("README.md", "docs/guide.md")
_PROGRAMS = ("baoguan ", "./run", "git ", "cd ", "pip ")


def in_language(page: str, lang: str) -> str:
    return page.replace(".md", f".{lang}.md")


def commands(text: str) -> list[str]:
    """The lines of code blocks that are typed, without what a comment says."""
    blocks = re.findall(r"^```\n(.*?)^```", text, flags=re.M | re.S)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith(_PROGRAMS)]


def links(text: str, langs: tuple[str, ...]) -> list[str]:
    """Where links lead, without the language of the page."""
    found = re.findall(r"\]\(([^)]+)\)", text)
    return sorted(re.sub(rf"\.({'|'.join(langs)})\.md", ".md", link) for link in found)


def spoken(text: str) -> set[str]:
    """What stands in backticks outside of code blocks."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S)))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("page", PAGES)
def test_a_translation_says_what_the_english_says(page: str, lang: str) -> None:
    english = (ROOT / page).read_text("utf-8")
    other = (ROOT / in_language(page, lang)).read_text("utf-8")
    assert commands(other) == commands(english)
    assert links(other, LANGS) == links(english, LANGS)
    assert spoken(other) == spoken(english)
    levels = [
        re.findall(r"^(#+) ", re.sub(r"```.*?```", "", text, flags=re.S), flags=re.M) for text in (other, english)
    ]
    assert levels[0] == levels[1]
    assert other.count("```") == english.count("```")
    assert other.count("\n- ") == english.count("\n- ")
    assert other.count("\n") < 150


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("page", PAGES)
def test_a_translation_is_written_in_its_script(page: str, lang: str) -> None:
    from baoguan.text.script import convert_text

    text = (ROOT / in_language(page, lang)).read_text("utf-8")
    prose = re.sub(r"```.*?```|`[^`\n]*`|\]\([^)]*\)|「[^」]*」|\*[^*]*\*", "", text, flags=re.S)
    prose = "".join(line for line in prose.splitlines() if "·" not in line and not line.startswith("    "))
    if lang == "ja":
        assert len(re.findall("[ぁ-ん]", prose)) > len(prose) // 8
    else:
        same = "hans" if lang == "zh-Hans" else "hant"
        odd = [one for one in re.findall("[一-鿿]", prose) if convert_text(one, same) != one]
        assert len(odd) < len(prose) // 100, "".join(odd)


def test_every_command_in_readme_and_guide_is_known() -> None:
    from baoguan.cli.main import COMMANDS

    for page in PAGES:
        text = (ROOT / page).read_text("utf-8")
        named = re.findall(r"(?:^|; |`|\./run )baoguan (?:-C \S+ )?([a-z-]+)", text, flags=re.M)
        assert named
        assert set(named) <= set(COMMANDS) | {"completion"}


def test_the_readme_names_what_there_is() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for name in ("search", "changes", "prove", "mirror", "withdraw", "S3", "RSS apps", "pictures"):
        assert name in text
