"""Login and logout in the browser."""

import base64
import math
from typing import TYPE_CHECKING

from starlette.responses import Response

from baoguan.model.account import User
from baoguan.web.accounts_desk import AppDesk
from baoguan.web.accounts_http import Refused, address_of
from baoguan.web.accounts_login import SESSION_MS, digest
from baoguan.web.accounts_mine import COOKIE
from baoguan.web.accounts_pages import GATE, Door, Visit, gate_seal, local, seen
from baoguan.web.script import script_hash

if TYPE_CHECKING:
    from baoguan.web.accounts_passkeys import Passkeys

FORGET = '"cache", "storage"'
"""Clear-Site-Data at the end of a session: what the browser keeps for reading offline shows an account's marks."""


class Sessions:
    """/login and /logout."""

    def __init__(self, apps: AppDesk, keys: "Passkeys | None" = None) -> None:
        self._apps, self._keys = apps, keys

    def doors(self) -> list[Door]:
        """Their addresses."""
        return [Door("/login", self.form, self.login, open=True), Door("/logout", None, self.logout)]

    def form(self, visit: Visit) -> Response:
        """Asks for a name and a password."""
        if visit.signed_in is not None:
            return seen(local(visit.call.one("back")))
        return self._form(visit, "")

    def _form(self, visit: Visit, wrong: str, status: int = 200) -> Response:
        gate = visit.call.request.cookies.get(GATE, "")[:64]
        fresh = gate or base64.urlsafe_b64encode(self._apps.desk.entropy.token_bytes(16)).decode().rstrip("=")
        offered = self._keys is not None and self._keys.fits(visit)
        if offered:
            visit.ui.more_script = script_hash("account.js")
        reply = visit.page(
            "login.html",
            passkeys=offered,
            status=status,
            wrong=wrong,
            name=visit.text("name", 65),
            back=local(visit.call.one("back")),
            csrf=gate_seal(self._apps, fresh),
        )
        if not gate:
            reply.set_cookie(
                GATE, fresh, httponly=True, samesite="strict", secure=is_secure(visit), path="/login", max_age=86_400
            )
        return reply

    def login(self, visit: Visit) -> Response:
        """Begins a session; which of the two was wrong is not said."""
        name, password = visit.text("name", 65), visit.call.one("password")
        try:
            user = own_password(self._apps, visit, name, password)
        except Refused as refused:
            reply = self._form(visit, "many", 429)
            reply.headers.update(refused.headers)
            return reply
        if user is None:
            return self._form(visit, "wrong", 403)
        return begin(self._apps, visit, user, seen(local(visit.call.one("back"))))

    def logout(self, visit: Visit) -> Response:
        """Ends this session; in this browser nothing of it is left."""
        self._apps.accounts.delete_secret(digest(visit.mine.session))
        return end(seen("/"))


def own_password(apps: AppDesk, visit: Visit, name: str, password: str) -> User | None:
    """The user if that is their own password, not one of an app's. Raises Refused after too many wrong ones."""
    keys = (f"a:{address_of(visit.call.request)}", f"n:{name.lower()[:65]}")
    now = apps.door.now_ms()
    wait = apps.door.limiter.wait_s(keys, now)
    if wait:
        raise Refused(429, "too many wrong passwords", {"retry-after": str(math.ceil(wait))})
    user = apps.door.by_own_password(name, password)
    if user is None:
        apps.door.limiter.failed(keys, now)
    return user


def begin(apps: AppDesk, visit: Visit, user: User, reply: Response) -> Response:
    """Sets the cookie of a new session."""
    reply.set_cookie(
        COOKIE,
        apps.door.issue(user, "session"),
        max_age=SESSION_MS // 1000,
        httponly=True,
        samesite="lax",
        secure=is_secure(visit),
    )
    reply.delete_cookie(GATE, path="/login")
    return reply


def end(reply: Response) -> Response:
    """Takes the cookie and what the browser kept."""
    reply.delete_cookie(COOKIE)
    reply.headers["clear-site-data"] = FORGET
    return reply


def is_secure(visit: Visit) -> bool:
    """Whether readers come by HTTPS."""
    return visit.call.base.startswith("https://")
