"""key show, rotate, export, new-origin."""

import shutil
import sys
from contextlib import suppress
from pathlib import Path

import click

from baoguan.cli.common import archive_option, print_json, style, when


@click.group()
def key() -> None:
    """The key that signs the log: show it, publish it, change it, or go on without it."""


@key.command()
@archive_option
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def show(folder: Path, *, as_json: bool) -> None:
    """The log's name, the key that signs it now, and every rotation with its date."""
    from baoguan import config
    from baoguan.app import open_desk
    from baoguan.archive.proofs import key_lines
    from baoguan.model.codec import decode_leaf

    with open_desk(folder) as desk:
        archive = desk.archive
        verifier = archive.verifier
        assert verifier is not None
        rows = [
            {"index": index, "at_ms": decode_leaf(archive.leaf(index)).t, "reason": line.reason, "key": line.key}
            for index, line in key_lines(archive)
        ]
        held = archive.signer is not None
    if as_json:
        print_json({"origin": verifier.name, "key": verifier.text, "private": held, "leaves": rows})
        return
    click.echo(f"log: {verifier.name}\nverifier key (publish it): {verifier.text}")
    for row in rows:
        click.echo(f"{when(int(str(row['at_ms'])))} leaf {row['index']}: {row['reason']} to {row['key']}")
    where = folder / config.KEY_FILE
    click.echo(f"private key: {where}" if held else style(f"private key: not in {where}: reading only", fg="red"))


@key.command()
@archive_option
@click.option("-y", "--yes", is_flag=True, help="don't ask")
def rotate(folder: Path, *, yes: bool) -> None:
    """Make a new key and sign it into the log with the old one; from then on the old one signs nothing that counts.

    For a key that may have been seen by others: rotate at once. Restart `baoguan serve` afterwards.
    """
    from baoguan import keyring
    from baoguan.app import open_desk

    if not yes and sys.stdin.isatty():
        click.confirm("make a new key and sign it into the log?", abort=True)
    with open_desk(folder) as desk, desk.sync_lock():
        new = keyring.rotate(folder, desk.archive, desk.entropy)
        size = desk.archive.size
    click.echo(f"the log has a new key from leaf {size - 1} on; publish it: {new.verifier.text}")
    click.echo(style(f"back up {folder / 'private'} now; restart a running `baoguan serve`", bold=True))


@key.command()
@archive_option
@click.option("--private", is_flag=True, help="the private key: whoever has it can sign in this archive's name")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="a new file  [default: standard output]")
def export(folder: Path, *, private: bool, out: Path | None) -> None:
    """Print the verifier key for strangers, or (asked for expressly) the private key, to keep it elsewhere."""
    from baoguan import config, keyring
    from baoguan.cli.common import read_verifier
    from baoguan.errors import ConfigError

    keyring.finish_rotation(folder)
    if not private:
        text = read_verifier(folder).text
    else:
        try:
            text = keyring.read_signer(folder / config.KEY_FILE).text
        except OSError as error:
            raise ConfigError(f"{folder / config.KEY_FILE}: {error.strerror}") from error
    if out is None:
        click.echo(text)
        return
    keyring.write_secret(out, text + "\n")
    click.echo(f"{out}: {'the private key, readable by you alone' if private else 'the verifier key'}")


@key.command("new-origin")
@archive_option
@click.argument("target", metavar="NEWDIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--origin", default="", help="name of the new log  [default: the old one's, with a new end]")
@click.option("--key", "old_key", default="", help="the old log's verifier key  [default: private/key.pub]")
def new_origin(folder: Path, target: Path, *, origin: str, old_key: str) -> None:
    """For a key that is lost: a new log in NEWDIR whose first leaf names the old head, with all that the old one holds.

    The old archive is only read and stays verifiable where it is; keep serving its public/ under its old address.
    """
    from baoguan import config, keyring
    from baoguan.app import create_archive, open_archive, open_desk
    from baoguan.archive.note import Verifier
    from baoguan.backends.clock import SystemClock, SystemEntropy
    from baoguan.cli.common import read_verifier
    from baoguan.errors import BaoguanError, ConfigError

    if target.exists() and any(target.iterdir()):
        raise ConfigError(f"{target} is not empty: name a new folder")
    verifier = Verifier.parse(old_key) if old_key else read_verifier(folder)
    entropy = SystemEntropy()
    origin = origin or f"{verifier.name.rsplit('-', 1)[0]}-{entropy.token_bytes(4).hex()}"
    if origin == verifier.name:
        raise ConfigError(f"{origin} is the old log: two logs of one name look like a fork, give another --origin")
    settings = config.load(config.read_file(folder))
    clock = SystemClock()
    old = open_archive(folder, settings, clock=clock, entropy=entropy)
    old.signer, old.verifier = None, verifier
    old.checkpoint()
    try:
        made = create_archive(target, origin=origin, entropy=entropy)
        text = (folder / config.FILE).read_text("utf-8").replace(f'"{verifier.name}"', f'"{origin}"')
        (target / config.FILE).write_text(text, "utf-8")
        if (folder / "outlets").is_dir():
            shutil.copytree(folder / "outlets", target / "outlets")
        for path in (folder / "private").glob("*"):
            if not path.name.startswith("key") and path.is_file():
                shutil.copy2(path, target / "private" / path.name)
        new = open_archive(target, settings, clock=clock, entropy=entropy)
        moved = keyring.new_origin(folder, old, target, new)
    except BaoguanError:
        # Nothing of a half-made log may be taken for one.
        shutil.rmtree(target, ignore_errors=True)
        raise
    state = folder / "state" / "schedule.sqlite"
    if state.exists():
        with suppress(OSError):
            shutil.copy2(state, target / "state" / "schedule.sqlite")
    with open_desk(target) as desk:
        size = desk.archive.size
    click.echo(f"{target}: the log {origin}, {size} leaves; leaf 0 names the old head of {moved.head.size} entries")
    click.echo(f"verifier key (publish it): {made.text}")
    click.echo(style(f"back up {target / 'private'} now; go on with -C {target}, keep {folder / 'public'}", bold=True))
