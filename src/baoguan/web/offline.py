"""/reader.js and /account.js, and /offline: its keys and what it keeps on the reader's device."""

from starlette.requests import Request
from starlette.responses import Response

from baoguan.web.render import Renderer
from baoguan.web.reply import text_reply
from baoguan.web.script import script

WORKER_POLICY = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"
"""What the script may do as a service worker: ask this host."""


async def serve_script(request: Request) -> Response:
    """/reader.js, /account.js"""
    name = request.scope["path"].lstrip("/")
    reply = text_reply(
        request, script(name), media_type="text/javascript; charset=utf-8", cache="max-age=3600", vary="Accept-Encoding"
    )
    reply.headers["content-security-policy"] = WORKER_POLICY
    return reply


def offline_page(request: Request, renderer: Renderer) -> Response:
    """Filled in by the script; without it, the page says so."""
    return renderer.page(request, renderer.ui(request), "offline.html")
