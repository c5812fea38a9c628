"""Names of the Google Reader API: items in four spellings, streams by feed, label and state."""

import re

import msgspec

from baoguan.web.accounts_desk import AppDesk
from baoguan.web.accounts_shelf import FAR, Item
from baoguan.web.accounts_state import Account, Wanted

_LONG = "tag:google.com,2005:reader/item/"
_HEX = re.compile(r"[0-9a-f]{16}", re.I)
_STATE = re.compile(r"user/[^/]*/state/com\.google/([a-z-]+)")
_LABEL = re.compile(r"user/[^/]*/label/(.+)", re.S)
STATES = {"read": "read", "kept-unread": "unread", "fresh": "unread", "starred": "starred", "read-later": "later"}
NEVER = frozenset(("broadcast", "broadcast-friends", "like", "created", "self"))


def long_id(item: Item) -> str:
    """tag:google.com,2005:reader/item/<16 hex digits>"""
    return _LONG + item.id


def decimal_id(item: Item) -> str:
    """The same 64 bits as a signed number."""
    value = int(item.id, 16)
    return str(value - (1 << 64) if value >> 63 else value)


def parse_item_id(text: str) -> str | None:
    """16 hex digits out of the long form, hex (16 digits, leading zeros or not), signed or unsigned decimal.

    Sixteen digits that could be both are hex: the short form is always written in full, and only one decimal number in
    a thousand is that short.
    """
    text = text.strip()
    if text.startswith(_LONG):
        text = text.removeprefix(_LONG)
        return text.lower().rjust(16, "0") if re.fullmatch(r"[0-9a-fA-F]{1,16}", text) else None
    if _HEX.fullmatch(text):
        return text.lower()
    if re.fullmatch(r"-?\d{1,20}", text):
        value = int(text)
        return f"{value % (1 << 64):016x}" if -(1 << 63) <= value < 1 << 64 else None
    return text.lower().rjust(16, "0") if re.fullmatch(r"[0-9a-fA-F]{1,15}", text) else None


def find_item(apps: AppDesk, text: str) -> Item | None:
    """The article that an id in any spelling names."""
    identity = parse_item_id(text)
    found = apps.shelf.by_id(identity) if identity else None
    if found is None and re.fullmatch(r"\d{16}", text.strip()):
        found = apps.shelf.by_id(f"{int(text):016x}")
    return found


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream as its name says."""

    name: str
    title: str
    outlets: tuple[str, ...] = ()
    has: frozenset[str] = frozenset()
    outlet: str = ""
    """Of a feed stream."""


def parse_stream(apps: AppDesk, account: Account, name: str) -> Stream | None:
    """A stream by its id; None for a feed that isn't here and for what is no stream."""
    if name.startswith("feed/"):
        key = apps.find_outlet(name.removeprefix("feed/"))
        if key is None:
            return None
        return Stream(name=name, title=apps.feed(account, key).title, outlets=(key,), outlet=key)
    everything = tuple(apps.numbers())
    label = _LABEL.fullmatch(name)
    if label:
        return Stream(name=name, title=label[1], outlets=everything, has=frozenset((f"label:{label[1]}",)))
    state = _STATE.fullmatch(name)
    if state is None:
        return None
    if state[1] == "reading-list":
        return Stream(name=name, title="Reading list", outlets=apps.mixed(account))
    if state[1] in STATES:
        has = STATES[state[1]]
        # What was starred stays in its list when its outlet is no longer read.
        outlets = everything if has in ("starred", "later") else apps.mixed(account)
        return Stream(name=name, title=has.capitalize(), outlets=outlets, has=frozenset((has,)))
    return Stream(name=name, title=state[1]) if state[1] in NEVER else None


def condition(name: str) -> str | None:
    """What a tag in it= or xt= asks of an article: read, starred, label:X, or feed/X; None for unknown tags."""
    state, label = _STATE.fullmatch(name), _LABEL.fullmatch(name)
    if state:
        return STATES.get(state[1], "" if state[1] == "reading-list" else None)
    return f"label:{label[1]}" if label else None


def wanted(stream: Stream, *, include: list[str], exclude: list[str], oldest_s: int = 0, newest_s: int = 0) -> Wanted:
    """The list that a stream and its conditions mean. An unknown tag excludes nothing, and includes nothing."""
    has, lacks, outlets = set(stream.has), set(), stream.outlets
    for name in include:
        found = condition(name)
        if found is None:
            outlets = ()
        elif found:
            has.add(found)
    lacks = {found for name in exclude if (found := condition(name))}
    return Wanted(
        outlets=outlets,
        has=frozenset(has),
        lacks=frozenset(lacks),
        start_ms=oldest_s * 1000 if oldest_s else -FAR,
        end_ms=newest_s * 1000 if newest_s else FAR,
    )
