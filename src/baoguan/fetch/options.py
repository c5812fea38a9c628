"""What a fetcher is told: limits, pace, proxies, allowances."""

import msgspec

USER_AGENT = "baoguan/0.1 (news archive; +https://pypi.org/project/baoguan/)"
"""Said when the operator sets none; an operator should set one with an address of their own."""

MB = 1_000_000


class FetchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one HttpFetcher. Sizes hold for the bytes on the wire and, separately, for the decoded ones."""

    jobs: int = 32
    """Requests in flight at most."""
    per_host: int = 2
    """Requests in flight at most to one registrable domain, and to one address."""
    pace_s: float = 1.0
    """Least seconds between the starts of two requests to one registrable domain, or to one address; 0: no pace."""
    max_wait_s: float = 20.0
    """A host that wants no request for longer than this is left: the result carries deferred_ms."""
    max_retry_after_s: float = 86_400.0
    """A longer Retry-After is taken as this."""
    crawl_delay_cap_s: float = 10.0
    """A longer Crawl-delay of robots.txt is taken as this."""
    timeout_s: float = 30.0
    """A whole response, redirects included, may take so long; waiting for pace does not count."""
    connect_s: float = 10.0
    idle_s: float = 15.0
    """Longest silence inside a response."""
    feed_bytes: int = 15 * MB
    page_bytes: int = 10 * MB
    picture_bytes: int = 20 * MB
    robots_bytes: int = 500 * 1024
    """RFC 9309 asks for at least that; the rest of a longer file is not read."""
    header_bytes: int = 16_384
    """Longest status or header line; a response holds at most 128 of them."""
    redirects: int = 10
    robots: bool = True
    """Ask robots.txt before pages and probes."""
    robots_for_feeds: bool = False
    """And before feeds, which are explicit subscriptions."""
    user_agent: str = USER_AGENT
    proxies: dict[str, str] = {}
    """Outlet key (empty: all others) to http:// or socks5:// URL. Names are resolved by the proxy."""
    allow_networks: tuple[str, ...] = ()
    """Private networks that may be fetched from, as CIDR: 127.0.0.0/8."""
    queue_results: int = 64
    queue_bytes: int = 32 * MB
    """Finished results that may wait for the caller; more of them hold up further requests."""

    def cap(self, kind: str) -> int:
        """The size limit for a kind of request, in bytes."""
        caps = {"feed": self.feed_bytes, "picture": self.picture_bytes, "robots": self.robots_bytes}
        return caps.get(kind, self.page_bytes)
