"""ports.Accounts in dicts, for tests."""

from collections.abc import Callable, Iterable

import msgspec

from baoguan.errors import Conflict, NotFound
from baoguan.model.account import Secret, User


class MemoryAccounts:
    """As ports.Accounts; one thread at a time."""

    def __init__(self) -> None:
        self._users: dict[int, User] = {}
        self._last = 0
        self._secrets: dict[bytes, Secret] = {}
        self._rows: dict[int, dict[tuple[str, str], bytes]] = {}
        self._versions: dict[int, int] = {}

    def users(self) -> list[User]:
        """As ports.Accounts."""
        return sorted(self._users.values(), key=lambda user: user.name.lower())

    def user(self, name: str) -> User | None:
        """As ports.Accounts."""
        return next((user for user in self._users.values() if user.name.lower() == name.lower()), None)

    def add_user(self, name: str, password: str, created_ms: int) -> User:
        """As ports.Accounts."""
        if self.user(name) is not None:
            raise Conflict(f"user {name}: there is one of that name already")
        self._last += 1
        user = User(id=self._last, name=name, password=password, created_ms=created_ms)
        self._users[user.id], self._rows[user.id], self._versions[user.id] = user, {}, 0
        return user

    def set_password(self, user: int, password: str) -> None:
        """As ports.Accounts."""
        self._users[user] = msgspec.structs.replace(self._users[user], password=password)
        self._drop(lambda one: one.user == user and one.kind != "app")

    def delete_user(self, user: int) -> None:
        """As ports.Accounts."""
        self._drop(lambda one: one.user == user)
        self._users.pop(user, None)
        self._rows.pop(user, None)
        self._versions.pop(user, None)

    def secret(self, digest: bytes) -> tuple[Secret, User] | None:
        """As ports.Accounts."""
        found = self._secrets.get(digest)
        return None if found is None else (found, self._users[found.user])

    def secrets(self, user: int) -> list[Secret]:
        """As ports.Accounts."""
        return [one for one in self._secrets.values() if one.user == user]

    def put_secret(self, secret: Secret, *, keep: int = 0, now_ms: int = 0) -> None:
        """As ports.Accounts."""
        self._drop(lambda one: 0 < one.expires_ms <= now_ms)
        self._secrets[secret.digest] = secret
        same = [one.digest for one in self.secrets(secret.user) if one.kind == secret.kind]
        for digest in same[:-keep] if keep else ():
            del self._secrets[digest]

    def delete_secret(self, digest: bytes) -> None:
        """As ports.Accounts."""
        self._secrets.pop(digest, None)

    def version(self, user: int) -> int:
        """As ports.Accounts."""
        return self._versions.get(user, -1)

    def rows(self, user: int) -> list[tuple[str, str, bytes]]:
        """As ports.Accounts."""
        return [(kind, key, value) for (kind, key), value in sorted(self._rows.get(user, {}).items())]

    def put(self, user: int, rows: Iterable[tuple[str, str, bytes | None]]) -> int:
        """As ports.Accounts."""
        if user not in self._users:
            raise NotFound(f"user {user} is deleted")
        table = self._rows[user]
        for kind, key, value in rows:
            if value is None:
                table.pop((kind, key), None)
            else:
                table[kind, key] = value
        self._versions[user] += 1
        return self._versions[user]

    def _drop(self, which: Callable[[Secret], bool]) -> None:
        self._secrets = {digest: one for digest, one in self._secrets.items() if not which(one)}
