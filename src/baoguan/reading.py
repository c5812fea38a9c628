"""A page as captured, read by the rules of its day."""

from baoguan.errors import ExtractError
from baoguan.extract.article import extract_article
from baoguan.extract.combine import NOT_ARTICLES
from baoguan.extract.rules import choose_rules
from baoguan.model.article import Article
from baoguan.model.capture import Response
from baoguan.model.outlet import Outlet


def read_page(outlet: Outlet, response: Response) -> tuple[Article | None, str]:
    """(what the page says, empty), or None and why it is no article: home, error, consent, login, index or empty."""
    if led_home(outlet, response):
        return None, "home"
    try:
        page = extract_article(
            response.body,
            url=response.final_url,
            content_type=response.header("content-type"),
            rules=choose_rules(outlet, response.at.date()),
            language=outlet.language,
            zone=outlet.zone,
        )
    except ExtractError:
        return None, "error"
    if page.kind in NOT_ARTICLES:
        return None, page.kind
    return (page, "") if page.body_html else (None, "empty")


def led_home(outlet: Outlet, response: Response) -> bool:
    """Whether redirects led to the front page of the outlet or of its host, in place of the article."""
    final = response.final_url.partition("#")[0].partition("?")[0].rstrip("/")
    return bool(response.hops) and (final.count("/") <= 2 or final == outlet.home.rstrip("/"))
