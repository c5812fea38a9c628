"""Where accounts and the secret of signed addresses lie: private/, which is never served."""

import os
from pathlib import Path

from baoguan.config import Settings
from baoguan.desk import KeptAccounts
from baoguan.engines import open_accounts_of
from baoguan.errors import ConfigError
from baoguan.ports import Entropy

SECRET_FILE = "private/hmac"  # noqa: S105 - its place, not the secret


def open_accounts(folder: Path, settings: Settings) -> KeptAccounts:
    """The accounts of an archive."""
    private = folder / "private"
    private.mkdir(mode=0o700, exist_ok=True)
    return open_accounts_of(folder, settings)


def read_secret(folder: Path, entropy: Entropy) -> bytes:
    """The secret of signed addresses, made when it isn't there. Another one makes all addresses given out void."""
    path = folder / SECRET_FILE
    try:
        return bytes.fromhex(path.read_text("ascii").strip())
    except FileNotFoundError:
        pass
    except ValueError as error:
        raise ConfigError(f"{path}: no secret in it; delete it and a new one is made") from error
    secret = entropy.token_bytes(32)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_secret(folder, entropy)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret.hex() + "\n")
    return secret
