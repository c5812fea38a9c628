"""migrate."""

from pathlib import Path

import click
from msgspec import structs

from baoguan.cli.common import archive_option, print_json, progress_bar, size_text


@click.command()
@archive_option
@click.option(
    "--to",
    "targets",
    metavar="PLACE",
    required=True,
    multiple=True,
    help="s3://BUCKET/PREFIX or `files` for public/; postgres://... or `sqlite` for the crawl state; one of each",
)
@click.option("--endpoint", default=None, help="address of an S3 server other than Amazon's")
@click.option("--region", default=None, help="region of the bucket")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def migrate(folder: Path, targets: tuple[str, ...], endpoint: str | None, region: str | None, *, as_json: bool) -> None:
    """Move public/ into a bucket or back, and crawl state, head, lock and accounts into PostgreSQL or back.

    Each object and row is read back and compared, then baoguan.toml names the new place. The old place stays as it is
    (but for accounts, which are never in two places): delete it when `baoguan verify` is content with the new one. Stop
    sync, serve and workers first. Credentials of a bucket come from the environment (AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY).
    """
    said = []
    for target in targets:
        if target == "sqlite" or target.startswith(("postgres://", "postgresql://")):
            said.append(_state(folder, "" if target == "sqlite" else target))
        else:
            said.append(_objects(folder, target, endpoint, region, show=not as_json))
    if as_json:
        print_json([done for done, _ in said])
    else:
        for _, lines in said:
            click.echo(lines)


def _objects(folder: Path, target: str, endpoint: str | None, region: str | None, *, show: bool) -> tuple[object, str]:
    from baoguan import config
    from baoguan.app import set_settings
    from baoguan.backends.lock import FileLock
    from baoguan.engines import open_store
    from baoguan.errors import ConfigError
    from baoguan.migrating import copy_archive

    if target != "files" and not target.startswith("s3://"):
        raise ConfigError(f"--to {target}: s3://BUCKET/PREFIX, files, postgres://... or sqlite is wanted")
    here = config.load(config.read_file(folder))
    there = structs.replace(
        here,
        objects="" if target == "files" else target,
        s3_endpoint=here.s3_endpoint if endpoint is None else endpoint,
        s3_region=here.s3_region if region is None else region,
    )
    if there.objects == here.objects:
        raise ConfigError(f"public/ lies in {here.objects or 'the folder'} already")
    lock = FileLock(folder / "state" / "write.lock")
    with lock, progress_bar("moving", show=show) as progress:
        source, head = open_store(folder, here, lock)
        goal, goal_head = open_store(folder, there, lock)
        check = getattr(goal, "check_conditions", None)
        if check is not None:
            check()
        done = copy_archive(source, head, goal, goal_head, progress=progress)
        set_settings(folder, objects=there.objects, s3_endpoint=there.s3_endpoint, s3_region=there.s3_region)
    size = size_text(done.size_bytes)
    return done, (
        f"{done.copied} objects copied, {done.present} stood there; {size} read back and the same\n"
        f"baoguan.toml: objects = {there.objects!r}; the old place is untouched"
    )


def _state(folder: Path, database: str) -> tuple[object, str]:
    from baoguan import config
    from baoguan.app import set_settings
    from baoguan.backends.lock import FileLock
    from baoguan.engines import adopt_head, move_accounts, open_schedule, open_store
    from baoguan.errors import ConfigError
    from baoguan.migrating import copy_state

    here = config.load(config.read_file(folder))
    if database == here.database:
        raise ConfigError(f"the crawl state lies in {here.database or 'SQLite'} already")
    there = structs.replace(here, database=database)
    lock = FileLock(folder / "state" / "write.lock")
    with lock, FileLock(folder / "state" / "sync.lock", timeout_s=1):
        source, goal = open_schedule(folder, here), open_schedule(folder, there)
        try:
            rows = copy_state(source, goal)
        finally:
            source.close()
            goal.close()
        adopt_head(folder, there, open_store(folder, here, lock)[1])
        with move_accounts(folder, here, there) as accounts:
            set_settings(folder, database=database)
    where = "PostgreSQL" if database else "state/schedule.sqlite"
    return {"rows": rows, "accounts": accounts}, (
        f"{rows} rows of crawl state copied into {where}, read back and the same; the old stay\n"
        f"{accounts} rows of accounts moved, read back and the same; the old are deleted"
    )
