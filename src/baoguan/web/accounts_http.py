"""A request of an app: its parameters from query and form, its body within a cap, and who sends it."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from baoguan.errors import BaoguanError, ConfigError, Conflict, NotFound
from baoguan.model.account import User
from baoguan.web.accounts_desk import AppDesk
from baoguan.web.accounts_state import Account
from baoguan.web.reply import text_reply

BODY_BYTES = 4_000_000
FIELDS = 20_000
Endpoint = Callable[[Request], Awaitable[Response]]


class Refused(BaoguanError):  # noqa: N818 - an answer, not a failure
    """An answer that ends a request early: a status and one line."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


class Call:
    """One request, its body read; `account` is there once it is known who asks."""

    def __init__(self, request: Request, body: bytes, base: str) -> None:
        self.request, self.body, self.base = request, body, base
        self.method = "GET" if request.method == "HEAD" else request.method
        self.query: list[tuple[str, str]] = request.query_params.multi_items()
        self.form = _form(request, body)
        self._account: Account | None = None

    @property
    def account(self) -> Account:
        """Of who asks."""
        assert self._account is not None
        return self._account

    @account.setter
    def account(self, account: Account) -> None:
        self._account = account

    def all(self, name: str) -> list[str]:
        """Every value of a parameter, those of the query first."""
        return [value for key, value in (*self.query, *self.form) if key == name]

    def one(self, name: str, default: str = "") -> str:
        """The first value that isn't empty."""
        return next((value for value in self.all(name) if value), default)

    def number(self, name: str, default: int = 0, most: int = 1 << 62) -> int:
        """A whole number from 0 to `most`; the default where there is none."""
        text = self.one(name).strip()
        return min(int(text), most) if text.isascii() and text.isdecimal() and len(text) < 25 else default

    def has(self, name: str) -> bool:
        """Whether the parameter is there, if only by name."""
        return any(key == name for key, _ in (*self.query, *self.form))

    def json(self, kind: Any) -> Any:
        """The body as JSON of that kind, whatever its content type says. Raises Refused."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=kind, strict=False)
        except msgspec.DecodeError as error:
            raise Refused(400, f"the body is not what was expected: {error}") from error

    def reply(self, value: object, status: int = 200) -> Response:
        """JSON, compressed for who takes it."""
        data = msgspec.json.encode(value)
        return text_reply(self.request, data, media_type="application/json; charset=utf-8", status=status)

    def text(self, text: str, media_type: str = "text/plain; charset=utf-8", status: int = 200) -> Response:
        """Plain text, or another type."""
        return text_reply(self.request, text.encode(), media_type=media_type, status=status, cache="no-store")


def _form(request: Request, body: bytes) -> list[tuple[str, str]]:
    """Fields of a form. newsboat and curl send JSON under the type of a form, which simply has no field then."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body or (kind and kind != "application/x-www-form-urlencoded"):
        return []
    try:
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError as error:
        raise Refused(413, f"more than {FIELDS} fields") from error


async def read_body(request: Request) -> bytes:
    """The body within the cap. Raises Refused."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_BYTES:
            raise Refused(413, f"a body of more than {BODY_BYTES} bytes")
    return data


Handle = Callable[[Call], Response]
Failed = Callable[[Call | None, Refused], Response]


def endpoint(handle: Handle, base_of: Callable[[Request], str], failed: Failed) -> Endpoint:
    """A route's endpoint: `handle` in a thread; what it refuses is answered by `failed`."""

    def run(request: Request, body: bytes) -> Response:
        call: Call | None = None
        try:
            call = Call(request, body, base_of(request))
            return handle(call)
        except Refused as refused:
            return failed(call, refused)
        except (ConfigError, Conflict) as error:
            return failed(call, Refused(400, str(error)))
        except NotFound as error:
            return failed(call, Refused(404, str(error)))

    async def answer(request: Request) -> Response:
        try:
            body = await read_body(request)
        except Refused as refused:
            return failed(None, refused)
        reply = await run_in_threadpool(run, request, body)
        reply.headers["cache-control"] = "private, no-store" if "etag" not in reply.headers else "private, no-cache"
        return reply

    return answer


def plain_refusal(_call: Call | None, refused: Refused) -> Response:
    """One line of text."""
    return Response(f"{refused}\n", refused.status, refused.headers, "text/plain; charset=utf-8")


def json_refusal(_call: Call | None, refused: Refused) -> Response:
    """{"error_message": ...}, as Miniflux says it."""
    data = msgspec.json.encode({"error_message": str(refused)})
    return Response(data, refused.status, refused.headers, "application/json; charset=utf-8")


def address_of(request: Request) -> str:
    """Who asks, for the limiter: an IPv6 host has a whole /64, so that counts as one."""
    host = request.client.host if request.client else ""
    return ":".join(host.split(":")[:4]) if host.count(":") > 3 else host


def check_password(apps: AppDesk, call: Call, name: str, password: str) -> User | None:
    """The user, if that is the password. Raises Refused (429) after too many wrong ones."""
    keys = (f"a:{address_of(call.request)}", f"n:{name.lower()[:65]}")
    now = apps.door.now_ms()
    wait = apps.door.limiter.wait_s(keys, now)
    if wait:
        raise Refused(429, f"too many wrong passwords: try again in {wait} s", {"retry-after": str(wait)})
    user = apps.door.by_password(name, password)
    if user is None:
        apps.door.limiter.failed(keys, now)
    return user


def check_secret(apps: AppDesk, call: Call, plain: str, *kinds: Any) -> User | None:
    """The user of a random secret. Raises Refused (429) after too many wrong ones."""
    keys = (f"a:{address_of(call.request)}",)
    now = apps.door.now_ms()
    wait = apps.door.limiter.wait_s(keys, now)
    if wait:
        raise Refused(429, f"too many wrong passwords: try again in {wait} s", {"retry-after": str(wait)})
    user = apps.door.by_secret(plain, *kinds)
    if user is None and plain:
        apps.door.limiter.failed(keys, now)
    return user


def basic_user(apps: AppDesk, call: Call) -> User | None:
    """Who asks by HTTP basic authentication; None where nobody does, or the password is wrong."""
    kind, _, coded = call.request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return check_password(apps, call, name, password)
