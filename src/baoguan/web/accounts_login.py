"""Who is asking: passwords (argon2id), app passwords, sessions, tokens, and how often somebody may guess.

Random secrets have 160 bits and are kept as sha256; only what people choose goes through argon2. A password that was
right is remembered for five minutes under a key of this process, since clients with basic auth send it each time.
"""

import base64
import hashlib
import hmac
import re
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from baoguan.errors import ConfigError
from baoguan.model.account import Secret, SecretKind, User
from baoguan.ports import Accounts, Clock, Entropy

SESSION_MS = 30 * 86_400_000
TOKEN_MS = 90 * 86_400_000
KEPT_SECRETS = 50
"""Sessions, and tokens, of one user at most: newsboat asks for a new token at every start."""
SHORTEST = 8
LONGEST = 1000
_NAME = re.compile(r"[\w.@+-]{1,64}")
_REMEMBER_MS = 300_000
_TRIES = 10
"""Wrong passwords of one address or for one name in ten minutes; then both wait."""
_WINDOW_MS = 600_000


class Limiter:
    """Counts failures by key in a sliding window; holds at most 10,000 keys. The lock guards the table."""

    def __init__(self, tries: int = _TRIES, window_ms: int = _WINDOW_MS) -> None:
        self._tries, self._window = tries, window_ms
        self._failed: dict[str, list[int]] = {}
        self._lock = threading.Lock()

    def wait_s(self, keys: tuple[str, ...], now_ms: int) -> int:
        """Seconds until another try is allowed for all of `keys`; 0: now."""
        with self._lock:
            waits = [self._wait(key, now_ms) for key in keys]
        return -(-max(waits, default=0) // 1000)

    def _wait(self, key: str, now_ms: int) -> int:
        recent = [at for at in self._failed.get(key, ()) if at > now_ms - self._window]
        return recent[-self._tries] + self._window - now_ms if len(recent) >= self._tries else 0

    def failed(self, keys: tuple[str, ...], now_ms: int) -> None:
        """Notes a failure."""
        with self._lock:
            for key in keys:
                recent = [at for at in self._failed.pop(key, ()) if at > now_ms - self._window]
                self._failed[key] = [*recent, now_ms][-self._tries :]
            while len(self._failed) > 10_000:
                del self._failed[next(iter(self._failed))]


class Doorkeeper:
    """Lets users in. Shared by threads; `_right` is what was right lately, guarded by the lock."""

    def __init__(
        self, accounts: Accounts, clock: Clock, entropy: Entropy, hasher: PasswordHasher | None = None
    ) -> None:
        self.accounts, self._clock, self._entropy = accounts, clock, entropy
        self._hasher = hasher or PasswordHasher()
        self._key = entropy.token_bytes(32)
        self._right: dict[bytes, int] = {}
        self._lock = threading.Lock()
        self._nobody = ""
        self.limiter = Limiter()

    def now_ms(self) -> int:
        """Epoch ms."""
        return int(self._clock.now().timestamp() * 1000)

    def add(self, name: str, password: str) -> User:
        """A new user. Raises ConfigError for a name or a password of no use, Conflict for a name that is taken."""
        if not _NAME.fullmatch(name):
            raise ConfigError(f"user name {name[:70]!r}: 1 to 64 letters, digits and . _ - + @")
        return self.accounts.add_user(name, self.hashed(password), self.now_ms())

    def hashed(self, password: str) -> str:
        """argon2id of a password. Raises ConfigError for one that is too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise ConfigError(f"a password has {SHORTEST} to {LONGEST} characters")
        return self._hasher.hash(password)

    def app_password(self, user: User, label: str) -> str:
        """A new password for one app, shown only now; also good for Fever, whose key is md5 of name:password."""
        plain = base64.b32encode(self._entropy.token_bytes(20)).decode().lower()
        fever = hashlib.md5(f"{user.name}:{plain}".encode(), usedforsecurity=False).hexdigest()
        for text in (plain, fever):
            self.accounts.put_secret(
                Secret(digest=digest(text), user=user.id, kind="app", label=label, created_ms=self.now_ms())
            )
        return plain

    def issue(self, user: User, kind: SecretKind) -> str:
        """A new session or token."""
        plain = base64.urlsafe_b64encode(self._entropy.token_bytes(20)).decode().rstrip("=")
        now, life = self.now_ms(), SESSION_MS if kind == "session" else TOKEN_MS
        secret = Secret(digest=digest(plain), user=user.id, kind=kind, created_ms=now, expires_ms=now + life)
        self.accounts.put_secret(secret, keep=KEPT_SECRETS, now_ms=now)
        return plain

    def by_secret(self, plain: str, *kinds: SecretKind) -> User | None:
        """Whose app password, session or token that is: looked up by digest, so nothing is compared by character."""
        found = self.accounts.secret(digest(plain)) if plain and len(plain) <= LONGEST else None
        if found is None or found[0].kind not in kinds:
            return None
        return None if 0 < found[0].expires_ms <= self.now_ms() else found[1]

    def by_password(self, name: str, password: str) -> User | None:
        """The user of that name if this is the password or an app password. Takes the same time for any name."""
        user = self.accounts.user(name[:65])
        owner = self.by_secret(password, "app")
        if owner is not None and user is not None and owner.id == user.id:
            return user
        return user if self._verify(user, password) else None

    def by_own_password(self, name: str, password: str) -> User | None:
        """As by_password, but no app's: who holds one of those may not change the account."""
        user = self.accounts.user(name[:65])
        return user if self._verify(user, password) else None

    def _verify(self, user: User | None, password: str) -> bool:
        if len(password) > LONGEST:
            return False
        stored = user.password if user else self._hash_of_nobody()
        seal = hmac.digest(self._key, f"{stored}\0{password}".encode(), "sha256")
        now = self.now_ms()
        with self._lock:
            if self._right.get(seal, 0) > now:
                return True
        try:
            self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
        with self._lock:
            self._right = {one: end for one, end in self._right.items() if end > now}
            self._right[seal] = now + _REMEMBER_MS
        return user is not None

    def _hash_of_nobody(self) -> str:
        """What the password for an unknown name is compared with, so that names can't be told by the clock."""
        if not self._nobody:
            self._nobody = self._hasher.hash(self._entropy.token_bytes(16).hex())
        return self._nobody


def digest(plain: str) -> bytes:
    """What is kept of a random secret."""
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()
