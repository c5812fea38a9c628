"""Pages of an account: plain forms that are posted, each with a field that only a page of the same session holds.

A part of them (`Part`) names its addresses and what answers GET and POST there; here is what all of them share.
"""

import hmac
from collections.abc import Callable
from typing import Protocol
from urllib.parse import quote, urlencode

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from baoguan.errors import ConfigError, Conflict, FeedError, NotFound
from baoguan.web.accounts_desk import AppDesk
from baoguan.web.accounts_form import uploaded
from baoguan.web.accounts_http import Call, Refused, read_body
from baoguan.web.accounts_mine import Mine
from baoguan.web.render import Renderer, Ui, style
from baoguan.web.syndication import base_url

_KNOWN = (400, 403, 404, 405, 413, 429)


class Visit(msgspec.Struct, frozen=True):
    """One request of a page, and who sends it."""

    call: Call
    ui: Ui
    show: Renderer
    signed_in: Mine | None
    files: dict[str, bytes] = {}
    """Uploaded, by the field's name."""

    @property
    def mine(self) -> Mine:
        """Who is signed in, where the page is for nobody else."""
        assert self.signed_in is not None
        return self.signed_in

    def page(self, template: str, *, status: int = 200, **matter: object) -> Response:
        """A page of an account, which nobody keeps."""
        self.ui.sheet += style("accounts.css")
        return self.show.page(self.call.request, self.ui, template, status=status, cache="no-store", **matter)

    def text(self, name: str, longest: int = 200) -> str:
        """A field on one line, without blanks around it."""
        return " ".join(self.call.one(name).split())[:longest]


Handle = Callable[[Visit], Response]


class Door(msgspec.Struct, frozen=True):
    """An address: what answers there, and whether it is for who is not signed in, too."""

    path: str
    get: Handle | None = None
    post: Handle | None = None
    open: bool = False


class Part(Protocol):
    """Some of the pages."""

    def doors(self) -> list[Door]:
        """Their addresses."""
        ...


class AccountPages:
    """The routes of all parts."""

    def __init__(self, apps: AppDesk, renderer: Renderer, parts: list[Part]) -> None:
        self._apps, self._show, self._parts = apps, renderer, parts

    def routes(self) -> list[Route]:
        """GET and POST alike come here."""
        doors = [door for part in self._parts for door in part.doors()]
        return [Route(door.path, self._endpoint(door), methods=["GET", "POST"]) for door in doors]

    def _endpoint(self, door: Door) -> Callable[[Request], object]:
        async def answer(request: Request) -> Response:
            try:
                body = await read_body(request) if request.method == "POST" else b""
            except Refused as refused:
                return self._show.error(request, refused.status)
            reply = await run_in_threadpool(self._answered, request, body, door)
            reply.headers["cache-control"] = "no-store"
            if "etag" in reply.headers:
                del reply.headers["etag"]
            return reply

        return answer

    def _answered(self, request: Request, body: bytes, door: Door) -> Response:
        posted = request.method == "POST"
        handle = door.post if posted else door.get
        if handle is None:
            return self._show.error(request, 405)
        try:
            fields, files = uploaded(request, body)
            call = Call(request, body, base_url(request, self._show.options.base_url))
            call.form += fields
            ui = self._show.ui(request)
            mine = ui.mine
            if mine is None and not door.open:
                return self._show.error(request, 403) if posted else to_login(request)
            if posted and not self._genuine(call, mine):
                return self._show.error(request, 403)
            visit = Visit(call, ui, self._show, mine, files)
            if mine is None:
                return handle(visit)
            with mine.account.lock:
                return handle(visit)
        except Refused as refused:
            reply = self._show.error(request, refused.status if refused.status in _KNOWN else 400)
            reply.headers.update(refused.headers)
            return reply
        except NotFound:
            return self._show.error(request, 404)
        except (ConfigError, Conflict, FeedError):
            return self._show.error(request, 400)

    def _genuine(self, call: Call, mine: Mine | None) -> bool:
        """Whether a form was sent by a page of ours: by its field, and by what the browser says of where it stood."""
        if call.request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        wanted = mine.csrf if mine is not None else gate_seal(self._apps, call.request.cookies.get(GATE, ""))
        return bool(wanted) and hmac.compare_digest(call.one("csrf").encode("utf-8", "surrogatepass"), wanted.encode())


GATE = "gate"
"""A cookie of the login form: before there is a session, it is what the form's field belongs to."""


def gate_seal(apps: AppDesk, gate: str) -> str:
    """The field of a login form; empty where there is no cookie."""
    return apps.seal("gate", gate[:64]) if gate else ""


def to_login(request: Request) -> Response:
    """To the login, and from there back here."""
    query = request.scope["query_string"].decode("latin-1")
    here = request.scope["path"] + (f"?{query}" if query else "")
    return seen("/login", back=here)


def seen(path: str, fragment: str = "", **query: str) -> Response:
    """303: what was posted is done; the page is shown anew."""
    address = quote(path, safe="/?=&+%-_.~") + (("&" if "?" in path else "?") + urlencode(query) if query else "")
    return Response(status_code=303, headers={"location": address + (f"#{fragment}" if fragment else "")})


def local(address: str, default: str = "/my") -> str:
    """`address` where it names a page of this site, else the default: no form may lead elsewhere."""
    plain = address.isprintable() and address.startswith("/") and not address.startswith(("//", "/\\"))
    return address[:500] if plain and "\\" not in address else default
