"""A group without a command shows what it has, in lines, and says by its exit code that nothing was done."""

import pytest

from baoguan.cli.main import main


@pytest.mark.parametrize("group", [[], ["export"], ["mirror"], ["user"]])
def test_a_group_alone_shows_its_commands(group: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(group)
    shown = capsys.readouterr().err
    assert ended.value.code == 2
    assert shown.startswith(" ".join(["Usage: baoguan", *group]))
    assert "\nCommands:\n" in shown
