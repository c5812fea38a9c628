"""What the commands share: the archive's folder, settings as options, words and times for a terminal."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from baoguan.config import VERIFIER_FILE, table
from baoguan.errors import ConfigError

if TYPE_CHECKING:
    from baoguan.archive.note import Verifier

F = TypeVar("F", bound=Callable[..., Any])


def archive_option(function: F) -> F:
    """-C DIR, before or after the command's name."""
    return click.option(
        "-C",
        "folder",
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        default=None,
        callback=archive_folder,
        help="the archive  [BAOGUAN_ARCHIVE; default: the current folder]",
    )(function)


def archive_folder(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path:
    """The -C of the command, else that before its name, else the environment's, else the current folder."""
    above = ctx.parent.params.get("folder") if ctx.parent is not None else None
    return value or above or ctx.find_root().params.get("archive") or Path(os.environ.get("BAOGUAN_ARCHIVE") or ".")


def read_verifier(folder: Path) -> "Verifier":
    """The public key of the archive in `folder`. Raises ConfigError where there is none."""
    from baoguan.archive.note import Verifier

    try:
        return Verifier.parse((folder / VERIFIER_FILE).read_text("ascii").strip())
    except OSError as error:
        raise ConfigError(
            f"{folder / VERIFIER_FILE}: {error.strerror}; give --key, or restore private/ from the backup"
        ) from error


def settings_options(*sections: str) -> Callable[[F], F]:
    """Every setting of the sections as an option; the command takes them as **options."""

    def decorate(function: F) -> F:
        for row in reversed(list(table())):
            if row.section in sections:
                function = _option(row)(function)
        return function

    return decorate


def _option(row: Any) -> Callable[[F], F]:
    help_ = f"{row.help}  [{row.env}; default: {_default(row.default)}]"
    if row.type is bool:
        return click.option(f"{row.option}/--no-{row.option[2:]}", row.name, default=None, help=help_)
    if row.type == tuple[str, ...]:
        return click.option(row.option, row.name, multiple=True, default=None, help=help_, callback=_none_if_empty)
    return click.option(
        row.option, row.name, type=row.type, default=None, metavar=row.type.__name__.upper(), help=help_
    )


def _none_if_empty(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...] | None:
    return value or None


def _default(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return " ".join(value) or "none" if isinstance(value, tuple) else str(value) or "none"


def engine_options(function: F) -> F:
    """--engine, --jobs, --ray: where pages are read."""
    for option in (
        click.option("--ray", "ray_address", default="", help="address of a Ray cluster (auto); else workers here"),
        click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="processes that read"),
        click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="whose"),
    ):
        function = option(function)
    return function


@contextmanager
def progress_bar(what: str, *, show: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A function that is told (done, of) and draws a bar, where somebody watches."""
    bar: Any = None

    def advance(done: int, total: int) -> None:
        nonlocal bar
        if bar is None and show and sys.stderr.isatty():
            from tqdm import tqdm

            bar = tqdm(total=total, desc=what, leave=False, dynamic_ncols=True)
        if bar is not None:
            bar.update(done - bar.n)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.close()


def print_json(value: object) -> None:
    """One JSON document on standard output, UTF-8, characters as they are."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.flush()


def style(text: str, **how: Any) -> str:
    """Colour, unless NO_COLOR is set or nobody watches."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return click.style(text, **how)


def named(url: str, problem: str) -> str:
    """`URL: problem`, without the URL twice."""
    return problem if problem.startswith(url) else f"{url}: {problem}"


def when(epoch_ms: int) -> str:
    """A time for a terminal, in the terminal's zone; `never` for 0."""
    if not epoch_ms:
        return "never"
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def size_text(size: float) -> str:
    """Bytes as people read them: 1.2 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
