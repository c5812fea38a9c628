"""Which files of a folder changed since a moment, by the kernel's own clock of changes: no content is read."""

import os


def changed_since(root: str, at_ns: int) -> tuple[int, list[str]]:
    """(files unchanged since, paths of the others), `at_ns` epoch; `checkpoint` and partial files (.p/) don't count.

    A file counts as changed by its ctime, which writing, renaming, chmod and restoring set and nobody sets back.
    """
    old, fresh = 0, []
    folders = [""]
    while folders:
        prefix = folders.pop()
        with os.scandir(f"{root}/{prefix}") as entries:
            for entry in entries:
                path = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    if not path.endswith(".p"):
                        folders.append(path + "/")
                elif path != "checkpoint":
                    if entry.stat(follow_symlinks=False).st_ctime_ns < at_ns:
                        old += 1
                    else:
                        fresh.append(path)
    return old, fresh
