"""Settings: file, environment, options, in rising order; every mistake is one line."""

import tomllib

import pytest

from baoguan import config
from baoguan.errors import ConfigError


def test_precedence() -> None:
    file = {"fetch": {"pace_s": 1.5, "jobs": 3}}
    settings = config.load(file, env={"BAOGUAN_JOBS": "4"}, options={"jobs": 5, "pace_s": None})
    assert (settings.pace_s, settings.jobs) == (1.5, 5)


@pytest.mark.parametrize(
    ("file", "env", "says"),
    [
        ({"fetch": {"pace": 1}}, {}, "pace is no setting"),
        ({"fech": {}}, {}, "[fech] is no section"),
        ({"fetch": {"jobs": "many"}}, {}, "jobs"),
        ({}, {"BAOGUAN_ROBOTS": "perhaps"}, "BAOGUAN_ROBOTS"),
        ({}, {"BAOGUAN_PORT": "x"}, "port"),
    ],
)
def test_mistakes_are_named(file: dict[str, object], env: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as error:
        config.load(file, env=env)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_template_is_valid_and_uncommented_gives_the_defaults() -> None:
    text = config.template("an/origin", "here")
    assert config.load(tomllib.loads(text), env={}).origin == "an/origin"
    lines = [
        line.removeprefix("# ") if " = " in line else line for line in text.splitlines() if not line.startswith("# S")
    ]
    settings = config.load(tomllib.loads("\n".join(lines)), env={})
    assert settings == config.Settings(origin="an/origin", vantage="here")
