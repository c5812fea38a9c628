"""Which targets are refused: addresses that lead into a private network, local names, odd schemes and ports.

Checked for the URL of every hop and, since a public name may resolve to a private address, once more for the very
address that a socket is opened to. `ipaddress` alone won't do: is_global is True for NAT64, 6to4, site-local,
multicast and 192.0.0.8 addresses (Python 3.11), so embedded IPv4 addresses are unwrapped and the rest is listed here.
"""

import functools
import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_V4 = [
    ("0.0.0.0/8", "this host"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved or broadcast"),
]
_V6 = [
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("100::/64", "discard"),
    ("2001::/23", "protocol assignments or Teredo"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("64:ff9b:1::/48", "local NAT64"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
]
_REFUSED: list[tuple[Network, str]] = [(ipaddress.ip_network(net), why) for net, why in (*_V4, *_V6)]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")

LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "lan", "home.arpa", "intranet", "private")
"""Names, and what ends in them, that a proxy would look up in its own network."""

REFUSED_PORTS = frozenset(
    {*range(1, 80), 110, 111, 113, 119, 123, 135, 137, 138, 139, 143, 161, 179, 389, 427, 445, 465, 512, 513, 514, 515}
    | {
        526,
        530,
        531,
        532,
        540,
        548,
        554,
        556,
        563,
        587,
        601,
        636,
        989,
        990,
        993,
        995,
        1433,
        1521,
        1723,
        2049,
        2375,
        2376,
    }
    | {2379, 3306, 3389, 3659, 4045, 5060, 5061, 5432, 5984, 6000, 6379, 6443, 6566, 9200, 9300, 10250, 11211, 27017}
)
"""Mail, files, databases, cluster controls: no news comes from them, and a forged request could do harm."""


class RefusedAddress(OSError):  # noqa: N818 - named after what happened
    """Raised inside the connection code; the client turns it into an error of kind address."""


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """CIDR strings as networks. Raises ValueError for what is none."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


@functools.lru_cache(maxsize=8192)
def refusal(host: str, allowed: tuple[Network, ...] = ()) -> str:
    """Why an IP address is not connected to; empty when it may be. Every address embedded in it must pass too."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "not an address"
    if any(address in network for network in allowed if network.version == address.version):
        return ""
    inner = _embedded(address)
    if inner is not None:
        return refusal(str(inner), allowed)
    for network, why in _REFUSED:
        if network.version == address.version and address in network:
            return why
    if address.version == 6 and address not in _GLOBAL_V6:
        return "not a global address"
    return ""


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that mapped, compatible, NAT64 and 6to4 addresses lead to."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    low = int(address) & 0xFFFF_FFFF
    if address in _NAT64 or (address in _COMPATIBLE and low > 1):
        return ipaddress.IPv4Address(low)
    return None


def literal_address(host: str) -> str:
    """The address that a host in a URL spells out (127.1, 0x7f000001, 2130706433 too); empty for a name."""
    try:
        return str(ipaddress.ip_address(host.strip("[]").partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host)) if host[:1].isdigit() else ""
    except (OSError, UnicodeError):
        return ""


def check_target(url: str, allowed: tuple[Network, ...] = ()) -> str:
    """Why a URL may not be asked for, before any name is resolved; empty when it may be."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "not a URL"
    if parts.scheme not in ("http", "https"):
        return f"scheme {parts.scheme or 'missing'} is not http or https"
    if not host:
        return "no host"
    if port is not None and (port in REFUSED_PORTS or port == 0):
        return f"port {port} is not for the web"
    literal = literal_address(host)
    if literal:
        why = refusal(literal, allowed)
        return f"{literal} is {why}" if why else ""
    if _is_local(host) and refusal("127.0.0.1", allowed):
        return f"{host} is a local name"
    return ""


def _is_local(host: str) -> bool:
    name = host.rstrip(".").lower()
    return name.endswith(tuple(f".{end}" for end in LOCAL_NAMES)) or name in LOCAL_NAMES or name.startswith("ip6-")
