"""docs/reference.md, made from the commands, the settings table and the exit codes: `./run docs` writes it."""

import click

import baoguan
from baoguan.cli.main import COMMANDS, EXITS, cli
from baoguan.config import table


def reference() -> str:
    """The whole text."""
    parts = [
        "# Reference",
        "",
        "Made by `./run docs` from the program itself; a test fails when it lags.",
        "",
        "## Commands",
        "",
    ]
    context = click.Context(cli, info_name="baoguan", **cli.context_settings)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        parts += _command(name, command, context)
    parts += ["## Exit codes", "", "| code | meaning |", "|---|---|"]
    parts += [f"| {code} | {text} |" for code, text in EXITS.items()]
    parts += ["", "## Settings", "", "In `baoguan.toml` below its section, as an environment variable, or as an option"]
    parts += ["of the commands that use it; the option wins over the environment, that over the file.", ""]
    parts += ["| section | setting | environment | default | meaning |", "|---|---|---|---|---|"]
    parts += [
        f"| {row.section} | `{row.name}` | `{row.env}` | `{_default(row.default)}` | {row.help} |" for row in table()
    ]
    parts += ["", "## Python", ""]
    parts += [f"- `baoguan.{name}`" for name in baoguan.__all__]
    return "\n".join(parts) + "\n"


def _command(name: str, command: click.Command, parent: click.Context) -> list[str]:
    context = click.Context(command, info_name=name, parent=parent)
    parts = [f"### baoguan {name}", "", (command.help or "").strip(), ""]
    parts += ["```", command.get_usage(context).removeprefix("Usage: "), "```", ""]
    rows = [record for param in command.get_params(context) if (record := param.get_help_record(context))]
    if rows:
        parts += ["| option | meaning |", "|---|---|"]
        parts += [f"| `{option.replace('|', chr(92) + '|')}` | {' '.join(text.split())} |" for option, text in rows]
        parts.append("")
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            parts += _command(f"{name} {child}", found, parent)
    return parts


def _default(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(value) if isinstance(value, tuple) else str(value)
