"""A witness over HTTP: C2SP tlog-witness, one endpoint."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from baoguan.archive.mirror_witness import BODY_CAP, Verdict


def create_witness(add_checkpoint: Callable[[bytes], Verdict]) -> Starlette:
    """The app; `add_checkpoint` decides, on a thread of its own."""

    async def answer(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > BODY_CAP:
                return Response("too large\n", 413)
        verdict = await run_in_threadpool(add_checkpoint, body)
        return Response(verdict.body, verdict.status, media_type=verdict.content_type)

    return Starlette(routes=[Route("/add-checkpoint", answer, methods=["POST"])])
