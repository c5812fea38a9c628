"""Accounts of readers: who may log in, and what they have read, starred and sorted. Never part of the archive."""

from typing import Literal

import msgspec

SecretKind = Literal["app", "session", "token"]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may log in."""

    id: int
    name: str
    password: str
    """argon2id, in PHC form."""
    created_ms: int


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """Something random that stands for a user: only its digest is kept."""

    digest: bytes
    """sha256 of an app password, a session or a token; for Fever of its md5 key."""
    user: int
    kind: SecretKind
    label: str = ""
    """Of an app password: the app's name. The digest for Fever bears the same."""
    created_ms: int = 0
    expires_ms: int = 0
    """0: does not expire."""


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a user said about one article. An absent mark says nothing."""

    read: bool | None = None
    """None: as the outlet's watermark has it."""
    starred_ms: int = 0
    """When it was starred; 0: not."""
    later_ms: int = 0
    hidden: bool = False
    """Shown in no list: by a filter."""
    labels: tuple[str, ...] = ()


class Subscription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user's settings of one outlet; without any, an outlet is read under its own name and in no folder."""

    title: str = ""
    folder: str = ""
    hidden: bool = False
    """Kept out of the mixed lists and their counts; its own list still shows it."""
    unsubscribed: bool = False


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """The public half of a key that logs a user in; its id is the key of its row."""

    label: str
    public_key: str
    """COSE, in base64url."""
    sign_count: int = 0
    """As the authenticator said last; it only grows, where it counts at all."""
    created_ms: int = 0


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to new articles that a query finds."""

    name: str
    query: str
    action: Literal["read", "star", "later", "label", "hide"]
    label: str = ""
    """For the action label."""
