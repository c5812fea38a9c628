"""What long-running commands say: lines for people, or an object a line for machines (`log = json`)."""

import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from baoguan.errors import ConfigError

KINDS = ("text", "json")


class Log:
    """Where a command says what it did. Also takes what libraries log, from WARNING on."""

    def __init__(self, kind: str, command: str) -> None:
        """Raises ConfigError for another kind than text and json."""
        if kind not in KINDS:
            raise ConfigError(f"log = {kind!r}: {', '.join(KINDS)} are known")
        self._json, self._command = kind == "json", command
        if self._json:
            handler = _Handler(self)
            logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)

    def say(self, text: str, **facts: Any) -> None:
        """On standard output: `text` for people, `facts` for machines."""
        if self._json:
            self._write("info", text, facts)
        else:
            click.echo(text)

    def warn(self, text: str, **facts: Any) -> None:
        """On standard error."""
        if self._json:
            self._write("warning", text, facts)
        else:
            click.echo(text, err=True)

    def _write(self, level: str, text: str, facts: dict[str, Any]) -> None:
        row = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "command": self._command,
            "pid": os.getpid(),
            "message": text,
            **facts,
        }
        sys.stderr.buffer.write(msgspec.json.encode(row) + b"\n")
        sys.stderr.flush()


class _Handler(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log._write(record.levelname.lower(), record.getMessage(), {"logger": record.name})
