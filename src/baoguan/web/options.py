"""Options of the reader: what the settings and the command line decide about it."""

import msgspec


class WebOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the reader shows an archive."""

    zone: str = "Asia/Shanghai"
    """Where a day begins and ends, and whose times lists show: an IANA name or UTC+8."""
    language: str = "en"
    """UI language for who asks for none of the four."""
    page_size: int = 30
    """Articles in a list."""
    feed_size: int = 30
    """Articles in an Atom feed, with their full text."""
    search_size: int = 20
    """Articles found that a page shows."""
    searches_a_second: float = 5.0
    """By one client address, 20 at once; who asks more is told when to come back."""
    asks_a_second: float = 50.0
    """Of /api/v1 by one client address, those of 10 seconds at once."""
    noindex: bool = False
    """Ask search engines to stay out."""
    base_url: str = ""
    """https://news.example: absolute addresses in feeds; empty takes the address that was asked."""
    variants: bool = False
    """Renditions of pictures are served under /variants/<sha256>/<width>.<avif|webp|jpg>: pages offer them."""
    script: bool = True
    """Pages name the one script: keys, marks of what was read, offline reading. All work without it."""
    inline: bool = True
    """Articles are made by the event loop itself. Not where files come from another machine: all would wait."""
    threads: int = 2
    """That make articles and lists, besides four for all else. More where files come from another machine."""
    max_age_s: int = 60
    """A browser shows a page again without asking for so long."""
