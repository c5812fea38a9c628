"""migrate."""

from pathlib import Path

import click
from msgspec import structs

from baoguan.cli.common import archive_option, print_json, progress_bar, size_text


@click.command()
@archive_option
@click.option("--to", "target", metavar="PLACE", required=True, help="s3://BUCKET/PREFIX, or `files` for the folder")
@click.option("--endpoint", default=None, help="address of an S3 server other than Amazon's")
@click.option("--region", default=None, help="region of the bucket")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def migrate(folder: Path, target: str, endpoint: str | None, region: str | None, *, as_json: bool) -> None:
    """Move public/ into a bucket or back: each object is read back and compared, then baoguan.toml names the new place.

    The old place stays as it is: delete it when `baoguan verify` is content with the new one. Credentials come from the
    environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).
    """
    from baoguan import config
    from baoguan.app import set_settings
    from baoguan.backends.lock import FileLock
    from baoguan.engines import open_store
    from baoguan.errors import ConfigError
    from baoguan.migrating import copy_archive

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
    with lock, progress_bar("moving", show=not as_json) as progress:
        source, head = open_store(folder, here, lock)
        goal, goal_head = open_store(folder, there, lock)
        check = getattr(goal, "check_conditions", None)
        if check is not None:
            check()
        done = copy_archive(source, head, goal, goal_head, progress=progress)
        set_settings(folder, objects=there.objects, s3_endpoint=there.s3_endpoint, s3_region=there.s3_region)
    if as_json:
        print_json(done)
    else:
        size = size_text(done.size_bytes)
        click.echo(f"{done.copied} objects copied, {done.present} stood there; {size} read back and the same")
        click.echo(f"baoguan.toml: objects = {there.objects!r}; the old place is untouched")
