"""Joins what needs an account into the reader: interfaces of the apps, login and lists, signed pictures.

With no account in the archive none of it is there: its addresses answer 404.
"""

import re
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from baoguan.desk import Desk
from baoguan.errors import ConfigError
from baoguan.model.account import User
from baoguan.web.accounts_desk import AppDesk
from baoguan.web.accounts_feeds import Subscriptions
from baoguan.web.accounts_http import Call, Refused, basic_user, plain_refusal
from baoguan.web.accounts_lists import Lists
from baoguan.web.accounts_mine import SignedIn
from baoguan.web.accounts_pages import AccountPages, Part, to_login
from baoguan.web.accounts_passkeys import open_passkeys
from baoguan.web.accounts_rules import Rules
from baoguan.web.accounts_self import Self
from baoguan.web.accounts_session import Sessions
from baoguan.web.accounts_store import open_accounts, read_secret
from baoguan.web.fever import Fever
from baoguan.web.greader import GoogleReader
from baoguan.web.miniflux import Miniflux
from baoguan.web.ocnews import OwncloudNews
from baoguan.web.render import Renderer
from baoguan.web.served import ServedPictures
from baoguan.web.source import ReaderSource
from baoguan.web.syndication import base_url

LOGINS = ("none", "apps", "all")
_OPEN = re.compile(
    r"/(login|login/.*|account\.js|healthz|readyz|metrics|icon\.svg|favicon\.ico|robots\.txt|healthcheck|version|m/.*|accounts/ClientLogin|reader/.*|v1/.*|fever.*"
    r"|api/(greader|fever)\.php.*|(index\.php/)?apps/news/.*)",
    re.S,
)
"""What asks for a password by itself, or needs none."""
Endpoint = Callable[[Request], object]


class AppsSite:
    """The routes over one AppDesk, and whether reading needs a login."""

    def __init__(self, apps: AppDesk, *, closed: bool = False) -> None:
        self.apps, self.closed = apps, closed

    def routes(self, renderer: Renderer) -> list[BaseRoute]:
        """All routes; those of the interfaces first."""

        def base_of(request: Request) -> str:
            return base_url(request, renderer.options.base_url)

        interfaces = (GoogleReader, Miniflux, Fever, OwncloudNews)
        routes = [route for one in interfaces for route in one(self.apps, base_of).routes()]
        renderer.login = self.apps.has_users
        keys = open_passkeys(self.apps)
        parts: list[Part] = [
            Sessions(self.apps, keys),
            Lists(self.apps),
            Subscriptions(self.apps),
            Rules(self.apps),
            Self(self.apps, keys),
            *([keys] if keys is not None else []),
        ]
        routes += AccountPages(self.apps, renderer, parts).routes()
        pictures = Route("/m/{signature}/{name}", self._picture(renderer))
        return [_gated(route, self.apps, renderer) for route in routes] + [pictures]

    def gates(self) -> list[Middleware]:
        """In front of all: who is signed in, and whether they must be."""
        closed = [Middleware(ReadersOnly, site=self)] if self.closed else []
        return [Middleware(SignedIn, apps=self.apps), *closed]

    def reader(self, request: Request) -> User | None:
        """Who reads pages, by basic authentication."""
        return basic_user(self.apps, Call(request, b"", ""))

    def _picture(self, renderer: Renderer) -> Endpoint:
        served = ServedPictures(self.apps.source)

        async def picture(request: Request) -> Response:
            path = self.apps.picture_path(request.path_params["signature"], request.path_params["name"])
            reply = await served.serve(request, path) if path else None
            return reply or renderer.error(request, 404)

        return picture


def _gated(route: BaseRoute, apps: AppDesk, renderer: Renderer) -> BaseRoute:
    assert isinstance(route, Route)
    inner = route.endpoint

    async def endpoint(request: Request) -> Response:
        if not await run_in_threadpool(apps.accounts.users):
            return renderer.error(request, 404)
        reply: Response = await inner(request)
        return reply

    return Route(route.path, endpoint, methods=list(route.methods or ()))


class ReadersOnly:
    """ASGI: with login = all, pages and files are for who is logged in; others are asked for a password."""

    def __init__(self, app: ASGIApp, site: AppsSite) -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _OPEN.fullmatch(scope["path"]):
            return await self._app(scope, receive, send)
        request = Request(scope, receive)
        if "mine" in scope:
            return await self._app(scope, receive, send)
        if request.method == "GET" and "text/html" in request.headers.get("accept", "") and not _asks(request):
            return await to_login(request)(scope, receive, send)
        try:
            user = await run_in_threadpool(self._site.reader, request)
        except Refused as refused:
            return await plain_refusal(None, refused)(scope, receive, send)
        if user is not None:
            return await self._app(scope, receive, send)
        headers = {"cache-control": "no-store", "www-authenticate": 'Basic realm="baoguan", charset="UTF-8"'}
        return await Response("log in\n", 401, headers, "text/plain; charset=utf-8")(scope, receive, send)


def _asks(request: Request) -> bool:
    """Whether a name and a password come with it."""
    return "authorization" in request.headers


def open_apps(desk: Desk, source: ReaderSource) -> AppsSite | None:
    """What an opened archive offers to accounts; None where the settings want none. Raises ConfigError."""
    login = desk.settings.login
    if login not in LOGINS:
        raise ConfigError(f"login = {login!r}: {', '.join(LOGINS)} are known")
    if login == "none":
        return None
    accounts = open_accounts(desk.folder, desk.settings)
    secret = read_secret(desk.folder, desk.entropy)
    return AppsSite(AppDesk(desk, source, accounts, secret), closed=login == "all")
