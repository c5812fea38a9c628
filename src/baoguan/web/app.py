"""The reader as an ASGI application: routes, headers of every answer, and the last line against errors."""

import logging
import time
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from baoguan.errors import NotFound
from baoguan.web.accounts_app import AppsSite
from baoguan.web.api import api_routes, problem
from baoguan.web.api_source import DeskReader
from baoguan.web.changes import ChangePages
from baoguan.web.changes_source import ChangesSource
from baoguan.web.days import CalendarPages
from baoguan.web.files import media_path, serve_file
from baoguan.web.images import ImageGate, ImageSite
from baoguan.web.kept import KeptPages
from baoguan.web.offline import offline_page, serve_script
from baoguan.web.opds import Opds
from baoguan.web.operation import Operation
from baoguan.web.options import WebOptions
from baoguan.web.pages import Pages
from baoguan.web.photos import PhotoPages
from baoguan.web.photos_source import PhotosSource
from baoguan.web.render import Renderer, icon, style
from baoguan.web.reply import text_reply
from baoguan.web.safety import HEADERS, policy
from baoguan.web.script import script_hash
from baoguan.web.search import Search, SearchPages
from baoguan.web.served import ServedPictures
from baoguan.web.settings import SettingsPage
from baoguan.web.source import ReaderSource
from baoguan.web.syndication import Feeds

__all__ = ["WebOptions", "create_app"]

# What an outlet dates into the future comes up when its time has come, though the archive has not changed.
_KEPT_MS = 30_000
# Lists that take a few milliseconds have threads of their own, so that no search makes them wait; more than two only
# fight for the interpreter (8 threads: 313 articles a CPU second, 2: 382, 1: 412, each the mean of two runs).
_QUICK = ("/day/", "/outlet", "/calendar", "/about", "/offline")
_SLOW = 4
_LONG = 40_000  # characters of a body: fewer than 1 in 200 articles have more
_LOG = logging.getLogger("baoguan.web")
Endpoint = Callable[[Request], Awaitable[Response]]


def _epoch_ms() -> int:
    return int(time.time() * 1000)


def create_app(
    source: ReaderSource,
    options: WebOptions,
    *,
    changes: ChangesSource | None = None,
    search: Search | None = None,
    photos: PhotosSource | None = None,
    apps: AppsSite | None = None,
    images: ImageSite | None = None,
    api: DeskReader | None = None,
    operation: Operation | None = None,
    now_ms: Callable[[], int] = _epoch_ms,
) -> Starlette:
    """The reader over `source`, read-only but for `apps`. Raises ConfigError for an unknown zone."""
    renderer = Renderer(options, changes=changes is not None, search=search is not None)
    pages = Pages(source, renderer, now_ms, photos)
    handlers = _handlers(source, renderer, pages, now_ms, changes, search, photos)

    quick, slow = (ThreadPoolExecutor(n, thread_name_prefix="page") for n in (options.threads, _SLOW))

    def page(handle: Callable[[Request], Response | None]) -> Endpoint:
        def answer(request: Request) -> Response:
            return handle(request) or renderer.error(request, 404)

        async def endpoint(request: Request) -> Response:
            pool = quick if request.scope["path"].startswith(_QUICK) else slow
            return await get_running_loop().run_in_executor(pool, answer, request)

        return endpoint

    article = _article(pages, renderer, options, quick)
    public = _files(source, renderer)
    failed = _failing(renderer)
    routes: list[BaseRoute] = [
        Route("/article/{identity}", article),
        Route("/article/{identity}/{rev:int}", article),
        *(Route(path, page(handle)) for path, handle in handlers),
        Route("/media/{folder}/{name}", public),
        Route("/archive/{path:path}", public),
        *_small(options, page(lambda request: offline_page(request, renderer))),
    ]
    if apps is not None:
        routes += apps.routes(renderer)
    if operation is not None:
        routes += operation.routes()
    if api is not None:
        routes += api_routes(api, options, shared=apps is None or not apps.closed)
    app = Starlette(
        routes=routes,
        middleware=[
            *(apps.gates() if apps is not None else []),
            *([Middleware(ImageGate, site=images)] if images is not None else []),
            _kept(source, pages, options, now_ms),
            Middleware(_Guard, policy=policy(style(), script=script_hash() if options.script else ""), failed=failed),
        ],
        exception_handlers={HTTPException: failed},
    )
    # A redirect would be built from the Host header, which nobody vouches for.
    app.router.redirect_slashes = False
    return app


def _kept(source: ReaderSource, pages: Pages, options: WebOptions, now_ms: Callable[[], int]) -> Middleware:
    """Facts are asked by the loop itself, so only where files are of this machine."""
    facts = pages.facts if options.inline else lambda _path: None
    return Middleware(KeptPages, state=lambda: (source.state(), now_ms() // _KEPT_MS), facts=facts)


def _handlers(
    source: ReaderSource,
    renderer: Renderer,
    pages: Pages,
    now_ms: Callable[[], int],
    changes: ChangesSource | None,
    search: Search | None,
    photos: PhotosSource | None,
) -> list[tuple[str, Callable[[Request], Response | None]]]:
    """Every page and feed, by its path; articles have an endpoint of their own."""
    feeds = Feeds(source, renderer)
    return [
        ("/", pages.front),
        ("/day/{day}", pages.day),
        ("/outlets", pages.outlets),
        ("/outlet/{key}", pages.outlet),
        ("/outlet/{key}/feed.atom", feeds.outlet),
        ("/feed.atom", feeds.everything),
        ("/status.atom", feeds.health),
        ("/status", pages.status),
        ("/about", pages.about),
        *CalendarPages(source, renderer, now_ms).endpoints(),
        *Opds(source, renderer, now_ms).endpoints(),
        *SettingsPage(renderer).endpoints(),
        *(ChangePages(changes, source, renderer).endpoints() if changes is not None else []),
        *(SearchPages(search, source, renderer).endpoints() if search is not None else []),
        *(PhotoPages(photos, source, renderer).endpoints() if photos is not None else []),
    ]


def _article(pages: Pages, renderer: Renderer, options: WebOptions, pool: ThreadPoolExecutor) -> Endpoint:
    """Articles of this machine are made by the loop itself: the way to a thread and back costs a third of a page.

    What is long, or to be converted, goes to a thread, and so does everything where files come from another machine.
    """

    def whole(request: Request) -> Response:
        page = pages.find_article(request)
        return renderer.error(request, 404) if page is None else pages.article(request, page)

    async def endpoint(request: Request) -> Response:
        run = get_running_loop().run_in_executor
        if not options.inline or "mine" in request.scope:
            return await run(pool, whole, request)
        page = pages.find_article(request)
        if page is None:
            return renderer.error(request, 404)
        if len(page.body_html) > _LONG or "script" in request.query_params:
            return await run(pool, pages.article, request, page)
        return pages.article(request, page)

    return endpoint


def _small(options: WebOptions, offline: Endpoint) -> list[BaseRoute]:
    fixed = [Route("/icon.svg", _icon), Route("/favicon.ico", _icon), Route("/robots.txt", _robots(options))]
    return [
        *fixed,
        *(
            [*(Route(f"/{name}.js", serve_script) for name in ("reader", "account")), Route("/offline", offline)]
            if options.script
            else []
        ),
    ]


def _files(source: ReaderSource, renderer: Renderer) -> Endpoint:
    pictures = ServedPictures(source)

    async def public(request: Request) -> Response:
        params = request.path_params
        path = params["path"] if "path" in params else media_path(params["folder"], params["name"])
        if not path:
            return renderer.error(request, 404)
        if "path" in params:  # what mirrors ask for: the very bytes
            return await serve_file(request, source, path) or renderer.error(request, 404)
        return await pictures.serve(request, path) or renderer.error(request, 404)

    return public


def _failing(renderer: Renderer) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def failed(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if request.url.path.startswith("/api/v1"):
            return problem(status, "this went wrong here; the operator's log says how")
        reply = renderer.error(request, status if status in (404, 405) else 500)
        if status == 405:
            reply.headers["allow"] = "GET, HEAD"
        return reply

    return failed


async def _icon(request: Request) -> Response:
    return text_reply(request, icon(), media_type="image/svg+xml", cache="max-age=86400", vary="Accept-Encoding")


def _robots(options: WebOptions) -> Endpoint:
    rules = "Disallow: /" if options.noindex else "Disallow: /archive/\nDisallow: /search\nDisallow: /api/"

    async def robots(_: Request) -> Response:
        return PlainTextResponse(f"User-agent: *\n{rules}\n", headers={"cache-control": "max-age=3600"})

    return robots


class _Guard:
    """Security headers on every answer; an error becomes a constant page and one line in the log."""

    def __init__(self, app: ASGIApp, policy: str, failed: Callable[[Request, Exception], Awaitable[Response]]) -> None:
        self._app = app
        named = {**HEADERS, "content-security-policy": policy}
        self._headers = [(name.encode(), value.encode()) for name, value in named.items()]
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = {name for name, _ in message["headers"]}
                more = (pair for pair in self._headers if pair[0] not in given)
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except Exception as error:  # noqa: BLE001 - the shell's last line: readers see a page, the log sees the error
            _LOG.error("%s %.200s: %s: %.300s", scope["method"], scope["path"], type(error).__name__, error)
            if not started:
                request = Request(scope, receive)
                missing = HTTPException(404) if isinstance(error, NotFound) else error
                await (await self._failed(request, missing))(scope, receive, guarded)
        return None
