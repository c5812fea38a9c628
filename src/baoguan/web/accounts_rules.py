"""/my/filters: filters of an account, tried on the articles that are here before they are kept."""

from typing import Any

import msgspec
from starlette.responses import Response

from baoguan.errors import NotFound
from baoguan.model.account import Filter
from baoguan.web import views
from baoguan.web.accounts_desk import AppDesk
from baoguan.web.accounts_filters import act, add_filter, found
from baoguan.web.accounts_pages import Door, Visit, seen

ACTIONS = ("hide", "read", "star", "later", "label")
FIELDS = ("title", "author", "text")
_SHOWN = 10
_LONGEST = 300


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a filter would act on."""

    total: int
    unread: int
    views: list[views.CardView]


class Rules:
    """The page: a list, a form, and what the form found."""

    def __init__(self, apps: AppDesk) -> None:
        self._apps = apps

    def doors(self) -> list[Door]:
        """Its addresses."""
        return [Door("/my/filters", self.page, self.posted), Door("/my/filter", None, self.change)]

    def page(self, visit: Visit) -> Response:
        """The filters, and a form for a new one; `?name=` fills it with one that is there."""
        name = visit.call.one("name")
        old = next((one for one in visit.mine.account.filters if one.name == name), None)
        return self._page(visit, old)

    def _page(
        self, visit: Visit, draft: Filter | None, *, tried: Tried | None = None, wrong: str = "", status: int = 200
    ) -> Response:
        return visit.page(
            "my_filters.html",
            status=status,
            filters=visit.mine.account.filters,
            draft=draft,
            tried=tried,
            wrong=wrong,
            actions=ACTIONS,
            fields=FIELDS,
            searchable=self._apps.desk.search is not None,
            outlets=[(key, self._apps.feed(visit.mine.account, key).title) for key in sorted(self._apps.numbers())],
            note="saved" if visit.call.one("note") == "saved" else "",
        )

    def posted(self, visit: Visit) -> Response:
        """`try` shows what it finds; `keep` keeps it, and acts on what was found where that is ticked."""
        draft = self._draft(visit)
        wrong = "" if draft.query else "no_query"
        if not draft.name:
            draft = msgspec.structs.replace(draft, name=draft.query[:60])
        if draft.action == "label" and not draft.label:
            wrong = wrong or "no_label"
        if wrong:
            return self._page(visit, draft, wrong=wrong, status=400)
        if not visit.call.has("keep"):
            return self._page(visit, draft, tried=self._tried(visit, draft))
        add_filter(visit.mine.account, draft)
        if visit.call.has("now"):
            act(visit.mine.account, draft, found(self._apps.desk, self._apps.shelf, draft.query))
        return seen("/my/filters", note="saved")

    def change(self, visit: Visit) -> Response:
        """Deletes a filter (what it did stays), or lets it act on the articles that are here."""
        account, name = visit.mine.account, visit.call.one("name")
        one = next((one for one in account.filters if one.name == name), None)
        if one is None:
            raise NotFound("no such filter")
        if visit.call.has("delete"):
            account.set_filters(other for other in account.filters if other != one)
        else:
            act(account, one, found(self._apps.desk, self._apps.shelf, one.query))
        return seen("/my/filters", note="saved")

    def _draft(self, visit: Visit) -> Filter:
        """A filter of what was filled in: each field is one more condition."""
        parts = [visit.text("query", _LONGEST)]
        for name in FIELDS:
            words = visit.text(name, _LONGEST).replace('"', " ").strip()
            if words:
                parts.append(f'"{words}"' if name == "text" else f'{name}:"{words}"')
        outlet = visit.text("outlet")
        if outlet in self._apps.numbers():
            parts.append(f"outlet:{outlet}")
        action: Any = visit.text("action")
        action = action if action in ACTIONS else ACTIONS[0]
        return Filter(
            name=visit.text("name", 60),
            query=" ".join(part for part in parts if part)[:_LONGEST],
            action=action,
            label=visit.text("label") if action == "label" else "",
        )

    def _tried(self, visit: Visit, draft: Filter) -> Tried:
        account, ui = visit.mine.account, visit.ui
        items = found(self._apps.desk, self._apps.shelf, draft.query)
        cards = self._apps.source.cards_of([item.id for item in items[:_SHOWN]])
        outlets = {card.outlet: self._apps.source.outlet(card.outlet) for card in cards}
        return Tried(
            total=len(items),
            unread=sum(not account.is_read(item) for item in items),
            views=views.card_views(cards, outlets, ui.at, ui.t, pictures=0, with_day=True),
        )
