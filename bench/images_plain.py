"""The plainest picture server: uvicorn, a raw ASGI function, pyvips's own path in the same process. For bench images.

python -m bench.images_plain FOLDER PORT        # /NAME?w=300
"""

import sys
from pathlib import Path
from typing import Any

import pyvips
import uvicorn


def main() -> None:
    """Serves until it is ended."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    pyvips.cache_set_max(0)
    pyvips.vips_lib.vips_concurrency_set(1)

    async def answer(scope: Any, _receive: Any, send: Any) -> None:
        data = (folder / scope["path"][1:]).read_bytes()
        image = pyvips.Image.thumbnail_buffer(data, int(scope["query_string"][2:]), height=10_000_000, size="down")
        body = image.write_to_buffer(".jpg", Q=80, keep="none", optimize_coding=True)
        headers = [(b"content-type", b"image/jpeg"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    uvicorn.run(answer, host="127.0.0.1", port=port, log_level="error", lifespan="off", access_log=False)


if __name__ == "__main__":
    main()
