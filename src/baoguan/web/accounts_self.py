"""/my/account: app passwords, the own password, and the end of the account."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from baoguan.errors import ConfigError
from baoguan.web import views
from baoguan.web.accounts_desk import AppDesk
from baoguan.web.accounts_http import Refused
from baoguan.web.accounts_login import digest
from baoguan.web.accounts_pages import Door, Visit, seen
from baoguan.web.accounts_session import begin, end, own_password

if TYPE_CHECKING:
    from baoguan.web.accounts_passkeys import Passkeys

NOTES = ("saved", "revoked", "changed")
_APPS = 50
"""Apps of one account."""


class Self:
    """The page and its forms."""

    def __init__(self, apps: AppDesk, keys: "Passkeys | None" = None) -> None:
        self._apps, self._keys = apps, keys

    def doors(self) -> list[Door]:
        """Its addresses."""
        return [
            Door("/my/account", self.page),
            Door("/my/apps", None, self.app),
            Door("/my/password", None, self.password),
            Door("/my/sessions", None, self.sessions),
            Door("/my/delete", None, self.delete),
        ]

    def page(self, visit: Visit) -> Response:
        """What there is, and forms to change it."""
        return self._page(visit)

    def _page(self, visit: Visit, *, plain: str = "", label: str = "", wrong: str = "", status: int = 200) -> Response:
        mine, ui = visit.mine, visit.ui
        secrets = self._apps.accounts.secrets(mine.user.id)
        labels = {one.label: one.created_ms for one in secrets if one.kind == "app"}
        note = visit.call.one("note")
        return visit.page(
            "my_account.html",
            status=status,
            apps=[(name, views.moment(created, ui.at, ui.t)) for name, created in labels.items()],
            sessions=sum(one.kind == "session" for one in secrets),
            plain=plain,
            label=label,
            base=visit.call.base,
            wrong=wrong,
            passkeys=self._keys is not None and self._keys.fits(visit),
            keys=[] if self._keys is None else self._keys.named(mine.account, ui),
            note=note if note in NOTES else "",
        )

    def app(self, visit: Visit) -> Response:
        """A password for an app, shown this once; or one that is taken back."""
        mine, label = visit.mine, visit.text("label", 100)
        mine_apps = [one for one in self._apps.accounts.secrets(mine.user.id) if one.kind == "app"]
        if visit.call.has("revoke"):
            for one in mine_apps:
                if one.label == visit.call.one("label"):
                    self._apps.accounts.delete_secret(one.digest)
            return seen("/my/account", note="revoked", fragment="apps")
        if not label or label in {one.label for one in mine_apps}:
            return self._page(visit, wrong="label", status=400)
        if len({one.label for one in mine_apps}) >= _APPS:
            raise Refused(400, f"{_APPS} apps are the most")
        return self._page(visit, plain=self._apps.door.app_password(mine.user, label), label=label)

    def password(self, visit: Visit) -> Response:
        """Another password: all other sessions and the tokens of apps end, app passwords stay."""
        mine, new = visit.mine, visit.call.one("new")
        if not self._allowed(visit):
            return self._page(visit, wrong="password", status=403)
        if new != visit.call.one("again"):
            return self._page(visit, wrong="again", status=400)
        try:
            hashed = self._apps.door.hashed(new)
        except ConfigError:
            return self._page(visit, wrong="length", status=400)
        self._apps.accounts.set_password(mine.user.id, hashed)
        return begin(self._apps, visit, mine.user, seen("/my/account", note="changed"))

    def sessions(self, visit: Visit) -> Response:
        """Ends every other session, and the tokens that apps hold."""
        mine = visit.mine
        for one in self._apps.accounts.secrets(mine.user.id):
            if one.kind != "app" and one.digest != digest(mine.session):
                self._apps.accounts.delete_secret(one.digest)
        return seen("/my/account", note="saved")

    def delete(self, visit: Visit) -> Response:
        """The account with all of its rows; asks for the password again."""
        if not self._allowed(visit) or not visit.call.has("sure"):
            return self._page(visit, wrong="delete", status=403)
        self._apps.accounts.delete_user(visit.mine.user.id)
        self._apps.forget(visit.mine.user.id)
        return end(seen("/"))

    def _allowed(self, visit: Visit) -> bool:
        """Who sits at an open session need not be who owns it."""
        user = own_password(self._apps, visit, visit.mine.user.name, visit.call.one("password"))
        return user is not None and user.id == visit.mine.user.id
