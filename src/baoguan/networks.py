"""The network by the settings: for outlets, and for other archives and witnesses. Imported when it is asked for."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baoguan.config import Settings
from baoguan.errors import ConfigError
from baoguan.model.outlet import Outlet
from baoguan.ports import Entropy, Fetcher, SharedPace

if TYPE_CHECKING:
    from baoguan.fetch.client import HttpFetcher


def open_file_fetcher(allow: Sequence[str], *, entropy: Entropy, **more: Any) -> "HttpFetcher":
    """For static files of other archives and for witnesses: private networks only as named in the call."""
    from baoguan.fetch.client import HttpFetcher
    from baoguan.fetch.options import FetchOptions

    options = {"pace_s": 0.05, "timeout_s": 120.0, "jobs": 8, "per_host": 4, "redirects": 3, **more}
    try:
        return HttpFetcher(FetchOptions(robots=False, allow_networks=tuple(allow), **options), entropy=entropy)
    except ValueError as error:
        raise ConfigError(f"--allow: {error}") from error


def open_fetcher(
    settings: Settings,
    outlets: Mapping[str, Outlet],
    *,
    entropy: Entropy,
    hosts: Mapping[str, int] | None = None,
    pace: SharedPace | None = None,
) -> Fetcher:
    """The network, by the settings."""
    from baoguan.fetch.client import HttpFetcher
    from baoguan.fetch.options import USER_AGENT, FetchOptions

    proxies = {key: outlet.proxy for key, outlet in outlets.items() if outlet.proxy}
    if settings.proxy:
        proxies[""] = settings.proxy
    options = FetchOptions(
        jobs=settings.jobs,
        pace_s=settings.pace_s,
        max_wait_s=settings.max_wait_s,
        timeout_s=settings.timeout_s,
        feed_bytes=int(settings.feed_mb * 1e6),
        page_bytes=int(settings.page_mb * 1e6),
        picture_bytes=int(settings.picture_mb * 1e6),
        robots=settings.robots,
        user_agent=settings.user_agent or USER_AGENT,
        allow_networks=settings.allow_networks,
        proxies=proxies,
    )
    return HttpFetcher(options, entropy=entropy, hosts=dict(hosts or {}), pace=pace)
