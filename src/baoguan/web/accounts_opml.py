"""OPML of an account: out with its folders and titles, in for the feeds that this archive has."""

from baoguan.publish.opml import OpmlFeed, read_opml, write_opml
from baoguan.web.accounts_desk import AppDesk
from baoguan.web.accounts_state import Account


def opml_of(apps: AppDesk, account: Account) -> bytes:
    """What the user reads, as OPML."""
    feeds = (
        OpmlFeed(feed_url=url, site_url=feed.site_url, title=feed.title, category=feed.folder)
        for feed in apps.feeds(account)
        for url in feed.urls or (feed.url,)
    )
    return write_opml(feeds, title=f"{apps.desk.archive.origin} – {account.user.name}")


def take_opml(apps: AppDesk, account: Account, data: bytes) -> tuple[int, int]:
    """Takes folders and titles for what this archive holds: (feeds that it has, feeds in all). Raises FeedError."""
    feeds = read_opml(data)
    known = [(key, feed) for feed in feeds if (key := apps.find_outlet(feed.feed_url)) is not None]
    changes: dict[str, dict[str, object]] = {}
    for key, feed in known:
        name = apps.desk.outlet(key).name
        changes[key] = {"unsubscribed": False, "folder": feed.category[:200]}
        if feed.title and feed.title != name:
            changes[key]["title"] = feed.title[:500]
    account.subscribe(changes)
    return len(known), len(feeds)
