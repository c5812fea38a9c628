"""Names, hosts and zones under which the ancestors kept the outlets."""

import hashlib
import re
from zoneinfo import ZoneInfo

import msgspec


class LegacyOutlet(msgspec.Struct, frozen=True, kw_only=True):
    """An outlet as the ancestors knew it."""

    key: str
    """Here: voa-zh."""
    folder: str
    """In the ancestors' latest trees: articles/voa."""
    name: str
    """On their list pages: 美国之音."""
    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    zone: str = "UTC"
    """Of date lines without one, as their lag behind the crawl clock shows."""
    language: str = "zh-Hans"


def _outlet(key: str, folder: str, name: str, hosts: str, zone: str = "UTC", language: str = "zh-Hans") -> LegacyOutlet:
    first, *rest = name.split("|")
    return LegacyOutlet(
        key=key, folder=folder, name=first, names=tuple(rest), hosts=tuple(hosts.split()), zone=zone, language=language
    )


LEGACY_OUTLETS = (
    _outlet("reuters", "reuters", "路透|路透社", "cn.reuters.com"),
    _outlet("nyt-zh", "nyt", "纽约时报|NYT", "cn.nytimes.com cn.nytstyle.com", "Asia/Shanghai"),
    _outlet("voa-zh", "voa", "美国之音|VOA", "voachinese.com"),
    _outlet("ft-zh", "ft", "金融时报|FT|FT中文网", "cn.ft.com ftchinese.com", "Asia/Shanghai"),
    _outlet("bbc-zh", "bbc", "BBC|BBC中文|BBC中文网", "bbc.com bbc.co.uk", "Europe/London"),
    _outlet("rfi-zh", "rfi", "法广|RFI", "rfi.fr", "Europe/Paris"),
    _outlet("dw-zh", "dw", "德国之声|DW", "dw.com", "Europe/Berlin"),
    _outlet("cdt", "cdt", "中国数字时代|CDT", "chinadigitaltimes.net", "America/Los_Angeles"),
    _outlet("rfa-zh", "rfa", "自由亚洲电台|RFA", "rfa.org", "America/New_York"),
    _outlet("cna", "cna", "(臺)中央社CNA|中央社|CNA", "cna.com.tw", "Asia/Taipei", "zh-Hant"),
    _outlet("zaobao", "zaobao", "联合早报", "zaobao.com.sg zaobao.com", "Asia/Singapore"),
    _outlet("epochtimes", "epochtimes", "大纪元", "epochtimes.com", "America/New_York"),
    _outlet("rti", "rti", "RTI 中央廣播電臺|中央廣播電臺", "rti.org.tw", "Asia/Taipei", "zh-Hant"),
    _outlet("solidot", "solidot", "Solidot", "solidot.org", "Asia/Shanghai"),
    _outlet("economist", "economist", "经济学人en|经济学人", "economist.com 1843magazine.com", "Europe/London", "en"),
    _outlet("neist", "nei.st", "Nei.st", "nei.st", "Asia/Shanghai"),
    _outlet("wqw", "wqw", "维权网", "wqw2010.blogspot.com", "Asia/Shanghai"),
    _outlet("bitterwinter", "bitterwinter", "寒冬", "zh.bitterwinter.org", "Europe/Rome", "zh-Hant"),
    _outlet("xinwenlianbo", "xinwenlianbo", "CCTV新闻联播", "cn.govopendata.com", "Asia/Shanghai"),
)
_BY_KEY = {outlet.key: outlet for outlet in LEGACY_OUTLETS}
_BY_NAME = {name: outlet for outlet in LEGACY_OUTLETS for name in (outlet.name, *outlet.names, outlet.folder)}
_BY_HOST = {host: outlet for outlet in LEGACY_OUTLETS for host in outlet.hosts}
_HOST = re.compile(r"https?://([^/?#:@\s]+)", re.IGNORECASE)
_NO_SLUG = re.compile(r"[^a-z0-9]+")


def legacy_outlet(key: str) -> LegacyOutlet | None:
    """The ancestors' outlet of that key of ours; None when they had none."""
    return _BY_KEY.get(key)


def find_outlet(name: str, url: str) -> LegacyOutlet:
    """The outlet of an imported file: by the host of its URL, else by folder or category, else one of its own."""
    match = _HOST.match(url)
    host = match[1].lower() if match else ""
    parent = host
    while parent:
        if parent in _BY_HOST:
            return _BY_HOST[parent]
        parent = parent.partition(".")[2]
    if name in _BY_NAME:
        return _BY_NAME[name]
    return LegacyOutlet(key=slug(name or host), folder=name or host, name=name or host, language="")


def slug(name: str) -> str:
    """A key from a name: a-z, 0-9 and hyphens; a digest where the name has none of these."""
    return _NO_SLUG.sub("-", name.lower()).strip("-")[:40] or f"x-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def zone_of(outlet: LegacyOutlet) -> ZoneInfo:
    """The zone of its date lines."""
    return ZoneInfo(outlet.zone)
