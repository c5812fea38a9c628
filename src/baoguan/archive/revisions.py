"""What is an edit: pure decisions over an article as kept and as read now."""

import hashlib

import msgspec

from baoguan.model.article import Article

_STUB_RATIO = 0.2
_STUB_FLOOR = 200
"""A text of at least so many characters that shrinks below the ratio is taken for a stub, not an edit (failure 6)."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a second look at a page means for the log."""

    kind: str
    """rev, seen or lost."""
    cause: str = ""
    """outlet or extractor, for rev."""
    reason: str = ""
    """For lost: stub, error, consent..."""


def content_digest(article: Article, text: str) -> str:
    """sha256 over title, authors, normalised text and lead picture: equal digests mean no edit.

    White space doesn't count, so that a changed template is not an edit.
    """
    lead = next((picture.url for picture in article.pictures if picture.lead), "")
    parts = (article.title, "\x1f".join(article.authors), lead.rpartition("/")[2])
    title, authors, lead = (" ".join(part.split()) for part in parts)
    return hashlib.sha256("\x1e".join((title, authors, "".join(text.split()), lead)).encode()).hexdigest()


def judge_again(
    article: Article, *, digest: str, text_length: int, held_digest: str, held_length: int, held_extractor: str
) -> Verdict:
    """Compares a fresh reading with what is kept. Lengths are in characters of plain text."""
    if digest == held_digest:
        return Verdict(kind="seen")
    if article.kind in ("consent", "login", "error", "index", "empty"):
        return Verdict(kind="lost", reason=article.kind)
    if held_length >= _STUB_FLOOR and text_length < held_length * _STUB_RATIO:
        return Verdict(kind="lost", reason="stub")
    cause = "outlet" if article.extractor == held_extractor else "extractor"
    return Verdict(kind="rev", cause=cause)
