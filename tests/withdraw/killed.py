"""Runs a withdrawal that is killed before and after each of its steps, then opens the archive again. Prints JSON.

A process of its own, with one thread: each case is a fork that dies by SIGKILL.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from leftovers import leftovers

from baoguan import withdrawing
from baoguan.app import open_desk, read_verifier
from baoguan.archive.verify import verify
from baoguan.archive.withdraw_deny import Denials
from baoguan.backends.files import FileObjects
from baoguan.backends.sqlite.catalogue import SqliteCatalog
from baoguan.backends.sqlite.schedule import SqliteSchedule

PLACES = [
    (withdrawing, "write_plan"),
    (Denials, "put"),
    (withdrawing, "commit_gone"),
    (withdrawing, "STEPS:captures"),
    (withdrawing, "STEPS:lines"),
    (withdrawing, "STEPS:files"),
    (withdrawing, "STEPS:sync"),
    (SqliteCatalog, "forget"),
    (SqliteSchedule, "forget"),
    (withdrawing, "drop_plan"),
]


def deadly(function, after: bool):
    def wrapped(*args, **options):
        if after:
            function(*args, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    return wrapped


def arm(owner, name: str, after: bool) -> None:
    """The step kills the process when it is reached."""
    if name.startswith("STEPS:"):
        wanted = name.partition(":")[2]
        steps = tuple((label, deadly(step, after) if label == wanted else step) for label, step in withdrawing.STEPS)
        withdrawing.STEPS = steps
    else:
        setattr(owner, name, deadly(getattr(owner, name), after))


def one(source: Path, place: Path, identity: str, texts: list[str], arming) -> dict[str, object]:
    shutil.copytree(source, place)
    child = os.fork()
    if not child:
        arm(*arming)
        with open_desk(place, durable=False) as desk:
            withdrawing.withdraw(desk, [identity], reason="privacy")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    with open_desk(place, durable=False) as desk:
        begun = desk.catalog.article(identity) is None
        if not begun:
            withdrawing.withdraw(desk, [identity], reason="privacy")
        with desk.archive.begin():
            pass
    report = verify(FileObjects(place / "public"), read_verifier(place))
    return {
        "killed": os.WIFSIGNALED(status),
        "begun": begun,
        "faults": [f"{fault.kind} {fault.path} {fault.detail}" for fault in report.faults],
        "withheld": len(report.withheld),
        "left": leftovers(place, texts),
        "plan": (place / "private" / "withdrawing.json").exists(),
        "denials": len((place / "private" / "deny.jsonl").read_bytes().splitlines()),
    }


def main() -> None:
    source, identity, texts = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    for number, (owner, name) in enumerate(PLACES):
        for after in (False, True):
            place = source.with_name(f"case-{number}-{after}")
            told = one(source, place, identity, texts, (owner, name, after))
            print(json.dumps({"step": name, "after": after, **told}), flush=True)
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
