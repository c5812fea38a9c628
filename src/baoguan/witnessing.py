"""Witnesses, both sides, and the guard of a restored archive: who else has seen this log, and how long it was then."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from baoguan.archive.mirror_witness import (
    BODY_CAP,
    Cosigner,
    Verdict,
    add_request,
    cosignature_line,
    cosignatures,
    judge_request,
    verified_note,
)
from baoguan.archive.note import Signer, Verifier, parse_checkpoint
from baoguan.archive.store import Archive
from baoguan.backends.files import FileLock
from baoguan.errors import BaoguanError, ConfigError, FetchError, MirrorError, StoreError, VerifyError
from baoguan.mirrorhead import judge, read_note
from baoguan.mirrorhost import Host
from baoguan.model.capture import FetchRequest, Response
from baoguan.model.log import Checkpoint
from baoguan.ports import Clock, Entropy, Fetcher

KEY, LOGS, HEADS = "witness.key", "logs", "heads.json"
"""Files of a witness: its private key, the verifier keys of the logs it knows (one a line), the heads it cosigned."""


class Witness:
    """A witness in a folder of its own. Threads and processes may share it: one decides at a time, durably."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Raises ConfigError where there is none."""
        self._folder, self._clock = folder, clock
        self._lock = FileLock(folder / "lock")
        self._threads = threading.Lock()
        try:
            self._signer = Signer.parse((folder / KEY).read_text("ascii").strip())
        except OSError as error:
            raise ConfigError(
                f"{folder / KEY}: {error.strerror}; make a witness with `baoguan witness init`"
            ) from error
        self.cosigner = Cosigner(self._signer.verifier.name, self._signer.verifier.public)

    @classmethod
    def create(cls, folder: Path, name: str, clock: Clock, entropy: Entropy) -> "Witness":
        """A new one. Raises ConfigError where one stands."""
        if (folder / KEY).exists():
            raise ConfigError(f"{folder} is a witness already")
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(Signer.generate(name, entropy).text + "\n")
        return cls(folder, clock)

    def trust(self, key: Verifier) -> bool:
        """Adds the key of a log; False when it is known."""
        with self._threads, self._lock:
            if key in self._logs().get(key.name, ()):
                return False
            with (self._folder / LOGS).open("a", encoding="utf-8") as file:
                file.write(key.text + "\n")
        return True

    def add_checkpoint(self, body: bytes) -> Verdict:
        """Answers a request: the head is recorded, durably, before it is cosigned."""
        if len(body) > BODY_CAP:
            return Verdict(status=400, body="too large\n")
        with self._threads, self._lock:
            heads = self._heads()
            verdict = judge_request(body, self._logs(), heads)
            if verdict.record is None:
                return verdict
            heads[verdict.record.origin] = verdict.record
            self._keep(heads)
        text = verdict.record.note.decode().rpartition("\n\n")[0] + "\n"
        line = cosignature_line(self._signer, text, int(self._clock.now().timestamp()))
        return msgspec.structs.replace(verdict, body=line)

    def _logs(self) -> dict[str, Sequence[Verifier]]:
        logs: dict[str, Sequence[Verifier]] = {}
        path = self._folder / LOGS
        for text in path.read_text("utf-8").split("\n") if path.exists() else []:
            if text:
                key = Verifier.parse(text)
                logs[key.name] = (*logs.get(key.name, ()), key)
        return logs

    def _heads(self) -> dict[str, Checkpoint]:
        path = self._folder / HEADS
        if not path.exists():
            return {}
        try:
            notes = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
            return {origin: parse_checkpoint(note.encode()) for origin, note in notes.items()}
        except (msgspec.DecodeError, VerifyError) as error:
            # Forgetting a head would let a log be rolled back: a person must look.
            raise StoreError(f"{path}: can't be read ({error}); this witness must not go on") from error

    def _keep(self, heads: dict[str, Checkpoint]) -> None:
        path = self._folder / HEADS
        beside = path.with_name(HEADS + ".new")
        with beside.open("wb") as file:
            file.write(msgspec.json.encode({origin: head.note.decode() for origin, head in heads.items()}))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def request_cosignature(archive: Archive, fetcher: Fetcher, url: str, witnesses: Sequence[Cosigner]) -> list[str]:
    """Asks one witness for its cosignature of the head and keeps it there; names of those that cosigned now.

    Raises MirrorError (refused, behind), FetchError, ConfigError before the first entry or for a key nobody knows.
    """
    head = archive.checkpoint()
    if head is None or archive.verifier is None:
        raise ConfigError("nothing to cosign: the log is empty")
    text = head.note.rpartition(b"\n\n")[0] + b"\n"
    answer = _post(fetcher, url, add_request(0, [], head.note))
    if answer.status == 409:
        known = _size(answer, url)
        if known > head.size:
            raise _behind(url, known, head.size)
        proof = archive.tree().consistency(known, head.size) if known else []
        answer = _post(fetcher, url, add_request(known, proof, head.note))
    if answer.status != 200:
        words = answer.body[:200].decode("utf-8", "replace").strip()
        raise MirrorError(f"{url}: the witness refuses ({answer.status}): {words}", kind="refused")
    asked = text + b"\n" + answer.body
    try:
        found = cosignatures(asked, witnesses)
    except VerifyError as error:
        raise MirrorError(f"{url}: {error}", kind="refused") from error
    if not found:
        raise ConfigError(f"{url}: its cosignature is of no key in witness_keys: add the witness's key there")
    with archive.lock:
        now = archive.head.read()
        if now is not None and now.rpartition(b"\n\n")[0] == head.note.rpartition(b"\n\n")[0]:
            note = verified_note(answer_first(now, answer.body), archive.verifier, witnesses)
            archive.head.replace(now, note)
    return [*found]


def answer_first(note: bytes, lines: bytes) -> bytes:
    """The note with new cosignature lines before older ones of the same witness."""
    text, _, held = note.rpartition(b"\n\n")
    return text + b"\n\n" + lines + held


def _post(fetcher: Fetcher, url: str, body: bytes) -> Response:
    where = url.rstrip("/") + "/add-checkpoint"
    result = fetcher.fetch(FetchRequest(url=where, kind="file", post=body, cap_bytes=BODY_CAP))
    if result.response is None:
        raise FetchError(result.error or f"{where}: asks to be left alone", url=where, kind=result.error_kind)
    return result.response


def _size(answer: Response, url: str) -> int:
    text = answer.body[:40].decode("ascii", "replace").strip()
    if not text.isascii() or not text.isdigit():
        raise MirrorError(f"{url}: the witness names no size: {text!r}", kind="refused")
    return int(text)


def _behind(url: str, theirs: int, own: int) -> MirrorError:
    return MirrorError(
        f"{url} holds {theirs} entries of this log, this archive {own}: appending would fork it. Get them back with"
        " `baoguan mirror pull URL -C DIR --recover` from a mirror, or begin a new log: `baoguan key new-origin`",
        kind="behind",
    )


def check_restored(
    archive: Archive, folder: Path, fetcher: Fetcher, mirrors: Sequence[str], witnesses: Sequence[str]
) -> list[str]:
    """Asks mirrors and witnesses how long they know this log; what each said.

    Raises MirrorError where one knows more than this archive holds, or another log; StoreError when none can be asked.
    """
    head = archive.checkpoint()
    own = head.size if head else 0
    said, failed = [], []
    for url in mirrors:
        try:
            met = parse_checkpoint(read_note(Host(fetcher, url, folder / "state" / "parts")), archive.verifier)
        except BaoguanError as error:
            failed.append(str(error))
            continue
        if met.size > own:
            raise _behind(url, met.size, own)
        judge(head, met, archive, folder, url) if met.size == own else _is_prefix(head, met, archive, folder, url)
        said.append(f"{url} holds {met.size} entries")
    for url in witnesses if head else ():
        assert head is not None
        try:
            answer = _post(fetcher, url, add_request(0, [], head.note))
        except BaoguanError as error:
            failed.append(str(error))
            continue
        known = _size(answer, url) if answer.status == 409 else 0
        if known > own:
            raise _behind(url, known, own)
        said.append(f"{url} has cosigned {known} entries")
    if failed and not said:
        raise StoreError(
            f"this archive was restored from a backup, and nobody who may know more can be asked ({failed[0]});"
            " try again, or, when you are sure that this is the newest state: `baoguan mirror check --accept`"
        )
    return said


def _is_prefix(head: Checkpoint | None, met: Checkpoint, archive: Archive, folder: Path, url: str) -> None:
    try:
        judge(head, met, archive, folder, url)
    except MirrorError as error:
        if error.kind != "rollback":
            raise
