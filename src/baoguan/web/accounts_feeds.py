"""Folders and feeds of an account: made, renamed, filled and deleted; each feed's settings; OPML in and out."""

from starlette.responses import Response

from baoguan.errors import FeedError, NotFound
from baoguan.web.accounts_desk import AppDesk
from baoguan.web.accounts_http import Refused
from baoguan.web.accounts_lists import Scope
from baoguan.web.accounts_opml import opml_of, take_opml
from baoguan.web.accounts_pages import Door, Visit, local, seen

NOTES = ("saved", "taken", "no_opml", "no_name")
_FOLDERS = 200


class Subscriptions:
    """/my/feeds, /my/feed/KEY, /my/folder, /my/feeds.opml"""

    def __init__(self, apps: AppDesk) -> None:
        self._apps = apps

    def doors(self) -> list[Door]:
        """Their addresses."""
        return [
            Door("/my/feeds", self.page, self.move),
            Door("/my/folder", None, self.folder),
            Door("/my/feed/{key}", self.feed, self.set_feed),
            Door("/my/feeds.opml", self.export, self.import_),
        ]

    def page(self, visit: Visit) -> Response:
        """All folders and all feeds of the archive, those that are not read among them."""
        account = visit.mine.account
        counts = account.unread()
        feeds = [self._apps.feed(account, key) for key in self._apps.numbers()]
        rows = [
            (feed, account.subscription(feed.key).unsubscribed, counts.get(feed.key, 0), Scope(outlet=feed.key).link())
            for feed in sorted(feeds, key=lambda feed: (feed.folder == "", feed.folder, feed.title))
        ]
        note = visit.call.one("note")
        return visit.page(
            "my_feeds.html",
            rows=rows,
            folders=[(name, Scope(folder=name).link()) for name in account.all_folders()],
            note=note if note in NOTES else "",
            known=visit.call.number("known"),
            total=visit.call.number("total"),
        )

    def move(self, visit: Visit) -> Response:
        """Puts the feeds that were ticked into a folder, or into none."""
        account, folder = visit.mine.account, visit.text("folder")
        if folder and folder not in account.all_folders():
            raise NotFound("no such folder")
        keys = [key for key in visit.call.all("feed") if key in self._apps.numbers()]
        account.subscribe({key: {"folder": folder} for key in keys})
        return seen("/my/feeds", note="saved")

    def folder(self, visit: Visit) -> Response:
        """Makes a folder, renames one, or deletes one: its feeds and the articles that bear its label stay."""
        account, old, name = visit.mine.account, visit.call.one("old"), visit.text("name")
        folders = account.all_folders()
        if old and old not in folders:
            raise NotFound("no such folder")
        if visit.call.has("delete"):
            if old:
                account.rename_folder(old, "")
        elif not name:
            return seen("/my/feeds", note="no_name")
        elif old:
            account.rename_folder(old, name)
        else:
            if len(folders) >= _FOLDERS:
                raise Refused(400, f"{_FOLDERS} folders are the most")
            account.set_folders([*folders, name])
        return seen("/my/feeds", note="saved")

    def feed(self, visit: Visit) -> Response:
        """Settings of one feed."""
        key = self._key(visit)
        account = visit.mine.account
        return visit.page(
            "my_feed.html",
            feed=self._apps.feed(account, key),
            mine=account.subscription(key),
            folders=account.all_folders(),
            outlet=self._apps.desk.outlet(key),
            back=local(visit.call.one("back"), "/my/feeds"),
        )

    def set_feed(self, visit: Visit) -> Response:
        """Keeps them; a title like the outlet's own is none."""
        key = self._key(visit)
        title, folder = visit.text("title", 500), visit.text("folder")
        if folder and folder not in visit.mine.account.all_folders():
            raise NotFound("no such folder")
        visit.mine.account.subscribe(
            {
                key: {
                    "title": "" if title == self._apps.desk.outlet(key).name else title,
                    "folder": folder,
                    "hidden": visit.call.has("hidden"),
                    "unsubscribed": not visit.call.has("subscribed"),
                }
            }
        )
        back = local(visit.call.one("back"), "/my/feeds")
        return seen(back, **({"note": "saved"} if back == "/my/feeds" else {}))

    def _key(self, visit: Visit) -> str:
        key: str = visit.call.request.path_params["key"]
        if key not in self._apps.numbers():
            raise NotFound("no such feed")
        return key

    def export(self, visit: Visit) -> Response:
        """A file to take along."""
        headers = {"content-disposition": 'attachment; filename="baoguan.opml"'}
        return Response(opml_of(self._apps, visit.mine.account), 200, headers, "text/x-opml; charset=utf-8")

    def import_(self, visit: Visit) -> Response:
        """Folders and titles from another reader's file, for the feeds that this archive has."""
        try:
            known, total = take_opml(self._apps, visit.mine.account, visit.files.get("file", b""))
        except FeedError:
            return seen("/my/feeds", note="no_opml")
        return seen("/my/feeds", note="taken", known=str(known), total=str(total))
