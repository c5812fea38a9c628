"""`./run bench reader`, its second part: the application without server and wire, each address asked once."""

import asyncio
import os
import time
from pathlib import Path
from urllib.parse import unquote


def handlers(folder: Path, asks: dict[str, list[str]]) -> None:
    """Prints answers a CPU second of the application alone, for addresses that were never asked before."""
    from baoguan.app import open_desk
    from baoguan.web.desk_source import open_reader

    os.environ["BAOGUAN_SEARCHES_A_SECOND"] = "100000"
    with open_desk(folder) as desk:
        app = open_reader(desk)
        for name, paths in asks.items():
            ways = list(dict.fromkeys(paths))
            used = asyncio.run(_ask_all(app, ways))
            print(f"{name + ', handlers alone, each made anew':<60} {len(ways) / used:>9.0f} a CPU s", flush=True)


async def _ask_all(app: object, paths: list[str]) -> float:
    await _ask(app, f"{paths[0]}{'&' if '?' in paths[0] else '?'}warm=1")
    started = time.process_time()
    for path in paths:
        await _ask(app, path)
    return time.process_time() - started


async def _ask(app: object, target: str) -> None:
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), (b"accept-encoding", b"gzip"), (b"accept-language", b"zh-CN")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    statuses = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        statuses.append(message.get("status", 200))

    await app(scope, receive, send)  # type: ignore[operator]
    if any(status != 200 for status in statuses):
        raise SystemExit(f"bench reader: {target} answered {statuses[0]}")
