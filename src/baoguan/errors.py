"""Every exception of the package.

    BaoguanError
    ├─ ConfigError          settings, outlet files, command lines
    ├─ FetchError           the network: refused, failed, over a cap
    ├─ FeedError            bytes that are no feed, or over a cap
    ├─ ExtractError         a page that can't be read at all
    ├─ PictureError         a picture that can't be had or transformed
    ├─ StoreError
    │  ├─ NotFound          nothing under that name
    │  │  └─ Withdrawn      it was kept, and taken out
    │  ├─ Withheld          kept, but not served to readers
    │  ├─ Conflict          other bytes stand under that name
    │  ├─ Corrupt           what is kept contradicts itself
    │  └─ DiskFull          no room: nothing of the batch was kept
    └─ VerifyError          a proof, signature or digest that doesn't hold
       └─ MirrorError       another host of the same log that doesn't keep to it

Messages are one line for operators: what, where and, when there is one, what to do.
"""


class BaoguanError(Exception):
    """Base of all errors of baoguan; `retryable` says whether trying again later can help."""

    retryable = False


class ConfigError(BaoguanError):
    """A setting, an outlet file or a command line that can't be used."""


class FetchError(BaoguanError):
    """A request that gave no usable response.

    `kind` is one word that `status` translates: dns, connect, tls, timeout, reset, status, redirects, size, encoding,
    address, robots, header, proxy.
    """

    def __init__(self, message: str, *, url: str, kind: str, retryable: bool = True) -> None:
        super().__init__(message)
        self.url = url
        self.kind = kind
        self.retryable = retryable


class FeedError(BaoguanError):
    """Bytes that are no feed, or a feed over a cap."""


class ExtractError(BaoguanError):
    """A page that can't be read at all."""


class PictureError(BaoguanError):
    """A picture that can't be had or transformed; the message is weserv's, `status` that of its answer."""

    def __init__(self, message: str, *, status: int = 404) -> None:
        super().__init__(message)
        self.status = status


class StoreError(BaoguanError):
    """The archive on disk."""


class NotFound(StoreError):  # noqa: N818 - the words of the archive, as STYLE.md draws them
    """Nothing is kept under that name."""


class Withdrawn(NotFound):
    """It was kept, and taken out for good."""


class Withheld(StoreError):  # noqa: N818
    """The operator keeps it and doesn't serve it."""


class Conflict(StoreError):  # noqa: N818
    """Other bytes are kept under that name."""


class Corrupt(StoreError):  # noqa: N818
    """What is kept contradicts itself or its digest."""


class DiskFull(StoreError):  # noqa: N818
    """No room is left; nothing of the batch was kept."""

    retryable = True


class VerifyError(BaoguanError):
    """A proof, a signature or a digest that doesn't hold."""


class MirrorError(VerifyError):
    """A host, mirror or witness that doesn't keep to the log; `kind` is one word, with an exit code of its own.

    fork, rollback, swapped (another log or key), unsigned, altered, missing, hostile (answers made to do harm), behind
    (this archive, against its mirrors), refused (by a witness).
    """

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind
