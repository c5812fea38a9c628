"""`baoguan`: the group of commands, loaded one by one; every error is one line."""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from baoguan import __version__
from baoguan.errors import BaoguanError, ConfigError, DiskFull, MirrorError, NotFound, VerifyError

COMMANDS = {
    "init": "baoguan.cli.setup",
    "outlets": "baoguan.cli.setup",
    "add": "baoguan.cli.setup",
    "settings": "baoguan.cli.setup",
    "completion": "baoguan.cli.setup",
    "sync": "baoguan.cli.run",
    "serve": "baoguan.cli.run",
    "worker": "baoguan.cli.work",
    "backfill": "baoguan.cli.backfill",
    "reindex": "baoguan.cli.backfill",
    "ls": "baoguan.cli.read",
    "show": "baoguan.cli.read",
    "changes": "baoguan.cli.changes",
    "status": "baoguan.cli.read",
    "search": "baoguan.cli.search",
    "feed": "baoguan.cli.feed",
    "outlet": "baoguan.cli.outlet",
    "extract": "baoguan.cli.extract",
    "reextract": "baoguan.cli.reextract",
    "import": "baoguan.cli.exchange",
    "export": "baoguan.cli.exchange",
    "backup": "baoguan.cli.exchange",
    "restore": "baoguan.cli.exchange",
    "media": "baoguan.cli.media",
    "withdraw": "baoguan.cli.withdraw",
    "verify": "baoguan.cli.proof",
    "prove": "baoguan.cli.proof",
    "check": "baoguan.cli.proof",
    "key": "baoguan.cli.key",
    "timestamp": "baoguan.cli.timestamp",
    "rebuild": "baoguan.cli.proof",
    "migrate": "baoguan.cli.migrate",
    "images": "baoguan.cli.images",
    "user": "baoguan.cli.user",
    "filter": "baoguan.cli.user",
    "mirror": "baoguan.cli.mirror",
    "witness": "baoguan.cli.mirror",
}
EXITS = {
    0: "all went well",
    1: "an error: one line on standard error says what, where and what to do",
    2: "the command line or a setting is wrong",
    3: "sync: some feeds gave no feed (the others were archived)",
    4: "sync: no feed could be had at all",
    5: "the disk is full or below its floor; nothing was half-kept",
    6: "verify, check: something is altered, or a proof doesn't hold",
    7: "verify: something is missing",
    8: "verify: something is extra",
    20: "mirror: a fork, two signed heads that can't both be true; the evidence is saved",
    21: "mirror: the host was rolled back, it offers an older log than the one held",
    22: "mirror: another log or another key than the one held",
    23: "mirror: no checkpoint signed by the key",
    24: "mirror: the host's files are altered",
    25: "mirror: the host lacks something that its checkpoint names, or a line without its `gone`",
    26: "mirror: the host's answers are made to do harm (too large, too slow, bombs, wrong places)",
    27: "this archive was restored and is behind a mirror or witness: it must not append",
    28: "a witness refused to cosign",
    130: "interrupted; what was committed is kept",
}

MIRROR_EXITS = {
    "fork": 20,
    "rollback": 21,
    "swapped": 22,
    "unsigned": 23,
    "altered": 24,
    "missing": 25,
    "hostile": 26,
    "behind": 27,
    "refused": 28,
}
"""Exit code of each kind of MirrorError."""


class LazyGroup(click.Group):
    """Imports the module of a command when it is asked for, so that --help and verify stay light."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of COMMANDS."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name])
        command = getattr(module, cmd_name.replace("import", "import_"))
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: " + "; ".join(f"{code} {text}" for code, text in EXITS.items()) + ".",
)
@click.option("-C", "archive", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="the archive")
@click.version_option(__version__, prog_name="baoguan")
def cli(archive: Path | None) -> None:
    """baoguan 报馆: a news archive that keeps, and proves what it kept."""


def exit_code(error: BaoguanError) -> int:
    """The exit code of an error."""
    if isinstance(error, ConfigError):
        return 2
    if isinstance(error, DiskFull):
        return 5
    if isinstance(error, MirrorError):
        return MIRROR_EXITS[error.kind]
    if isinstance(error, VerifyError):
        return 6
    return 1


def main(arguments: list[str] | None = None) -> None:
    """Runs a command line; errors of baoguan and of the system become one line and an exit code."""
    try:
        result: Any = cli.main(args=arguments, prog_name="baoguan", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"baoguan: {_usage(error)}", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("baoguan: interrupted; what was committed is kept", err=True)
        sys.exit(130)
    except BaoguanError as error:
        click.echo(f"baoguan: {_line(error)}", err=True)
        sys.exit(exit_code(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        click.echo(f"baoguan: {what}", err=True)
        sys.exit(5 if error.errno == 28 else 1)
    except _database_errors() as error:
        full = getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
        what = "no room on the disk; what was committed is kept" if full else f"index or state: {error}"
        click.echo(f"baoguan: {what}", err=True)
        sys.exit(5 if full else 1)
    sys.exit(result if isinstance(result, int) else 0)


def _database_errors() -> tuple[type[Exception], ...]:
    """SQLite's, where it was imported at all: asked only when nothing else fits."""
    module = sys.modules.get("sqlite3")
    return () if module is None else (module.Error,)


def _usage(error: click.ClickException) -> str:
    text = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{text}; see `{context.command_path} --help`" if context is not None else text


def _line(error: BaoguanError) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return f"not found: {text}" if isinstance(error, NotFound) and "not" not in text else text


if __name__ == "__main__":
    main()
