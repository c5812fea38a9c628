"""What the types of an outlet file can't say: values that would fail later, far from the file that holds them."""

import re
from collections.abc import Collection, Iterator
from datetime import date
from string import Formatter
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from baoguan.errors import ConfigError
from baoguan.model.outlet import Outlet, PictureGrammar, RuleVersion

STATES = ("live", "quiet", "closed")
_KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")
_SINCE = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2]))?$")
_HOSTISH = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")
_LONGEST_EXPRESSION = 600
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+$")


def check_outlet(outlet: Outlet, source: str) -> None:
    """Raises ConfigError naming `source`, the key and what is wrong with the first value that can't be used."""
    for problem in _problems(outlet):
        raise ConfigError(f"{source}: outlet {outlet.key}: {problem}")


def _problems(outlet: Outlet) -> Iterator[str]:
    if not _KEY.match(outlet.key):
        yield "key must be lower-case letters, digits and dashes, at most 63"
    if not outlet.name.strip():
        yield "name is empty"
    if outlet.state not in STATES:
        yield f"state {outlet.state!r} is none of {', '.join(STATES)}"
    if outlet.since and not _SINCE.match(outlet.since):
        yield f"since {outlet.since!r} must be YYYY or YYYY-MM"
    if outlet.zone and not _is_zone(outlet.zone):
        yield f"zone {outlet.zone!r} is no IANA zone"
    yield from _address_problems(outlet)
    for grammar in outlet.pictures:
        yield from _grammar_problems(grammar)
    yield from _rule_problems(outlet.rules)


def _address_problems(outlet: Outlet) -> Iterator[str]:
    for host in outlet.hosts:
        if not _HOST.match(host):
            yield f"host {host!r} must be a lower-case host name"
    for url in (outlet.home, *outlet.discover, *(feed.url for feed in outlet.feeds)):
        if url and not _is_address(url):
            yield f"{url!r} is no http(s) address"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _grammar_problems(grammar: PictureGrammar) -> Iterator[str]:
    where = f"pictures of {grammar.host or 'no host'}"
    if not grammar.host or grammar.host != grammar.host.lower() or not _HOSTISH.fullmatch(grammar.host):
        yield f"{where}: must be a lower-case host name"
    if len(grammar.photo) > _LONGEST_EXPRESSION:
        yield f"{where}: the expression is longer than {_LONGEST_EXPRESSION} characters"
        return
    try:
        pattern = re.compile(grammar.photo)
    except (re.error, RecursionError, OverflowError) as error:
        yield f"{where}: {error}"
        return
    if "id" not in pattern.groupindex:
        yield f"{where}: the expression has no group `id`"
    elif pattern.search("x/") is not None:
        yield f"{where}: the expression fits any address"
    if grammar.key and "{id}" not in grammar.key:
        yield f"{where}: key {grammar.key!r} doesn't hold {{id}}: different photos would be one"
    yield from (
        f"{where}: template {template!r}: {problem}"
        for template in (grammar.key, *grammar.largest)
        for problem in _template_problems(template, pattern.groupindex)
    )


def _template_problems(template: str, groups: Collection[str]) -> Iterator[str]:
    """Only {group} may stand in a template: no attribute, index, conversion or width."""
    try:
        fields = [(name, spec, how) for _, name, spec, how in Formatter().parse(template) if name is not None]
    except ValueError as error:
        yield str(error)
        return
    for name, spec, how in fields:
        if name not in groups or spec or how:
            yield f"{{{name}}} is no group of the expression"


def _rule_problems(rules: tuple[RuleVersion, ...]) -> Iterator[str]:
    last = date.min
    for rule in rules:
        try:
            since = date.fromisoformat(rule.since) if rule.since else date.min
            until = date.fromisoformat(rule.until) if rule.until else date.max
        except ValueError as error:
            yield f"rules: {error}"
            return
        if until < since or (since <= last and rule is not rules[0]):
            yield f"rules since {rule.since or 'the start'}: must follow on each other without overlap"
        last = until
