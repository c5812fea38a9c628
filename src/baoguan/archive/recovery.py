"""After a crash: what a dead writer left is swept or finished. Also prunes partial files."""

from typing import TYPE_CHECKING

from baoguan.archive.paths import (
    WIDTH,
    bundle_path,
    entries_path,
    manifest_path,
    new_tiles,
    partial_folder,
    tile_path,
)

if TYPE_CHECKING:
    from baoguan.archive.store import Archive


def sweep(archive: "Archive") -> None:
    """Removes the files of every announced batch that the checkpoint doesn't cover, finishes those that it does.

    Called under the write lock. A batch is covered when the log has grown since it was announced: nobody else can
    have written in between, since each writer sweeps first.
    """
    size = archive.size
    for batch, staged in archive.staging.lists():
        if size > staged.size:
            prune(archive, staged.size, size)
        else:
            discard(archive, staged.names)
        archive.staging.forget(batch)
    archive.staging.clear_all()


def discard(archive: "Archive", names: tuple[str, ...]) -> None:
    """Deletes the files of a batch that was not committed."""
    for name in names:
        archive.objects.delete(name)


def prune(archive: "Archive", old: int, size: int) -> None:
    """Deletes the partial files of the tiles and bundles that became full between `old` and `size`."""
    for level, n, width in new_tiles(old, size):
        # Only the first new tile of a level was partial before.
        if width < WIDTH or n > (old >> (8 * level)) // WIDTH:
            continue
        folders = [partial_folder(tile_path(level, n))]
        if level == 0:
            folders += [
                partial_folder(entries_path(n)),
                partial_folder(manifest_path(n), ".jsonl"),
                partial_folder(bundle_path(n), ".zst"),
            ]
        for folder in folders:
            for name in list(archive.objects.list(folder)):
                archive.objects.delete(name)
