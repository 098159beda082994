"""One file below an emergency directory, until its document is in the broker.

A file is added once its size and modification time rest and its bytes are one JSON
document. Adding a document again is harmless, and shows whether the broker still has
it: it takes each content once for each path.
"""

from collections.abc import Callable
from functools import partial
from hashlib import sha256

from tailcast_streams.broker import SessionWriter
from tailcast_streams.entries import Document
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.record import Invalid
from tailcast_tailer.core.documents import (
    MAX_DOCUMENT_BYTES,
    NEWS_SECONDS,
    read_document,
)
from tailcast_tailer.core.records import fault
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    glimpse,
    read_regular,
)
from tailcast_tailer.files.threads import Jobs
from tailcast_tailer.instruments import Instruments


# A writer that pauses for longer has probably finished.
WRITER_PAUSE_SECONDS = 0.2
# A file that is no valid document for longer is logged as rejected.
DEADLINE_SECONDS = 30.0
# Until a resting file that is no valid document is read again.
REREAD_SECONDS = 1.0


class DocumentFile:
    """Watches one file; the latest document it held is in the broker."""

    def __init__(
        self,
        path: str,
        name: str,
        *,
        writer: SessionWriter,
        instruments: Instruments,
        jobs: Jobs,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        on_forgotten: Callable[[], None],
    ) -> None:
        """Prepare; `name` is the path below the log directory.

        `on_forgotten` is called when the broker turns out to have lost the document.
        """
        self.path = path
        self.name = name
        self._writer = writer
        self._instruments = instruments
        self._jobs = jobs
        self._clock = clock
        self._wall_clock = wall_clock
        self._on_forgotten = on_forgotten
        # What the latest look saw, and since when it is the same.
        self.glimpse: Glimpse | None = None
        self._still_since = 0.0
        # How the file looked when the latest document was added, None to add it again;
        # the document's digest, and when it was new to the broker.
        self._added: Glimpse | None = None
        self._added_sha256 = ""
        self.added_at = 0.0
        # Since when the file has been waiting to become a document.
        self._waiting_since: float | None = None

    bytes_behind = 0
    open_since = None

    @property
    def device(self) -> int | None:
        """The number of the device that it is on; None while that is not known."""
        return self._jobs.device

    @property
    def age_seconds(self) -> float:
        """How long ago the file changed, by its own word; 0 if that is not known."""
        if self.glimpse is None:
            return 0.0
        return max(0.0, self._wall_clock() - self.glimpse.mtime_ns / 1e9)

    def move(self, path: str) -> None:
        """It was renamed; its document keeps the name that it had."""
        self.path = path

    def reload_state(self) -> None:
        """Add the document again at the next turn: the broker may have forgotten."""
        self._added = None

    def release(self) -> None:
        """Nothing is held open."""

    async def turn(self) -> float | None:
        """Take a step towards the document; as `Follower.turn`."""
        try:
            seen = await self._jobs(partial(glimpse, self.path))
        except CannotBeSeen as error:
            self._instruments.cannot_see(self.path, str(error))
            return None
        self._instruments.can_see(self.path)
        now = self._clock()
        if seen != self.glimpse:
            self.glimpse, self._still_since = seen, now
            self._jobs.device = seen.identity.device
        if seen == self._added:
            return None
        if self._waiting_since is None:
            self._waiting_since = now
        is_resting = self._wall_clock() - seen.mtime_ns / 1e9 > DEADLINE_SECONDS
        if now - self._still_since < WRITER_PAUSE_SECONDS and not is_resting:
            return WRITER_PAUSE_SECONDS
        return await self._add(seen, now)

    async def _add(self, seen: Glimpse, now: float) -> float | None:
        try:
            document = await self._jobs(partial(self._read, seen))
            if isinstance(document, Invalid):
                return self._not_yet(document, now)
            is_new = await self._writer.add_document(document)
        except CannotBeSeen as error:
            self._instruments.cannot_see(self.path, str(error))
            return None
        except (BrokerError, OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  # it would fail again for ever
            return self._not_yet(Invalid(fault(error)), now)
        self._added, self._waiting_since = seen, None
        if is_new and document.sha256 == self._added_sha256:
            self._on_forgotten()
        elif is_new:
            self.added_at = now
        self._added_sha256 = document.sha256
        self._instruments.document_added(self.name, document.session, is_new=is_new)
        return None

    def _not_yet(self, invalid: Invalid, now: float) -> float | None:
        since = self._waiting_since
        if since is not None and now - since < DEADLINE_SECONDS:
            return REREAD_SECONDS
        self._instruments.document_rejected(self.name, invalid.reason)
        # A change of the file will bring it back.
        return None

    def _read(self, seen: Glimpse) -> Document | Invalid:
        """Read the file as it was seen. Blocking."""
        if seen.size > MAX_DOCUMENT_BYTES:
            return Invalid(f"larger than {MAX_DOCUMENT_BYTES} bytes")
        data = read_regular(self.path, most=MAX_DOCUMENT_BYTES + 1)
        if len(data) != seen.size or glimpse(self.path) != seen:
            return Invalid("it is being written")
        age = self._wall_clock() - seen.mtime_ns / 1e9
        document = read_document(
            data,
            path=self.name,
            sha256=sha256(data).hexdigest(),
            is_news=age <= NEWS_SECONDS,
        )
        if isinstance(document, Invalid):
            return document
        return document._replace(written_ms=max(0, seen.mtime_ns // 1_000_000))
