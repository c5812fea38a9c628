"""A browser without JavaScript, as far as forms and cookies go."""

import html
import re
from typing import Any
from urllib.parse import urlencode

from tests.apps.conftest import Answer, Site


class Reader:
    """Follows links, sends the forms of the page that was last shown, keeps cookies."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cookies: dict[str, str] = {"lang": "en"}
        self.page = ""
        self.at = ""

    def open(self, path: str, **headers: str) -> Answer:
        """GET, redirects followed."""
        return self._shown(path, self._ask(path, **headers))

    def send(self, action: str, fields: Any = (), **more: Any) -> Answer:
        """POST with the hidden fields of the first form of that action on this page, and the answer to it followed."""
        got = self.post(action, {**self.hidden(action), **dict(fields)}, **more)
        return self._shown(action, got)

    def hidden(self, action: str) -> dict[str, str]:
        """The hidden fields of a form."""
        form = re.search(rf'<form [^>]*action="{re.escape(action)}".*?</form>', self.page, re.S)
        assert form, f"{self.at}: no form {action}"
        found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[0])
        return {name: html.unescape(value) for name, value in found}

    def post(self, action: str, fields: dict[str, Any], body: bytes | None = None, **headers: str) -> Answer:
        """POST as it stands."""
        kind = headers.pop("content_type", "application/x-www-form-urlencoded")
        data = body if body is not None else urlencode(fields, doseq=True).encode()
        return self._ask(action, "POST", data, **{"content-type": kind, **headers})

    def button(self, name: str, identity: str) -> Answer:
        """A button of an article."""
        assert f'name="{name}" value="{identity}"' in self.page, f"{self.at}: no button {name}"
        return self.send("/my/mark", {name: identity})

    def ids(self) -> list[str]:
        """Articles of the list on this page."""
        return re.findall(r'<li id="a([0-9a-f]{16})"', self.page)

    def login(self, name: str, password: str, path: str = "/my") -> Answer:
        """By the form."""
        self.open(f"/login?back={path}")
        return self.send("/login", {"name": name, "password": password})

    def _ask(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        sent = {"accept": "text/html", "cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **headers}
        got = self.site.ask(path, method, None, body if method == "POST" else None, sent)
        for line in got.cookies:
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return got

    def _shown(self, path: str, got: Answer) -> Answer:
        for _ in range(5):
            if got.status != 303:
                break
            path = got.headers["location"].partition("#")[0]
            got = self._ask(path)
        self.page, self.at = got.text, path
        return got
