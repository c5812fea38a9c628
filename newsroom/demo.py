"""`./run demo`: the main job from end to end over real HTTP on loopback, with an edited headline between two polls."""

import argparse
import shutil
import sys
from pathlib import Path

from baoguan.app import OutletEntry, create_archive, open_desk
from baoguan.cli.main import main as baoguan
from baoguan.cli.run import feed_line, summary
from baoguan.ingest import sync
from baoguan.polling import Report
from newsroom import Newsroom

FOLDER = Path("demo-archive")


def main() -> None:
    """Archives the sample newsroom, verifies, and serves the reader unless --no-serve."""
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__)
    parser.add_argument("--no-serve", action="store_true", help="end instead of serving the reader")
    parser.add_argument("--port", type=int, default=8710)
    parser.add_argument("--dir", type=Path, default=FOLDER, help=f"the archive, made anew  [default: {FOLDER}]")
    options = parser.parse_args()
    if options.dir.exists() and not (options.dir / "baoguan.toml").exists() and any(options.dir.iterdir()):
        sys.exit(f"{options.dir} is not an archive and not empty: name another folder with --dir")
    shutil.rmtree(options.dir, ignore_errors=True)
    with Newsroom() as room:
        archive_room(room, options.dir)
    print("\n== baoguan verify", flush=True)
    run_baoguan(["verify", "-C", str(options.dir)])
    print("\n== baoguan ls -n 6", flush=True)
    run_baoguan(["ls", "-C", str(options.dir), "-n", "6"])
    print(f"\nThe archive is the folder {options.dir.resolve()}")
    print(f"Look: {options.dir}/public/articles, ./run baoguan -C {options.dir} status")
    if not options.no_serve:
        serve(options.dir, options.port)


def archive_room(room: Newsroom, folder: Path) -> None:
    """Makes the archive, polls, has an outlet edit a headline, polls again."""
    entries = [
        OutletEntry(key=f"{key}-sample", name=f"{desk.name} (sample)", home=room.url(key), feeds=(room.feed_url(key),))
        for key, desk in room.desks.items()
    ]
    create_archive(
        folder,
        origin="baoguan.demo/sample",
        entries=entries,
        fetch={"allow_networks": ["127.0.0.0/8"], "pace_s": 0.05, "min_free_mb": 1},
    )
    print(f"The sample newsroom serves {len(entries)} outlets on {room.base()}; all of it is made up.")
    print("\n== baoguan sync", flush=True)
    poll(folder)
    key = next(iter(room.desks))
    story = room.desks[key].stories[0]
    title = f"{story.title}（更新）"
    room.edit(key, story.slug, title=title)
    print(f"\n{key} edits a headline in silence: {title}")
    print("\n== baoguan sync", flush=True)
    poll(folder)


def poll(folder: Path) -> None:
    """One sync, a line a feed."""
    with open_desk(folder) as desk:
        report = sync(desk, report=Report(_print_feed))
        summary(report, desk.archive.size, quiet=False)


def _print_feed(event: str, what: object) -> None:
    if event == "feed":
        print(feed_line(what))


def run_baoguan(arguments: list[str]) -> None:
    """A command of the program; the demo ends where one fails."""
    try:
        baoguan(arguments)
    except SystemExit as done:
        if done.code:
            raise


def serve(folder: Path, port: int) -> None:
    """The reader until Ctrl-C."""
    from baoguan.web.desk_source import open_reader
    from baoguan.web.serve import serve as run_server

    with open_desk(folder) as desk:
        run_server(
            open_reader(desk),
            "127.0.0.1",
            port,
            on_ready=lambda url: print(f"\nRead it: {url}  (Ctrl-C stops)", flush=True),
        )


if __name__ == "__main__":
    main()
