"""Who reads, and what they keep."""

from collections.abc import Iterable
from typing import Protocol

from baoguan.model.account import Secret, User


class Accounts(Protocol):
    """Users, their secrets, rows of what they marked. A method is a transaction; a power cut may lose the last ones.

    Rows are (kind, key) -> bytes of one user; `version` grows with every put, in any process, so that who holds a copy
    knows when it is old. delete_user leaves nothing of that user.
    """

    def users(self) -> list[User]:
        """All of them, by name."""
        ...

    def user(self, name: str) -> User | None:
        """By name, whatever its case."""
        ...

    def add_user(self, name: str, password: str, created_ms: int) -> User:
        """Raises Conflict where the name is taken."""
        ...

    def set_password(self, user: int, password: str) -> None:
        """Also ends every session and token of the user; app passwords stay."""
        ...

    def delete_user(self, user: int) -> None:
        """With secrets and rows."""
        ...

    def secret(self, digest: bytes) -> tuple[Secret, User] | None:
        """The secret of that digest and whose it is; expired ones too."""
        ...

    def secrets(self, user: int) -> list[Secret]:
        """All of a user, oldest first."""
        ...

    def put_secret(self, secret: Secret, *, keep: int = 0, now_ms: int = 0) -> None:
        """Adds one; takes away those expired at `now_ms`, and all but the `keep` newest of its kind (0: none)."""
        ...

    def delete_secret(self, digest: bytes) -> None:
        """Absent is fine."""
        ...

    def version(self, user: int) -> int:
        """Of the user's rows; -1 where there is no such user."""
        ...

    def rows(self, user: int) -> list[tuple[str, str, bytes]]:
        """(kind, key, value) of the user."""
        ...

    def put(self, user: int, rows: Iterable[tuple[str, str, bytes | None]]) -> int:
        """Replaces rows, None removes; returns the new version. Raises NotFound for a user who is gone."""
        ...
