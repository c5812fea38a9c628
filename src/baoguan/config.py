"""Settings: one table, read from baoguan.toml, the environment and the command line, in rising order of precedence.

The fields of `Settings` are the table: --help, docs/reference.md and the commented baoguan.toml are made from it.
Secrets never stand here; they live in private/ (or come from the environment of the command that needs one).
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

from baoguan.errors import ConfigError

FILE = "baoguan.toml"
KEY_FILE = "private/key"
VERIFIER_FILE = "private/key.pub"


def _setting(section: str, help_: str) -> Meta:
    return Meta(description=help_, extra={"section": section})


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting of an archive, with its default."""

    origin: Annotated[str, _setting("archive", "name of the log, as in its checkpoint; never changes")] = ""
    vantage: Annotated[str, _setting("archive", "where this archive looks from, told in every manifest line")] = ""
    zone: Annotated[str, _setting("archive", "IANA zone of the reader's days")] = "Asia/Shanghai"
    gzip_level: Annotated[int, _setting("archive", "gzip level of captures, 1 to 9; up to 3 by igzip")] = 2
    batch_articles: Annotated[int, _setting("archive", "articles committed together at most")] = 50
    search: Annotated[str, _setting("archive", "search index: fts5, tantivy (an extra) or none")] = "fts5"
    objects: Annotated[
        str, _setting("archive", "where public/ lies: empty for the folder, or s3://BUCKET/PREFIX (an extra)")
    ] = ""
    database: Annotated[
        str,
        _setting("archive", "postgres://... for crawl state, head and lock of many workers; else SQLite"),
    ] = ""
    catalogue: Annotated[
        str,
        _setting("archive", "own: each machine's, or shared: in `database`, for machines that only fetch"),
    ] = "own"
    s3_endpoint: Annotated[str, _setting("archive", "address of an S3 server other than Amazon's")] = ""
    s3_region: Annotated[str, _setting("archive", "region of the bucket")] = ""
    min_free_mb: Annotated[int, _setting("archive", "sync stops when less is free on the disk, in MB")] = 200
    jobs: Annotated[int, _setting("fetch", "requests in flight at most")] = 32
    pace_s: Annotated[float, _setting("fetch", "seconds between requests to one host")] = 1.0
    max_wait_s: Annotated[float, _setting("fetch", "a longer wait for a host is left to the next sync, in seconds")] = (
        20.0
    )
    timeout_s: Annotated[float, _setting("fetch", "a whole response may take so long, in seconds")] = 30.0
    feed_mb: Annotated[float, _setting("fetch", "largest feed, in MB, decoded")] = 15.0
    page_mb: Annotated[float, _setting("fetch", "largest page, in MB, decoded")] = 10.0
    picture_mb: Annotated[float, _setting("fetch", "largest picture, in MB")] = 20.0
    pictures: Annotated[bool, _setting("fetch", "fetch and keep pictures")] = True
    pages: Annotated[bool, _setting("fetch", "fetch the pages that items point to")] = True
    robots: Annotated[bool, _setting("fetch", "obey robots.txt for pages")] = True
    user_agent: Annotated[str, _setting("fetch", "User-Agent of every request")] = ""
    proxy: Annotated[str, _setting("fetch", "http:// or socks5:// proxy for everything")] = ""
    allow_networks: Annotated[
        tuple[str, ...], _setting("fetch", "private networks that may be fetched from, as CIDR")
    ] = ()
    min_interval_s: Annotated[int, _setting("poll", "a feed is polled no more often, in seconds")] = 300
    max_interval_s: Annotated[int, _setting("poll", "a healthy feed is polled no less often, in seconds")] = 86400
    recheck: Annotated[int, _setting("poll", "known articles looked at again for edits in one sync at most")] = 50
    recheck_pictures: Annotated[
        int,
        _setting("poll", "kept pictures of those articles asked for again in one sync, lead pictures first; 0: none"),
    ] = 80
    lease_s: Annotated[float, _setting("poll", "what a worker claimed is another's after so long, in seconds")] = 600.0
    page_tries: Annotated[int, _setting("poll", "tries for a page before the feed's own text is archived")] = 5
    host: Annotated[str, _setting("serve", "address that the reader listens on")] = "127.0.0.1"
    port: Annotated[int, _setting("serve", "port that the reader listens on")] = 8710
    searches_a_second: Annotated[float, _setting("serve", "searches of one client address, 20 more at once")] = 5.0
    asks_a_second: Annotated[
        float, _setting("serve", "requests to /api/v1 of one client address, 10 seconds' worth at once")
    ] = 50.0
    noindex: Annotated[bool, _setting("serve", "ask search engines to stay out")] = False
    metrics: Annotated[
        str, _setting("serve", "who may read /metrics: local (asked directly, from this machine), all or off")
    ] = "local"
    log: Annotated[str, _setting("serve", "what serve and worker print: text, or json (an object a line)")] = "text"
    script: Annotated[
        bool,
        _setting("serve", "offer the reader's one script: keys, read marks, offline reading; pages work without it"),
    ] = True
    login: Annotated[
        str,
        _setting("serve", "what a login is for: none (off), apps (their interfaces; reading is open) or all of it"),
    ] = "apps"
    images: Annotated[
        str,
        _setting("serve", "picture proxy (?url=, an extra): off, archive (kept ones), signed or open (of anyone)"),
    ] = "archive"
    images_mb: Annotated[float, _setting("serve", "room for what the picture proxy made, in MB")] = 1000.0
    images_savers: Annotated[
        tuple[str, ...], _setting("serve", "formats that the picture proxy makes; empty: all that it can")
    ] = ()
    base_url: Annotated[str, _setting("serve", "https://news.example: absolute addresses; empty: as asked for")] = ""
    mirror_of: Annotated[str, _setting("mirror", "address of the archive that this folder is a mirror of")] = ""
    mirror_media: Annotated[str, _setting("mirror", "pictures that a mirror keeps: all, none or recent")] = "all"
    mirror_recent_days: Annotated[int, _setting("mirror", "what recent means, in days since it was archived")] = 90
    mirror_captures: Annotated[str, _setting("mirror", "raw responses that a mirror keeps: all or none")] = "all"
    mirror_gone: Annotated[
        str, _setting("mirror", "what the origin withdrew: apply deletes it here too, keep keeps it")
    ] = "apply"
    mirrors: Annotated[
        tuple[str, ...],
        _setting("mirror", "addresses of mirrors of this archive, asked for a longer log after a restore"),
    ] = ()
    witnesses: Annotated[
        tuple[str, ...], _setting("mirror", "addresses of witnesses that are asked for their cosignature")
    ] = ()
    witness_keys: Annotated[tuple[str, ...], _setting("mirror", "verifier keys of witnesses that are believed")] = ()


class SettingInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    section: str
    type: Any
    default: Any
    help: str

    @property
    def env(self) -> str:
        """BAOGUAN_PACE_S"""
        return f"BAOGUAN_{self.name.upper()}"

    @property
    def option(self) -> str:
        """--pace-s"""
        return "--" + self.name.replace("_", "-")


def table() -> Iterator[SettingInfo]:
    """The rows of `Settings` in order."""
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        kind, meta = get_args(hints[field.name])
        yield SettingInfo(
            name=field.name, section=meta.extra["section"], type=kind, default=field.default, help=meta.description
        )


def read_file(folder: Path) -> dict[str, Any]:
    """The parsed baoguan.toml of an archive. Raises ConfigError with the line that is wrong."""
    path = folder / FILE
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{folder} holds no {FILE}: make an archive with `baoguan init {folder}`") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: {error}") from error


def load(
    file: Mapping[str, Any], *, options: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None
) -> Settings:
    """Settings from the parsed file, then the environment (default: this process's), then options that are not None."""
    env = os.environ if env is None else env
    given: dict[str, Any] = {}
    for row in table():
        section = file.get(row.section, {})
        if isinstance(section, Mapping) and row.name in section:
            given[row.name] = section[row.name]
        if row.env in env:
            given[row.name] = _from_text(row, env[row.env])
        if options and options.get(row.name) is not None:
            given[row.name] = options[row.name]
    _refuse_unknown(file)
    try:
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"setting {str(error).rpartition('$.')[2] or error}: {error}") from error


def _from_text(row: SettingInfo, text: str) -> Any:
    if row.type == tuple[str, ...]:
        return [part for part in text.replace(",", " ").split() if part]
    if row.type is bool and text.lower() not in ("1", "0", "true", "false"):
        raise ConfigError(f"{row.env}={text}: say true or false")
    return text.lower() if row.type is bool else text


def _refuse_unknown(file: Mapping[str, Any]) -> None:
    known: dict[str, set[str]] = {"outlet": set()}
    for row in table():
        known.setdefault(row.section, set()).add(row.name)
    for section, values in file.items():
        if section not in known:
            raise ConfigError(f"{FILE}: [{section}] is no section; known are {', '.join(sorted(known))}")
        if section != "outlet" and isinstance(values, Mapping):
            for name in values:
                if name not in known[section]:
                    raise ConfigError(f"{FILE}: {name} is no setting of [{section}]; see `baoguan settings`")


def template(origin: str, vantage: str) -> str:
    """The text of a new baoguan.toml: what was decided is set, every default stands as a comment."""
    lines = ["# Settings of this archive. No secret belongs here. `baoguan settings` explains each one.", ""]
    decided = {"origin": origin, "vantage": vantage}
    section = ""
    for row in table():
        if row.section != section:
            section = row.section
            lines += ["", f"[{section}]"] if len(lines) > 2 else [f"[{section}]"]
        value = decided.get(row.name)
        lines.append(
            f"{row.name} = {_toml(value)}" if value else f"# {row.name} = {_toml(row.default)}    # {row.help}"
        )
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    return msgspec.json.encode(value).decode()
