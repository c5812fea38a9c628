"""Templates, style and words joined into a page; knows the request's language and nothing of the archive."""

import re
from collections.abc import Callable
from datetime import tzinfo
from functools import cache, lru_cache
from html import escape
from importlib.resources import files
from urllib.parse import urlencode

from jinja2 import FunctionLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from baoguan.errors import ConfigError
from baoguan.text.zones import zone_of
from baoguan.web.accounts_mine import Mine
from baoguan.web.options import WebOptions
from baoguan.web.pictures import CARD_SIZES, LEAD_SIZES, Shot, picture_html
from baoguan.web.reply import text_reply
from baoguan.web.safety import policy
from baoguan.web.script import script_hash
from baoguan.web.templating import Templates
from baoguan.web.views import CardView
from baoguan.web.words import LANGUAGES, Words, choose_language, words

_WORD = re.compile(r"\{\{ t\('([a-z]+\.[a-z0-9_]+)'\) \}\}")
_YEAR_S = 31_536_000
_REMEMBERED = ("lang", "pictures", "zone", "view")
_PICTURES = ("tap", "show")
_NAMED = ("/", "/my", "/changes", "/calendar", "/outlets", "/status", "/about")
"""In the bar of every page."""
_LISTS = frozenset(
    ("front.html", "outlet.html", "search.html", "calendar.html", "offline.html", "my_list.html", "my_filters.html")
)
"""Pages that need the style of lists; articles do without its bytes."""
_QUERY = "\0"
"""No zone, no word and no address holds it."""
_VIEWS = ("eink", "scroll")
OUTLETS_ZONE = "outlet"
"""As a choice of zone: none, so that lists show the archive's and pages of an outlet its own."""


class Ui:
    """What every page needs besides its own matter: language, links to the others, style."""

    languages = tuple(LANGUAGES.items())

    def __init__(self, request: Request, options: WebOptions, changes: bool, search: bool, login: bool) -> None:
        asked = request.query_params.get("lang", "")
        lang = choose_language(
            asked, request.cookies.get("lang", ""), request.headers.get("accept-language", ""), options.language
        )
        self.t: Words = words(lang)
        self.path: str = request.scope["path"]
        self.noindex = options.noindex
        self.changes = changes
        self.search = search
        self._cookies = request.cookies
        self._query_params = request.query_params
        self.cookies: dict[str, str] = {}
        """What the reader chose by this address, to be remembered."""
        wish = self._wish("zone", lambda name: name == OUTLETS_ZONE or known_zone(name) is not None)
        self.own_zone = wish not in ("", OUTLETS_ZONE)
        self.archive_zone = options.zone
        self.zone = wish if self.own_zone else options.zone
        self.at: tzinfo = known_zone(self.zone) or zone_of(options.zone)
        """The zone of days and times on this page."""
        self.eink = self._wish("view", _VIEWS.__contains__) == "eink"
        self.script = script_hash() if options.script else ""
        """sha256-... of the script that the page names."""
        self.mine: Mine | None = request.scope.get("mine")
        """Who is signed in: their marks are part of the page, so no store that others read may keep it."""
        self.more_script = script_hash("account.js") if self.mine is not None and options.script else ""
        """sha256-... of /account.js, on pages that name it."""
        self.login = login
        """There are accounts: a way to log in stands below."""
        if asked and lang != request.cookies.get("lang", ""):
            self.cookies["lang"] = lang
        self.save_data = request.headers.get("save-data", "").strip().lower() == "on"
        self._query = [(key, value) for key, value in self._query_params.multi_items() if key not in _REMEMBERED]
        self.sheet = ""
        """Style of this page alone: colours behind its pictures."""
        self.pictures = self._wish("pictures", _PICTURES.__contains__)
        self.tap = self.pictures == "tap" or (self.save_data and self.pictures != "show")
        """Text first: pictures are shown on tap."""

    def _wish(self, name: str, known: Callable[[str], bool]) -> str:
        """What the address asks for, else what the cookie says; empty where neither is understood."""
        kept = self._cookies.get(name, "")[:64]
        asked = self._query_params.get(name, "")[:64]
        if asked and known(asked):
            if asked != kept:
                self.cookies[name] = asked
            return asked
        return kept if kept and known(kept) else ""

    @property
    def scripts(self) -> str:
        """sha256-... of all scripts that may run on this page."""
        return f"{self.script} {self.more_script}".strip()

    def forget_zone(self) -> None:
        """The reader wants no zone of their own any more."""
        self.own_zone, self.zone, self.cookies["zone"] = False, self.archive_zone, OUTLETS_ZONE
        self.at = zone_of(self.archive_zone)

    def use_zone(self, name: str) -> None:
        """Shows times in the zone of an outlet, unless the reader chose one."""
        zone = known_zone(name) if name and not self.own_zone else None
        if zone is not None:
            self.zone, self.at = name, zone

    def top(self) -> Markup:
        """The bar above a page; the same for all pages that it doesn't name."""
        return _top(self.t.lang, self.path if self.path in _NAMED else "", self.changes, self.mine is not None)

    def bottom(self) -> Markup:
        """What stands below a page."""
        login = "" if not self.login else "/my/account" if self.mine is not None else "/login"
        return _bottom(self.t.lang, tuple(self._query), self.zone, self.tap, bool(self.script), login)

    def field(self) -> Markup:
        """The form of the search, empty."""
        return _field(self.t.lang)


class Renderer:
    """Renders templates under the options of one reader. Shared by threads; holds no state of a request."""

    def __init__(self, options: WebOptions, *, changes: bool = False, search: bool = False) -> None:
        self.options = options
        self.changes = changes
        """There are pages of changes to link to."""
        self.search = search
        self.login: Callable[[], bool] = lambda: False
        """Whether there is an account that could log in."""
        self.zone = zone_of(options.zone)

    def ui(self, request: Request) -> Ui:
        """Language and links of a request."""
        return Ui(request, self.options, self.changes, self.search, self.login())

    def page(
        self, request: Request, ui: Ui, template: str, *, status: int = 200, cache: str = "", **matter: object
    ) -> Response:
        """The answer: `template` with its matter; `cache` defaults to a short life in browsers."""
        if template in _LISTS:
            ui.sheet = style("lists.css") + ui.sheet
        if ui.eink:
            ui.sheet += style("eink.css")
        if ui.mine is not None:
            own = style("accounts.css")
            ui.sheet += "" if own in ui.sheet else own
            cache = cache if cache == "no-store" else "private, no-cache"
        html = _environment(ui.t.lang).get_template(template).render(t=ui.t, ui=ui, **matter)
        cache = cache or f"max-age={self.options.max_age_s}"
        if status != 200:
            cache = "no-store" if status >= 500 else "no-cache"
        reply = text_reply(request, html.encode(), status=status, cache=cache)
        reply.headers["content-language"] = ui.t.lang
        if self.options.noindex:
            reply.headers["x-robots-tag"] = "noindex"
        for name, value in ui.cookies.items():
            reply.set_cookie(name, value, max_age=_YEAR_S, httponly=True, samesite="lax")
        if ui.sheet or ui.more_script:
            # On 304 too: a browser takes the headers of it for the page that it holds.
            reply.headers["content-security-policy"] = policy(style(), ui.sheet, script=ui.scripts)
        return reply

    def error(self, request: Request, status: int) -> Response:
        """The constant page of 404, 405 or 500."""
        return self.page(request, self.ui(request), "error.html", status=status, code=str(status))


@lru_cache(256)
def known_zone(name: str) -> tzinfo | None:
    """The zone of that name, None where this machine knows none."""
    try:
        return zone_of(name)
    except ConfigError:
        return None


@cache
def style(name: str = "reader.css") -> str:
    """A style sheet as it stands in pages: without comments and needless blanks. reader.css stands in every page."""
    css = (files("baoguan.web") / "static" / name).read_text("utf-8")
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r" ?([{};,]) ?", r"\1", css).replace(": ", ":").replace(";}", "}").strip()


@cache
def icon() -> bytes:
    """The icon, SVG."""
    return (files("baoguan.web") / "static" / "icon.svg").read_bytes()


def thumb(view: CardView, lead: bool) -> Markup:
    """The lead picture of a card."""
    shot = Shot(
        path=view.card.lead,
        width=view.card.lead_width,
        height=view.card.lead_height,
        eager=lead,
        variants=view.variants,
        sizes=LEAD_SIZES if lead else CARD_SIZES,
        look=view.look,
    )
    return Markup(picture_html(shot))  # noqa: S704 - every value in it is escaped


@lru_cache(64)
def _top(lang: str, path: str, changes: bool, mine: bool) -> Markup:
    template = _environment(lang).get_template("top.html")
    return Markup(template.render(t=words(lang), path=path, changes=changes, mine=mine))  # noqa: S704


def _bottom(lang: str, query: tuple[tuple[str, str], ...], zone: str, tap: bool, script: bool, login: str) -> Markup:
    kept = escape(urlencode(query) + "&") if query else ""
    return Markup(_any_bottom(lang, zone, tap, script, login).replace(_QUERY, kept))  # noqa: S704 - escaped by the template


@lru_cache(256)
def _any_bottom(lang: str, zone: str, tap: bool, script: bool, login: str) -> str:
    """With a mark where the query of the page goes, for each search has its own."""
    matter = {
        "t": words(lang),
        "zone": zone,
        "tap": tap,
        "script": script,
        "login": login,
        "languages": [(one, name, f"?{_QUERY}lang={one}") for one, name in LANGUAGES.items()],
        "pictures": f"?{_QUERY}pictures={'show' if tap else 'tap'}",
    }
    return _environment(lang).get_template("bottom.html").render(matter)


@cache
def _field(lang: str) -> Markup:
    template = '{% from "field.html" import field %}{{ field(t, "") }}'
    return Markup(_environment(lang).from_string(template).render(t=words(lang)))  # noqa: S704 - escaped by the template


def _spoken(source: str, lang: str) -> str:
    """A template with the fixed words of one language, and the style, written in: a third of a page's time less."""
    t = words(lang)
    source = _WORD.sub(lambda found: _plain(escape(t(found[1]))), source)
    return source.replace("{{ t.lang }}", lang).replace("{{ ui.css }}", _plain(style()))


def _plain(text: str) -> str:
    """Text that a template says as it stands."""
    return "{% raw %}" + text + "{% endraw %}" if re.search(r"\{[{%#]", text) else text


@cache
def _environment(lang: str) -> Templates:
    folder = files("baoguan.web") / "templates"
    environment = Templates(
        loader=FunctionLoader(lambda name: _spoken((folder / name).read_text("utf-8"), lang)),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    environment.globals["thumb"] = thumb
    return environment
