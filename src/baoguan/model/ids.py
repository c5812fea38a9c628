"""Identity of articles and their paths."""

import hashlib
from datetime import UTC, datetime


def article_id(outlet: str, first_seen: str) -> str:
    """64 bits of sha256(outlet, newline, first-seen canonical URL or else guid) as 16 hex digits; never recomputed."""
    return hashlib.sha256(f"{outlet}\n{first_seen}".encode()).hexdigest()[:16]


def record_path(outlet: str, captured_ms: int, identity: str, revision: int) -> str:
    """articles/<outlet>/YYYY/MM/DD/<epoch_ms>-<id>[-rN].md, day and epoch by capture time in UTC."""
    day = datetime.fromtimestamp(captured_ms // 1000, UTC)
    suffix = f"-r{revision}" if revision else ""
    return f"articles/{outlet}/{day.year:04d}/{day.month:02d}/{day.day:02d}/{captured_ms}-{identity}{suffix}.md"


def media_path(sha256: str, extension: str) -> str:
    """media/<aa>/<sha256>.<ext>"""
    return f"media/{sha256[:2]}/{sha256}.{extension}"
