"""Who is signed in, for the pages: found by the cookie of a session, and carried in the scope of that one request.

What such a reader sees is theirs alone: pages are kept in front of the application only for requests without the
cookie (`kept.py`), and answers to the others say `private`.
"""

import logging
import re
from html import escape

import msgspec
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from baoguan.errors import BaoguanError
from baoguan.model.account import Mark
from baoguan.web.accounts_desk import AppDesk
from baoguan.web.accounts_state import Account
from baoguan.web.words import Words

COOKIE = "session"
"""`kept.py` knows it too."""
_LOG = logging.getLogger("baoguan.web")
_BARE = re.compile(
    r"/(media|variants|archive|api|v1|m|reader|accounts|fever|apps|index\.php|capture)(/|$)|/[\w.-]+\.(js|svg|ico|txt|atom)$"
)
"""What no reader's marks are shown on."""
_ARTICLE = re.compile(r"/article/([0-9a-f]{16})")
NO_STATE = (False, False, False)


class Mine:
    """A signed-in reader during one request: the marks of articles, and the form that changes them."""

    def __init__(self, apps: AppDesk, account: Account, session: str, here: str) -> None:
        self.apps, self.account, self.session = apps, account, session
        self.user = account.user
        self.csrf = apps.seal("csrf", session)
        self.here = here
        """Path and query of the page: where a form leads back to."""

    @property
    def unread(self) -> int:
        """Of the mixed lists."""
        counts = self.account.unread()
        return sum(counts.get(key, 0) for key in self.apps.mixed(self.account))

    def state(self, identity: str) -> tuple[bool, bool, bool]:
        """(read, starred, kept for later)"""
        item = self.apps.shelf.by_id(identity)
        if item is None:
            return NO_STATE
        mark = self.account.marks.get(identity, Mark())
        return self.account.is_read(item), bool(mark.starred_ms), bool(mark.later_ms)

    def look(self, identity: str) -> str:
        """Classes of its line in a list."""
        read, starred, _ = self.state(identity)
        return " ".join(name for name, on in (("read", read), ("star", starred)) if on)

    def buttons(self, identity: str, t: Words) -> Markup:
        """What can be done to an article, as buttons of the page's one form."""
        read, starred, later = self.state(identity)
        shown = (
            ("unread", "my.do_unread") if read else ("read", "my.do_read"),
            ("unstar", "my.do_unstar") if starred else ("star", "my.do_star"),
            ("unlater", "my.do_unlater") if later else ("later", "my.do_later"),
        )
        return Markup(  # noqa: S704 - words of our own, and an id of hex digits
            '<p class="marks">'
            + "".join(
                f'<button form="m" name="{name}" value="{identity}">{escape(t(key))}</button>' for name, key in shown
            )
            + "</p>"
        )

    def form(self) -> Markup:
        """The form that the buttons belong to, once a page."""
        return Markup(  # noqa: S704
            f'<form id="m" action="/my/mark" method="post">{self.hidden()}'
            f'<input type="hidden" name="back" value="{escape(self.here)}"></form>'
        )

    def hidden(self) -> Markup:
        """The field that shows that a form is of this session's page."""
        return Markup(f'<input type="hidden" name="csrf" value="{self.csrf}">')  # noqa: S704


class SignedIn:
    """ASGI: puts a Mine into the scope of a request with a session that holds; opening an article marks it read."""

    def __init__(self, app: ASGIApp, apps: AppDesk) -> None:
        self._app, self._apps = app, apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and any(name == b"cookie" for name, _ in scope["headers"]):
            request = Request(scope)
            session = request.cookies.get(COOKIE, "")
            if session and not _BARE.match(scope["path"]):
                mine = await run_in_threadpool(self._open, request, session)
                if mine is not None:
                    scope["mine"] = mine
        await self._app(scope, receive, send)

    def _open(self, request: Request, session: str) -> Mine | None:
        try:
            user = self._apps.door.by_secret(session, "session")
            if user is None:
                return None
            query = request.scope["query_string"].decode("latin-1")
            here = request.scope["path"] + (f"?{query}" if query else "")
            mine = Mine(self._apps, self._apps.account(user), session, here[:500])
            self._read(request, mine)
        except BaoguanError as error:
            _LOG.error("a session could not be opened: %s", error)
            return None
        return mine

    def _read(self, request: Request, mine: Mine) -> None:
        found = _ARTICLE.fullmatch(request.scope["path"])
        if found is None or request.method != "GET" or not is_opened(request) or "unread" in request.query_params:
            return
        item = self._apps.shelf.by_id(found[1])
        if item is not None:
            with mine.account.lock:
                if not mine.account.is_read(item):
                    mine.account.mark([item], lambda mark: msgspec.structs.replace(mark, read=True))


def is_opened(request: Request) -> bool:
    """Whether a person opens the page: not a script that stores it, nor a browser that guesses ahead."""
    mode = request.headers.get("sec-fetch-mode", "navigate")
    purpose = request.headers.get("sec-purpose", request.headers.get("purpose", ""))
    return mode == "navigate" and "prefetch" not in purpose
