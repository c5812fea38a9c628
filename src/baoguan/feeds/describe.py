"""A feed as understood, for `baoguan feed`: one JSON object, or some lines for people."""

from typing import Any

import msgspec

from baoguan.model.feed import FeedDoc, Item

_SHOWN = 10


def describe_feed(doc: FeedDoc) -> dict[str, Any]:
    """Every field of the document and its items under its own name, dates in RFC 3339; docs/reference.md lists them."""
    described: dict[str, Any] = msgspec.to_builtins(doc)
    described["title_detail"] = msgspec.to_builtins(doc.title_detail)
    described["author"] = doc.author
    described["items"] = [describe_item(item) for item in doc.items]
    return described


def describe_item(item: Item) -> dict[str, Any]:
    """Every field of an item; dates keep the publisher's offset."""
    described: dict[str, Any] = msgspec.to_builtins(item)
    described["title_detail"] = msgspec.to_builtins(item.title_detail)
    described["author"] = item.author
    return described


def summarise_feed(doc: FeedDoc) -> str:
    """Some lines that say what was found: the head, the newest items, the warnings."""
    head = [f"{doc.title}  ({doc.format}, {len(doc.items)} items{f', {doc.language}' if doc.language else ''})"]
    facts = (
        ("site", doc.url),
        ("self", doc.self_url),
        ("hub", " ".join(doc.hub_urls)),
        ("next", doc.next_url),
        ("ttl", f"{doc.ttl_s} s" if doc.ttl_s else ""),
        ("skip", ", ".join([*(f"{hour}h" for hour in doc.skip_hours), *doc.skip_days])),
    )
    head += [f"  {name}: {value}" for name, value in facts if value]
    more = len(doc.items) - _SHOWN
    tail = [f"  ... and {more} more"] if more > 0 else []
    return "\n".join([*head, *map(_line, doc.items[:_SHOWN]), *tail, *(f"  warning: {text}" for text in doc.warnings)])


def _line(item: Item) -> str:
    at = item.published or item.updated
    when = f"{at:%Y-%m-%d %H:%M%z}" if at else "no date"
    size = len(item.content_html or item.summary_html)
    return f"  {when}  {item.title}  <{item.url}>  {size} characters, {len(item.media)} media"
