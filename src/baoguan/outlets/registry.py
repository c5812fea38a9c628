"""The outlets that are known: one TOML file each, plug-ins, the operator's own files and overrides."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import msgspec

from baoguan.errors import ConfigError
from baoguan.model.outlet import FeedSpec, Outlet, PictureGrammar, RuleVersion
from baoguan.outlets.checks import check_outlet

GROUP = "baoguan.outlets"
_PARTS: dict[str, type[msgspec.Struct]] = {"feeds": FeedSpec, "rules": RuleVersion, "pictures": PictureGrammar}
_RECORDS: tuple[type[msgspec.Struct], ...] = (Outlet, *_PARTS.values())
_FIELDS = {record: frozenset(record.__struct_fields__) for record in _RECORDS}


class OutletSource(Protocol):
    """What an entry point of the group `baoguan.outlets` gives: a module or object with this one function."""

    def outlets(self) -> Iterable[Outlet]:
        """Its outlets; keys must be new."""
        ...


def load_outlets(extra: Path | None = None) -> dict[str, Outlet]:
    """Every known outlet by key, sorted: those that ship, then plug-ins, then the files `*.toml` of the folder `extra`.

    A file of `extra` replaces a shipped outlet of that key. What ships and the plug-ins are read once a process.
    Raises ConfigError, which names the file and the key, for what can't be read, unknown keys and values of no use.
    """
    found = {**_shipped(), **_plugged()}
    if extra is not None and extra.is_dir():
        for path in sorted(extra.glob("*.toml")):
            outlet = read_outlet(_read(path), path.name)
            check_outlet(outlet, path.name)
            found[outlet.key] = outlet
    return dict(sorted(found.items()))


def read_outlet(text: str, source: str) -> Outlet:
    """An outlet from the text of its file; `source` stands in errors. Raises ConfigError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: {error}") from error
    return outlet_from_table(table, source)


def outlet_from_table(table: Mapping[str, Any], source: str) -> Outlet:
    """An outlet from a parsed table. Unknown keys are errors: a misspelt one would be lost in silence."""
    _refuse_unknown(table, Outlet, source, "")
    try:
        return msgspec.convert(table, Outlet)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{source}: {error}") from error


def merge_overrides(
    outlets: Mapping[str, Outlet], tables: Mapping[str, Mapping[str, Any]], source: str = "baoguan.toml"
) -> dict[str, Outlet]:
    """The outlets with the operator's `[outlet.KEY]` tables laid over them; a new key makes a new outlet.

    A value replaces the whole field; feeds may be plain addresses. Raises ConfigError as load_outlets does.
    """
    merged = dict(outlets)
    for key, table in tables.items():
        where = f"{source} [outlet.{key}]"
        if not isinstance(table, Mapping):
            raise ConfigError(f"{where}: must be a table")
        given = {**table, "key": key}
        if isinstance(given.get("feeds"), list):
            given["feeds"] = [{"url": feed} if isinstance(feed, str) else feed for feed in given["feeds"]]
        known = merged.get(key)
        given.setdefault("name", known.name if known else key)
        outlet = outlet_from_table(given, where)
        if known is not None:
            changes = {name: getattr(outlet, name) for name in given}
            outlet = msgspec.structs.replace(known, **changes)
        check_outlet(outlet, where)
        merged[key] = outlet
    return dict(sorted(merged.items()))


@cache
def _shipped() -> dict[str, Outlet]:
    found = {}
    for entry in files("baoguan.outlets").iterdir():
        if entry.name.endswith(".toml"):
            outlet = read_outlet(entry.read_text("utf-8"), entry.name)
            found[outlet.key] = outlet
    return found


@cache
def _plugged() -> dict[str, Outlet]:
    found: dict[str, Outlet] = {}
    for point in entry_points(group=GROUP):
        where = f"plug-in {point.name} ({point.value})"
        try:
            source: OutletSource = point.load()
            outlets = list(source.outlets())
        except (ImportError, AttributeError, TypeError) as error:
            raise ConfigError(f"{where}: gives no outlets: {error}") from error
        for outlet in outlets:
            if outlet.key in found or outlet.key in _shipped():
                raise ConfigError(f"{where}: outlet {outlet.key} is already known")
            check_outlet(outlet, where)
            found[outlet.key] = outlet
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from error


def _refuse_unknown(table: Mapping[str, Any], record: type[msgspec.Struct], source: str, where: str) -> None:
    for name, value in table.items():
        if name not in _FIELDS[record]:
            raise ConfigError(f"{source}: unknown key {where}{name}; known are {', '.join(sorted(_FIELDS[record]))}")
        if record is Outlet and name in _PARTS and isinstance(value, list):
            for number, part in enumerate(value):
                if isinstance(part, Mapping):
                    _refuse_unknown(part, _PARTS[name], source, f"{name}[{number}].")
