"""Passkeys (WebAuthn): a login without a password, checked by py_webauthn (the extra `passkeys`).

The one part of an account that needs a script: browsers hand keys out to nothing else. What comes of it is posted by an
ordinary form. A challenge is sealed, not stored; one that was used is remembered until it has run out.
"""

import base64
import threading
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.responses import Response

from baoguan.errors import NotFound
from baoguan.model.account import Passkey, User
from baoguan.web import views
from baoguan.web.accounts_desk import AppDesk
from baoguan.web.accounts_http import Refused, address_of
from baoguan.web.accounts_pages import Door, Handle, Visit, local, seen
from baoguan.web.accounts_session import begin
from baoguan.web.accounts_state import Account
from baoguan.web.render import Ui

_LIFE_MS = 300_000
_LONGEST = 20_000
"""Characters of what a browser sends; with no attestation it is under 2,000."""
_MOST = 20
"""Of one account."""


class Passkeys:
    """What asks for a key, and what takes it. `_used` holds challenges that may not come again; the lock guards it."""

    def __init__(self, apps: AppDesk) -> None:
        self._apps = apps
        self._used: dict[str, int] = {}
        self._lock = threading.Lock()

    def doors(self) -> list[Door]:
        """Their addresses."""
        return [
            Door("/login/passkey", None, self._fitting(self.login), open=True),
            Door("/login/passkey/options", None, self._fitting(self.login_options), open=True),
            Door("/my/passkey", None, self.add),
            Door("/my/passkey/options", None, self._fitting(self.add_options)),
        ]

    def _fitting(self, handle: Handle) -> Handle:
        def checked(visit: Visit) -> Response:
            if not self.fits(visit):
                raise NotFound("no browser makes passkeys for this address")
            return handle(visit)

        return checked

    def fits(self, visit: Visit) -> bool:
        """Whether browsers hand out keys here: scripts are on, and the site has a name and HTTPS, or is localhost."""
        host = site_of(visit)
        return visit.show.options.script and (
            host == "localhost" or (visit.call.base.startswith("https:") and bool(host))
        )

    def named(self, account: Account, ui: Ui) -> list[tuple[str, str, views.Moment]]:
        """(id, label, when) of an account's keys."""
        return [
            (identity, one.label, views.moment(one.created_ms, ui.at, ui.t))
            for identity, one in account.passkeys.items()
        ]

    # A new key

    def add_options(self, visit: Visit) -> Response:
        """What the browser needs to make a key."""
        import webauthn
        from webauthn.helpers import base64url_to_bytes, structs

        user = visit.mine.user
        options = webauthn.generate_registration_options(
            rp_id=site_of(visit),
            rp_name=visit.ui.t("site.name"),
            user_name=user.name,
            user_id=str(user.id).encode(),
            challenge=self._challenge(str(user.id)),
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                structs.PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in visit.mine.account.passkeys
            ],
        )
        return visit.call.text(webauthn.options_to_json(options), "application/json; charset=utf-8")

    def add(self, visit: Visit) -> Response:
        """Keeps the public half of a new key; or takes a key back."""
        import webauthn

        account = visit.mine.account
        if visit.call.has("revoke"):
            if visit.call.one("id") not in account.passkeys:
                raise NotFound("no such passkey")
            account.set_passkey(visit.call.one("id"), None)
            return seen("/my/account", note="saved", fragment="passkeys")
        if len(account.passkeys) >= _MOST:
            raise Refused(400, f"{_MOST} passkeys are the most")
        given = _given(visit)
        challenge = self._answered(given, str(visit.mine.user.id))
        try:
            made = webauthn.verify_registration_response(
                credential=given,
                expected_challenge=challenge,
                expected_rp_id=site_of(visit),
                expected_origin=visit.call.base,
                require_user_verification=True,
            )
        except _refusals() as error:
            raise Refused(403, "that is no answer to what was asked") from error
        key = Passkey(
            label=visit.text("label", 100) or visit.ui.t("my.passkey"),
            public_key=_coded(made.credential_public_key),
            sign_count=made.sign_count,
            created_ms=self._apps.door.now_ms(),
        )
        account.set_passkey(_coded(made.credential_id), key)
        return seen("/my/account", note="saved", fragment="passkeys")

    # Login

    def login_options(self, visit: Visit) -> Response:
        """A challenge for whichever key the browser has for this site."""
        import webauthn
        from webauthn.helpers import structs

        options = webauthn.generate_authentication_options(
            rp_id=site_of(visit),
            challenge=self._challenge("login"),
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        )
        return visit.call.text(webauthn.options_to_json(options), "application/json; charset=utf-8")

    def login(self, visit: Visit) -> Response:
        """Begins a session of who holds the key. Raises Refused."""
        keys = (f"a:{address_of(visit.call.request)}",)
        now = self._apps.door.now_ms()
        wait = self._apps.door.limiter.wait_s(keys, now)
        if wait:
            raise Refused(429, "too many wrong answers", {"retry-after": str(wait)})
        try:
            user = self._owner(visit)
        except Refused:
            self._apps.door.limiter.failed(keys, now)
            raise
        return begin(self._apps, visit, user, seen(local(visit.call.one("back"))))

    def _owner(self, visit: Visit) -> User:
        import webauthn

        given = _given(visit)
        challenge = self._answered(given, "login")
        handle, identity = _decoded(_field(given, "userHandle")).decode("ascii", "replace"), str(given.get("id", ""))
        user = next((one for one in self._apps.accounts.users() if str(one.id) == handle), None)
        account = self._apps.account(user) if user is not None else None
        key = account.passkeys.get(identity) if account is not None else None
        if user is None or account is None or key is None:
            raise Refused(403, "no account has that key")
        try:
            checked = webauthn.verify_authentication_response(
                credential=given,
                expected_challenge=challenge,
                expected_rp_id=site_of(visit),
                expected_origin=visit.call.base,
                credential_public_key=_decoded(key.public_key),
                credential_current_sign_count=key.sign_count,
                require_user_verification=True,
            )
        except _refusals() as error:
            raise Refused(403, "that is no answer to what was asked") from error
        if checked.new_sign_count != key.sign_count:
            with account.lock:
                account.set_passkey(identity, msgspec.structs.replace(key, sign_count=checked.new_sign_count))
        return user

    # Challenges

    def _challenge(self, purpose: str) -> bytes:
        """Random, sealed for its purpose and its end."""
        nonce = _coded(self._apps.desk.entropy.token_bytes(16))
        text = f"{nonce}.{self._apps.door.now_ms() + _LIFE_MS}"
        return f"{text}.{self._apps.seal(f'passkey {purpose}', text)}".encode()

    def _answered(self, given: dict[str, Any], purpose: str) -> bytes:
        """The challenge that an answer is to, once. Raises Refused for one that is not ours, too old or used."""
        try:
            said = msgspec.json.decode(_decoded(_field(given, "clientDataJSON")), type=dict[str, Any])
            challenge = _decoded(str(said.get("challenge", "")))
        except (msgspec.DecodeError, RecursionError) as error:
            raise Refused(400, "no answer of a browser") from error
        text, _, _ = challenge.decode("ascii", "replace").rpartition(".")
        end = text.rpartition(".")[2]
        now = self._apps.door.now_ms()
        ours = f"{text}.{self._apps.seal(f'passkey {purpose}', text)}".encode() == challenge
        if not ours or not end.isdecimal() or int(end) < now:
            raise Refused(403, "that challenge is not one of now")
        with self._lock:
            self._used = {one: until for one, until in self._used.items() if until >= now}
            if text in self._used:
                raise Refused(403, "that challenge was answered before")
            self._used[text] = int(end)
        return challenge


def open_passkeys(apps: AppDesk) -> Passkeys | None:
    """None where the extra `passkeys` isn't installed; it is imported only when a key is asked for."""
    return Passkeys(apps) if find_spec("webauthn") is not None else None


def site_of(visit: Visit) -> str:
    """The name that keys are bound to; empty for a bare address, for which browsers make none."""
    host = urlsplit(visit.call.base).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host
    return ""


def _given(visit: Visit) -> dict[str, Any]:
    try:
        text = visit.call.one("credential")
        given: dict[str, Any] = msgspec.json.decode(
            text.encode() if len(text) <= _LONGEST else b"", type=dict[str, Any]
        )
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(400, "no answer of a browser") from error
    return given


def _field(given: dict[str, Any], name: str) -> str:
    response = given.get("response")
    return str(response.get(name, "")) if isinstance(response, dict) else ""


def _refusals() -> tuple[type[Exception], ...]:
    from webauthn.helpers.exceptions import WebAuthnException

    # Beside its own errors the library lets those of shapes and of broken keys through.
    return (
        WebAuthnException,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        OverflowError,
        RecursionError,
    )


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise Refused(400, "no answer of a browser") from error
