"""Templates, style and words joined into a page; knows the request's language and nothing of the archive."""

import re
from functools import cache
from importlib.resources import files
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from baoguan.text.zones import zone_of
from baoguan.web.options import WebOptions
from baoguan.web.pictures import CARD_SIZES, LEAD_SIZES, Shot, picture_html
from baoguan.web.reply import text_reply
from baoguan.web.safety import policy
from baoguan.web.script import script_hash
from baoguan.web.views import CardView
from baoguan.web.words import LANGUAGES, Words, choose_language, words

_YEAR_S = 31_536_000
_REMEMBERED = ("lang", "pictures")
_PICTURES = ("tap", "show")


class Ui:
    """What every page needs besides its own matter: language, links to the others, style."""

    languages = tuple(LANGUAGES.items())

    def __init__(self, request: Request, options: WebOptions, changes: bool, search: bool) -> None:
        asked = request.query_params.get("lang", "")
        lang = choose_language(
            asked, request.cookies.get("lang", ""), request.headers.get("accept-language", ""), options.language
        )
        self.t: Words = words(lang)
        self.path = request.url.path
        self.css = Markup(style())  # noqa: S704 - our own file
        self.noindex = options.noindex
        self.changes = changes
        self.search = search
        self.zone = options.zone
        self.script = script_hash() if options.script else ""
        """sha256-... of the script that the page names."""
        self.remember = bool(asked) and lang != request.cookies.get("lang", "")
        self.save_data = request.headers.get("save-data", "").strip().lower() == "on"
        self._query = [(key, value) for key, value in request.query_params.multi_items() if key not in _REMEMBERED]
        self.sheet = ""
        """Style of this page alone: colours behind its pictures."""
        wish = request.query_params.get("pictures", "")
        self.pictures = wish if wish in _PICTURES else request.cookies.get("pictures", "")
        self.tap = self.pictures == "tap" or (self.save_data and self.pictures != "show")
        """Text first: pictures are shown on tap."""
        self.remember_pictures = wish in _PICTURES and wish != request.cookies.get("pictures", "")

    def in_language(self, lang: str) -> str:
        """This page in another language."""
        return "?" + urlencode([*self._query, ("lang", lang)])

    def other_pictures(self) -> str:
        """This page the other way: pictures on tap, or shown."""
        return "?" + urlencode([*self._query, ("pictures", "show" if self.tap else "tap")])


class Renderer:
    """Renders templates under the options of one reader. Shared by threads; holds no state of a request."""

    def __init__(self, options: WebOptions, *, changes: bool = False, search: bool = False) -> None:
        self.options = options
        self.changes = changes
        """There are pages of changes to link to."""
        self.search = search
        self.zone = zone_of(options.zone)
        self._templates = _environment()

    def ui(self, request: Request) -> Ui:
        """Language and links of a request."""
        return Ui(request, self.options, self.changes, self.search)

    def page(
        self, request: Request, ui: Ui, template: str, *, status: int = 200, cache: str = "", **matter: object
    ) -> Response:
        """The answer: `template` with its matter; `cache` defaults to a short life in browsers."""
        html = self._templates.get_template(template).render(t=ui.t, ui=ui, **matter)
        cache = cache or f"max-age={self.options.max_age_s}"
        if status != 200:
            cache = "no-store" if status >= 500 else "no-cache"
        reply = text_reply(request, html.encode(), status=status, cache=cache)
        reply.headers["content-language"] = ui.t.lang
        if self.options.noindex:
            reply.headers["x-robots-tag"] = "noindex"
        if ui.remember:
            reply.set_cookie("lang", ui.t.lang, max_age=_YEAR_S, httponly=True, samesite="lax")
        if ui.remember_pictures:
            reply.set_cookie("pictures", ui.pictures, max_age=_YEAR_S, httponly=True, samesite="lax")
        if ui.sheet:
            # On 304 too: a browser takes the headers of it for the page that it holds.
            reply.headers["content-security-policy"] = policy(style(), ui.sheet, script=ui.script)
        return reply

    def error(self, request: Request, status: int) -> Response:
        """The constant page of 404, 405 or 500."""
        return self.page(request, self.ui(request), "error.html", status=status, code=str(status))


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


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("baoguan.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    environment.globals["thumb"] = thumb
    return environment
