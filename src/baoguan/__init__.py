"""baoguan 报馆: a news archive that keeps, and proves what it kept."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from baoguan.opening import Reader, walk

__version__ = "0.1.0"
__all__ = ["Reader", "__version__", "open", "walk"]


def open(place: "str | Path", *, timeout_s: float = 60.0) -> "Reader":  # noqa: A001 - baoguan.open, as gzip.open
    """An archive for reading: a folder, or the address of a reader (https://host/, with name:password@ where it asks).

    `timeout_s`: for one answer of a server. Raises ConfigError where there is no archive, FetchError where the server
    can't be asked. The methods of what it gives are those of `Reader`.
    """
    from baoguan.opening import open_place

    return open_place(place, timeout_s=timeout_s)


def __getattr__(name: str) -> Any:  # imported when asked for: the program starts without them
    if name in ("Reader", "walk"):
        from baoguan import opening

        return getattr(opening, name)
    raise AttributeError(f"module 'baoguan' has no attribute {name!r}")
